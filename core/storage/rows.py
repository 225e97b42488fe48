"""Between dataclasses and table rows, and the statements that run inside a larger transaction."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.errors import NotFoundError
from core.storage.records import (
    BRANCHES,
    MetricLike,
    NewRun,
    NewSample,
    Run,
    RunStatus,
    Sample,
    Unit,
    floats_from_bytes,
    floats_to_bytes,
)
from core.storage.schema import runs as runs_table
from core.storage.schema import samples as samples_table

T = TypeVar("T")
_ID_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"  # none that is read as another
CHUNK = 2000
"""Values in one IN list: below every database's limit of parameters."""
_PACKAGES = (
    "steerscope",
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "sentence-transformers",
)


def insert_run(connection: Connection, new: NewRun, status: RunStatus) -> str:
    """Insert a run inside a transaction and return its new id; NotFoundError where its parent is gone."""
    now = time.time()
    row = {name: getattr(new, name) for name in NewRun.__dataclass_fields__}
    row["settings"] = dict(new.settings)
    row["pair_spec"] = None if new.pair_spec is None else dict(new.pair_spec)
    row["queries"] = list(new.queries)
    row["versions"] = dict(new.versions) or library_versions()
    row |= {"status": status, "samples": 0, "tokens": 0, "seconds": 0.0}
    row |= {"created": now, "finished": now if status == "done" else None}
    if new.parent is not None and not _exists(connection, new.parent):
        raise no_run(new.parent)
    run = new_id("r")
    while _exists(connection, run):
        run = new_id("r")
    connection.execute(insert(runs_table).values(id=run, **row))
    return run


def add_samples(connection: Connection, run: str, units: Mapping[Unit, NewSample], seconds: float) -> int:
    """Insert the samples whose unit is not stored yet, inside a transaction, and count them into the run."""
    columns = runs_table.c
    # Locks the run's row first, so that two writers of one run follow each other on every database.
    spent = update(runs_table).where(columns.id == run).values(seconds=columns.seconds + seconds)
    if not connection.execute(spent).rowcount:
        raise no_run(run)
    stored: set[Unit] = set()
    replicates = [replicate for _, replicate in units]
    known = select(samples_table.c.query, samples_table.c.replicate).where(
        samples_table.c.run == run,
        samples_table.c.replicate.between(min(replicates, default=0), max(replicates, default=0)),
    )
    for chunk in chunks(dict.fromkeys(query for query, _ in units)):
        found = connection.execute(known.where(samples_table.c.query.in_(chunk)))
        stored |= {(row.query, row.replicate) for row in found}
    new = [sample for unit, sample in units.items() if unit not in stored]
    if new:
        connection.execute(insert(samples_table), [_sample_row(run, sample) for sample in new])
        tokens = sum(len(sample.token_ids) for sample in new)
        counts = {"samples": columns.samples + len(new), "tokens": columns.tokens + tokens}
        connection.execute(update(runs_table).where(columns.id == run).values(**counts))
    return len(new)


def insert_new(dialect: str, table: Table) -> Any:
    """The statement that keeps the row of a primary key that is there already; both databases know it."""
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_nothing(index_elements=list(table.primary_key.columns))


def upsert(dialect: str, table: Table) -> Any:
    """The statement that replaces the row of a primary key that is there already."""
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(table)
    new = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=new)


@cache
def library_versions() -> dict[str, str]:
    """Versions of Python and of the installed libraries that decide a run's numbers."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def run_of(row: RowMapping) -> Run:
    """A run from its row."""
    return Run(**{**row, "queries": tuple(row["queries"])})


def sample_of(row: RowMapping) -> Sample:
    """A sample from its row; log-probabilities where the row has them."""
    values = dict(row)
    data = values.pop("logprobs", None)
    values["token_ids"] = tuple(values["token_ids"])
    values["negatives"] = tuple(values["negatives"])
    return Sample(**values, logprobs=None if data is None else floats_from_bytes(data, rows=len(BRANCHES)))


def metric_row(run: str, metric: MetricLike) -> dict[str, Any]:
    """A metric as a row; what is not finite is unknown, as in the command line's JSON."""
    numbers = {name: finite(getattr(metric, name)) for name in ("value", "low", "high", "reference")}
    return {
        "run": run,
        "name": metric.name,
        **numbers,
        "n": None if metric.n is None else int(metric.n),
        "better": metric.better,
        "note": metric.note,
    }


def storable(text: str) -> str:
    """The text as every database takes it: no NUL, no half of a surrogate pair, which imported text can hold."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def new_id(kind: str) -> str:
    """A random id that begins with the letter of its kind."""
    return f"{kind}-" + "".join(secrets.choice(_ID_LETTERS) for _ in range(6))


def no_run(run: str) -> NotFoundError:
    """The error for an unknown run."""
    return NotFoundError(f"There is no run {run!r} in this store; list the runs to see their ids.")


def _sample_row(run: str, sample: NewSample) -> dict[str, Any]:
    return {
        "run": run,
        "query": sample.query,
        "replicate": sample.replicate,
        "chain": sample.chain,
        "round": sample.round,
        "text": storable(sample.text),
        "token_ids": [int(token) for token in sample.token_ids],
        "logprobs": _logprob_bytes(sample),
        "finish": sample.finish,
        "negatives": list(sample.negatives),
    }


def finite(value: float | None) -> float | None:
    """The value as a float; None, the unknown, where it is not finite."""
    return float(value) if value is not None and math.isfinite(value) else None


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists that one statement can carry."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def _logprob_bytes(sample: NewSample) -> bytes | None:
    if sample.logprobs is None:
        return None
    shape = (len(BRANCHES), len(sample.token_ids))
    if sample.logprobs.shape != shape:
        found = sample.logprobs.shape
        raise ValueError(f"the log-probabilities of {sample.query!r} have shape {found}, not {shape}")
    return floats_to_bytes(sample.logprobs)


def _exists(connection: Connection, run: str) -> bool:
    return connection.execute(select(runs_table.c.id).where(runs_table.c.id == run)).first() is not None
