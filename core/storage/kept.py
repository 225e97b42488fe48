"""What is kept about runs beside their samples: scores, named subsets and maps."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from core.errors import NotFoundError, StateError, StoreError
from core.storage import rows
from core.storage.database import Database
from core.storage.records import KeptMap, StoredScore, Subset
from core.storage.schema import NAME
from core.storage.schema import maps as maps_table
from core.storage.schema import runs as runs_table
from core.storage.schema import scores as scores_table
from core.storage.schema import subsets as subsets_table

IMPORTED = -1
"""The seed of a score that came with the generations, not from a training run of ours."""


class Kept:
    """The part of the store that holds scores, subsets and maps."""

    database: Database

    # Scores

    def put_scores(self, run: str, values: Mapping[str, float], *, seed: int = IMPORTED, note: str = "") -> None:
        """Store scores of a run by name, in place of those of the same name and seed; NaN is the unknown.

        seed: of the training run that was scored. NotFoundError where the run is gone, StoreError for a
        name that no database would take.
        """
        for name in values:
            if not 0 < len(name) <= NAME:
                raise StoreError(f"The score name {name[:NAME]!r} has not 1 to {NAME} characters; rename it.")
        new = [
            {"run": run, "name": name, "seed": seed, "value": rows.finite(value), "note": note}
            for name, value in values.items()
        ]
        if not new:
            return
        try:
            with self.database.writing() as connection:
                connection.execute(rows.upsert(self.database.dialect, scores_table), new)
        except IntegrityError as error:
            raise rows.no_run(run) from error

    def scores(self, task: str | None = None) -> dict[str, dict[str, float]]:
        """The scores of every run, of one task or of all, by run id and name: means over seeds, unknown left out."""
        columns = scores_table.c
        statement = (
            select(columns.run, columns.name, func.avg(columns.value))
            .where(columns.value.is_not(None))
            .group_by(columns.run, columns.name)
            .order_by(columns.run, columns.name)
        )
        if task is not None:
            statement = statement.join(runs_table, runs_table.c.id == columns.run).where(runs_table.c.task == task)
        found: dict[str, dict[str, float]] = {}
        with self.database.reading() as connection:
            for run, name, value in connection.execute(statement):
                found.setdefault(run, {})[name] = float(value)
        return found

    def score_names(self, task: str) -> list[str]:
        """The names of the scores that some run of the task has, sorted."""
        join = scores_table.join(runs_table, runs_table.c.id == scores_table.c.run)
        statement = select(scores_table.c.name).select_from(join).where(runs_table.c.task == task).distinct()
        with self.database.reading() as connection:
            return sorted(connection.scalars(statement))

    def stored_scores(
        self, *, run: str | None = None, name: str | None = None, task: str | None = None
    ) -> list[StoredScore]:
        """The scores that fit every condition given, seed by seed, by run, name and seed."""
        columns = scores_table.c
        statement = select(*(columns[field] for field in StoredScore._fields))
        for column, value in ((columns.run, run), (columns.name, name)):
            if value is not None:
                statement = statement.where(column == value)
        if task is not None:
            statement = statement.join(runs_table, runs_table.c.id == columns.run).where(runs_table.c.task == task)
        with self.database.reading() as connection:
            found = connection.execute(statement.order_by(columns.run, columns.name, columns.seed))
            return [StoredScore._make(row) for row in found]

    def forget_scores(self, run: str, names: Sequence[str], seeds: Sequence[int]) -> None:
        """Delete scores of a run, by name and seed; those that are not there are passed over."""
        columns = scores_table.c
        with self.database.writing() as connection:
            connection.execute(
                delete(scores_table).where(columns.run == run, columns.name.in_(names), columns.seed.in_(seeds))
            )

    # Subsets

    def save_subset(self, task: str, name: str, ids: Sequence[str]) -> Subset:
        """Keep samples under a name; StateError where the task has a subset of that name already."""
        new = Subset(id=rows.new_id("s"), task=task, name=name, created=time.time(), samples=tuple(ids))
        try:
            with self.database.writing() as connection:
                connection.execute(insert(subsets_table).values(**vars(new) | {"samples": list(ids)}))
        except IntegrityError as error:
            raise StateError(f"There is a subset {name!r} of {task} already; choose another name.") from error
        return new

    def subsets(self, task: str) -> list[Subset]:
        """The subsets of a task, newest first."""
        columns = subsets_table.c
        statement = select(subsets_table).where(columns.task == task).order_by(columns.created.desc(), columns.id)
        with self.database.reading() as connection:
            found = connection.execute(statement).mappings()
            return [Subset(**{**row, "samples": tuple(row["samples"])}) for row in found]

    def subset(self, subset: str) -> Subset:
        """One subset by id; NotFoundError."""
        with self.database.reading() as connection:
            statement = select(subsets_table).where(subsets_table.c.id == subset)
            row = connection.execute(statement).mappings().first()
        if row is None:
            raise NotFoundError(f"There is no subset {subset!r} in this store; it may have been deleted.")
        return Subset(**{**row, "samples": tuple(row["samples"])})

    def delete_subset(self, subset: str) -> None:
        """Forget a subset; its samples stay. NotFoundError where there is none."""
        with self.database.writing() as connection:
            gone = connection.execute(delete(subsets_table).where(subsets_table.c.id == subset)).rowcount
        if not gone:
            self.subset(subset)

    # Maps

    def put_map(self, kept: KeptMap) -> None:
        """Store a map; one of the same id is the same map and stays."""
        row = vars(kept) | {"made": dict(kept.made), "record": dict(kept.record)}
        with self.database.writing() as connection:
            connection.execute(rows.insert_new(self.database.dialect, maps_table), [row])

    def map(self, map_id: str) -> KeptMap:
        """One stored map by id; NotFoundError."""
        with self.database.reading() as connection:
            statement = select(maps_table).where(maps_table.c.id == map_id)
            row = connection.execute(statement).mappings().first()
        if row is None:
            raise NotFoundError(f"There is no map {map_id!r} in this store; draw one with `steerscope map`.")
        return KeptMap(**row)

    def maps(self, task: str) -> dict[str, float]:
        """When each stored map of a task was made, by its id, newest first."""
        columns = maps_table.c
        statement = select(columns.id, columns.created).where(columns.task == task)
        with self.database.reading() as connection:
            found = connection.execute(statement.order_by(columns.created.desc(), columns.id))
            return {row.id: row.created for row in found}
