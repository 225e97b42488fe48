"""Exports read back by other libraries: every form carries the same rows, hostile texts included."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

import pandas as pd
import pyarrow.parquet as pq
import pytest

from core import exports
from core.errors import NotFoundError
from core.exports import COLUMNS, FORMATS, Form, export_run, file_name, neutralised
from core.sliders import SteerSettings
from core.storage.records import NewRun, NewSample, Run
from core.store import Store
from core.tasks import Query
from tests.unit.hostile import HOSTILE

FORMS: tuple[Form, ...] = ("jsonl", "parquet", "csv")
SETTINGS = SteerSettings(gamma=0.4, eta=0.2, seed=7)
FORMULAS = (
    '=HYPERLINK("http://example.com")',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
)
TEXTS = (
    "Does warm milk help people sleep?",
    "L’été, le café est-il meilleur ?",
    'a "quoted" word, a comma; a semicolon',
    "; =1+1",
    "'=already quoted",
    "two\nlines",
    "two\r\nlines\rthree",
    "tab\tinside",
    "line\u2028and paragraph\u2029separators\x85",
    "null",
    "NaN",
    "",
    " ",
    "0012",
    "x" * 1_000_000,
    *FORMULAS,
    *HOSTILE,
)
QUERIES = {
    "probe-01": Query("probe-01", "probe", "sleep, and =dreams", "body", ()),
    # Both come through json.loads from a task file, unlike texts, which the store has cleaned.
    "probe-02": Query("probe-02", "probe", "half a pair \ud800 and a \x00 nul", None, ()),
}


@pytest.fixture(autouse=True)
def _long_cells() -> Iterator[None]:
    """Python's own reader refuses cells of more than 131,072 characters unless it is told otherwise."""
    before = csv.field_size_limit(2_000_000)
    yield
    csv.field_size_limit(before)


def new_run(store: Store, texts: tuple[str, ...] = TEXTS) -> Run:
    """A run of these texts, stored in rounds of ten."""
    run = store.create_run(
        NewRun(
            kind="steer",
            task="hypotheses",
            settings=SETTINGS.as_dict(),
            pair="0123456789ab",
            pair_spec={"name": "base/hypotheses", "base": "/home/someone/base", "expert": "/x"},
            queries=("probe-01", "probe-02", "gone"),
            replicates=40,
            expected=len(texts),
            note="=1+1",
            versions={"python": "3.11.9", "torch": "2.13.0"},
        ),
        "done",
    )
    samples = [
        NewSample(
            query=("probe-01", "probe-02", "gone")[i % 3],
            replicate=i // 3,
            chain=i % 4,
            round=i // 10,
            text=text,
            token_ids=tuple(range(i % 5)),
            finish="length" if i % 7 == 0 else "end",
        )
        for i, text in enumerate(texts)
    ]
    for start in range(0, len(samples), 10):
        store.add_round(run.id, samples[start : start + 10])
    return store.run(run.id)


def exported(store: Store, run: Run, form: Form) -> bytes:
    target = io.BytesIO()
    assert export_run(store, run.id, form, target, QUERIES) == run.samples
    return target.getvalue()


def stored(store: Store, run: Run) -> list[str]:
    """The texts as the store keeps them: NUL and lone surrogates are replaced on the way in."""
    return [sample.text for sample in store.samples(run.id)]


def csv_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_every_form_has_the_same_columns(store: Store) -> None:
    run = new_run(store, TEXTS[:3])
    assert list(json.loads(exported(store, run, "jsonl").splitlines()[0])) == list(COLUMNS)
    assert pq.read_table(io.BytesIO(exported(store, run, "parquet"))).column_names == list(COLUMNS)
    assert pd.read_csv(io.BytesIO(exported(store, run, "csv"))).columns.tolist() == list(COLUMNS)


def test_json_lines_keep_every_text_as_it_is(store: Store) -> None:
    run = new_run(store)
    data = exported(store, run, "jsonl").decode("utf-8", errors="strict")
    # Not only \n: U+2028 and its like break lines for many readers.
    rows = [json.loads(line) for line in data.splitlines()]
    assert [row["text"] for row in rows] == stored(store, run)
    frame = pd.read_json(io.StringIO(data), lines=True, dtype=False)
    assert frame["text"].tolist() == stored(store, run)


def test_parquet_keeps_every_text_as_it_is(store: Store) -> None:
    run = new_run(store)
    data = exported(store, run, "parquet")
    assert pq.read_table(io.BytesIO(data))["text"].to_pylist() == stored(store, run)
    assert pd.read_parquet(io.BytesIO(data))["text"].tolist() == stored(store, run)


def test_csv_differs_from_the_text_in_formulas_and_nul_alone(store: Store) -> None:
    run = new_run(store)
    rows = csv_rows(exported(store, run, "csv"))
    changed = {raw: row["text"] for raw, row in zip(stored(store, run), rows, strict=True) if raw != row["text"]}
    expected = {text: "'" + text for text in stored(store, run) if text[:1] in set("=+-@\t\r\n＝")}
    assert changed == expected
    assert set(FORMULAS) <= set(changed)


def test_pandas_reads_the_csv_back(store: Store) -> None:
    run = new_run(store)
    data = exported(store, run, "csv")
    frame = pd.read_csv(io.BytesIO(data), keep_default_na=False, dtype={"text": str})
    assert frame["text"].tolist() == [row["text"] for row in csv_rows(data)]
    assert frame["sample"].tolist() == [sample.id for sample in store.samples(run.id)]


def test_no_text_cell_of_a_csv_begins_like_a_formula(store: Store) -> None:
    run = new_run(store)
    cells = [cell for row in csv_rows(exported(store, run, "csv")) for cell in row.values()]
    assert cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("\ta", "'\ta"),
        ("\ra", "'\ra"),
        ("a=1", "a=1"),
        ("", ""),
        ("a\0b", "a\ufffdb"),
        ("\0=1", "\ufffd=1"),
    ],
)
def test_neutralised(text: str, shown: str) -> None:
    assert neutralised(text) == shown


def test_a_row_says_where_it_comes_from(store: Store) -> None:
    run = new_run(store)
    row = json.loads(exported(store, run, "jsonl").splitlines()[0])
    sample = store.samples(run.id, limit=1)[0]
    assert row == {
        "run": run.id,
        "kind": "steer",
        "task": "hypotheses",
        "sample": sample.id,
        "query": "probe-01",
        "query_text": "sleep, and =dreams",
        "label": "body",
        "replicate": 0,
        "chain": 0,
        "round": 0,
        "text": TEXTS[0],
        "tokens": 0,
        "finish": "length",
        "settings": SETTINGS.as_dict(),
        "pair": "0123456789ab",
        "versions": {"python": "3.11.9", "torch": "2.13.0"},
        "created": datetime.fromtimestamp(int(run.created), UTC).isoformat(),
    }


def test_settings_read_back_as_the_settings_they_were(store: Store) -> None:
    run = new_run(store, TEXTS[:1])
    texts = [
        json.loads(csv_rows(exported(store, run, "csv"))[0]["settings"]),
        json.loads(pq.read_table(io.BytesIO(exported(store, run, "parquet")))["settings"][0].as_py()),
    ]
    assert [SteerSettings.from_mapping(values) for values in texts] == [SETTINGS, SETTINGS]


def test_numbers_stay_numbers(store: Store) -> None:
    run = new_run(store, TEXTS[:9])
    table = pq.read_table(io.BytesIO(exported(store, run, "parquet")))
    frame = pd.read_csv(io.BytesIO(exported(store, run, "csv")))
    for name in ("sample", "replicate", "chain", "round", "tokens"):
        expected = [json.loads(line)[name] for line in exported(store, run, "jsonl").splitlines()]
        assert table[name].to_pylist() == expected
        assert frame[name].tolist() == expected


def test_a_query_that_the_task_no_longer_has_is_unknown(store: Store) -> None:
    run = new_run(store, TEXTS[:3])
    row = json.loads(exported(store, run, "jsonl").splitlines()[2])
    assert (row["query"], row["query_text"], row["label"]) == ("gone", None, None)
    assert pq.read_table(io.BytesIO(exported(store, run, "parquet")))["query_text"][2].as_py() is None
    assert csv_rows(exported(store, run, "csv"))[2]["query_text"] == ""


@pytest.mark.parametrize("form", FORMS)
def test_half_a_surrogate_pair_in_a_task_file_becomes_a_sign(store: Store, form: Form) -> None:
    run = new_run(store, TEXTS[:2])
    data = exported(store, run, form)
    if form == "parquet":
        found = pq.read_table(io.BytesIO(data))["query_text"][1].as_py()
    elif form == "csv":
        found = csv_rows(data)[1]["query_text"]
    else:
        found = json.loads(data.splitlines()[1])["query_text"]
    nul = "\ufffd" if form == "csv" else "\x00"
    assert found == f"half a pair \ufffd and a {nul} nul"


def test_parquet_holds_the_provenance_of_the_run(store: Store) -> None:
    run = new_run(store, TEXTS[:2])
    schema = pq.read_schema(io.BytesIO(exported(store, run, "parquet")))
    found = json.loads(schema.metadata[exports.METADATA_KEY])
    assert found["run"] == run.id
    assert found["settings"] == SETTINGS.as_dict()
    assert found["note"] == "=1+1"
    assert found["pair_name"] == "base/hypotheses"
    assert "/home/someone" not in json.dumps(found)


def test_two_runs_join(store: Store) -> None:
    import pyarrow as pa

    first = new_run(store, TEXTS[:2])
    imported = store.create_run(NewRun(kind="imported", task="mine", settings={"model": {"size": [1, 2]}}), "done")
    store.add_round(imported.id, [NewSample(query="q", replicate=0, chain=0, round=0, text="hello")])
    tables = [pq.read_table(io.BytesIO(exported(store, store.run(run), "parquet"))) for run in (first.id, imported.id)]
    assert pa.concat_tables(tables)["run"].to_pylist() == [first.id, first.id, imported.id]


@pytest.mark.parametrize("form", FORMS)
def test_a_run_without_samples_is_a_file_without_rows(store: Store, form: Form) -> None:
    run = new_run(store, ())
    data = exported(store, run, form)
    if form == "parquet":
        assert pq.read_table(io.BytesIO(data)).num_rows == 0
    elif form == "csv":
        assert csv_rows(data) == []
    else:
        assert data == b""


def test_the_target_stays_open(store: Store) -> None:
    run = new_run(store, TEXTS[:1])
    for form in FORMS:
        target = io.BytesIO()
        export_run(store, run.id, form, target)
        assert not target.closed


def test_an_unknown_run_is_one_sentence(store: Store) -> None:
    with pytest.raises(NotFoundError, match="There is no run 'r-none00' in this store; list the runs"):
        export_run(store, "r-none00", "csv", io.BytesIO())


@pytest.mark.parametrize("form", FORMS)
def test_a_run_deleted_meanwhile_gives_no_file_that_looks_whole(store: Store, form: Form) -> None:
    run = new_run(store, tuple(f"text {i}" for i in range(250)))
    read = store.samples

    def samples(*args: object, **options: object) -> object:
        batch = read(*args, **options)  # type: ignore[arg-type]
        if options["after"] is None:
            store.delete_run(run.id)
        return batch

    store.samples = samples  # type: ignore[method-assign,assignment]
    with pytest.raises(NotFoundError, match="There is no run"):
        export_run(store, run.id, form, io.BytesIO())


def test_samples_are_read_in_batches(store: Store) -> None:
    run = new_run(store, tuple(f"text {i}" for i in range(2 * exports.BATCH + 7)))
    sizes = []
    read = store.samples

    def samples(*args: object, **options: object) -> object:
        batch = read(*args, **options)  # type: ignore[arg-type]
        sizes.append(len(batch))
        return batch

    store.samples = samples  # type: ignore[method-assign,assignment]
    export_run(store, run.id, "jsonl", io.BytesIO(), QUERIES)
    assert sizes == [exports.BATCH, exports.BATCH, 7, 0]


class Nowhere(io.RawIOBase):
    """Takes bytes and keeps none."""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return memoryview(data).nbytes  # type: ignore[arg-type]


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("form", FORMS)
def test_memory_does_not_grow_with_the_run(
    store: Store, form: Form, traced: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "BATCH", 10)
    monkeypatch.setattr(exports, "GROUP_CHARACTERS", 1_000_000)
    run = new_run(store, ("x" * 100_000,) * 120)  # 12 MB
    target: BinaryIO = Nowhere()  # type: ignore[assignment]
    export_run(store, run.id, form, target)  # what is imported now is not counted below
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    export_run(store, run.id, form, target)
    assert tracemalloc.get_traced_memory()[1] - before < 6_000_000


def test_long_runs_become_several_row_groups(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "GROUP_ROWS", 4)
    run = new_run(store, tuple(f"text {i}" for i in range(10)))
    assert pq.ParquetFile(io.BytesIO(exported(store, run, "parquet"))).num_row_groups == 3


@pytest.mark.parametrize(("form", "suffix"), [("jsonl", "jsonl"), ("parquet", "parquet"), ("csv", "csv")])
def test_file_names_are_safe(store: Store, form: Form, suffix: str) -> None:
    run = store.create_run(NewRun(kind="imported", task="../my task?"), "done")
    assert file_name(run, form) == f"steerscope-my-task-{run.id}.{suffix}"
    assert FORMATS[form].suffix == suffix
