"""What a handler gets: its job, the store, and throttled ways to say how far it is and what it wrote."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from core.jobs import Jobs
from core.scheduling.claims import Claims
from core.storage.records import Job
from core.store import Store

PROGRESS_SECONDS = 0.2
EVENT_SECONDS = 0.06
REST_SECONDS = 0.2
"""How long a job that waits for work beside it takes no step: as long as a cancel may go unnoticed."""

T = TypeVar("T")


class JobContext:
    """One running job, as its handler sees it.

    result: JSON that the job leaves behind when it is done; the handler sets it. worked: seconds spent in
    the job's own finished steps, without those of the jobs that it takes turns with. rests_until: when, on
    the monotonic clock, the job wants its next step: the others go on without it.
    """

    def __init__(self, jobs: Jobs, claims: Claims, job: Job) -> None:
        self.jobs = jobs
        self.job = job
        self.result: Any = None
        self.worked = 0.0
        self.rests_until = 0.0
        self.done, self.total, self.message = job.done, job.total, job.message
        self._claims = claims
        self._began: tuple[float, int] | None = None
        self._progress = _Throttle(PROGRESS_SECONDS)
        self._events: dict[str, _Throttle] = {}

    @property
    def store(self) -> Store:
        """The store that the job is in."""
        return self.jobs.store

    @property
    def payload(self) -> Mapping[str, Any]:
        """What was asked for."""
        return self.job.payload

    @property
    def run(self) -> str:
        """The id of the run that the job drives; a job without one has no use for it."""
        if self.job.run is None:
            raise ValueError(f"job {self.job.id} of kind {self.job.kind!r} drives no run")
        return self.job.run

    def cancelled(self) -> bool:
        """Whether the handler should return: for steps too long to leave it to the scheduler."""
        return self._claims.turn(self.job.id) != "go"

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Say how far the job is; the time left follows from the speed since the last call before anything was done."""
        now = time.monotonic()
        if self._began is None or self._began[1] == done:
            self._began = (now, done)
        self.done, self.total, self.message = done, total, message
        since, first = self._began
        eta = (now - since) / (done - first) * (total - done) if done > first else None
        self._progress.put(lambda: self._claims.progress(self.job.id, done, total, message, eta))

    def emit(self, kind: str, payload: Any) -> None:
        """Say what there is so far: a snapshot that replaces an unwritten earlier one of its kind.

        The first is written at once, later ones at most every EVENT_SECONDS, the last one always.
        """
        throttle = self._events.setdefault(kind, _Throttle(EVENT_SECONDS))
        throttle.put(lambda: self._claims.add_event(self.job.id, kind, payload))

    def beside(self, work: Callable[[], T]) -> Generator[None, None, T]:
        """Do blocking work in a thread and return its result: `result = yield from ctx.beside(work)`.

        The job rests meanwhile, so that jobs of lower priority lose nothing by it. Where it ends before the
        work does, the thread goes on alone and its result is dropped.
        """
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
            self.rests_until = 0.0

        threading.Thread(target=run, name=f"job-{self.job.id}", daemon=True).start()
        while not future.done():
            self.rests_until = time.monotonic() + REST_SECONDS
            yield
        return future.result()

    def settle(self, force: bool = False) -> None:
        """Write what waited long enough, or everything; the scheduler calls this after every step."""
        for throttle in (self._progress, *self._events.values()):
            throttle.settle(force)


Handler = Callable[[JobContext], Iterator[Any]]
"""A job kind: a generator that yields (anything) after each small unit of work (below 0.2 s): jobs take turns there."""


class _Throttle:
    """Runs the newest of the writes it is given, no more often than every `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0
        self._waiting: Callable[[], None] | None = None

    def put(self, write: Callable[[], None]) -> None:
        self._waiting = write
        self.settle()

    def settle(self, force: bool = False) -> None:
        if self._waiting is None or (not force and time.monotonic() < self._next):
            return
        write, self._waiting = self._waiting, None
        write()
        self._next = time.monotonic() + self._seconds
