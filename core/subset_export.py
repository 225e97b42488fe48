"""Exports of chosen samples: of several runs and of the real rows together, in the forms of `core.exports`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from core.exports import FORMATS, Form, Row, provenance, row_of
from core.generators import REAL
from core.storage.records import Run
from core.store import Store
from core.tasks import Task

BATCH = 500
"""Samples that are read at once."""


def export_samples(
    store: Store, task: Task, ids: Sequence[str], form: Form, target: BinaryIO, *, name: str = ""
) -> int:
    """Write these samples to `target` in their order and return how many.

    ids: as maps give them, "sample:12" or "real:query/0"; those that are no more are left out. name: of the
    subset, for the provenance. CSV neutralises formulas as every export does.
    """
    runs = {run.id: run for run in store.runs(task=task.name)}
    used = {sample.run for batch in _batches(ids) for sample in store.chosen(_numbers(batch)).values()}
    origin = {
        "task": task.name,
        "subset": name or None,
        "samples": len(ids),
        "runs": [provenance(runs[run]) for run in sorted(used) if run in runs],
    }
    return FORMATS[form].write(origin, _rows(store, task, runs, ids), target)


def subset_file_name(task: str, name: str, form: Form) -> str:
    """What to call the file of a subset: "steerscope-hypotheses-odd-ones.csv"."""
    words = [re.sub(r"[^\w-]+", "-", word).strip("-") for word in (task, name)]
    return f"steerscope-{words[0] or 'task'}-{words[1][:40] or 'selection'}.{FORMATS[form].suffix}"


def _rows(store: Store, task: Task, runs: dict[str, Run], ids: Sequence[str]) -> Iterator[Row]:
    real = {
        f"{query.id}/{number}": (query, text) for query in task.queries for number, text in enumerate(query.references)
    }
    for batch in _batches(ids):
        known = store.chosen(_numbers(batch))
        for one in batch:
            kind, _, key = one.partition(":")
            if kind == REAL and key in real:
                query, text = real[key]
                yield Row(
                    run=REAL,
                    kind=REAL,
                    task=task.name,
                    sample=None,
                    query=query.id,
                    query_text=query.text,
                    label=query.label,
                    replicate=int(key.rpartition("/")[2]),
                    chain=None,
                    round=None,
                    text=text,
                    tokens=None,
                    finish=None,
                    settings={},
                    pair=None,
                    versions={},
                    created=None,
                )
            elif kind == "sample" and key.isdecimal() and int(key) in known:
                sample = known[int(key)]
                if sample.run in runs:
                    yield row_of(runs[sample.run], sample, task.by_id.get(sample.query))


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _numbers(ids: Sequence[str]) -> list[int]:
    """The numbers of the samples among these ids."""
    return [int(key) for kind, _, key in (one.partition(":") for one in ids) if kind == "sample" and key.isdecimal()]
