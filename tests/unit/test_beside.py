"""Work beside the steps of a job: it rests, the others go on, and what the work ends with comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from core.errors import ModelError
from core.jobs import Jobs
from core.scheduling.context import REST_SECONDS, JobContext
from core.scheduling.scheduler import Scheduler
from core.storage.records import Priority
from core.store import Store
from tests.unit.test_worker import ended, logged, ticks


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return Jobs(store, lease=30.0)


def test_a_job_of_lower_priority_goes_on_while_the_work_is_done(jobs: Jobs) -> None:
    may_end, log, threads = threading.Event(), list[str](), list[str]()

    def work() -> int:
        threads.append(threading.current_thread().name)
        assert may_end.wait(10)
        return 42

    def waiting(context: JobContext) -> Iterator[Any]:
        context.result = yield from context.beside(work)

    scheduler = Scheduler(jobs.store, {"wait": waiting, "log": logged(log, 20)})
    waits = jobs.submit("wait", priority=Priority.VIEW)
    ticks(scheduler, lambda: bool(threads))
    other = jobs.submit("log", {"name": "x"}, priority=Priority.BACKGROUND)
    ticks(scheduler, ended(jobs, other))
    assert len(log) == 20
    assert jobs.job(waits.id).status == "running"
    may_end.set()
    ticks(scheduler, ended(jobs, waits))
    assert jobs.job(waits.id).result == 42
    assert threads == [f"job-{waits.id}"]


def test_an_error_of_the_work_is_the_job_s(jobs: Jobs) -> None:
    def work() -> None:
        raise ModelError("The folder is missing; choose another.")

    scheduler = Scheduler(jobs.store, {"wait": lambda context: context.beside(work)})
    job = scheduler.run_one(jobs.submit("wait", owner=scheduler.claims.owner))
    assert (job.status, job.error) == ("failed", "The folder is missing; choose another.")


def test_a_cancel_does_not_wait_for_the_work(jobs: Jobs) -> None:
    may_end = threading.Event()
    scheduler = Scheduler(jobs.store, {"wait": lambda context: context.beside(may_end.wait)})
    job = jobs.submit("wait")
    ticks(scheduler, lambda: jobs.job(job.id).status == "running")
    scheduler.tick()
    jobs.cancel(job.id)
    began = time.monotonic()
    ticks(scheduler, ended(jobs, job))
    assert time.monotonic() - began < 10 * REST_SECONDS
    assert jobs.job(job.id).status == "cancelled"
    may_end.set()
