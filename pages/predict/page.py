"""Predict: what score a setting will reach, before a student is trained on it, and how far to believe that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.atlas import Atlas
from core.downstream.summary import scored
from core.drawing.numbers import counted
from core.errors import NotFoundError, StatisticsError
from core.jobs import Jobs
from core.models import PairSpec
from core.predicting import Gathered, gather
from core.regressing.jackknife import least_runs
from core.regressing.runs import LEAST_RUNS, MOST_RUNS
from core.storage.records import Run
from core.tasks import Task
from pages.predict import next_view
from pages.predict.below import below
from pages.predict.evidence import baselines_view, left_out_view, null_view
from pages.predict.finding import finding
from pages.predict.places import PANEL_HEIGHT
from pages.predict.point_view import point_view
from pages.predict.scores import Score, offered, why_not
from pages.predict.scoring import scoring, scoring_key
from pages.predict.shown import Shown, drawn, names_of, show
from pages.predict.surface_view import surface_view
from pages.predict.toolbar import model_boxes, options_asked, score_asked, scorer_box
from pages.shared.asking import TROUBLE
from pages.shared.engine import open_jobs
from pages.shared.finished import finished_runs, runs_key
from pages.shared.frame import choice
from pages.shared.headline import headline
from pages.shared.plain import literal
from pages.shared.settings_link import GENERATE
from pages.shared.states import empty, failed, too_few

QUESTION = "What score will a setting reach, before I train on it?"
ICON = ":material/target:"
COLUMN_WIDTH = 480
TRACK_WIDTH = 115
"""Of seven: two for each chart of the second row, three for the table; on a narrow page the table stands below."""
WATCH_SECONDS = 4.0
LEVEL = 0.9


def say(title: str, detail: str = "") -> None:
    """Overline, headline, detail, and what the last button could not do."""
    headline("Predict", QUESTION, title, detail, ICON)
    if TROUBLE in st.session_state:
        failed(*st.session_state[TROUBLE], height=None)


def no_runs(task: Task, active: int) -> None:
    """Nothing to score: what will fill the page."""
    plural = f":orange[{literal(task.plural)}]"
    say(f"No run of {plural} can be scored yet.", literal(task.description))
    when = f"A run is scored by students that learn its {literal(task.plural)}; first it must be written."
    words = "Watch it on Generate" if active else "Write a first run"
    if empty("No runs yet", when, (words, "predict-first"), height=PANEL_HEIGHT):
        st.switch_page(GENERATE)


def no_map(task: Task, why: str) -> None:
    """Runs that make no map together."""
    say(f"These runs of :orange[{literal(task.plural)}] make no map yet.")
    if empty("No map, so nothing to predict from", literal(why), ("Write another run", "predict-first"), height=200):
        st.switch_page(GENERATE)


def no_such_score(task: Task, options: Sequence[str], name: str) -> None:
    """A score that the address asks for and the task cannot have."""
    say("This score is none of this task's.", literal(why_not(task, name)))
    if options:
        st.button(f"Show {literal(Score(options[0]).title)}", key="predict-other", type="primary")
    else:
        st.caption("No scorer fits this task; scores can also come with imported runs.")


def no_scores(jobs: Jobs, task: Task, runs: Sequence[Run], labels: Mapping[str, str], score: Score) -> None:
    """Runs without this score: the panel is the page."""
    say(f"No student has learned from :blue[{counted(len(runs), 'run')}] yet.", literal(score.definition))
    panel(jobs, task, runs, labels, score)


def cannot(jobs: Jobs, task: Task, runs: Sequence[Run], labels: Mapping[str, str], score: Score, why: str) -> None:
    """Scores from which nothing can be learnt: too few, or all the same."""
    known = [one for one in scored(jobs.store, task.name, score.name) if one.value is not None and one.run in labels]
    if len(known) < LEAST_RUNS:
        say(f":blue[{counted(len(known), 'run')}] cannot yet say whether the map helps.", literal(score.definition))
        need = least_runs(LEVEL)
        body = f"A prediction takes {LEAST_RUNS} runs with a score, a {LEVEL:.0%} interval {need}."
        too_few(f"No prediction yet: {len(known)} of {LEAST_RUNS} runs", body, len(known), LEAST_RUNS, height=140)
    else:
        say("There is nothing to predict yet.", literal(why))
    panel(jobs, task, runs, labels, score)


def panel(jobs: Jobs, task: Task, runs: Sequence[Run], labels: Mapping[str, str], score: Score) -> None:
    """Scorer and scoring panel, where there is nothing else to show."""
    scorer_box(offered(jobs.store, task))
    with st.container(border=True):
        scoring(jobs, task, runs, labels, score)


def whole(jobs: Jobs, shown: Shown, runs: Sequence[Run], pair: PairSpec | None) -> None:
    """The page of a prediction."""
    title, detail = finding(shown.evaluation, shown.gathered, shown.score, len(runs))
    say(title, detail)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="predict-toolbar"):
        scorer_box(offered(jobs.store, shown.task))
        model_boxes(shown.gathered, shown.options)
        point_view(jobs, shown, pair)
    found = next_view.known(shown)
    with st.grid(2, min_column_width=COLUMN_WIDTH, gap="medium"):
        with st.container(gap="xsmall"):
            surface_view(jobs, shown, pair, found if isinstance(found, tuple) else ())
        with st.container(gap="xsmall"):
            left_out_view(shown)
    tracks = st.grid(7, min_column_width=TRACK_WIDTH, gap="medium")
    with tracks.cell(column_span=2), st.container(gap="xsmall"):
        baselines_view(shown)
    with tracks.cell(column_span=2), st.container(gap="xsmall"):
        null_view(shown)
    with tracks.cell(column_span=3), st.container(gap="xsmall"):
        next_view.next_view(shown, pair)
    have = shown.gathered.runs.count
    words = f"Score runs: {have:,} of {counted(len(runs), 'run')} on the map have this score"
    with st.expander(words, icon=":material/model_training:", key="predict-scoring-open"):
        scoring(jobs, shown.task, runs, shown.labels, shown.score)
    below(shown)


def predicted(jobs: Jobs, task: Task, runs: Sequence[Run], atlas: Atlas, name: str) -> Shown | None:
    """Draw the page of one score; the prediction, where there is one."""
    labels, score = names_of(atlas), Score(name)
    try:
        gathered: Gathered = gather(jobs.store, atlas, name, runs)
        with st.spinner("Predicting every run without itself", show_time=True):
            shown = show(task, atlas, {run.id: run for run in runs}, gathered, options_asked(gathered))
    except NotFoundError:
        no_scores(jobs, task, runs, labels, score)
        return None
    except StatisticsError as error:
        cannot(jobs, task, runs, labels, score, str(error))
        return None
    whole(jobs, shown, runs, chosen.pair)
    return shown


@st.fragment(run_every=WATCH_SECONDS)
def watch(task: Task, name: str | None, before: object) -> None:
    """Draw the page again when a run has come, ended or gone, or a score has come to its end."""
    if _stored(task, name) != before:
        st.rerun()


def _stored(task: Task, name: str | None) -> object:
    jobs = open_jobs()
    return runs_key(finished_runs(jobs.store, task, MOST_RUNS)), scoring_key(
        jobs, task, None if name is None else Score(name)
    )


jobs, chosen = open_jobs(), choice()
task = chosen.task
runs = finished_runs(jobs.store, task, MOST_RUNS)
options = offered(jobs.store, task)
name = score_asked(options)
before = _stored(task, name)
shown: Shown | None = None
# Never st.stop(): Streamlit then forgets a click that came while the page was being drawn.
if not runs:
    no_runs(task, sum(run.active for run in jobs.store.runs(task=task.name)))
elif name is None or name not in options:
    no_such_score(task, options, name or "")
else:
    try:
        with st.spinner("Drawing the map", show_time=True):
            atlas = drawn(jobs.store, task, runs)
    except StatisticsError as error:
        no_map(task, str(error))
    else:
        shown = predicted(jobs, task, runs, atlas, name)
watch(task, name, before)
# Last, because it takes seconds: everything else is on the screen by now.
if shown is not None and next_view.known(shown) is None:
    next_view.find(jobs.store, shown)
    st.rerun()
