"""The scheduler's turns, and worker processes that are killed, orphaned, stopped or rivals."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import ModelError
from core.jobs import Jobs
from core.scheduling.claims import Claims
from core.scheduling.context import Handler, JobContext
from core.scheduling.scheduler import Scheduler
from core.storage.records import Job, Priority
from core.store import Store
from core.worker import log_file, start_worker
from tests.unit.small_jobs import HANDLERS, QUERIES, RUN

ROOT = Path(__file__).resolve().parents[2]


def logged(log: list[str], steps: int, pause: float = 0.0) -> Handler:
    def handler(context: JobContext) -> Iterator[None]:
        for _ in range(steps):
            time.sleep(pause)
            log.append(str(context.payload["name"]))
            yield

    return handler


def ticks(scheduler: Scheduler, until: Callable[[], bool], most: int = 2000) -> None:
    for _ in range(most):
        if until():
            return
        if not scheduler.tick():
            time.sleep(0.002)
    raise AssertionError("it never came to pass")


def ended(jobs: Jobs, *each: Job) -> Callable[[], bool]:
    return lambda: all(not jobs.job(job.id).active for job in each)


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return Jobs(store, lease=30.0)


def submit(jobs: Jobs, name: str, priority: int = Priority.RUN) -> Job:
    return jobs.submit("log", {"name": name}, priority=priority)


# Turns


def test_equals_take_turns_step_by_step(jobs: Jobs) -> None:
    log: list[str] = []
    scheduler = Scheduler(jobs.store, {"log": logged(log, 3)})
    both = submit(jobs, "a"), submit(jobs, "b")
    ticks(scheduler, ended(jobs, *both))
    assert "".join(log) == "ababab"


def test_a_preview_goes_before_runs_that_were_there_first(jobs: Jobs) -> None:
    log: list[str] = []
    scheduler = Scheduler(jobs.store, {"log": logged(log, 4, pause=0.03)})  # longer than POLL_SECONDS
    run = submit(jobs, "r")
    ticks(scheduler, lambda: len(log) == 2)
    preview = submit(jobs, "p", Priority.PREVIEW)
    ticks(scheduler, ended(jobs, run, preview))
    assert "".join(log) in ("rrpppprr", "rrrppppr"), "at most the step under way comes before the preview"


def test_runs_beyond_the_limit_wait_but_the_more_urgent_do_not(jobs: Jobs) -> None:
    log: list[str] = []
    scheduler = Scheduler(jobs.store, {"log": logged(log, 3, pause=0.03)}, runs_at_once=2)
    three = [submit(jobs, name) for name in "abc"]
    scheduler.tick()
    assert [job.payload["name"] for job in scheduler.active] == ["a", "b"]
    urgent = submit(jobs, "v", Priority.VIEW), submit(jobs, "p", Priority.PREVIEW)
    ticks(scheduler, ended(jobs, *three, *urgent))
    assert "".join(log) == "a" + "ppp" + "vvv" + "babab" + "ccc"


def test_jobs_of_kinds_without_a_handler_are_left_to_others(jobs: Jobs) -> None:
    other = jobs.submit("other")
    scheduler = Scheduler(jobs.store, {"log": logged([], 1)})
    assert not scheduler.tick()
    assert jobs.job(other.id).status == "queued"


# Ends


def test_a_finished_job_leaves_result_progress_and_last_event(jobs: Jobs) -> None:
    def handler(context: JobContext) -> Iterator[None]:
        for number in range(5):
            context.emit("text", number)
            context.progress(number + 1, 5, f"step {number}")
            yield
        context.result = {"answer": 42}

    job = jobs.submit("work", run=RUN)
    ticks(Scheduler(jobs.store, {"work": handler}), ended(jobs, job))
    done = jobs.job(job.id)
    assert (done.status, done.result, done.done, done.total, done.message) == (
        "done",
        {"answer": 42},
        5,
        5,
        "step 4",
    )
    assert [event.payload for event in jobs.events(job.id)][-1] == 4
    assert jobs.store.run(str(job.run)).status == "done"


def test_the_time_left_is_not_reckoned_from_before_the_work_began(jobs: Jobs) -> None:
    def handler(context: JobContext) -> Iterator[None]:
        context.progress(0, 10, "loading")
        time.sleep(0.6)
        context.progress(0, 10, "working")
        time.sleep(0.25)  # longer than PROGRESS_SECONDS
        context.progress(1, 10, "working")
        yield

    scheduler = Scheduler(jobs.store, {"work": handler})
    job = jobs.submit("work", owner=scheduler.claims.owner)
    left: list[float | None] = []
    scheduler.run_one(job, lambda context: left.append(jobs.job(job.id).eta))
    assert left[0] is not None
    assert 9 * 0.25 <= left[0] < 9 * (0.6 + 0.25)


def test_no_step_is_taken_once_cancel_is_asked(jobs: Jobs) -> None:
    steps: list[str] = []

    def handler(context: JobContext) -> Iterator[None]:
        try:
            while True:
                steps.append("step")
                yield
        finally:
            steps.append("closed")

    job = jobs.submit("work", run=RUN)
    scheduler = Scheduler(jobs.store, {"work": handler})
    ticks(scheduler, lambda: len(steps) == 3)
    jobs.cancel(job.id)
    scheduler.tick()
    assert steps == ["step"] * 3 + ["closed"]
    assert (jobs.job(job.id).status, jobs.store.run(str(job.run)).status) == ("cancelled", "cancelled")
    assert scheduler.active == []


def test_an_explained_error_is_told_as_it_is_and_others_are_not_disturbed(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(context: JobContext) -> Iterator[None]:
        yield
        raise ModelError("The folder /models/x is missing; choose another.")

    def broken(context: JobContext) -> Iterator[None]:
        raise KeyError("secret")

    log: list[str] = []
    scheduler = Scheduler(jobs.store, {"missing": missing, "broken": broken, "log": logged(log, 5)})
    first, second, third = jobs.submit("missing", run=RUN), jobs.submit("broken"), submit(jobs, "a")
    ticks(scheduler, ended(jobs, first, second, third))
    assert jobs.job(first.id).error == "The folder /models/x is missing; choose another."
    assert jobs.store.run(str(first.run)).error == jobs.job(first.id).error
    told = jobs.job(second.id)
    assert told.status == "failed"
    assert told.error is not None
    assert told.error.startswith("An unexpected error (KeyError) stopped this broken job; the worker's log")
    assert "KeyError: 'secret'" in caplog.text, "the traceback is missing from the log"
    assert (jobs.job(third.id).status, len(log)) == ("done", 5)


def test_a_job_that_was_taken_away_is_dropped_without_a_trace(store: Store) -> None:
    log: list[str] = []
    jobs = Jobs(store, lease=30.0)
    job = jobs.submit("log", {"name": "a"}, run=RUN)
    scheduler = Scheduler(store, {"log": logged(log, 100)})
    ticks(scheduler, lambda: len(log) == 2)
    Claims(jobs, scheduler.claims.owner).stop(job.id, "interrupted")  # what a recovery elsewhere does
    again = jobs.resume(str(job.run), owner="elsewhere:1:1")
    scheduler.tick()
    assert (len(log), scheduler.active) == (2, [])
    assert (jobs.job(job.id).status, jobs.job(again.id).status) == ("interrupted", "running")
    assert store.run(str(job.run)).status == "running"


def test_closing_marks_what_is_unfinished_as_interrupted(jobs: Jobs) -> None:
    scheduler = Scheduler(jobs.store, HANDLERS)
    begun, waiting = jobs.submit("endless", run=RUN), jobs.submit("unknown")
    turns = iter([False] * 5 + [True])
    scheduler.run(lambda: next(turns))
    assert (jobs.job(begun.id).status, jobs.store.run(str(begun.run)).status) == (
        "interrupted",
        "interrupted",
    )
    assert jobs.job(waiting.id).status == "queued"


def test_a_step_longer_than_the_lease_loses_nothing(store: Store) -> None:
    def slow(context: JobContext) -> Iterator[None]:
        time.sleep(1.2)
        yield

    scheduler = Scheduler(store, {"slow": slow}, lease=0.6, owner="far-away:1:1")
    job = scheduler.jobs.submit("slow", owner=scheduler.claims.owner)
    watcher = threading.Thread(target=scheduler.run_one, args=(job,))
    watcher.start()
    time.sleep(0.9)
    assert Jobs(store, lease=0.6).recover() == []
    watcher.join()
    assert scheduler.jobs.job(job.id).status == "done"


def test_a_process_runs_its_own_job_and_sees_every_step(jobs: Jobs) -> None:
    seen: list[int] = []
    scheduler = Scheduler(jobs.store, HANDLERS)
    jobs.submit("once")
    for _ in range(2):  # a scheduler runs one job after another
        job = jobs.submit("growing", run=RUN, owner=scheduler.claims.owner)
        done = scheduler.run_one(job, on_step=lambda context: seen.append(context.done))
        assert done.status == "done"
    assert (max(seen), len(seen)) == (RUN.expected, 2 * (RUN.expected + 1))
    assert [job.status for job in jobs.jobs(kind="once")] == ["queued"], "it took another's job"


def test_leaving_by_the_keyboard_marks_the_job_interrupted(jobs: Jobs) -> None:
    def stop(context: JobContext) -> None:
        raise KeyboardInterrupt

    scheduler = Scheduler(jobs.store, HANDLERS)
    job = jobs.submit("endless", run=RUN, owner=scheduler.claims.owner)
    with pytest.raises(KeyboardInterrupt):
        scheduler.run_one(job, on_step=stop)
    assert jobs.job(job.id).status == "interrupted"


# Processes

WORK = """
import sys
sys.path.insert(0, sys.argv[2])
from core.store import Store
from core.worker import work
from tests.unit.small_jobs import HANDLERS
with Store(sys.argv[1]) as store:
    work(store, HANDLERS, parent=int(sys.argv[3]) if sys.argv[3:] else None)
"""


def worker(store: Store, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORK, store.url, str(ROOT), *arguments])


def wait_for(fact: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.005)


def texts(store: Store, run: str) -> dict[tuple[str, int], str]:
    return {(each.query, each.replicate): each.text for each in store.samples(run)}


def test_a_run_that_was_killed_again_and_again_ends_as_if_it_never_was(jobs: Jobs) -> None:
    store, rng = jobs.store, random.Random(3)
    scheduler = Scheduler(store, HANDLERS)
    whole = jobs.submit("growing", run=RUN, owner=scheduler.claims.owner)
    scheduler.run_one(whole)

    job = jobs.submit("growing", run=RUN)
    run = str(job.run)
    for _ in range(2):
        begun = store.run(run).samples
        killed = worker(store)
        enough = begun + len(QUERIES) * rng.randint(1, 6)
        wait_for(lambda enough=enough: store.run(run).samples >= enough)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        kept = texts(store, run)
        assert 0 < len(kept) < RUN.expected
        assert len(kept) % len(QUERIES) == 0, "half a round was stored"
        (found,) = jobs.recover()
        assert (found.status, store.run(run).status) == ("interrupted", "interrupted")
        job = jobs.resume(run)
        assert texts(store, run) == kept
    claimed = scheduler.claims.claim(["growing"])
    assert claimed is not None
    assert scheduler.run_one(claimed).status == "done"
    assert texts(store, run) == texts(store, str(whole.run))
    assert store.run(run).samples == RUN.expected


def test_two_workers_run_every_job_exactly_once(jobs: Jobs) -> None:
    submitted = [jobs.submit("once") for _ in range(60)]
    both = [worker(jobs.store), worker(jobs.store)]
    try:
        wait_for(ended(jobs, *submitted))
    finally:
        for each in both:
            each.send_signal(signal.SIGTERM)
        assert [each.wait(30) for each in both] == [0, 0]
    assert [len(jobs.events(job.id, kind="ran")) for job in submitted] == [1] * 60
    assert {job.status for job in jobs.jobs()} == {"done"}


def test_a_worker_told_to_stop_interrupts_its_jobs_and_leaves_in_order(jobs: Jobs) -> None:
    job = jobs.submit("endless", run=RUN)
    told = worker(jobs.store)
    wait_for(lambda: jobs.job(job.id).status == "running")
    told.send_signal(signal.SIGTERM)
    assert told.wait(10) == 0
    assert (jobs.job(job.id).status, jobs.store.run(str(job.run)).status) == ("interrupted", "interrupted")


PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], *sys.argv[2:], str(os.getpid())])
print(child.pid, flush=True)
child.wait()
"""


def test_a_worker_follows_its_parent_into_death(jobs: Jobs) -> None:
    job = jobs.submit("endless", run=RUN)
    command = [sys.executable, "-c", PARENT, WORK, jobs.store.url, str(ROOT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_for(lambda: jobs.job(job.id).status == "running")
        assert f":{child}:" in str(jobs.job(job.id).owner)
        parent.kill()
    wait_for(lambda: jobs.job(job.id).status == "interrupted", seconds=10)
    wait_for(lambda: not _runs(child), seconds=10)


def test_a_started_worker_is_told_its_store_where_no_list_of_processes_shows_it(store: Store) -> None:
    started = start_worker(store)
    try:
        assert isinstance(started.args, list)
        assert not any(store.url in str(argument) for argument in started.args)
        environment = Path(f"/proc/{started.pid}/environ")
        if environment.exists():
            wait_for(lambda: f"STEERSCOPE_STORE={store.url}" in environment.read_text())
        assert log_file(store).exists()
    finally:
        started.kill()
        started.wait()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
