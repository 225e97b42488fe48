"""The queue: claimed by one, driven run and job in step, cancelled, recovered, resumed, pruned."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from core.errors import NotFoundError, StateError
from core.jobs import Jobs
from core.scheduling import processes
from core.scheduling.claims import Claims
from core.scheduling.context import EVENT_SECONDS, JobContext
from core.storage.records import Job, NewRun, Priority
from core.store import Store

RUN = NewRun(kind="steer", task="hypotheses", queries=("a",), expected=4)


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return Jobs(store, lease=30.0)


def take(jobs: Jobs, owner: str = "here:1:1", **options: int) -> tuple[Claims, Job]:
    claims = Claims(jobs, owner)
    job = claims.claim(["generate"], **options)
    assert job is not None
    return claims, job


def run_status(jobs: Jobs, job: Job) -> str:
    assert job.run is not None
    return jobs.store.run(job.run).status


# Submitting and claiming


def test_a_job_and_the_run_it_drives_are_made_together(jobs: Jobs) -> None:
    job = jobs.submit("generate", {"texts": ["γ"]}, run=RUN, priority=Priority.BACKGROUND)
    assert (job.kind, job.payload, job.priority, job.status) == ("generate", {"texts": ["γ"]}, 0, "queued")
    assert (job.owner, job.lease_until, job.started, job.finished, job.cancel) == (
        None,
        None,
        None,
        None,
        False,
    )
    assert job.run is not None
    assert jobs.of_run(job.run) == job
    assert jobs.active() == [job]
    assert run_status(jobs, job) == "queued"


def test_a_run_has_one_job_in_progress(jobs: Jobs) -> None:
    job = jobs.submit("generate", run=RUN)
    with pytest.raises(StateError, match=f"Run {job.run} is queued; wait for it or cancel it first"):
        jobs.submit("generate", run=job.run)
    with pytest.raises(NotFoundError, match="no run 'r-nope'"):
        jobs.submit("generate", run="r-nope")
    assert len(jobs.jobs()) == 1


def test_the_most_urgent_is_claimed_first_then_the_oldest(jobs: Jobs) -> None:
    first, second = jobs.submit("generate"), jobs.submit("generate")
    preview = jobs.submit("generate", priority=Priority.PREVIEW)
    jobs.submit("other", priority=Priority.PREVIEW)
    order = [take(jobs)[1].id for _ in range(3)]
    assert order == [preview.id, first.id, second.id]
    assert Claims(jobs, "here:1:1").claim(["generate"]) is None


def test_jobs_below_the_least_priority_wait(jobs: Jobs) -> None:
    jobs.submit("generate", priority=Priority.RUN)
    assert Claims(jobs, "here:1:1").claim(["generate"], min_priority=Priority.VIEW) is None
    take(jobs, min_priority=Priority.RUN)


def test_a_claim_starts_job_and_run_and_holds_a_lease(jobs: Jobs) -> None:
    jobs.submit("generate", run=RUN)
    before = time.time()
    _, job = take(jobs, "here:1:1")
    assert (job.status, job.owner) == ("running", "here:1:1")
    assert job.started is not None
    assert before <= job.started <= time.time()
    assert job.lease_until == pytest.approx(job.started + 30.0)
    assert run_status(jobs, job) == "running"


def test_a_job_submitted_with_an_owner_is_never_seen_queued(jobs: Jobs) -> None:
    job = jobs.submit("generate", run=RUN, owner="me:1:1")
    assert (job.status, job.owner, run_status(jobs, job)) == ("running", "me:1:1", "running")
    assert Claims(jobs, "other:1:1").claim(["generate"]) is None
    assert Claims(jobs, "me:1:1").finish(job.id)


def test_rivals_claim_every_job_exactly_once(jobs: Jobs) -> None:
    submitted = {jobs.submit("generate").id for _ in range(40)}
    claimed: dict[str, list[int]] = {f"here:{number}:1": [] for number in range(4)}
    barrier = threading.Barrier(len(claimed))

    def rival(owner: str) -> None:
        claims = Claims(jobs, owner)
        barrier.wait()
        while (job := claims.claim(["generate"])) is not None:
            claimed[owner].append(job.id)

    threads = [threading.Thread(target=rival, args=(owner,)) for owner in claimed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [job for mine in claimed.values() for job in mine]
    assert sorted(taken) == sorted(submitted)
    assert {job.owner for job in jobs.jobs()} == {owner for owner, mine in claimed.items() if mine}


# Ending


def test_a_finished_job_leaves_its_result_and_its_run_done(jobs: Jobs) -> None:
    jobs.submit("generate", run=RUN)
    claims, job = take(jobs)
    claims.progress(job.id, 1, 4, "one of four", 2.5)
    looked = jobs.job(job.id)
    assert (looked.done, looked.total, looked.message, looked.eta) == (1, 4, "one of four", 2.5)
    assert claims.finish(job.id, {"texts": [1, None]})
    ended = jobs.job(job.id)
    assert (ended.status, ended.result, ended.eta, ended.active) == (
        "done",
        {"texts": [1, None]},
        None,
        False,
    )
    assert ended.finished is not None
    assert run_status(jobs, job) == "done"
    assert not claims.finish(job.id), "ended twice"
    assert not claims.heartbeat(job.id)


def test_a_failure_is_told_by_job_and_run(jobs: Jobs) -> None:
    jobs.submit("generate", run=RUN)
    claims, job = take(jobs)
    assert claims.stop(job.id, "failed", "The model folder is missing.")
    assert jobs.job(job.id).error == "The model folder is missing."
    assert job.run is not None
    assert jobs.store.run(job.run).error == "The model folder is missing."
    assert run_status(jobs, job) == "failed"


def test_nobody_but_the_owner_moves_a_running_job(jobs: Jobs) -> None:
    jobs.submit("generate", run=RUN)
    claims, job = take(jobs)
    thief = Claims(jobs, "thief:1:1")
    assert (thief.turn(job.id), claims.turn(job.id)) == ("lost", "go")
    assert not thief.heartbeat(job.id)
    assert not thief.finish(job.id)
    assert not thief.stop(job.id, "failed", "x")
    thief.progress(job.id, 9, 9, "stolen", None)
    assert jobs.job(job.id) == job


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_is_asked(jobs: Jobs) -> None:
    waiting = jobs.submit("generate", run=RUN)
    assert jobs.cancel(waiting.id).status == "cancelled"
    assert run_status(jobs, waiting) == "cancelled"
    assert jobs.is_cancelled(waiting.id)

    jobs.submit("generate", run=RUN)
    claims, running = take(jobs)
    assert not jobs.is_cancelled(running.id)
    asked = jobs.cancel(running.id)
    assert (asked.status, asked.cancel) == ("running", True)
    assert jobs.is_cancelled(running.id)
    assert claims.turn(running.id) == "cancel"
    claims.stop(running.id, "cancelled")
    assert run_status(jobs, running) == "cancelled"


def test_cancelling_what_has_ended_changes_nothing(jobs: Jobs) -> None:
    jobs.submit("generate", run=RUN)
    claims, job = take(jobs)
    claims.finish(job.id)
    ended = jobs.job(job.id)
    assert jobs.cancel(job.id) == ended
    with pytest.raises(NotFoundError, match="no job 77"):
        jobs.cancel(77)


# Recovering and resuming


def test_a_job_whose_lease_ran_out_is_interrupted_with_its_run(store: Store) -> None:
    jobs = Jobs(store, lease=0.05)
    jobs.submit("generate", run=RUN)
    jobs.submit("generate")
    claims, job = take(jobs, "far-away:1:1")
    patient, held = take(Jobs(store, lease=30.0), "far-away:2:1")
    time.sleep(0.06)
    assert [found.id for found in jobs.recover()] == [job.id]
    assert (jobs.job(job.id).status, run_status(jobs, job)) == ("interrupted", "interrupted")
    assert claims.turn(job.id) == "lost"
    assert not claims.heartbeat(job.id)
    assert patient.turn(held.id) == "go"
    assert jobs.recover() == []


def test_a_heartbeat_keeps_the_job(store: Store) -> None:
    short, long = Jobs(store, lease=0.05), Jobs(store, lease=30.0)
    short.submit("generate")
    _, job = take(short, "far-away:1:1")
    assert Claims(long, "far-away:1:1").heartbeat(job.id)
    time.sleep(0.06)
    assert short.recover() == []


def test_a_live_process_of_this_host_that_is_late_gets_one_lease_more(store: Store) -> None:
    jobs = Jobs(store, lease=0.1)
    job = jobs.submit("generate", run=RUN, owner=processes.this_process())
    time.sleep(0.11)  # as after the machine's sleep: the lease is over, and whoever wakes first looks
    assert jobs.recover() == []
    assert Claims(jobs).heartbeat(job.id)
    time.sleep(0.11)
    assert jobs.recover() == [], "the heartbeat since then did not count"
    assert Jobs(store, lease=0.1).recover() == [], "one look by a newcomer ended a live process's job"
    time.sleep(0.11)
    assert [found.id for found in jobs.recover()] == [job.id]


def test_the_job_of_a_dead_process_is_found_before_its_lease_ends(jobs: Jobs) -> None:
    asked = [sys.executable, "-c", f"import sys; sys.path.insert(0, {os.getcwd()!r})\n" + WHO]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        owner = child.stdout.readline().strip()
        job = jobs.submit("generate", run=RUN, owner=owner)
        assert jobs.recover() == []
        child.kill()
        while processes.fate(owner) != "dead":  # dead already while nobody has collected its exit status
            time.sleep(0.005)
        assert child.returncode is None
        assert [found.id for found in jobs.recover()] == [job.id]
    assert run_status(jobs, job) == "interrupted"


WHO = "from core.scheduling.processes import this_process; print(this_process(), flush=True); sys.stdin.read()"


def test_a_process_is_told_from_a_later_one_with_its_number_and_from_other_hosts() -> None:
    me = processes.this_process()
    host, pid, start = me.rsplit(":", 2)
    assert int(pid) == os.getpid()
    assert processes.fate(me) == "alive"
    assert processes.fate(f"{host}:{pid}:{int(start) + 1}") == "dead"
    assert processes.fate(f"{host}:{2**22 + 1}:{start}") == "dead", "no process has this number"
    assert processes.fate(f"elsewhere:{2**22 + 1}:{start}") == "unknown"


def test_a_cancelled_job_whose_process_died_counts_as_cancelled(jobs: Jobs) -> None:
    host = processes.this_process().rsplit(":", 2)[0]
    job = jobs.submit("generate", run=RUN, owner=f"{host}:{2**22 + 1}:1")
    assert jobs.cancel(job.id).status == "cancelled"
    assert run_status(jobs, job) == "cancelled"


def test_resuming_queues_the_same_work_again_for_the_same_run(jobs: Jobs) -> None:
    jobs.submit("generate", {"a": [1]}, run=RUN, priority=Priority.BACKGROUND)
    for status in ("interrupted", "cancelled", "failed"):
        claims, job = take(jobs)
        claims.stop(job.id, status, "why" if status == "failed" else None)  # type: ignore[arg-type]
        assert job.run is not None
        again = jobs.resume(job.run)
        assert (again.kind, again.payload, again.priority, again.run) == ("generate", {"a": [1]}, 0, job.run)
        assert again.id > job.id
        run = jobs.store.run(job.run)
        assert (run.status, run.error, run.finished) == ("queued", None, None)


def test_only_what_stopped_early_can_be_resumed(jobs: Jobs) -> None:
    job = jobs.submit("generate", run=RUN)
    assert job.run is not None
    with pytest.raises(StateError, match=f"Run {job.run} is queued; wait for it or cancel it first"):
        jobs.resume(job.run)
    claims, _ = take(jobs)
    claims.finish(job.id)
    with pytest.raises(StateError, match=f"Run {job.run} is done; there is nothing to resume"):
        jobs.resume(job.run)
    imported = jobs.store.create_run(RUN, status="failed").id
    with pytest.raises(StateError, match=f"Run {imported} was not made by a worker"):
        jobs.resume(imported)
    assert jobs.store.run(imported).status == "failed", "a refused resume left a trace"
    with pytest.raises(NotFoundError, match="no run 'r-nope'"):
        jobs.resume("r-nope")


def test_rivals_resume_a_run_once(jobs: Jobs) -> None:
    job = jobs.submit("generate", run=RUN)
    jobs.cancel(job.id)
    assert job.run is not None
    outcomes: list[str] = []

    def rival() -> None:
        try:
            outcomes.append(jobs.resume(str(job.run)).status)
        except StateError:
            outcomes.append("refused")

    threads = [threading.Thread(target=rival) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["queued", "refused", "refused", "refused"]


# Events


def context_of(jobs: Jobs) -> JobContext:
    jobs.submit("generate", run=RUN)
    return JobContext(jobs, *take(jobs))


def test_events_are_read_after_the_last_one_seen(jobs: Jobs) -> None:
    claims = context_of(jobs)._claims
    job = jobs.active()[0].id
    for number in range(3):
        claims.add_event(job, "text", {"number": number})
        claims.add_event(job, "note", number)
    texts = jobs.events(job, kind="text")
    assert [event.payload["number"] for event in texts] == [0, 1, 2]
    assert [event.payload for event in jobs.events(job, after=texts[1].id)] == [1, {"number": 2}, 2]
    assert [event.payload for event in jobs.events(job, after=texts[1].id, limit=1)] == [1]
    last = jobs.last_event(job, "note")
    assert last is not None
    assert (last.payload, last.job) == (2, job)
    assert jobs.last_event(job, "other") is None


def test_a_stream_is_throttled_yet_its_first_and_last_state_are_written(jobs: Jobs) -> None:
    context = context_of(jobs)
    began = time.monotonic()
    for number in range(300):
        context.emit("text", number)
        context.emit("other", -number)
    spent = time.monotonic() - began
    context.settle(force=True)
    for kind, sign in (("text", 1), ("other", -1)):
        written = [event.payload for event in jobs.events(context.job.id, kind=kind)]
        assert (written[0], written[-1]) == (0, sign * 299)
        assert written == sorted(written, reverse=sign < 0)
        assert len(written) <= 2 + spent / EVENT_SECONDS


def test_a_waiting_snapshot_is_written_when_its_time_comes(jobs: Jobs) -> None:
    context = context_of(jobs)
    context.emit("text", "first")
    context.emit("text", "second")
    assert [event.payload for event in jobs.events(context.job.id)] == ["first"]
    time.sleep(EVENT_SECONDS)
    context.settle()
    assert [event.payload for event in jobs.events(context.job.id)] == ["first", "second"]


def test_the_time_left_follows_from_the_work_since_the_first_report(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    context = context_of(jobs)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    context.progress(10, 40)  # resumed: these ten were there
    assert jobs.job(context.job.id).eta is None
    clock[0] = 104.0
    context.progress(20, 40, "round 2")  # 10 in 4 s, so 20 more take 8 s
    looked = jobs.job(context.job.id)
    assert (looked.done, looked.total, looked.message, looked.eta) == (20, 40, "round 2", 8.0)


def test_old_events_and_previews_are_pruned_and_the_rest_stays(jobs: Jobs) -> None:
    ended, preview = jobs.submit("generate", run=RUN), jobs.submit("generate", priority=Priority.PREVIEW)
    live = jobs.submit("generate")
    claims = Claims(jobs, "here:1:1")
    while (job := claims.claim(["generate"])) is not None:
        claims.add_event(job.id, "text", "x")
        if job.id != live.id:
            claims.finish(job.id, "kept")
    newest = jobs.events(live.id)[-1].id
    jobs.prune()
    assert [len(jobs.events(job.id)) for job in (ended, preview, live)] == [1, 1, 1]
    time.sleep(0.002)
    jobs.prune(events_after=0.001)
    assert [len(jobs.events(job.id)) for job in (ended, preview, live)] == [0, 0, 1]
    assert jobs.job(preview.id).result == "kept"
    jobs.prune(jobs_after=0.001)
    assert {job.id for job in jobs.jobs()} == {ended.id, live.id}
    claims.add_event(live.id, "text", "y")
    assert jobs.events(live.id)[-1].id > newest


def test_deleting_a_run_deletes_its_jobs_and_events(jobs: Jobs) -> None:
    context = context_of(jobs)
    context.emit("text", "x")
    Claims(jobs, "here:1:1").finish(context.job.id)
    jobs.store.delete_run(context.run)
    assert jobs.jobs() == []
    assert jobs.events(context.job.id) == []
