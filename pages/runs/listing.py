"""The list: headline, search and filters, and one row a run; a click opens a run below."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.drawing.numbers import interval
from core.store import Store
from pages.runs.entry import Entry, entries
from pages.runs.finding import WORDS, finding
from pages.runs.search import all_words, fits
from pages.shared.badges import STATES
from pages.shared.headline import headline
from pages.shared.plain import readable
from pages.shared.states import empty

if TYPE_CHECKING:
    import pandas as pd

QUESTION = "What was written, and what can be done with it?"
ICON = ":material/inventory_2:"
OPEN = "runs-open"
"""Session key of the id of the run that is open below the list."""

TABLE = "runs-table"
SEARCH, TASK, STATUS, STARRED = "runs-search", "runs-task", "runs-status", "runs-starred"
ROW, ROWS = 35, 8
"""Height of a row in pixels, and how many the list shows before it scrolls."""

SIGNS = {"running": "✎", "queued": "…", "done": "✓", "interrupted": "‖", "cancelled": "‖", "failed": "✕"}
"""Signs for cells, which take no icons; the word stands beside each."""

CHIPS = {"gray": "#7B868C33", "blue": "#3B7DD833", "green": "#0FA08C33", "yellow": "#C9A22740", "red": "#C8434B33"}
"""The colours of badges, thin enough to be read on paper and in the dark: cells know no theme."""


def listing(store: Store, active: frozenset[str], opened: str) -> None:
    """Draw the list.

    active: runs that were in progress when the page was drawn, opened: the one whose details it drew;
    where either has changed, the whole page is drawn again.
    """
    known = entries(store)
    now = frozenset(entry.run.id for entry in known if entry.run.active)
    if now != active or st.session_state.get(OPEN) != opened or not known:
        st.rerun()
    title, detail = finding(known)
    headline("Runs", QUESTION, title, detail, ICON)
    shown = _filtered(known)
    height = (min(len(known), ROWS) + 1) * ROW + 3
    if not shown:
        if empty("No run fits", "Try fewer words, or show every task and state.", ("Show all runs", "runs-all"),
                 height=max(height, 180)):  # fmt: skip
            st.session_state["runs-clear"] = True
            st.rerun()
        return
    _table(shown, height, several=len({entry.run.task for entry in known}) > 1)


def _filtered(known: Sequence[Entry]) -> list[Entry]:
    if st.session_state.pop("runs-clear", False):
        st.session_state[SEARCH] = ""
        st.session_state[TASK] = None
        st.session_state[STATUS] = []
        st.session_state[STARRED] = False
    tasks = sorted({entry.run.task: entry.task for entry in known}.items(), key=lambda each: each[1])
    count = Counter(entry.run.status for entry in known)
    titles = dict(tasks)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        typed = st.text_input(
            "Search",
            key=SEARCH,
            type="search",
            live=True,
            placeholder="γ 0.4, a note, an id",
            help="Words of settings, note, id and state; `gamma 0.4` or `seed=7` compares the value.",
            width=250,
            persist_state="session",
        )
        task = None
        if len(tasks) > 1:
            task = st.selectbox(
                "Task",
                list(titles),
                index=None,
                format_func=lambda name: titles.get(name, name),
                placeholder="All tasks",
                key=TASK,
                width=190,
                persist_state="session",
            )
        wanted = st.pills(
            "State",
            [status for status in SIGNS if count[status]],
            selection_mode="multi",
            format_func=lambda status: f"{_icon(status)} {WORDS[status]} {count[status]}",
            key=STATUS,
            persist_state="session",
        )
        starred = st.toggle(
            "Starred only",
            key=STARRED,
            persist_state="session",
        )
    return [
        entry
        for entry in known
        if (task is None or entry.run.task == task)
        and (not wanted or entry.run.status in wanted)
        and (not starred or entry.run.starred)
        and fits(typed or "", _readable_words(entry), entry.settings)
    ]


def _readable_words(entry: Entry) -> str:
    run = entry.run
    told = all_words(entry.settings) if entry.settings else str(dict(run.settings))
    return " ".join(
        (run.id, run.note, run.task, entry.task, run.kind, run.status, WORDS[run.status], entry.name, told)
        + (() if run.parent is None else ("control", run.parent))
        + tuple(entry.words)
    )


def _icon(status: str) -> str:
    return f":material/{STATES['writing' if status == 'running' else status][1]}:"  # type: ignore[index]


def _table(shown: Sequence[Entry], height: int, several: bool) -> None:
    ids = [entry.run.id for entry in shown]
    opened = st.session_state.get(OPEN)
    rows = [ids.index(opened)] if opened in ids else []
    # The selection is a row number, so a table of other rows is another widget: a browser that still holds
    # the old number would open the wrong run.
    key = f"{TABLE}-{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:12]}"
    st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    st.dataframe(
        _frame(shown),
        key=key,
        on_select=partial(_open_chosen, key, ids),
        selection_mode=["single-row", "single-cell"],
        hide_index=True,
        height=height,
        row_height=ROW,
        placeholder="",
        column_order=[name for name in _columns([]) if several or name != "Task"],
        column_config=_columns(shown),
        alt="The runs of this store, newest first; a click on a row opens the run below.",
    )


def _open_chosen(key: str, ids: Sequence[str]) -> None:
    chosen = st.session_state[key]["selection"]
    # A click anywhere in a row opens it, not only one in its box.
    rows = [row for row, _ in chosen["cells"]] or list(chosen["rows"])
    if rows and rows[0] < len(ids):
        st.session_state[OPEN] = ids[rows[0]]


def _frame(shown: Sequence[Entry]) -> pd.DataFrame:
    import pandas as pd

    zone = _zone()
    return pd.DataFrame(
        {
            "Star": ["★" if entry.run.starred else "" for entry in shown],
            "Settings": [entry.words + (["control"] if entry.run.parent is not None else []) for entry in shown],
            "Task": [readable(entry.task) for entry in shown],
            "State": [[_state(entry)] for entry in shown],
            "Samples": [f"{entry.run.samples:,} of {entry.run.expected:,}" for entry in shown],
            "To real": pd.array([entry.distance.value if entry.distance else None for entry in shown], dtype="Float64"),
            "95% interval": [
                interval(entry.distance.low, entry.distance.high) if entry.distance else "" for entry in shown
            ],
            "Asked": [datetime.fromtimestamp(entry.run.created, zone) for entry in shown],
            "Note": [readable(entry.run.note) for entry in shown],
            "Run": [entry.run.id for entry in shown],
        }
    )


def _columns(shown: Sequence[Entry]) -> dict[str, Any]:
    config = st.column_config
    words = sorted({word for entry in shown for word in entry.words})
    states = list(dict.fromkeys((_state(entry), STATES[entry.state][0]) for entry in shown))
    largest = max((entry.distance.value or 0.0 for entry in shown if entry.distance), default=0.0)
    return {
        "Star": config.TextColumn("★", width=34, help="Runs that somebody starred"),
        "Settings": config.MultiselectColumn(
            options=[*words, "control"],
            color=[*[CHIPS["gray"]] * len(words), CHIPS["blue"]],
            width=225,
        ),
        "Task": config.TextColumn(width=130),
        "State": config.MultiselectColumn(
            options=[word for word, _ in states], color=[CHIPS[color] for _, color in states], width=110
        ),
        "Samples": config.TextColumn(width=82, alignment="right"),
        "To real": config.ProgressColumn(
            format="%.3f",
            min_value=0.0,
            max_value=max(largest, 1e-9),
            width=130,
            help="Debiased squared distance to the real rows, as in the store; smaller is nearer.",
        ),
        "95% interval": config.TextColumn(width=110),
        "Asked": config.DatetimeColumn("Asked for", format="D MMM, HH:mm", width=105),
        "Note": config.TextColumn(width=132),
        "Run": config.TextColumn(width=80, help="Its id, for the address and the command line"),
    }


def _state(entry: Entry) -> str:
    return f"{SIGNS[entry.run.status]} {WORDS[entry.run.status]}"


def _zone() -> Any:
    # The browser names its zone; a machine without that name in its tables shows UTC.
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
