"""Exports of chosen samples: of several runs and the real rows, in the order chosen, with their provenance."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from core.exports import COLUMNS, METADATA_KEY, Form
from core.storage.records import NewSample, Run
from core.store import Store
from core.subset_export import BATCH, export_samples, subset_file_name
from core.tasks import Task
from tests.unit.small_maps import GROWING, small_task, write


@pytest.fixture
def task() -> Task:
    return small_task()


@pytest.fixture
def runs(store: Store) -> list[Run]:
    return [write(store, "left"), write(store, "right", settings=GROWING)]


def chosen(store: Store, runs: list[Run]) -> list[str]:
    """Samples of both runs and real rows, in no order of theirs; three that are nowhere."""
    left, right = ([f"sample:{sample.id}" for sample in store.samples(run.id)] for run in runs)
    return [right[3], "real:q1/2", left[0], "sample:999999", "real:q0/99", "nonsense", right[0], "real:q0/0"]


def written(store: Store, task: Task, ids: list[str], form: Form, name: str = "") -> bytes:
    target = io.BytesIO()
    export_samples(store, task, ids, form, target, name=name)
    return target.getvalue()


def test_rows_come_in_the_order_chosen_and_what_is_gone_is_left_out(store: Store, task: Task, runs: list[Run]) -> None:
    ids, target = chosen(store, runs), io.BytesIO()
    assert export_samples(store, task, ids, "jsonl", target) == 5
    rows = [json.loads(line) for line in target.getvalue().splitlines()]
    assert [row["run"] for row in rows] == [runs[1].id, "real", runs[0].id, runs[1].id, "real"]
    assert [tuple(row) for row in rows] == [COLUMNS] * 5
    assert rows[1] | {"settings": {}} == {
        "run": "real",
        "kind": "real",
        "task": "small",
        "sample": None,
        "query": "q1",
        "query_text": "what of q1",
        "label": None,
        "replicate": 2,
        "chain": None,
        "round": None,
        "text": "real q1 2",
        "tokens": None,
        "finish": None,
        "settings": {},
        "pair": None,
        "versions": {},
        "created": None,
    }
    assert rows[0]["settings"] == GROWING.as_dict()
    assert rows[0]["text"] == store.samples(runs[1].id)[3].text


def test_the_provenance_names_the_runs_and_the_subset(store: Store, task: Task, runs: list[Run]) -> None:
    data = written(store, task, chosen(store, runs), "parquet", "odd ones")
    table = pq.read_table(io.BytesIO(data))
    origin = json.loads(table.schema.metadata[METADATA_KEY])
    assert (origin["task"], origin["subset"], origin["samples"]) == ("small", "odd ones", 8)
    assert {each["run"] for each in origin["runs"]} == {run.id for run in runs}
    assert table.column("sample").null_count == 2
    assert table.num_rows == 5


def test_formulas_are_neutralised_in_csv(store: Store, task: Task) -> None:
    run = write(store, "left", replicates=1)
    text = '=HYPERLINK("http://x","y")'
    store.add_round(run.id, [NewSample(query="q0", replicate=9, chain=9, round=0, text=text)])
    sample = store.samples(run.id, newest=True, limit=1)[0]
    rows = list(csv.DictReader(io.StringIO(written(store, task, [f"sample:{sample.id}"], "csv").decode("utf-8-sig"))))
    assert [row["text"] for row in rows] == ["'" + text]


def test_more_than_a_batch(store: Store, task: Task) -> None:
    run = write(store, "left", replicates=BATCH // 2, embedded=False)
    ids = [f"sample:{sample.id}" for sample in store.samples(run.id)]
    assert len(ids) > BATCH
    assert len(written(store, task, ids, "jsonl").splitlines()) == len(ids)


@pytest.mark.parametrize(
    ("task", "name", "expected"),
    [
        ("small", "odd <b>ones</b>", "steerscope-small-odd-b-ones-b.csv"),
        ("../etc", "", "steerscope-etc-selection.csv"),
        ("", "../../x", "steerscope-task-x.csv"),
    ],
)
def test_a_file_is_named_without_anything_a_path_would_mean(task: str, name: str, expected: str) -> None:
    assert subset_file_name(task, name, "csv") == expected
