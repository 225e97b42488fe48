"""The store: runs, samples and what is kept about them; dataclasses in and out, one transaction a finished unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import IntegrityError

from core.errors import NotFoundError, StateError
from core.storage import rows
from core.storage.caches import StoredCoordinates, StoredVectors
from core.storage.database import Database
from core.storage.kept import Kept
from core.storage.records import (
    Metric,
    MetricLike,
    NewRun,
    NewSample,
    Run,
    RunStatus,
    Sample,
    StoredText,
    Unit,
)
from core.storage.schema import metrics as metrics_table
from core.storage.schema import runs as runs_table
from core.storage.schema import samples as samples_table


class Store(Kept):
    """The store at a SQLAlchemy URL, made and migrated where needed; safe to share between threads.

    Raises StoreError where it cannot be opened or written, StoreVersionError where it is of a newer schema.
    """

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    @property
    def url(self) -> str:
        """The URL that opens the same store from any folder; it may hold a password, `name` never does."""
        return self.database.url.render_as_string(hide_password=False)

    @property
    def name(self) -> str:
        """The store as people may see it: the file, or the URL without its password."""
        return self.database.name

    @property
    def path(self) -> Path | None:
        """The SQLite file; None on a server."""
        return self.database.path

    def close(self) -> None:
        """Close the connections; the store opens them again when it is used."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Runs

    def create_run(self, new: NewRun, status: RunStatus = "queued") -> Run:
        """Store a run; one that a worker shall write is made with its job, by `Jobs.submit(run=...)`."""
        with self.database.writing() as connection:
            run = rows.insert_run(connection, new, status)
        return self.run(run)

    def run(self, run: str) -> Run:
        """One run by id; NotFoundError."""
        found = self._runs(runs_table.c.id == run)
        if not found:
            raise rows.no_run(run)
        return found[0]

    def runs(
        self,
        *,
        task: str | None = None,
        status: RunStatus | Sequence[RunStatus] | None = None,
        kind: str | None = None,
        parent: str | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        """Runs that fit every condition given, newest first."""
        columns = runs_table.c
        where: list[ColumnElement[bool]] = [
            column == value
            for column, value in ((columns.task, task), (columns.kind, kind), (columns.parent, parent))
            if value is not None
        ]
        if status is not None:
            where.append(columns.status.in_([status] if isinstance(status, str) else list(status)))
        return self._runs(*where, limit=limit)

    def update_run(
        self,
        run: str,
        *,
        note: str | None = None,
        starred: bool | None = None,
        expected: int | None = None,
        pair: str | None = None,
        finished: float | None = None,
    ) -> Run:
        """Change what a person or a worker may change; the status follows the run's job (`core.jobs`)."""
        given = {"note": note, "starred": starred, "expected": expected, "pair": pair, "finished": finished}
        changes = {name: value for name, value in given.items() if value is not None}
        if changes:
            with self.database.writing() as connection:
                connection.execute(update(runs_table).where(runs_table.c.id == run).values(**changes))
        return self.run(run)

    def delete_run(self, run: str) -> None:
        """Delete a run with its samples, metrics and jobs; StateError while it is queued or running."""
        idle = runs_table.c.status.not_in(("queued", "running"))
        with self.database.writing() as connection:
            gone = connection.execute(delete(runs_table).where(runs_table.c.id == run, idle)).rowcount
        if not gone:
            raise StateError(f"Run {run} is {self.run(run).status}; cancel it before deleting it.")

    def _runs(self, *where: ColumnElement[bool], limit: int | None = None) -> list[Run]:
        newest = select(runs_table).where(*where).order_by(runs_table.c.created.desc(), runs_table.c.id)
        with self.database.reading() as connection:
            return [rows.run_of(row) for row in connection.execute(newest.limit(limit)).mappings()]

    # Samples

    def add_round(self, run: str, samples: Iterable[NewSample], seconds: float = 0.0) -> int:
        """Store a finished unit of work in one transaction; returns how many samples were new.

        Samples whose (query, replicate) is there already are skipped, so a unit may be written twice.
        seconds: time it took, added to the run's. NotFoundError where the run was deleted meanwhile.
        """
        units = {(sample.query, sample.replicate): sample for sample in samples}
        with self.database.writing() as connection:
            return rows.add_samples(connection, run, units, seconds)

    def samples(
        self,
        run: str,
        *,
        query: str | None = None,
        after: int | None = None,
        newest: bool = False,
        limit: int | None = None,
        offset: int = 0,
        logprobs: bool = False,
    ) -> list[Sample]:
        """Samples of a run in the order of arrival, or newest first; after: only ids above this one.

        Log-probabilities are left out (None) unless asked for: they are most of a sample's size.
        """
        columns = samples_table.c
        wanted = [column for column in columns if logprobs or column.name != "logprobs"]
        order = columns.id.desc() if newest else columns.id
        statement = select(*wanted).where(columns.run == run).order_by(order).limit(limit).offset(offset)
        if query is not None:
            statement = statement.where(columns.query == query)
        if after is not None:
            statement = statement.where(columns.id > after)
        with self.database.reading() as connection:
            return [rows.sample_of(row) for row in connection.execute(statement).mappings()]

    def texts(self, runs: Sequence[str]) -> dict[str, list[StoredText]]:
        """The texts of these runs in the order of arrival: what a map reads, without the rest of a sample."""
        columns = samples_table.c
        wanted = [columns[name] for name in StoredText._fields]
        found: dict[str, list[StoredText]] = {run: [] for run in runs}
        with self.database.reading() as connection:
            for chunk in rows.chunks(found):
                statement = select(*wanted).where(columns.run.in_(chunk)).order_by(columns.run, columns.id)
                for row in connection.execute(statement).all():
                    found[row[1]].append(StoredText._make(row))
        return found

    def sample(self, sample: int) -> Sample:
        """One sample with its log-probabilities; NotFoundError."""
        with self.database.reading() as connection:
            statement = select(samples_table).where(samples_table.c.id == sample)
            row = connection.execute(statement).mappings().first()
        if row is None:
            raise NotFoundError(f"There is no sample {sample}; it may have been deleted with its run.")
        return rows.sample_of(row)

    def chosen(self, samples: Iterable[int]) -> dict[int, Sample]:
        """Samples by their ids, without log-probabilities; those that were deleted are left out."""
        columns = [column for column in samples_table.c if column.name != "logprobs"]
        found: dict[int, Sample] = {}
        with self.database.reading() as connection:
            for chunk in rows.chunks(dict.fromkeys(samples)):
                statement = select(*columns).where(samples_table.c.id.in_(chunk))
                found |= {row["id"]: rows.sample_of(row) for row in connection.execute(statement).mappings()}
        return found

    def finished_units(self, run: str) -> set[Unit]:
        """The (query, replicate) pairs that are stored: what a resumed run need not write again."""
        columns = samples_table.c
        with self.database.reading() as connection:
            units = connection.execute(select(columns.query, columns.replicate).where(columns.run == run))
            return {(unit.query, unit.replicate) for unit in units}

    # Vectors and metrics

    def vectors(self, embedder: str) -> StoredVectors:
        """The vectors of one embedder, by content key."""
        return StoredVectors(self.database, embedder)

    def coordinates(self, view: str) -> StoredCoordinates:
        """The places of samples in one view (`core.sample_view`), by content key."""
        return StoredCoordinates(self.database, view)

    def put_metrics(self, run: str, values: Iterable[MetricLike]) -> None:
        """Store metrics of a run, in place of those of the same name; NaN becomes None, the unknown."""
        new = [rows.metric_row(run, metric) for metric in values]
        if not new:
            return
        try:
            with self.database.writing() as connection:
                connection.execute(rows.upsert(self.database.dialect, metrics_table), new)
        except IntegrityError as error:
            raise rows.no_run(run) from error

    def metrics(self, run: str) -> list[Metric]:
        """The metrics of a run, by name."""
        columns = [column for column in metrics_table.c if column.name != "run"]
        statement = select(*columns).where(metrics_table.c.run == run).order_by(metrics_table.c.name)
        with self.database.reading() as connection:
            return [Metric(**row) for row in connection.execute(statement).mappings()]

    def metric(self, name: str) -> dict[str, Metric]:
        """One metric of every run that has it, by run id: what a list of runs shows."""
        statement = select(metrics_table).where(metrics_table.c.name == name)
        with self.database.reading() as connection:
            found = [dict(row) for row in connection.execute(statement).mappings()]
        return {row.pop("run"): Metric(**row) for row in found}
