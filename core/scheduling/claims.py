"""Doing the work of the queue: what one process does with the jobs that it holds."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any, Literal

from sqlalchemy import and_, insert, select, update

from core.jobs import Jobs, claimed, end, follow, mine
from core.scheduling.processes import this_process
from core.storage.records import Job, Priority
from core.storage.schema import events as events_table
from core.storage.schema import jobs as jobs_table

Turn = Literal["go", "cancel", "lost"]
_JOBS = jobs_table.c


class Claims:
    """The jobs that one owner holds. Every write holds only while the job is still this owner's.

    owner: the name of this process unless told otherwise (`processes.this_process`).
    """

    def __init__(self, jobs: Jobs, owner: str | None = None) -> None:
        self.owner = owner or this_process()
        self.lease = jobs.lease
        self._jobs = jobs
        self._database = jobs.store.database

    def claim(self, kinds: Collection[str], min_priority: int = Priority.BACKGROUND) -> Job | None:
        """Take the most urgent waiting job of these kinds, the oldest first; None where there is none."""
        waiting = and_(_JOBS.status == "queued", _JOBS.kind.in_(sorted(kinds)))
        urgent = and_(waiting, _JOBS.priority >= min_priority)
        next_up = select(_JOBS.id).where(urgent).order_by(_JOBS.priority.desc(), _JOBS.id).limit(1)
        while True:
            with self._database.reading() as connection:
                job = connection.execute(next_up).scalar()
            if job is None:
                return None
            if self._take(job):
                return self._jobs.job(job)

    def heartbeat(self, job: int) -> bool:
        """Extend the lease; False where the job is no longer this owner's to run."""
        now = time.time()
        beat = mine(job, self.owner).values(lease_until=now + self.lease, heartbeat=now)
        with self._database.writing() as connection:
            return connection.execute(beat).rowcount == 1

    def turn(self, job: int) -> Turn:
        """Whether the job's next step may be taken, shall be its cancellation, or is another's."""
        statement = select(_JOBS.cancel, _JOBS.status, _JOBS.owner).where(_JOBS.id == job)
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
        if row is None or row.status != "running" or row.owner != self.owner:
            return "lost"
        return "cancel" if row.cancel else "go"

    def progress(self, job: int, done: int, total: int, message: str, eta: float | None) -> None:
        """Note how far a job is; handlers call `JobContext.progress`, which throttles."""
        values = {"done": done, "total": total, "message": message, "eta": eta}
        with self._database.writing() as connection:
            connection.execute(mine(job, self.owner).values(**values))

    def add_event(self, job: int, kind: str, payload: Any) -> None:
        """Store an event; handlers call `JobContext.emit`, which throttles."""
        row = {"job": job, "kind": kind, "payload": payload, "created": time.time()}
        with self._database.writing() as connection:
            connection.execute(insert(events_table).values(**row))

    def finish(self, job: int, result: Any = None) -> bool:
        """The job is done, and its run with it; False where it was no longer this owner's."""
        with self._database.writing() as connection:
            return end(connection, mine(job, self.owner), job, "done", result=result)

    def stop(self, job: int, status: Literal["failed", "cancelled", "interrupted"], error: str | None = None) -> bool:
        """The job ended early, and its run with it; False where it was no longer this owner's."""
        with self._database.writing() as connection:
            return end(connection, mine(job, self.owner), job, status, error=error)

    def _take(self, job: int) -> bool:
        """The condition in the update decides who wins, on every database."""
        take = update(jobs_table).where(_JOBS.id == job, _JOBS.status == "queued")
        with self._database.writing() as connection:
            if connection.execute(take.values(**claimed(self.owner, self.lease))).rowcount != 1:
                return False
            follow(connection, job, "running")
            return True
