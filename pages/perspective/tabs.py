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
from pages.perspective.texts import reading, texts
from pages.perspective.toolbar import view_of

WAIT_SECONDS = 1.0


def tabs(
    jobs: Jobs,
    shown: Shown,
    found: Mapping[str, Colour],
    job: Job | None,
    scores: Mapping[str, Mapping[str, float]],
) -> None:
    """Draw the tabs. job: that tests every run against the real data."""
    waits = _waits(jobs, job)
    part = st.fragment(_tabs, key=TABS, run_every=WAIT_SECONDS if waits else None)
    part(jobs, shown, found, job, scores, waits)


def _waits(jobs: Jobs, job: Job | None) -> bool:
    """Whether a worker has yet to say something that one of the tabs shows."""
    return (job is not None and job.active) or reading(jobs.store)


# No fragment within this one. What a fragment has drawn and not yet sent is thrown away when it is drawn again; what
# a fragment within it has drawn is not, has then nowhere to stand, and takes the whole page down.
def _tabs(
    jobs: Jobs,
    shown: Shown,
    found: Mapping[str, Colour],
    job: Job | None,
    scores: Mapping[str, Mapping[str, float]],
    waited: bool,
) -> None:
    job = None if job is None else jobs.job(job.id)
    view = view_of(shown, found)
    selected, apart, sure = st.tabs([TEXTS, DISTANCES, GUARANTEES], key=TAB, on_change="rerun")
    with selected, st.container(height=PANEL_HEIGHT, border=False, gap=None):
        if selected.open:
            with st.container(gap="small"):
                texts(jobs, shown, view)
        link(shown.task.name)
    with apart, st.container(height=PANEL_HEIGHT, border=False, gap="small"):
        if apart.open:
            distances(shown, job, scores)
    with sure:
        if sure.open:
            guarantees(shown, view.all_at_once)
    if _waits(jobs, job) != waited:
        # The whole page, with a clock or without: the table, the headline or the texts know more now.
        st.rerun()
