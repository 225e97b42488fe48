"""A point on the bundled pair: the words with which a run of the same settings begins, and no run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.generation import generate, plan
from core.handlers import handlers
from core.jobs import Jobs
from core.models import ModelPair, available_pairs
from core.scheduling.scheduler import Scheduler
from core.slider_point import answers_of_point, submit_point
from core.sliders import SteerSettings
from core.storage.records import Job
from core.store import Store
from core.tasks import Task

SETTINGS = SteerSettings(gamma=0.4, eta=0.3, negatives=2, round_size=10, max_new_tokens=4, seed=3)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def worked(store: Store, job: Job) -> Job:
    scheduler = Scheduler(store, handlers(), lease=60.0)
    try:
        while Jobs(store).job(job.id).active:
            if not scheduler.tick():
                time.sleep(0.002)
    finally:
        scheduler.close()
    return Jobs(store).job(job.id)


def test_a_point_has_the_answers_with_which_a_run_begins_and_is_none(store: Store, task: Task, pair: ModelPair) -> None:
    job = worked(store, submit_point(Jobs(store), task, available_pairs(task.name)[0], SETTINGS))
    assert job.status == "done", job.error
    assert (job.done, job.total) == (40, 40)
    assert store.runs() == []
    # A run of three replicates, written in another batch.
    work = plan(task, SETTINGS, role="probe", queries=None, replicates=3)
    steps = generate(pair, work, batch_size=60)
    written = {(each.query, each.replicate): each for finished in steps for each in finished or ()}
    assert len(job.result["rows"]) == 40
    for row in job.result["rows"]:
        sample = written[row["query"], row["replicate"]]
        assert (row["text"], row["chain"], row["round"]) == (sample.text, sample.chain, sample.round)
    queries = [query.id for query in task.with_role("probe")]
    assert answers_of_point(store, task, queries, job).counts.tolist() == [2] * 20


def test_a_point_that_is_cancelled_stops_between_two_steps(store: Store, task: Task) -> None:
    jobs = Jobs(store)
    job = submit_point(jobs, task, available_pairs(task.name)[0], SETTINGS)
    scheduler = Scheduler(store, handlers(), lease=60.0)
    while jobs.job(job.id).message != "writing":
        scheduler.tick()
    for _ in range(3):
        scheduler.tick()
    jobs.cancel(job.id)
    while jobs.job(job.id).active:
        scheduler.tick()
    scheduler.close()
    ended = jobs.job(job.id)
    assert (ended.status, ended.result) == ("cancelled", None)
