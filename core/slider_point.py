"""The sliders as they stand, as a point on the map: a few answers that a worker writes and that no run keeps.

The words are those that a run with these settings would begin with, so the point lies where that run would.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.embedding import EMBEDDER, Embedder, embed
from core.errors import SettingsError, StateError, StatisticsError
from core.generation import Plan, generate, plan
from core.generators import Answered, embedded
from core.jobs import Jobs
from core.map_job import hash_of
from core.models import ModelPair, PairSpec
from core.negatives import Embed
from core.running import check_size
from core.scheduling.context import JobContext
from core.settings import settings
from core.sliders import SteerSettings
from core.statistics.answers import Answers
from core.storage.records import Job, JobStatus, NewSample, Priority
from core.store import Store
from core.tasks import Task, load_task

KIND = "point"
REPLICATES = 2
"""Answers to each query: the fewest that show how far they spread."""
REMEMBERED = 100
"""Jobs that are looked through for one that wrote the same point."""


@dataclass(frozen=True)
class PointGenerator:
    """The settings of a point with its answers, as maps read any other generator."""

    job: Job
    kind: str = "steer"

    @property
    def key(self) -> str:
        """The point's name on maps: no run has it."""
        return f"point:{self.job.id}"

    @cached_property
    def steered(self) -> SteerSettings:
        """The sliders that it was written with."""
        return SteerSettings.from_mapping(self.job.payload["settings"])

    @property
    def label(self) -> str:
        """The three sliders everyone compares."""
        return self.steered.short()

    @property
    def settings(self) -> dict[str, Any]:
        """Every slider."""
        return self.steered.as_dict()

    @property
    def independent(self) -> bool:
        """False where answers read earlier ones: then the chain is the independent unit."""
        return not self.steered.pool_grows

    @property
    def deterministic(self) -> bool:
        """Whether the sliders leave nothing to chance."""
        return self.steered.deterministic

    def answers(self) -> list[Answered]:
        """The texts as they arrived; none before the job is done."""
        rows = (self.job.result or {}).get("rows", ())
        return [
            Answered(
                f"{row['query']}/{row['replicate']}",
                row["query"],
                row["text"],
                None if self.independent else row["chain"],
                None if self.independent else row["round"],
            )
            for row in rows
        ]


def submit_point(
    jobs: Jobs, task: Task, pair: PairSpec, sliders: SteerSettings, *, replicates: int = REPLICATES
) -> Job:
    """Ask for a few answers to every probe query; the job that writes or wrote the same, if there is one.

    Raises SettingsError where the task has no probe query, or the answers are none or more than a run may hold.
    """
    work = plan(task, sliders, role="probe", queries=None, replicates=replicates)
    check_size(work, "point")
    payload = {
        "task": task.name,
        "content": _content(task),
        "settings": sliders.as_dict(),
        "pair": pair.fingerprint,
        "pair_spec": pair.as_dict(),
        "replicates": replicates,
    }
    known: tuple[JobStatus, ...] = ("queued", "running", "done")
    return jobs.submit_once(KIND, payload, priority=Priority.VIEW, status=known, limit=REMEMBERED)


def work_of_point(job: Job) -> Plan:
    """What a job set out to write. NotFoundError where its task is gone."""
    asked = job.payload
    sliders = SteerSettings.from_mapping(asked["settings"])
    return plan(load_task(asked["task"]), sliders, role="probe", queries=None, replicates=int(asked["replicates"]))


def write_point(ctx: JobContext, pair: ModelPair, embedder: Embedder, near: Embed) -> Generator[Any]:
    """Write and embed the answers of `ctx.job` and leave them as its result; near: for the policy `nearest`."""
    work, written = work_of_point(ctx.job), list[NewSample]()
    steps = generate(pair, work, batch_size=settings().batch_size, embed=near, cancelled=ctx.cancelled)
    ctx.progress(0, work.samples, "writing")
    yield
    for finished in steps:
        if finished:
            written += finished
            ctx.progress(len(written), work.samples, "writing")
            yield from embed([one.text for one in finished], embedder, ctx.store.vectors(EMBEDDER))
        yield
    yield  # where it was cancelled, this is where it ends
    ctx.result = {
        "rows": [
            {
                "query": one.query,
                "replicate": one.replicate,
                "chain": one.chain,
                "round": one.round,
                "text": one.text,
            }
            for one in written
        ]
    }


def answers_of_point(store: Store, task: Task, queries: Sequence[str], job: Job) -> Answers:
    """The answers of a point to the map's queries as vectors, by the path that runs in the store take.

    Raises StateError before the job is done, SettingsError for a point of another task, StatisticsError where the
    vectors are gone or the task has been changed since.
    """
    if job.payload.get("task") != task.name:
        raise SettingsError(f"The point was written for the task {job.payload.get('task')!r}, not for {task.name!r}.")
    if job.status != "done":
        raise StateError(f"The point is not written: its job {job.id} is {job.status}; wait for it or ask again.")
    found = embedded([PointGenerator(job)], queries, store.vectors(EMBEDDER))
    if not found or job.payload.get("content") != _content(task):
        raise StatisticsError(
            f"The answers of the point (job {job.id}) do not belong to the queries and vectors of today; "
            "ask for the point again."
        )
    return found[0].answers


def _content(task: Task) -> str:
    """A digest of what the answers depend on: the real rows, and every query as it is asked."""
    digest = hashlib.sha256(hash_of(task).encode())
    for query in task.with_role("probe"):
        digest.update(b"\0" + task.prompt(query).encode("utf-8", "replace"))
    return digest.hexdigest()[:16]
