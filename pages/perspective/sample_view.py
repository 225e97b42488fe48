"""Single samples, laid out so that neighbours are alike: UMAP of the real rows, the synthetic placed among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.arranging import Arranged, arranged, submit_arrange
from core.drawing.numbers import counted
from core.errors import NotFoundError
from core.figures import SAMPLE_HEIGHT, sample_figure
from core.generators import REAL
from core.jobs import Jobs
from core.storage.records import Job, Run
from core.store import Store
from core.tasks import Task
from pages.perspective.places import SAMPLES, SAMPLES_CHART
from pages.perspective.shown import Shown
from pages.perspective.toolbar import EVERYONE, View
from pages.shared.headline import section
from pages.shared.linked import linked_config
from pages.shared.plain import literal

if TYPE_CHECKING:
    import plotly.graph_objects as go

WAIT_SECONDS = 2.0
ASKED = "perspective-arranging"
"""Session key of the job that was asked for, by task and runs."""


def sample_view(jobs: Jobs, shown: Shown, view: View) -> None:
    """Draw the view; while samples are still being placed it looks for them by itself."""
    runs = [run for run in shown.runs.values() if view.of in (EVERYONE, run.id)]
    found = _arranged(jobs.store, shown.task, runs)
    job = _asked(jobs, shown.task, runs) if found.waiting else None
    waits = job is not None and job.active
    st.fragment(_view, key=SAMPLES, run_every=WAIT_SECONDS if waits else None)(jobs, shown, runs, waits)


def _view(jobs: Jobs, shown: Shown, runs: Sequence[Run], waited: bool) -> None:
    found = _arranged(jobs.store, shown.task, runs)
    job = _asked(jobs, shown.task, runs) if found.waiting else None
    if waited and (job is None or not job.active):
        # The whole page once more, without the clock.
        st.rerun()
    section("Sample view", "neighbours are meaningful here, distances are not")
    # A picture that grew sample by sample would be drawn anew each time: it comes when it is whole.
    if found.waiting and (job is None or job.active or not len(found.points)):
        _waiting(found, job)
        return
    real = sum(key == REAL for key in found.keys)
    st.plotly_chart(
        _figure((found.view, tuple(run.id for run in runs), len(found.keys), found.waiting), found),
        key=SAMPLES_CHART,
        config=linked_config(len(found.keys)),
        alt=f"{counted(real, 'real row')} and {counted(len(found.keys) - real, 'synthetic sample')}. {found.said}",
        theme="streamlit",
    )


def _waiting(found: Arranged, job: Job | None) -> None:
    with st.container(border=True, height=SAMPLE_HEIGHT, vertical_alignment="center", horizontal_alignment="center"):
        if job is not None and not job.active:
            st.markdown("##### Not arranged", text_alignment="center", anchors=False)
            why = job.error or "The work was cancelled; open the page again to ask for it."
            st.markdown(f":small[:gray[{literal(why)}]]", text_alignment="center")
            return
        total = len(found.keys) + found.waiting
        words = f"{counted(found.waiting, 'sample')} of {total:,} to go" if found.points.size else "laying out the rows"
        st.markdown("##### :shimmer[Arranging the samples]", text_alignment="center", anchors=False)
        st.markdown(f":small[:gray[{words}; the first time takes half a minute.]]", text_alignment="center")


def _asked(jobs: Jobs, task: Task, runs: Sequence[Run]) -> Job:
    """The job that arranges these samples, asked for once a session and again when more have come."""
    asked: dict[Any, int] = st.session_state.setdefault(ASKED, {})
    key = (task.name, tuple((run.id, run.samples) for run in runs))
    try:
        return jobs.job(asked[key])
    except (KeyError, NotFoundError):
        # Not asked for yet, or so long ago that the queue has forgotten it.
        asked[key] = submit_arrange(jobs, task, runs).id
    return jobs.job(asked[key])


def _arranged(store: Store, task: Task, runs: Sequence[Run]) -> Arranged:
    """What is known; kept once it is whole."""
    key = (task.name, tuple((run.id, run.samples) for run in runs))
    kept: dict[Any, Arranged] = st.session_state.setdefault("perspective-arranged", {})
    if key not in kept:
        found = arranged(store, task, runs)
        if found.waiting:
            return found
        kept.clear()
        kept[key] = found
    return kept[key]


@st.cache_resource(max_entries=8, show_spinner=False)
def _figure(key: Any, _found: Arranged) -> go.Figure:
    return sample_figure(
        _found.points,
        ["real" if key == REAL else "synthetic" for key in _found.keys],
        [sample.id for sample in _found.samples],
        [sample.text for sample in _found.samples],
    )
