"""Exports: the samples of a run with their provenance, as JSON lines, Parquet or CSV.

Every row says where it comes from, so rows of several runs can be joined, shuffled and cut. JSON lines and
Parquet keep the texts as they are. CSV is for spreadsheets, which take a cell that begins like a formula for
one: there such a cell starts with an apostrophe. Rows are read and written in batches, never a run at once.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, BinaryIO, Literal

from core.storage.records import Run, Sample
from core.store import Store
from core.tasks import Query

Form = Literal["jsonl", "parquet", "csv"]

BATCH = 100
"""Samples that are read at once."""

GROUP_ROWS = 5_000
GROUP_CHARACTERS = 8_000_000
"""A row group of a Parquet file ends at whichever of the two comes first."""

METADATA_KEY = b"steerscope"
"""Where a Parquet file keeps the provenance of its rows, as JSON."""

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# JSON may hold these as they are, but many readers of lines break a line at them.
_LINE_BREAKS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class Row:
    """One sample with its provenance: the columns of every form, in this order.

    run, kind, task: of the run; sample: the sample's id; query, query_text, label: what it answers, text
    and label None where the task no longer has the query; replicate, chain, round: its place in the run;
    text; tokens: how many; finish: `end`, or `length` where it was cut; settings: of the run, any JSON;
    pair: fingerprint of the model pair; versions: of Python and the libraries; created: of the run, UTC.
    A real row (run and kind "real") was written by nobody here: what only a run has is None.
    """

    run: str
    kind: str
    task: str
    sample: int | None
    query: str
    query_text: str | None
    label: str | None
    replicate: int
    chain: int | None
    round: int | None
    text: str
    tokens: int | None
    finish: str | None
    settings: Mapping[str, Any]
    pair: str | None
    versions: Mapping[str, str]
    created: str | None

    def values(self) -> dict[str, Any]:
        """Column name -> value, without copying what all rows of a run share."""
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS = tuple(field.name for field in fields(Row))
_WHOLE = frozenset({"sample", "replicate", "chain", "round", "tokens"})
_NESTED = frozenset({"settings", "versions"})


@dataclass(frozen=True)
class Format:
    """A form of export: what a person calls it, how its files end, and how its rows are written."""

    label: str
    suffix: str
    mime: str
    write: Callable[[Mapping[str, Any], Iterable[Row], BinaryIO], int]


def export_run(store: Store, run: str, form: Form, target: BinaryIO, queries: Mapping[str, Query] | None = None) -> int:
    """Write every sample of a run to `target` and return how many.

    queries: the task's queries by id (`Task.by_id`), for their text and label.
    Raises NotFoundError where there is no such run, or where it is deleted meanwhile.
    """
    source = store.run(run)
    return FORMATS[form].write(provenance(source), _rows(store, source, queries or {}), target)


def file_name(run: Run, form: Form) -> str:
    """What to call the file of a run: "steerscope-hypotheses-r-4kx2mb.csv"."""
    task = re.sub(r"[^\w-]+", "-", run.task).strip("-") or "run"
    return f"steerscope-{task}-{run.id}.{FORMATS[form].suffix}"


def provenance(run: Run) -> dict[str, Any]:
    """Where the samples of a run come from, as JSON-able values; paths of this machine are not among them."""
    names = ("kind", "task", "role", "queries", "replicates", "expected", "samples", "status")
    return {
        "run": run.id,
        **{name: getattr(run, name) for name in names},
        "queries": list(run.queries),
        "settings": dict(run.settings),
        "pair": run.pair,
        "pair_name": dict(run.pair_spec or {}).get("name"),
        "parent": run.parent,
        "note": run.note,
        "versions": dict(run.versions),
        "created": _time(run.created),
        "finished": None if run.finished is None else _time(run.finished),
    }


def neutralised(text: str) -> str:
    """The text as a spreadsheet shows it without running it: formulas get an apostrophe, NUL a sign."""
    text = text.replace("\0", "\ufffd")
    return "'" + text if _FORMULA.match(text) else text


def _rows(store: Store, run: Run, queries: Mapping[str, Query]) -> Iterator[Row]:
    last: int | None = None
    while batch := store.samples(run.id, after=last, limit=BATCH):
        for sample in batch:
            yield row_of(run, sample, queries.get(sample.query))
        last = batch[-1].id
    store.run(run.id)  # gone by now: better no file than half of one


def row_of(run: Run, sample: Sample, query: Query | None) -> Row:
    """A sample of a run with its provenance; query: None where the task no longer has it."""
    return Row(
        run=run.id,
        kind=run.kind,
        task=run.task,
        sample=sample.id,
        query=sample.query,
        query_text=None if query is None else query.text,
        label=None if query is None else query.label,
        replicate=sample.replicate,
        chain=sample.chain,
        round=sample.round,
        text=sample.text,
        tokens=len(sample.token_ids),
        finish=sample.finish,
        settings=run.settings,
        pair=run.pair,
        versions=run.versions,
        created=_time(run.created),
    )


def _write_jsonl(origin: Mapping[str, Any], rows: Iterable[Row], target: BinaryIO) -> int:
    count = 0
    for row in rows:
        line = _json(row.values())
        for character, escape in _LINE_BREAKS.items():
            line = line.replace(character, escape)
        target.write(line.encode() + b"\n")
        count += 1
    return count


def _write_csv(origin: Mapping[str, Any], rows: Iterable[Row], target: BinaryIO) -> int:
    # The mark at the start tells a spreadsheet that this is UTF-8.
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        flat = _flat(row)
        writer.writerow(neutralised(value) if isinstance(value, str) else value for value in flat.values())
        count += 1
    text.detach()  # the target is the caller's to close
    return count


def _write_parquet(origin: Mapping[str, Any], rows: Iterable[Row], target: BinaryIO) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Settings are JSON text: a struct would differ from run to run, and the files could not be joined.
    schema = pa.schema(
        [(name, pa.int64() if name in _WHOLE else pa.string()) for name in COLUMNS],
        metadata={METADATA_KEY: _json(origin).encode()},
    )
    count = 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for group in _groups(rows):
            writer.write_table(pa.Table.from_pylist([_flat(row) for row in group], schema=schema))
            count += len(group)
    return count


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    characters = 0
    for row in rows:
        group.append(row)
        characters += len(row.text)
        if len(group) >= GROUP_ROWS or characters >= GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _flat(row: Row) -> dict[str, Any]:
    """The row for a form of cells: nested values as JSON, texts as valid Unicode."""
    return {
        name: _json(value) if name in _NESTED else _valid(value) if isinstance(value, str) else value
        for name, value in row.values().items()
    }


def _json(value: Any) -> str:
    return _valid(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _valid(text: str) -> str:
    # A task file may hold half a surrogate pair; no encoding of Unicode does.
    return _SURROGATE.sub("\ufffd", text)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


FORMATS: dict[Form, Format] = {
    "jsonl": Format("JSON lines", "jsonl", "application/x-ndjson", _write_jsonl),
    "parquet": Format("Parquet", "parquet", "application/vnd.apache.parquet", _write_parquet),
    "csv": Format("CSV", "csv", "text/csv", _write_csv),
}
