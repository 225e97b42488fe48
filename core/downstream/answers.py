"""The answers that a student learns: a run's answers to the train queries, which a run of their own holds."""

from __future__ import annotations

import math
from typing import Literal

from core.downstream.material import Material, material_of
from core.errors import ModelError, SettingsError, StatisticsError
from core.jobs import RESUMABLE, Jobs
from core.models import PairSpec
from core.running import submit_run
from core.sliders import SteerSettings
from core.storage.records import Job, Run
from core.store import Store
from core.sweep import Sweep
from core.tasks import Task

ANSWERS = 160
"""Answers that a student learns from, about, where nothing else is asked for."""


def usual_replicates(task: Task) -> int:
    """Answers to each train query so that they are about ANSWERS: 8 to 20 queries, one to 200."""
    return math.ceil(ANSWERS / max(1, len(task.with_role("train"))))


def check_scorable(run: Run, task: Task) -> None:
    """Refuse what has no place on the map, and so no score. Raises SettingsError with the reason."""
    if run.role != "probe":
        raise SettingsError(
            f"Run {run.id} holds the answers to train queries that students learn from; score the run that it "
            f"belongs to{f', {run.parent}' if run.parent else ''}."
        )
    if not task.with_role("train"):
        raise SettingsError(f"The task {task.name!r} has no train query, so no student can learn; add some to it.")


def asked(run: Run, task: Task, replicates: int) -> Sweep | None:
    """What a steered run must answer before it is scored, as a sweep of one; None for generations made elsewhere.

    Raises ModelError where the models that wrote the run have changed since.
    """
    if run.kind != "steer":
        return None
    pair = PairSpec(**dict(run.pair_spec or {}))
    if (run.pair or "").split("-")[0] != pair.fingerprint:
        raise ModelError(
            f"Run {run.id} was written with the models {run.pair}, which are {pair.fingerprint} now, so they cannot "
            "write its answers to the train queries; restore their files or start a new run."
        )
    queries = tuple(query.id for query in task.with_role("train"))
    return Sweep(task, pair, (SteerSettings.from_mapping(run.settings),), queries, replicates, "train")


def writer(
    jobs: Jobs, run: Run, task: Task, replicates: int, *, owner: str | None = None
) -> tuple[Literal["done", "write", "elsewhere"], Run | Job]:
    """What is to be done for the answers of a run.

    `done` with the run that holds them; `write` with a job that was just submitted for them (its run is complete
    when it is done); `elsewhere` with the run that another process writes. owner: the process that will run the job
    itself.
    """
    whole = asked(run, task, replicates)
    if whole is None:
        return "done", run
    found = whole.run_of(jobs.store, whole.grid[0])
    if found is not None and found.status == "done":
        return "done", found
    if found is not None and found.active:
        return "elsewhere", found
    if found is not None and found.status in RESUMABLE:
        return "write", jobs.resume(found.id, owner=owner)
    job = submit_run(
        jobs, task, whole.pair, whole.grid[0], replicates=replicates, role="train", parent=run.id, owner=owner,
        note=f"What students of {run.id} learn from.",
    )  # fmt: skip
    return "write", job


def material(store: Store, task: Task, holder: Run, replicates: int) -> Material:
    """The material of the run that holds the answers; of one made elsewhere, its answers to train queries.

    Raises StatisticsError where there are none.
    """
    place = {query.id: number for number, query in enumerate(task.with_role("train"))}
    rows = [one for one in store.samples(holder.id) if one.query in place]
    if holder.kind == "steer":
        rows = [one for one in rows if one.replicate < replicates]
    if not rows:
        raise StatisticsError(
            f"Run {holder.id} holds no answer to a train query of {task.name!r}; import its answers to them too."
        )
    rows.sort(key=lambda one: (place[one.query], one.replicate))
    return material_of(task, [(one.query, one.text) for one in rows])
