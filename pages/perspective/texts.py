"""The tab of the selected texts: search by word or meaning, the nearest real row, and what can be done with them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.drawing.numbers import counted
from core.jobs import Jobs
from core.searching import by_meaning, keyword, phrase_vector, submit_phrase
from core.store import Store
from pages.perspective import pool
from pages.perspective.places import PANEL_HEIGHT
from pages.perspective.pool import Near, Speck
from pages.perspective.selection import Selection, select, selection_of
from pages.perspective.shown import Shown
from pages.perspective.subsets import export, subsets
from pages.perspective.toolbar import EVERYONE, View
from pages.shared.plain import literal, readable

SEARCH, BY = "perspective-search", "perspective-search-by"
WORD, MEANING = "Word", "Meaning"
"""How often it is looked whether the worker has read the words of a search by meaning."""

ROWS = 500
"""Rows of the table; more of them are a matter for the export."""

CELL = 1_000
"""Characters of a text in the table; an export has all of them."""


def texts(jobs: Jobs, shown: Shown, view: View) -> None:
    """The head with search and buttons, and below it the table or one sentence, at one height."""
    task = shown.task.name
    chosen = selection_of(task)
    typed = _typed()
    # What is searched: the selection, else everything that is drawn.
    among = _among(shown, view, chosen)
    found = _found(jobs, shown, among, typed)
    head = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
    # The texts first: somebody waits for them.
    _body(jobs, shown, chosen, among, found, typed)
    with head:
        _search()
        mine = found if found and (chosen or typed) else []
        subsets(jobs.store, task, mine)
        export(jobs.store, shown.task, chosen.name if chosen else "", mine)
        st.button(
            "",
            icon=":material/close:",
            type="tertiary",
            help="Select nothing",
            key="perspective-clear",
            disabled=chosen is None,
            on_click=select,
            args=(task, ()),
        )


def reading(store: Store) -> bool:
    """Whether the worker has yet to read the words that are searched by meaning."""
    typed = _typed()
    return bool(typed) and st.session_state.get(BY, WORD) == MEANING and phrase_vector(store, typed) is None


def _typed() -> str:
    return str(st.session_state.get(SEARCH) or "").strip()


def _body(
    jobs: Jobs, shown: Shown, chosen: Selection | None, among: Sequence[Speck], found: list[Speck] | None, typed: str
) -> None:
    height = PANEL_HEIGHT - 58
    if found is None:
        submit_phrase(jobs, typed)
        _sentence("Reading these words", "The first search by meaning takes a few seconds.", height, shimmer=True)
    elif not chosen and not typed:
        body = "Draw a lasso around points on either map to read their texts, or search all that is drawn."
        _sentence("Nothing is selected", body, height)
    elif not found:
        gone = chosen is not None and not among
        title = "None of these samples is on this map" if gone else "No text fits"
        searched = f"{counted(len(among), 'text')} were searched."
        _sentence(title, "Their runs were deleted, or answer other queries." if gone else searched, height)
    else:
        _table(shown, chosen, found, height)


def _search() -> None:
    by = st.session_state.get(BY, WORD)
    st.text_input(
        "Search",
        key=SEARCH,
        type="search",
        placeholder=f"Search by {by.lower()}",
        label_visibility="collapsed",
        live=True,
        persist_state="session",
        width="stretch",
    )
    st.segmented_control(
        "Search by",
        [WORD, MEANING],
        default=WORD,
        key=BY,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )


def _among(shown: Shown, view: View, chosen: Selection | None) -> list[Speck]:
    if chosen is not None:
        return pool.specks(shown, chosen.ids, ())
    runs = [one.key for one in shown.generators] if view.of == EVERYONE else [view.of] if view.of else []
    return pool.specks(shown, None, (*shown.real, *runs))


def _found(jobs: Jobs, shown: Shown, among: Sequence[Speck], typed: str) -> list[Speck] | None:
    """The texts that fit, by meaning the nearest first; None while the worker reads the words."""
    if not typed:
        return list(among)
    if st.session_state.get(BY, WORD) == WORD:
        return [among[i] for i in keyword([one.sample.text for one in among], typed).tolist()]
    vector = phrase_vector(jobs.store, typed)
    if vector is None:
        return None
    return [among[i] for i in by_meaning(vector, pool.vectors(shown, among)).tolist()]


def _table(shown: Shown, chosen: Selection | None, found: Sequence[Speck], height: int) -> None:
    import pyarrow as pa

    listed = found[:ROWS]
    near = pool.nearest(shown, listed)
    kind = f"{len(found):,} {'selected' if chosen else 'found'}"
    if len(listed) < len(found):
        kind = f"{len(listed)} of {len(found):,}"
    config = st.column_config
    st.dataframe(
        pa.table(_columns(shown, listed, near, kind)),
        hide_index=True,
        height=height,
        placeholder="",
        column_config={
            kind: config.TextColumn(width=92),
            "Text": config.TextColumn(width=268 if near else 340),
            "Cosine": config.NumberColumn(format="%.2f", width=62, help="With the nearest real row"),
            "Nearest real row": config.TextColumn(width=240),
            "Answers": config.TextColumn(width=180),
            "Run": config.TextColumn(width=170),
        },
        alt="The selected texts with the real row that is nearest to each.",
        key="perspective-texts",
    )


def _columns(shown: Shown, listed: Sequence[Speck], near: dict[str, Near], kind: str) -> dict[str, list[object]]:
    queries = shown.task.by_id
    columns: dict[str, list[object]] = {
        kind: ["◆ real" if one.real else "● synthetic" for one in listed],
        "Text": [_cell(one.sample.text) for one in listed],
    }
    if near:
        columns["Cosine"] = [near[one.id].cosine if one.id in near else None for one in listed]
        columns["Nearest real row"] = [_cell(near[one.id].text) if one.id in near else "" for one in listed]
    columns["Answers"] = [
        _cell(queries[one.sample.query].text if one.sample.query in queries else one.sample.query) for one in listed
    ]
    columns["Run"] = [readable(shown.atlas.generators[one.row].label) for one in listed]
    return columns


def _cell(text: str) -> str:
    return readable(text[:CELL]) + ("…" if len(text) > CELL else "")


def _sentence(title: str, body: str, height: int, shimmer: bool = False) -> None:
    with st.container(border=True, height=height, vertical_alignment="center", horizontal_alignment="center"):
        head = f":shimmer[{literal(title)}]" if shimmer else literal(title)
        st.markdown(f"##### {head}", text_alignment="center", anchors=False)
        st.markdown(f":small[:gray[{literal(body)}]]", text_alignment="center")
