"""The queue: a job is a kind and a JSON payload in the store; `core.scheduling.claims` has the working side.

A job may drive a run: the run's status follows the job's, in the same transaction.

    queued -> running -> done | failed | cancelled | interrupted (its process died, was closed, or lost it)
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Update, and_, delete, insert, select, true, update

from core.errors import NotFoundError, StateError
from core.scheduling.processes import fate
from core.settings import settings
from core.storage import rows
from core.storage.records import Event, Job, JobStatus, NewRun, Priority, RunStatus
from core.storage.schema import events as events_table
from core.storage.schema import jobs as jobs_table
from core.storage.schema import runs as runs_table
from core.store import Store

_JOBS = jobs_table.c
ACTIVE: tuple[Literal["queued", "running"], ...] = ("queued", "running")
RESUMABLE: tuple[RunStatus, ...] = ("interrupted", "cancelled", "failed")


class Jobs:
    """The queue of a store.

    lease: seconds that a claim holds without a heartbeat, from the settings unless given; machines that
    share a PostgreSQL store must agree on the time to a fraction of it.
    """

    def __init__(self, store: Store, lease: float | None = None) -> None:
        self.store = store
        self.lease = settings().lease_seconds if lease is None else lease
        self._database = store.database
        self._late: dict[tuple[int, float], float] = {}

    # Asking for work

    def submit(
        self,
        kind: str,
        payload: Mapping[str, Any] | None = None,
        *,
        priority: int = Priority.RUN,
        run: NewRun | str | None = None,
        owner: str | None = None,
    ) -> Job:
        """Queue a job; run: the run that it drives, made with it in one transaction where it is a `NewRun`.

        owner: the process that will run the job itself: it is born claimed and no worker ever sees it queued.
        StateError where the run has a job in progress.
        """
        with self._database.writing() as connection:
            status: JobStatus = "queued" if owner is None else "running"
            if isinstance(run, NewRun):
                run = rows.insert_run(connection, run, status)
            elif run is not None:
                self._take_run(connection, run, status)
            job = self._insert(connection, kind, dict(payload or {}), priority, run, owner)
        return self.job(job)

    def submit_once(
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        priority: int = Priority.RUN,
        status: Sequence[JobStatus] = ACTIVE,
        limit: int | None = None,
    ) -> Job:
        """Queue work that nobody has asked for yet; else the newest job with the same payload and such a status.

        limit: jobs that are looked through, all of them by default.
        """
        for job in self.jobs(kind=kind, status=status, limit=limit):
            if job.payload == payload and not job.cancel:
                return job
        return self.submit(kind, payload, priority=priority)

    def resume(self, run: str, *, owner: str | None = None) -> Job:
        """Queue an interrupted, cancelled or failed run again, as it was asked for; what is stored stays.

        NotFoundError; StateError where the run is done, in progress, or was never a worker's.
        """
        self.recover()
        with self._database.writing() as connection:
            self._take_run(connection, run, "queued" if owner is None else "running", resumable=True)
            statement = select(jobs_table).where(_JOBS.run == run).order_by(_JOBS.id.desc()).limit(1)
            last = connection.execute(statement).mappings().first()
            if last is None:
                raise StateError(f"Run {run} was not made by a worker, so there is nothing to resume.")
            job = self._insert(connection, last["kind"], last["payload"], last["priority"], run, owner)
        return self.job(job)

    def cancel(self, job: int) -> Job:
        """Ask a job to stop: at once where it waits, before its next step where it runs."""
        with self._database.writing() as connection:
            waiting = update(jobs_table).where(_JOBS.id == job, _JOBS.status == "queued")
            if not end(connection, waiting, job, "cancelled"):
                running = and_(_JOBS.id == job, _JOBS.status == "running")
                connection.execute(update(jobs_table).where(running).values(cancel=true()))
        self.recover()  # no step will come where the process is dead
        return self.job(job)

    # Looking

    def job(self, job: int) -> Job:
        """One job; NotFoundError."""
        found = self._select(_JOBS.id == job)
        if not found:
            raise NotFoundError(f"There is no job {job}; it may have been deleted with its run.")
        return found[0]

    def jobs(
        self,
        *,
        status: JobStatus | Sequence[JobStatus] | None = None,
        kind: str | None = None,
        limit: int | None = None,
    ) -> list[Job]:
        """Jobs that fit, newest first."""
        where: list[ColumnElement[bool]] = []
        if status is not None:
            where.append(_JOBS.status.in_([status] if isinstance(status, str) else list(status)))
        if kind is not None:
            where.append(_JOBS.kind == kind)
        return self._select(*where, limit=limit)

    def active(self) -> list[Job]:
        """Jobs that wait or run, newest first."""
        return self.jobs(status=ACTIVE)

    def of_run(self, run: str) -> Job | None:
        """The job that drives a run now, or drove it last."""
        found = self._select(_JOBS.run == run, limit=1)
        return found[0] if found else None

    def is_cancelled(self, job: int) -> bool:
        """Whether the job was asked to stop, or is no longer running: read at every decoding step."""
        with self._database.reading() as connection:
            row = connection.execute(select(_JOBS.cancel, _JOBS.status).where(_JOBS.id == job)).first()
        return row is None or row.cancel or row.status not in ACTIVE

    def events(self, job: int, *, after: int = 0, kind: str | None = None, limit: int | None = None) -> list[Event]:
        """A job's events with ids above `after`, oldest first."""
        columns = events_table.c
        statement = select(events_table).where(columns.job == job, columns.id > after).order_by(columns.id)
        if kind is not None:
            statement = statement.where(columns.kind == kind)
        with self._database.reading() as connection:
            return [Event(**row) for row in connection.execute(statement.limit(limit)).mappings()]

    def last_event(self, job: int, kind: str) -> Event | None:
        """The newest event of a kind: all that a page needs of a stream of snapshots."""
        columns = events_table.c
        statement = select(events_table).where(columns.job == job, columns.kind == kind)
        with self._database.reading() as connection:
            row = connection.execute(statement.order_by(columns.id.desc()).limit(1)).mappings().first()
        return None if row is None else Event(**row)

    # Keeping house

    def recover(self) -> list[Job]:
        """Mark running jobs whose lease ran out or whose process is dead, and their runs, as interrupted.

        Whoever opens the store calls this: server, worker and command line. Returns the jobs that it found.
        A process of this host that is late but alive (the machine was asleep, or busy) gets one lease more
        from the first look on.
        """
        now = time.time()
        found: list[Job] = []
        for job in self._select(_JOBS.status == "running"):
            owner, until = job.owner or "", job.lease_until or 0.0
            known = fate(owner)
            if known != "dead" and until >= now:
                continue
            if known == "alive" and not self._waited((job.id, until)):
                continue
            # Only if nothing moved since the look: a heartbeat in between saves the job.
            as_seen = mine(job.id, owner).where(_JOBS.lease_until == until)
            status: JobStatus = "cancelled" if job.cancel else "interrupted"
            with self._database.writing() as connection:
                if end(connection, as_seen, job.id, status):
                    found.append(job)
        return [self.job(job.id) for job in found]

    def prune(self, events_after: float = 600.0, jobs_after: float = 7 * 86400.0) -> None:
        """Delete the events of jobs that ended that many seconds ago, and old jobs that drove no run."""
        now = time.time()
        ended = select(_JOBS.id).where(_JOBS.status.not_in(ACTIVE), _JOBS.finished < now - events_after)
        old = and_(_JOBS.run.is_(None), _JOBS.status.not_in(ACTIVE), _JOBS.finished < now - jobs_after)
        with self._database.writing() as connection:
            connection.execute(delete(events_table).where(events_table.c.job.in_(ended)))
            connection.execute(delete(jobs_table).where(old))

    def _waited(self, beat: tuple[int, float]) -> bool:
        """Whether a lease's time passed since this late heartbeat was first looked at."""
        now = time.monotonic()  # stands still while the machine sleeps
        self._late = {known: since for known, since in self._late.items() if now - since < 10 * self.lease}
        return now - self._late.setdefault(beat, now) >= self.lease

    def _select(self, *where: ColumnElement[bool], limit: int | None = None) -> list[Job]:
        statement = select(jobs_table).where(*where).order_by(_JOBS.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [Job(**row) for row in connection.execute(statement).mappings()]

    def _insert(
        self,
        connection: Connection,
        kind: str,
        payload: Any,
        priority: int,
        run: str | None,
        owner: str | None,
    ) -> int:
        row = {"kind": kind, "payload": payload, "priority": int(priority), "run": run, "status": "queued"}
        row |= {"done": 0, "total": 0, "message": "", "created": time.time()}
        row |= {} if owner is None else claimed(owner, self.lease)
        key = connection.execute(insert(jobs_table).values(**row)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def _take_run(self, connection: Connection, run: str, status: RunStatus, resumable: bool = False) -> None:
        """Move a run to queued or running; the condition makes sure that no second job drives it."""
        columns = runs_table.c
        free = columns.status.in_(RESUMABLE) if resumable else columns.status.not_in(ACTIVE)
        take = update(runs_table).where(columns.id == run, free)
        if connection.execute(take.values(status=status, error=None, finished=None)).rowcount:
            return
        found = connection.execute(select(columns.status).where(columns.id == run)).scalar()
        if found is None:
            raise rows.no_run(run)
        what = "there is nothing to resume" if found == "done" else "wait for it or cancel it first"
        raise StateError(f"Run {run} is {found}; {what}.")


def mine(job: int, owner: str) -> Update:
    """An update of a job that holds only while this owner runs it."""
    return update(jobs_table).where(_JOBS.id == job, _JOBS.owner == owner, _JOBS.status == "running")


def claimed(owner: str, lease: float) -> dict[str, Any]:
    """What a job's row says from the moment it is claimed."""
    now = time.time()
    until = now + lease
    return {"status": "running", "owner": owner, "lease_until": until, "heartbeat": now, "started": now}


def end(connection: Connection, which: Update, job: int, status: JobStatus, **values: Any) -> bool:
    """End a job and the run that it drives; False where the condition of `which` no longer holds."""
    ended = which.values(status=status, finished=time.time(), eta=None, **values)
    if connection.execute(ended).rowcount != 1:
        return False
    follow(connection, job, status, values.get("error"))
    return True


def follow(connection: Connection, job: int, status: RunStatus, error: str | None = None) -> None:
    """Give the run that a job drives the job's status."""
    run = select(_JOBS.run).where(_JOBS.id == job).scalar_subquery()
    finished = None if status in ACTIVE else time.time()
    values = {"status": status, "error": error, "finished": finished}
    connection.execute(update(runs_table).where(runs_table.c.id == run).values(**values))
