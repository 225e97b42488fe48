"""Which samples are selected: their ids, kept by callbacks, so that they outlive reruns, page switches and new runs.

A chart forgets its lasso whenever its figure changes; what was selected is known here and lit again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.generators import HELD_OUT, REAL
from pages.perspective.places import MAP_CHART, OF, SAMPLES_CHART, TAB, TEXTS
from pages.shared.linked import Pick, link_charts

SELECTED = "perspective-selected"
VERSION = "perspective-selection-version"


@dataclass(frozen=True)
class Selection:
    """ids: of samples, with their kind before them, each once; name: of the subset they came from, "" for none."""

    ids: tuple[str, ...]
    name: str = ""


def selection_of(task: str) -> Selection | None:
    """What is selected among the samples of a task; None where nothing is."""
    found: Selection | None = st.session_state.get(SELECTED, {}).get(task)
    return found


def select(task: str, ids: Sequence[str], name: str = "") -> None:
    """Select these samples; no ids select nothing."""
    kept = tuple(dict.fromkeys(ids))
    st.session_state.setdefault(SELECTED, {})[task] = Selection(kept, name) if kept else None
    st.session_state[VERSION] = st.session_state.get(VERSION, 0) + 1
    if kept:
        st.session_state[TAB] = TEXTS


def link(task: str) -> None:
    """Keep both charts at what is selected; drawn with the texts, which every selection draws again."""
    chosen = selection_of(task)
    link_charts(
        (MAP_CHART, SAMPLES_CHART),
        None if chosen is None else chosen.ids,
        st.session_state.get(VERSION, 0),
        key="perspective-link",
        on_pick=partial(take, task),
    )


def take(task: str, pick: Pick) -> None:
    """For a callback: a lasso or box selects samples, a click on a run shows the samples of that run."""
    kind, _, run = pick.mark.partition(":")
    if kind == "run":
        if run not in (REAL, HELD_OUT):
            st.session_state[OF] = run
            # The whole page: the choice of the run stands above both maps.
            st.rerun()
        return
    select(task, pick.ids)
