"""The recorded demo: runs with their answers, metrics and scores, written to files and read into an empty store.

What a fresh store shows is real: `assets/demo/make.py` made it with the bundled models. Tables are Parquet,
vectors are float16 in safetensors. Log-probabilities are left out, and the answers to train queries that students
learned: whoever scores a run again writes the same once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import JSON, Column, MetaData, Table, Text, insert, select

from core.embedding import DIMENSION, EMBEDDER, content_key
from core.errors import StoreError
from core.models import available_pairs
from core.settings import settings
from core.storage import rows
from core.storage.records import Run, floats_to_bytes
from core.storage.schema import jobs, metrics, runs, samples, scores, vectors
from core.store import Store
from core.tasks import load_task

if TYPE_CHECKING:
    from sqlalchemy import Connection

VECTORS = "vectors.safetensors"
NOTE = "Recorded demo"
_TABLES: Mapping[str, Table] = {"runs": runs, "samples": samples, "metrics": metrics, "scores": scores}
_LEFT_OUT = {"samples": frozenset({"id", "logprobs"}), "runs": frozenset({"owner", "error", "pair_spec"})}
"""Columns that the files do not have; where models lie is found again on each machine, by their fingerprint."""


def demo_folder() -> Path:
    """Where the recorded demo lies."""
    return settings().assets / "demo"


def load_demo(store: Store, folder: Path) -> int:
    """Read the demo into a store that nobody has used yet; how many runs it brought, 0 where the store was used.

    All or nothing. Raises StoreError where a file is missing or damaged.
    """
    with store.database.reading() as connection:
        if not _unused(connection):
            return 0
    try:
        found = {name: _read(folder / f"{name}.parquet") for name in _TABLES}
        known = _read_vectors(folder / VECTORS)
    except (OSError, ValueError) as error:  # pyarrow's and safetensors' errors among them
        raise StoreError(
            f"The recorded demo in {folder} cannot be read ({error}); restore its files, or set STEERSCOPE_DEMO=0 to "
            "start without it."
        ) from error
    pairs = {task: _specs(task) for task in {row["task"] for row in found["runs"]}}
    for row in found["runs"]:
        row |= {"owner": None, "error": None}
        spec = pairs[row["task"]].get((row["pair"] or "").split("-")[0])
        row["pair_spec"] = None if spec is None else json.dumps(spec)
    with store.database.writing() as connection:
        if not _unused(connection):  # another process was faster
            return 0
        for name, table in _TABLES.items():
            _insert(connection, table, found[name])
        data = [{"key": key, "embedder": EMBEDDER, "data": floats_to_bytes(vector)} for key, vector in known.items()]
        connection.execute(rows.insert_new(store.database.dialect, vectors), data)
    return len(found["runs"])


def save_demo(store: Store, chosen: Sequence[Run], folder: Path) -> int:
    """Write complete runs that answered probe queries as the demo, parents first; its size in bytes.

    Vectors are those of these answers and of the real probe rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(chosen, key=lambda run: (run.parent is not None, run.created, run.id))
    ids = [run.id for run in ordered]
    for name, table in _TABLES.items():
        key = table.c.id if name == "runs" else table.c.run
        order = (table.c.run, table.c.id) if name == "samples" else tuple(table.primary_key.columns)
        statement = select(table).where(key.in_(ids)).order_by(*order)
        with store.database.reading() as connection:
            kept = [dict(row) for row in connection.execute(statement).mappings()]
        if name == "runs":
            kept.sort(key=lambda row: ids.index(row["id"]))
            for row in kept:
                row["note"] = row["note"] or NOTE
        _write(folder / f"{name}.parquet", kept, _LEFT_OUT.get(name, frozenset()))
    texts = [text.text for found in store.texts(ids).values() for text in found]
    texts += [row.text for task in sorted({run.task for run in chosen}) for row in load_task(task).references("probe")]
    _write_vectors(folder / VECTORS, store, texts)
    return sum(path.stat().st_size for path in folder.glob("*") if path.is_file())


def _unused(connection: Connection) -> bool:
    """Whether nothing was ever made with this store: a person who deleted every run does not want the demo back."""
    tables = (runs, jobs, vectors)
    return not any(connection.execute(select(1).select_from(table).limit(1)).first() for table in tables)


def _specs(task: str) -> dict[str, dict[str, Any]]:
    """How to load this machine's pairs of a task, by fingerprint."""
    return {pair.fingerprint: pair.as_dict() for pair in available_pairs(task)}


def _insert(connection: Connection, table: Table, found: list[dict[str, Any]]) -> None:
    """Insert rows whose JSON is still text: SQLite keeps it as it is, which spares most of the time."""
    structured = {column.name for column in table.c if isinstance(column.type, JSON)}
    if connection.dialect.name == "sqlite":
        columns = [Column(column.name, Text if column.name in structured else column.type) for column in table.c]
        table = Table(table.name, MetaData(), *columns)
    else:
        for row in found:
            row |= {name: json.loads(row[name]) for name in structured if row.get(name) is not None}
    if found:
        connection.execute(insert(table), found)


def _write(path: Path, found: Iterable[Mapping[str, Any]], left_out: frozenset[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = [
        {
            name: json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
            for name, value in row.items()
            if name not in left_out
        }
        for row in found
    ]
    pq.write_table(pa.Table.from_pylist(plain), path, compression="zstd", compression_level=15)


def _read(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


def _write_vectors(path: Path, store: Store, texts: Sequence[str]) -> None:
    from safetensors.numpy import save_file

    known = store.vectors(EMBEDDER).get([content_key(text) for text in texts])
    keys = sorted(known)
    save_file(
        {
            "keys": np.array([list(bytes.fromhex(key)) for key in keys], dtype=np.uint8),
            "vectors": np.array([known[key] for key in keys], dtype=np.float16),
        },
        path,
        metadata={"embedder": EMBEDDER},
    )


def _read_vectors(path: Path) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """Unit vectors by key: float16 moves a vector by about 3e-4, and its length is mended."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            if (file.metadata() or {}).get("embedder") != EMBEDDER:
                return {}  # another embedder's would lie in another space; texts are embedded anew when asked for
            keys, halves = file.get_tensor("keys"), file.get_tensor("vectors").astype(np.float32)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    if halves.shape != (len(keys), DIMENSION):
        raise ValueError(f"{path.name} holds vectors of the shape {halves.shape}")
    halves /= np.linalg.norm(halves, axis=1, keepdims=True)
    return {bytes(key).hex(): vector for key, vector in zip(keys, halves, strict=True)}
