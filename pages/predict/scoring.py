"""The scoring panel: which runs have the score, which of the others to score, how long that takes, how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import streamlit as st

from core.downstream.answers import usual_replicates
from core.downstream.scoring import KIND, MOST_SEEDS, SEEDS, note_of
from core.downstream.summary import Scored, scored
from core.drawing.numbers import counted, duration, three
from core.jobs import Jobs
from core.storage.records import Job, Run
from core.store import Store
from core.tasks import Task
from pages.predict.actions import cancel, score_runs
from pages.predict.places import SCORING
from pages.predict.scores import Score
from pages.shared.plain import literal, readable

REFRESH_SECONDS = 2.0
LAST_JOBS = 600
TABLE_HEIGHT = 246
CONTROLS_WIDTH = 300
TOLD = 3
"""Jobs in progress, and ones that failed, that are told of one by one."""


@dataclass(frozen=True)
class Standing:
    """A run in the panel. scored: None without this score; job: the newest that was to compute it."""

    run: Run
    label: str
    scored: Scored | None
    job: Job | None

    @property
    def value(self) -> float | None:
        """The mean over seeds."""
        return None if self.scored is None else self.scored.value

    @property
    def failed(self) -> bool:
        """Whether the last try came to nothing and nothing else is known."""
        return self.scored is None and self.job is not None and self.job.status == "failed"

    @property
    def active(self) -> bool:
        """Whether it waits to be scored, or is."""
        return self.job is not None and self.job.active

    @property
    def words(self) -> str:
        """What became of it."""
        if self.job is not None and self.job.active:
            return (
                "waiting" if self.job.status == "queued" else f"scoring, {self.job.done / max(self.job.total, 1):.0%}"
            )
        if self.value is not None:
            return "scored"
        if self.scored is not None:
            return "not a number"
        if self.job is None or self.job.status == "done":
            return "no score yet"
        return {"failed": "failed", "cancelled": "stopped"}.get(self.job.status, self.job.status)


def standings(jobs: Jobs, task: Task, runs: Sequence[Run], labels: Mapping[str, str], score: Score) -> list[Standing]:
    """Every run of the map, those without the score first."""
    known = {one.run: one for one in scored(jobs.store, task.name, score.name)}
    newest: dict[str, Job] = {}
    for job in jobs.jobs(kind=KIND, limit=LAST_JOBS):
        if job.payload.get("scorer") == score.scorer:
            newest.setdefault(str(job.payload.get("run")), job)
    found = [Standing(run, labels.get(run.id, run.id), known.get(run.id), newest.get(run.id)) for run in runs]
    return sorted(found, key=lambda one: (one.value is not None, one.label, one.run.id))


def scoring_key(jobs: Jobs, task: Task, score: Score | None) -> object:
    """Changes when a score of this kind was brought to its end, or new work was asked for."""
    if score is None:
        return None
    active = [job.id for job in jobs.jobs(status=("queued", "running"), kind=KIND)]
    if active:
        return tuple(sorted(active))
    return len(jobs.store.stored_scores(name=score.name, task=task.name))


def scoring(jobs: Jobs, task: Task, runs: Sequence[Run], labels: Mapping[str, str], score: Score) -> None:
    """Draw the panel; while students are trained it follows them."""
    live = any(job.payload.get("scorer") == score.scorer for job in jobs.jobs(status=("queued", "running"), kind=KIND))
    st.fragment(_scoring, key=SCORING, run_every=REFRESH_SECONDS if live else None)(jobs, task, runs, labels, score)


def _scoring(jobs: Jobs, task: Task, runs: Sequence[Run], labels: Mapping[str, str], score: Score) -> None:
    rows = standings(jobs, task, runs, labels, score)
    if score.scorer is None:
        st.caption("This score came with imported runs: students of other runs cannot be judged by it here.")
    with st.container(horizontal=True, gap="medium"):
        with st.container():
            chosen = _table(rows, score)
        if score.scorer is not None:
            with st.container(width=CONTROLS_WIDTH, gap="small"):
                _controls(jobs.store, task, score, [one for one in chosen if not one.active])
                _progress([one for one in rows if one.active])
                _failures([one for one in rows if one.failed])


def _table(rows: Sequence[Standing], score: Score) -> list[Standing]:
    """The runs; those marked are returned, at first all without the score."""
    known = sum(one.value is not None for one in rows)
    missing = [number for number, one in enumerate(rows) if one.value is None]
    columns: dict[str, Any] = {
        "Run": [readable(one.label) for one in rows],
        "State": [one.words for one in rows],
        score.unit: ["" if one.value is None else three(one.value) for one in rows],
        "± SE": ["" if one.scored is None else three(one.scored.standard_error) for one in rows],
        "Seeds": ["" if one.scored is None else f"{one.scored.seeds or 'imported'}" for one in rows],
    }
    text = st.column_config.TextColumn
    event = st.dataframe(
        columns,
        hide_index=True,
        height=TABLE_HEIGHT,
        column_config={
            "Run": text(width=170),
            "State": text(width=110),
            score.unit: text(width=96, alignment="right"),
            "± SE": text(width=76, alignment="right"),
            "Seeds": text(width=64, alignment="right"),
        },
        selection_mode="multi-row",
        on_select="rerun",
        selection_default={"selection": {"rows": missing}},
        alt=f"The runs of the map, {known} of {len(rows)} with this score; marked rows are scored by the button.",
        # A new key once a score is known: then those still without one are marked again.
        key=f"predict-runs-{score.name}-{known}",
    )
    return [rows[number] for number in event["selection"]["rows"] if number < len(rows)]


def _controls(store: Store, task: Task, score: Score, chosen: Sequence[Standing]) -> None:
    assert score.scorer is not None
    seeds = st.number_input(
        "Training seeds",
        min_value=SEEDS,
        max_value=MOST_SEEDS,
        value=SEEDS,
        step=1,
        key="predict-seeds",
        persist_state="session",
        help="Students trained for each run; their spread is the measurement error of its score.",
        width=132,
    )
    todo = [one for one in chosen if one.scored is None or one.scored.seeds < seeds]
    st.caption(_cost(store, task, score, todo, int(seeds)))
    st.button(
        f"Score {counted(len(todo), 'run')}",
        key="predict-score",
        icon=":material/model_training:",
        type="primary",
        disabled=not todo,
        on_click=score_runs,
        args=([one.run.id for one in todo], score.scorer, int(seeds)),
    )


def _cost(store: Store, task: Task, score: Score, todo: Sequence[Standing], seeds: int) -> str:
    """What the students of these runs take here, and the answers that they learn from where those are not written."""
    if not todo:
        return "Mark runs without this score, or ask for more seeds."
    each = seconds_per_seed(store, task, score)
    if each is None:
        return "The first run tells how long a student takes here; students train one after the other."
    trained = sum(seeds - (0 if one.scored is None else min(one.scored.seeds, seeds)) for one in todo)
    answers = _writing_seconds(store, task, [one.run for one in todo])
    return f"About **{duration(each * trained + answers)}** here, as earlier runs took; it goes on in the background."


def seconds_per_seed(store: Store, task: Task, score: Score) -> float | None:
    """What training and judging one student took, the median; None where none was timed."""
    told = (note_of(one.note).get("seconds") for one in store.stored_scores(name=score.scorer, task=task.name))
    known = [float(each) for each in told if isinstance(each, int | float)]
    return median(known) if known else None


def _writing_seconds(store: Store, task: Task, runs: Sequence[Run]) -> float:
    """What writing the answers to the train queries takes for runs that have none yet; 0 where nothing was timed."""
    written = [run for run in store.runs(task=task.name, status="done") if run.role == "train" and run.samples]
    samples = sum(run.samples for run in written)
    if not samples:
        return 0.0
    without = {run.id for run in runs if run.kind == "steer"} - {run.parent for run in written}
    each = len(task.with_role("train")) * usual_replicates(task)
    return len(without) * each * sum(run.seconds for run in written) / samples


def _progress(active: Sequence[Standing]) -> None:
    if not active:
        return
    order = sorted(active, key=lambda one: (one.job.status != "running", one.job.id) if one.job else (True, 0))
    for one in order[:1]:
        job = one.job
        assert job is not None
        left = f" · {duration(job.eta)} left" if job.eta is not None and job.status == "running" else ""
        said = literal(job.message) or "waiting for its turn"
        st.progress(
            min(job.done / job.total, 1.0) if job.total else 0.0,
            text=f":small[**{literal(one.label)}** {said}{left}]",
        )
    numbers = [one.job.id for one in order if one.job is not None]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{counted(len(order) - 1, 'other run')} waiting" if order[1:] else "")
        st.button(
            "Cancel",
            icon=":material/close:",
            type="tertiary",
            key="predict-score-cancel",
            help="What is computed stays; asked again, scoring goes on there.",
            disabled=all(one.job is not None and one.job.cancel for one in order),
            on_click=cancel,
            args=(numbers,),
        )


def _failures(failed: Sequence[Standing]) -> None:
    for one in failed[:TOLD]:
        why = one.job.error if one.job is not None else ""
        st.caption(f":red[:material/error: {literal(one.label)}] {literal(why or 'It failed without a word.')}")
    if len(failed) > TOLD:
        st.caption(f"and {len(failed) - TOLD} more failed")
