"""What the buttons do: each asks for work and leaves; a worker does it, and the page follows."""

from __future__ import annotations

import streamlit as st

from core.jobs import Jobs
from core.models import PairSpec
from core.running import submit_explain, submit_preview, submit_run
from core.sliders import SteerSettings
from core.storage.records import Priority, Run
from core.tasks import Task
from pages.generate.following import follow
from pages.generate.sliders import batch_now, settings_now
from pages.shared.asking import button


@button
def start_preview(jobs: Jobs, task: Task, pair: PairSpec) -> None:
    """Stream a few samples; an earlier preview that still runs makes room."""
    drop_preview(jobs, task)
    st.session_state["previews"][task.name] = submit_preview(jobs, task, pair, settings_now(task)).id


@button
def close_preview(jobs: Jobs, task: Task) -> None:
    """Stop the preview where it still runs, and show the run's samples again."""
    drop_preview(jobs, task)


@button
def start_run(jobs: Jobs, task: Task, pair: PairSpec) -> None:
    """Write the whole batch in the background, and follow it."""
    queries, replicates = batch_now(task)
    job = submit_run(jobs, task, pair, settings_now(task), queries=queries, replicates=replicates)
    drop_preview(jobs, task)
    _follow(jobs, job.run)


@button
def start_control(jobs: Jobs, task: Task, run: Run) -> None:
    """Write the matched-temperature control of a run: the same queries, replicates and seed."""
    settings = SteerSettings.from_mapping(run.settings).matched_temperature()
    pair = PairSpec(**dict(run.pair_spec or {}))
    submit_run(
        jobs,
        task,
        pair,
        settings,
        queries=len(run.queries),
        replicates=run.replicates,
        role=run.role,
        parent=run.id,
    )


@button
def show_run(jobs: Jobs, run: str) -> None:
    """Show another run."""
    follow(jobs.store.run(run))


@button
def cancel_run(jobs: Jobs, run: str) -> None:
    """Ask the run's job to stop before its next step; what is finished stays."""
    job = jobs.of_run(run)
    if job is not None:
        jobs.cancel(job.id)


@button
def resume_run(jobs: Jobs, run: str) -> None:
    """Go on where the run stopped."""
    jobs.resume(run)


@button
def measure_run(jobs: Jobs, run: str) -> None:
    """Measure what there is of a run that was not finished."""
    st.session_state.setdefault("measuring", {})[run] = jobs.submit("measure", {"run": run}, priority=Priority.VIEW).id


@button
def ask_why(jobs: Jobs, run: str, sample: int) -> None:
    """Have every token of a sample explained."""
    st.session_state["why"] = {"run": run, "sample": sample, "job": submit_explain(jobs, sample).id}
    st.query_params["why"] = str(sample)


def drop_preview(jobs: Jobs, task: Task) -> None:
    """Forget the preview of a task; one that still runs is stopped."""
    job = st.session_state.setdefault("previews", {}).pop(task.name, None)
    if job is not None:
        jobs.cancel(job)


def _follow(jobs: Jobs, run: str | None) -> None:
    if run is not None:
        follow(jobs.store.run(run))
