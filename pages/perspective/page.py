"""Perspective: where settings sit, where the real data is, and how sure all of that is."""

from __future__ import annotations

import time

import streamlit as st

from core.drawing.numbers import counted
from core.errors import StatisticsError
from core.jobs import Jobs
from core.storage.records import Job, Run
from core.tasks import Task
from pages.perspective.below import below
from pages.perspective.colours import colours
from pages.perspective.distances import corrected, tests
from pages.perspective.finding import finding
from pages.perspective.map_view import map_view
from pages.perspective.sample_view import sample_view
from pages.perspective.selection import selection_of
from pages.perspective.shown import MOST, Shown, show, writing_runs
from pages.perspective.tabs import tabs
from pages.perspective.toolbar import dimension_asked, means, toolbar, variant_asked, view_of
from pages.shared.engine import open_jobs
from pages.shared.finished import finished_runs, runs_key
from pages.shared.frame import choice
from pages.shared.headline import headline
from pages.shared.plain import literal
from pages.shared.settings_link import GENERATE
from pages.shared.states import empty, loading

QUESTION = "Where do settings sit, and where is the real data?"
ICON = ":material/bubble_chart:"
COLUMN_WIDTH = 480
EMPTY_HEIGHT = 320
WATCH_SECONDS = 4.0


def nothing_yet(task: Task, active: list[Run]) -> None:
    """No complete run: what will fill the page, and when."""
    plural = f":orange[{literal(task.plural)}]"
    if active:
        headline("Perspective", QUESTION, f"The first run of {plural} is being written.", "", ICON)
        title, when = "No point yet", "The map comes with the first complete run; Generate shows it as it is written."
        words = "Watch it on Generate"
    else:
        headline("Perspective", QUESTION, f"No run of {plural} is on the map yet.", literal(task.description), ICON)
        count = counted(len(task.with_role("probe")), "query", "queries")
        title, when = "No runs on this map yet", f"A point appears as soon as one run has answered {count}."
        words = "Write a first run"
    if empty(title, when, (words, "perspective-first"), height=EMPTY_HEIGHT):
        st.switch_page(GENERATE)


def no_map(task: Task, why: str) -> None:
    """Runs that make no map together."""
    plural = literal(task.plural)
    headline("Perspective", QUESTION, f"These runs of :orange[{plural}] make no map yet.", "", ICON)
    other = ("Show the map of means", "perspective-means") if variant_asked() != "mean" else None
    clicked = empty("No map", literal(why), ("Write another run", "perspective-first"), other, height=EMPTY_HEIGHT)
    if clicked == "perspective-first":
        st.switch_page(GENERATE)
    elif clicked:
        means()
        st.rerun()


def drawing(task: Task, job: Job) -> None:
    """A map that a worker draws: how long it has taken so far."""
    headline("Perspective", QUESTION, f"The map of :blue[{literal(task.plural)}] is being drawn.", "", ICON)
    st.fragment(_await, run_every=1.0)(job.id, EMPTY_HEIGHT)
    if variant_asked() != "mean":
        st.button("Show the map of means meanwhile", key="perspective-means", on_click=means)


def _await(number: int, height: int | None) -> None:
    """Draw the page again once the job has ended; height: of the panel that says so, None for none."""
    job = open_jobs().job(number)
    if not job.active:
        st.rerun()
    if height is not None:
        loading("Comparing the answers of every run", time.time() - job.created, height=height)


def whole(jobs: Jobs, shown: Shown, live: bool) -> None:
    """The page of a map."""
    scores = jobs.store.scores(shown.task.name)
    found = colours(shown.atlas, scores)
    job = tests(jobs, shown)
    title, detail = finding(shown.task, shown.atlas, corrected(job, shown))
    headline("Perspective", QUESTION, title, detail, ICON)
    if shown.drawing is not None:
        st.fragment(_await, run_every=WATCH_SECONDS)(shown.drawing.id, None)
    toolbar(shown, found)
    view = view_of(shown, found)
    halves = st.grid(2, min_column_width=COLUMN_WIDTH, gap="medium")
    with halves.cell():
        map_view(jobs.store, shown, found, live)
    with halves.cell(), st.container(gap="small"):
        tabs(jobs, shown, found, job, scores)
        sample_view(jobs, shown, view)
    below(jobs, shown)


@st.fragment(run_every=WATCH_SECONDS)
def watch(task: Task, before: object) -> None:
    """Draw the page again when a run has come, ended or gone since; a lasso is not touched by it."""
    if _stored(task) != before:
        st.rerun()


def _stored(task: Task) -> object:
    store = open_jobs().store
    return runs_key(finished_runs(store, task, MOST)), tuple(run.id for run in writing_runs(store, task))


jobs = open_jobs()
task = choice().task
finished, active = finished_runs(jobs.store, task, MOST), writing_runs(jobs.store, task)
# Never st.stop(): Streamlit then forgets a click that came while the page was being drawn.
if not finished:
    nothing_yet(task, active)
else:
    try:
        with st.spinner("Drawing the map", show_time=True):
            shown = show(
                jobs, task, finished, variant_asked(), dimension_asked(), hold=selection_of(task.name) is not None
            )
    except StatisticsError as error:
        no_map(task, str(error))
    else:
        if isinstance(shown, Shown):
            whole(jobs, shown, live=bool(active))
        else:
            drawing(task, shown)
watch(task, _stored(task))
