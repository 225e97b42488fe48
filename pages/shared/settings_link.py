"""Settings as part of an address: the names they have there, and how a stored run is opened on Generate.

The sliders of Generate are bound to these names, so they are the keys of its widgets too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.errors import SettingsError
from core.sliders import LIMITS, SteerSettings
from core.storage.records import Run
from core.tasks import Task

GENERATE = "pages/generate/page.py"
FOLLOWED = "run"
"""The name under which the address holds the run that Generate shows."""

NAMES: dict[str, str] = {
    "gamma": "g",
    "eta": "e",
    "temperature": "t",
    "alpha": "a",
    "mode": "mode",
    "top_k": "topk",
    "top_p": "topp",
    "min_p": "minp",
    "policy": "policy",
    "negatives": "neg",
    "draw": "draw",
    "chains": "chains",
    "round_size": "round",
    "max_new_tokens": "len",
    "seed": "seed",
}
QUERIES, REPLICATES = "queries", "reps"
REPLICATES_DEFAULT = 8
REPLICATES_MOST = 1_000


def settings_to_query(settings: SteerSettings, queries: int, replicates: int) -> dict[str, str]:
    """What the address says of these settings; each value is named, so that no task's default fills in."""
    values = settings.as_dict()
    named = {short: _text(values[name]) for name, short in NAMES.items()}
    return named | {QUERIES: str(queries), REPLICATES: str(replicates)}


def settings_from_query(query: Mapping[str, str], task: Task) -> tuple[dict[str, Any], list[str]]:
    """Values by widget key from an address, and one sentence for each that cannot be used.

    What the address does not name, or names wrongly, is left out. Names of other things are passed over.
    """
    usual = SteerSettings(max_new_tokens=task.max_new_tokens)
    known: dict[str, Any] = {}
    problems: list[str] = []
    for name, short in NAMES.items():
        if short not in query:
            continue
        try:
            # In balanced mode, so that eta is judged by its own limits first.
            tried = usual.with_(**{"mode": "balanced"} | {name: query[short]})
            known[name] = getattr(tried, name)
        except SettingsError as error:
            problems.append(f"In this link {error}")
    try:
        usual.with_(**known)
    except SettingsError as error:
        known.pop("eta")
        problems.append(f"In this link {error}")
    found = {NAMES[name]: value for name, value in known.items()}
    for short, most in ((QUERIES, len(task.with_role("probe"))), (REPLICATES, REPLICATES_MOST)):
        if short not in query:
            continue
        text = query[short]
        if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most:
            found[short] = int(text)
        else:
            problems.append(f"In this link {short} is {text!r}; give a whole number from 1 to {most:,}.")
    return found, problems


def set_sliders(settings: SteerSettings, queries: int | None = None, replicates: int | None = None) -> None:
    """Move the sliders of Generate; for a callback, before they are drawn."""
    values = settings.as_dict()
    for name, short in NAMES.items():
        # A slider of floats takes no whole number.
        st.session_state[short] = float(values[name]) if _is_float(name) else values[name]
    if queries is not None:
        st.session_state[QUERIES] = queries
    if replicates is not None:
        st.session_state[REPLICATES] = replicates


def open_on_generate(run: Run) -> None:
    """Go to Generate with a run's task, pair and settings, and show the run there: `on_click=`, args=(run,).

    Raises SettingsError where the run holds settings that this version does not know.
    """
    settings = SteerSettings.from_mapping(run.settings)
    st.session_state["task"] = run.task
    pair = dict(run.pair_spec or {}).get("name")
    if pair:
        st.session_state["pair"] = pair
    if run.role == "probe":
        set_sliders(settings, len(run.queries) or None, run.replicates)
    else:
        set_sliders(settings)
    st.session_state.setdefault("followed", {})[run.task] = run.id
    st.switch_page(GENERATE, query_params={FOLLOWED: run.id})


def _is_float(name: str) -> bool:
    return name in LIMITS and isinstance(getattr(SteerSettings, name), float)


def _text(value: Any) -> str:
    # Not shortened: the settings belong to the key of the noise, to the last digit.
    return str(value).removesuffix(".0")
