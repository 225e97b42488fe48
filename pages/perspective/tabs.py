"""The three tabs of the right half; a lasso draws them again, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.drawing.scales import Colour
from core.jobs import Jobs
from core.storage.records import Job
from pages.perspective.distances import distances
from pages.perspective.guarantees import guarantees
from pages.perspective.places import DISTANCES, GUARANTEES, PANEL_HEIGHT, TAB, TABS, TEXTS
from pages.perspective.selection import link
from pages.perspective.shown import Shown
from pages.perspective.texts import texts
from pages.perspective.toolbar import view_of


def tabs(
    jobs: Jobs,
    shown: Shown,
    found: Mapping[str, Colour],
    job: Job | None,
    scores: Mapping[str, Mapping[str, float]],
) -> None:
    """Draw the tabs. job: that tests every run against the real data."""
    st.fragment(_tabs, key=TABS)(jobs, shown, found, job, scores)


def _tabs(
    jobs: Jobs,
    shown: Shown,
    found: Mapping[str, Colour],
    job: Job | None,
    scores: Mapping[str, Mapping[str, float]],
) -> None:
    view = view_of(shown, found)
    selected, apart, sure = st.tabs([TEXTS, DISTANCES, GUARANTEES], key=TAB, on_change="rerun")
    with selected, st.container(height=PANEL_HEIGHT, border=False, gap=None):
        if selected.open:
            with st.container(gap="small"):
                texts(jobs, shown, view)
        link(shown.task.name)
    with apart, st.container(height=PANEL_HEIGHT, border=False, gap="small"):
        if apart.open:
            distances(jobs, shown, job, scores)
    with sure:
        if sure.open:
            guarantees(shown, view.all_at_once)
