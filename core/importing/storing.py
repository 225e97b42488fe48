"""Everything that a file holds goes into the store in one short transaction, or nothing does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, insert, select, text, update

from core.importing.origin import Origin
from core.importing.spool import Spool
from core.importing.survey import Draft, Survey
from core.storage import rows
from core.storage.kept import IMPORTED
from core.storage.records import NewRun
from core.storage.schema import runs as runs_table
from core.storage.schema import samples as samples_table
from core.storage.schema import scores as scores_table
from core.store import Store

BATCH = 500
"""Answers of one statement: each may be long."""


def store_runs(
    store: Store,
    task: str,
    survey: Survey,
    spool: Spool,
    origins: Mapping[str, Origin],
    *,
    progress: Callable[[int], None],
    before_end: Callable[[], None],
) -> tuple[dict[str, str], int]:
    """The id of every run by its key, and how many samples are new; runs that this import stored before stay.

    origins: of each run by its key. before_end: called when all is written and nothing is final; an error of
    it undoes everything.
    """
    statement = insert_answers()
    with store.database.writing() as connection:
        known = _known(connection, task, origins)
        new = {
            key: rows.insert_run(connection, _run(task, draft, origins[key]), "done")
            for key, draft in survey.drafts.items()
            if key not in known
        }
        count = 0
        for batch in rows.chunks((answer for answer in spool if answer.key in new), BATCH):
            connection.execute(statement, [{**one._asdict(), "run": new[one.key]} for one in batch])
            count += len(batch)
            progress(count)
        for key, run in new.items():
            _finish(connection, run, survey.drafts[key], origins[key])
        before_end()
    return {key: known.get(key) or new[key] for key in survey.drafts}, count


def insert_answers() -> Insert:
    """The statement for answers of which only texts are known.

    What all of them share is written in it: that halves the time for which every other writer waits.
    """
    own: dict[str, Any] = {name: bindparam(name) for name in ("run", "query", "replicate", "chain", "text")}
    shared = {"round": text("0"), "token_ids": text("'[]'"), "finish": text("'end'"), "negatives": text("'[]'")}
    return insert(samples_table).values(own | shared)


def _known(connection: Connection, task: str, origins: Mapping[str, Origin]) -> dict[str, str]:
    """Runs of this import that the store has, by key: looked up inside the transaction, so that two imports of
    one file at once make one."""
    columns = runs_table.c
    statement = select(columns.id, columns.versions).where(columns.task == task, columns.kind == "imported")
    found = {}
    for row in connection.execute(statement):
        origin = Origin.from_versions(row.versions)
        if origin.key in origins and origins[origin.key].asked == origin.asked:
            found[origin.key] = row.id
    return found


def _run(task: str, draft: Draft, origin: Origin) -> NewRun:
    return NewRun(
        kind="imported",
        task=task,
        settings={rows.storable(name): value for name, (value, _) in draft.settings.items()},
        role="train" if draft.role == "train" else "probe",
        queries=tuple(draft.answered),
        replicates=max(draft.answered.values()),
        expected=draft.rows,
        versions=origin.as_versions(),
    )


def _finish(connection: Connection, run: str, draft: Draft, origin: Origin) -> None:
    """Count the samples into their run, and keep the scores that came with them."""
    connection.execute(update(runs_table).where(runs_table.c.id == run).values(samples=draft.rows))
    scores = [
        {"run": run, "name": rows.storable(name), "seed": IMPORTED, "value": value, "note": f"from {origin.file}"}
        for name, (value, _) in draft.scores.items()
    ]
    if scores:
        connection.execute(insert(scores_table), scores)
