"""Runs claimed jobs by turns in one thread: the most urgent first, equals one step each."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import SteerscopeError, StoreError
from core.jobs import Jobs
from core.scheduling.claims import Claims
from core.scheduling.context import Handler, JobContext
from core.storage.records import Job, Priority
from core.store import Store

POLL_SECONDS = 0.025
HOUSEKEEPING_SECONDS = 5.0
RUNS_AT_ONCE = 4
PREVIEWS_AT_ONCE = 16
log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Active:
    job: Job
    context: JobContext
    steps: Generator[Any]
    stepped: int = 0

    @property
    def rests(self) -> bool:
        """Whether it waits for work beside it."""
        return time.monotonic() < self.context.rests_until


class Scheduler:
    """Steps the jobs that this process holds.

    handlers: what to do, by kind of job; jobs of other kinds are left to others.
    runs_at_once: jobs of one priority and above that are begun before the next one waits; previews do not
    wait for them. The cancel flag is read before every step. A thread of its own keeps the leases, so that
    a long step (a model being loaded) loses none.
    """

    def __init__(
        self,
        store: Store,
        handlers: Mapping[str, Handler],
        *,
        lease: float | None = None,
        owner: str | None = None,
        runs_at_once: int = RUNS_AT_ONCE,
    ) -> None:
        self.jobs = Jobs(store, lease)
        self.claims = Claims(self.jobs, owner)
        self._handlers = dict(handlers)
        self._runs_at_once = runs_at_once
        self._active: list[_Active] = []
        self._next_poll = 0.0
        self._next_housekeeping = 0.0
        self._steps = 0
        self._beating: threading.Event | None = None

    @property
    def active(self) -> list[Job]:
        """The jobs that are begun and not ended, as they were when claimed."""
        return [each.job for each in tuple(self._active)]

    def run(self, stopping: Callable[[], bool]) -> None:
        """Work until told to stop; what is unfinished then is marked interrupted."""
        try:
            while not stopping():
                try:
                    if not self.tick():
                        time.sleep(POLL_SECONDS)
                except StoreError as error:
                    log.error("%s", error)  # the disk may have room again later; leases tell the others
                    time.sleep(1.0)
        finally:
            self.close()

    def run_one(self, job: Job, on_step: Callable[[JobContext], None] | None = None) -> Job:
        """Run one job that this process submitted for itself (`Jobs.submit(owner=...)`) to its end.

        on_step sees the job's context after every step. However this is left, by an error or by the
        keyboard, the job is marked interrupted unless it had ended.
        """
        try:
            active = self.adopt(job)
            while active in self._active:
                while active.rests:
                    time.sleep(POLL_SECONDS)
                self._step(active)
                if on_step is not None:
                    on_step(active.context)
        finally:
            self.close()
        return self.jobs.job(job.id)

    def tick(self) -> bool:
        """Look for new jobs where it is time to, then take one step; False where there was none to take."""
        self._keep_house()
        self._claim()
        ready = [each for each in self._active if not each.rests]
        if not ready:
            return False
        # The most urgent; among equals the one that waited longest.
        self._step(min(ready, key=lambda each: (-each.job.priority, each.stepped)))
        return True

    def adopt(self, job: Job) -> _Active:
        """Begin a job that this process holds."""
        context = JobContext(self.jobs, self.claims, job)
        active = _Active(job, context, _begin(self._handlers[job.kind], context))
        self._active.append(active)
        if self._beating is None:
            self._beating = threading.Event()
            threading.Thread(target=self._beat, args=(self._beating,), name="heartbeat", daemon=True).start()
        return active

    def close(self) -> None:
        """Mark what is unfinished as interrupted and end the heartbeat."""
        for active in list(self._active):
            self._end(active, "interrupted")
        if self._beating is not None:
            self._beating.set()
            self._beating = None

    def _claim(self) -> None:
        if time.monotonic() < self._next_poll:
            return
        while (job := self.claims.claim(self._handlers, self._least_priority())) is not None:
            self.adopt(job)
        self._next_poll = time.monotonic() + POLL_SECONDS

    def _least_priority(self) -> int:
        """The priority from which on another job may begin."""
        priorities = sorted((each.job.priority for each in self._active), reverse=True)
        if len(priorities) >= PREVIEWS_AT_ONCE:
            return priorities[0] + 1
        if len(priorities) < self._runs_at_once:
            return Priority.BACKGROUND
        return min(priorities[self._runs_at_once - 1] + 1, Priority.PREVIEW)

    def _step(self, active: _Active) -> None:
        self._steps += 1
        active.stepped = self._steps
        turn = self.claims.turn(active.job.id)
        if turn != "go":
            self._end(active, "cancelled" if turn == "cancel" else "lost")
            return
        began = time.perf_counter()
        try:
            next(active.steps)
            active.context.worked += time.perf_counter() - began
            active.context.settle()
        except StopIteration:
            self._end(active, "done")
        except SteerscopeError as error:
            self._end(active, "failed", str(error))
        except Exception as error:
            log.exception("job %d (%s) failed", active.job.id, active.job.kind)
            what = f"An unexpected error ({type(error).__name__}) stopped this {active.job.kind} job"
            self._end(active, "failed", f"{what}; the worker's log has the details.")

    def _end(
        self,
        active: _Active,
        status: Literal["done", "failed", "cancelled", "interrupted", "lost"],
        error: str | None = None,
    ) -> None:
        """Drop the job first: whatever else fails, it takes no further step, and its lease runs out."""
        self._active.remove(active)
        try:
            active.steps.close()
        except Exception:
            log.exception("job %d (%s) did not close cleanly", active.job.id, active.job.kind)
        if status == "lost":
            log.warning("job %d (%s) was taken from this process", active.job.id, active.job.kind)
            return
        try:
            active.context.settle(force=True)
            if status == "done":
                self.claims.finish(active.job.id, active.context.result)
            else:
                self.claims.stop(active.job.id, status, error)
        except StoreError as failure:
            log.error("job %d (%s) could not be ended: %s", active.job.id, active.job.kind, failure)

    def _keep_house(self) -> None:
        if time.monotonic() >= self._next_housekeeping:
            self.jobs.recover()
            self.jobs.prune()
            self._next_housekeeping = time.monotonic() + HOUSEKEEPING_SECONDS

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(self.claims.lease / 3):
            for job in self.active:
                try:
                    self.claims.heartbeat(job.id)  # a job lost here is noticed before its next step
                except StoreError as error:
                    log.error("no heartbeat for job %d: %s", job.id, error)


def _begin(handler: Handler, context: JobContext) -> Generator[Any]:
    """Inside a generator even the call of the handler is a step, so that its errors end the job alone."""
    yield from handler(context)
