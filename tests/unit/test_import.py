"""Generations made elsewhere: what becomes a run, what is refused and how, and that nothing is stored by halves."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from core.errors import ImportFormatError, NotFoundError, SettingsError, TaskFormatError
from core.generators import StoredGenerator
from core.importing import generations, parquet_table, storing
from core.importing.files import opened
from core.importing.forms import table_of
from core.importing.generations import import_generations
from core.importing.limits import LIMITS
from core.importing.origin import Origin
from core.store import Store
from core.tasks import load_task, own_tasks, task_folders
from tests.unit.test_import_fuzz import counts

REPOSITORY = Path(__file__).resolve().parents[2]
Rows = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEERSCOPE_DATA", str(tmp_path / "data"))


def write_csv(path: Path, rows: Rows, delimiter: str = ",") -> Path:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: Rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_parquet(path: Path, rows: Rows) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(dict.fromkeys(name for row in rows for name in row))
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in columns}), path)
    return path


def write_gzip(path: Path, rows: Rows) -> Path:
    plain = write_csv(path.with_suffix(""), rows)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


WRITERS: dict[str, Callable[[Path, Rows], Path]] = {
    "a.csv": write_csv,
    "a.jsonl": write_jsonl,
    "a.parquet": write_parquet,
    "a.csv.gz": write_gzip,
}

ROWS: Rows = [
    {"query": "probe-01", "text": "one", "run": "A", "gamma": 0.2, "bleu": 31.5},
    {"query": "naps and memory", "text": 'two, "quoted"\nand broken', "run": "A", "gamma": 0.2, "bleu": 31.5},
    {"query": " NAPS  and memory", "text": "three ü 🙂", "run": "B", "gamma": 0.4, "bleu": None},
    {"query": "probe-02", "text": "four", "run": "A", "gamma": None, "bleu": None},
]
"""Of the task `hypotheses`, whose query probe-01 is "naps and memory"."""


def told(error: pytest.ExceptionInfo[Exception]) -> str:
    return str(error.value)


@pytest.mark.parametrize("name", WRITERS)
def test_every_run_key_becomes_a_run_with_its_settings_its_scores_and_its_texts(
    store: Store, tmp_path: Path, name: str
) -> None:
    path = WRITERS[name](tmp_path / name, ROWS)
    made = import_generations(store, path, task="hypotheses", settings=["gamma"], scores=["bleu"])
    assert (made.rows, made.new, made.task, made.warnings) == (4, 4, "hypotheses", ())
    first, second = (store.run(run) for run in made.runs)
    assert (first.kind, first.status, first.task, first.role) == ("imported", "done", "hypotheses", "probe")
    assert (first.settings, second.settings) == ({"gamma": 0.2}, {"gamma": 0.4})
    assert store.scores() == {first.id: {"bleu": 31.5}}
    assert (first.samples, first.expected, first.replicates, first.queries) == (3, 3, 2, ("probe-01", "probe-02"))
    assert [(s.query, s.replicate, s.text) for s in store.samples(first.id)] == [
        ("probe-01", 0, "one"),
        ("probe-01", 1, 'two, "quoted"\nand broken'),
        ("probe-02", 0, "four"),
    ]
    assert [(s.query, s.text, s.finish, s.token_ids) for s in store.samples(second.id)] == [
        ("probe-01", "three ü 🙂", "end", ())
    ]
    origin = Origin.of(first)
    assert origin is not None
    assert (origin.file, origin.key, origin.context) == (name, "A", None)


def test_columns_can_have_any_name(store: Store, tmp_path: Path) -> None:
    rows = [{"prompt": row["query"], "output": row["text"], "model, size": row["run"], "text": "no"} for row in ROWS]
    path = write_csv(tmp_path / "a.csv", rows)
    named = {"query": "prompt", "text": "output", "run": "model, size"}
    made = import_generations(store, path, task="hypotheses", columns=named)
    assert [sample.text for sample in store.samples(made.runs[1])] == ["three ü 🙂"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_may_be_written_as_spreadsheets_write_it(
    store: Store, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    path = write_csv(tmp_path / "a.csv", ROWS, delimiter)
    path.write_bytes(path.read_bytes().decode().replace("\r\n", "\n").encode(encoding))
    made = import_generations(store, path, task="hypotheses")
    assert [s.text for run in made.runs for s in store.samples(run)] == [ROWS[i]["text"] for i in (0, 1, 3, 2)]


def test_the_content_says_what_a_file_is_not_its_name(tmp_path: Path) -> None:
    for number, writer in enumerate((write_csv, write_jsonl, write_parquet)):
        path = writer(tmp_path / f"generations-{number}", ROWS)
        with opened(path, LIMITS) as file:
            assert [row.cells for row in table_of(file, path.name, LIMITS).rows(("text",))] == [
                (row["text"],) for row in ROWS
            ]


def test_numbers_and_truths_in_csv_are_read_as_json_would_hold_them(store: Store, tmp_path: Path) -> None:
    cells = {
        "a": "3",
        "b": "-0.25",
        "c": "1e-3",
        "d": "true",
        "e": "greedy",
        "f": "",
        "g": "nan",
        "h": "007",
        "i": "1_0",
    }
    path = write_csv(tmp_path / "a.csv", [{"text": "x", "query": "probe-01", **cells}])
    (run,) = import_generations(store, path, task="hypotheses", settings=list(cells)).runs
    assert store.run(run).settings == {"a": 3, "b": -0.25, "c": 0.001, "d": True, "e": "greedy", "h": 7, "i": "1_0"}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_run_with_two_values_of_a_setting_or_a_score_is_refused_with_both_rows(
    store: Store, tmp_path: Path, name: str
) -> None:
    rows = [*ROWS, {**ROWS[0], "gamma": 0.3}, {**ROWS[2], "bleu": 5.0}, {**ROWS[2], "bleu": 6.0}]
    path = WRITERS[name](tmp_path / name, rows)
    before = counts(store)
    with pytest.raises(ImportFormatError) as error:
        import_generations(store, path, task="hypotheses", settings=["gamma"], scores=["bleu"])
    first = 2 if name == "a.csv" else 1  # the header of CSV is row 1, as in a spreadsheet
    assert f"a second value of 'gamma' for one run in row {first + 4}" in told(error)
    assert f"run 'A' with '0.2' in row {first} and '0.3' in row {first + 4}" in told(error)
    assert f"a second value of 'bleu' for one run in row {first + 6}" in told(error)
    assert counts(store) == before


def test_what_is_wrong_with_rows_is_told_by_kind_with_ten_row_numbers_and_the_total(
    store: Store, tmp_path: Path
) -> None:
    rows = [{"query": "probe-01", "text": f"fine {i}", "run": "A", "bleu": 1} for i in range(40)]
    for row in range(2, 16):
        rows[row]["query"] = "nobody asked this"
    rows[3]["text"] = "  "
    rows[20]["query"] = "test-01"
    rows[21]["bleu"] = "good"
    before = counts(store)
    with pytest.raises(ImportFormatError) as error:
        import_generations(store, write_csv(tmp_path / "a.csv", rows), task="hypotheses", scores=["bleu"])
    # Row 5 has no text, so what it answers is not looked at any more.
    assert told(error) == (
        "a.csv was not imported, for it has a query that the task 'hypotheses' does not have in 13 rows "
        "(4, 6, 7, 8, 9, 10, 11, 12, 13, 14 and 3 more), first 'nobody asked this'; no text in 'text' in row 5; "
        "a test query, which no generator answers in row 22, first 'test-01'; no number in 'bleu' in row 23, "
        "first 'good'; correct these rows or drop them, and import again."
    )
    assert counts(store) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"text": 5}, "something that is no text in 'text' in row 5, first '5'"),
        ({"text": ["a"]}, "something that is no text in 'text' in row 5, first a list"),
        ({"text": None}, "no text in 'text' in row 5"),
        ({"query": {"a": 1}}, "something that is no text in 'query' in row 5, first an object"),
        ({"run": True}, "something that is no text in 'run' in row 5"),
        ({"gamma": [0.2]}, "no single value in 'gamma' in row 5, first a list"),
        ({"bleu": "31"}, "no number in 'bleu' in row 5, first '31'"),
        ({"bleu": True}, "no number in 'bleu' in row 5"),
        ({"text": "x" * 100_001}, "more than 100,000 characters in 'text' in row 5"),
        ({"query": "train-01"}, "probe and training queries in one run in row 5, first run 'A'"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_its_row(
    store: Store, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [*ROWS, {**ROWS[0], **change}])
    with pytest.raises(ImportFormatError) as error:
        import_generations(store, path, task="hypotheses", settings=["gamma"], scores=["bleu"])
    assert words in told(error)
    assert store.runs() == []


def test_the_same_text_again_is_a_warning_for_a_generator_may_repeat_itself(store: Store, tmp_path: Path) -> None:
    made = import_generations(store, write_csv(tmp_path / "a.csv", [ROWS[0]] * 3), task="hypotheses")
    assert [(s.replicate, s.text) for s in store.samples(made.runs[0])] == [(0, "one"), (1, "one"), (2, "one")]
    (warning,) = made.warnings
    assert "the same text again for the same run and query in 2 rows (3 and 4)" in warning


def test_replicates_that_the_file_numbers_are_kept_and_none_stands_twice(store: Store, tmp_path: Path) -> None:
    rows = [{"query": "probe-01", "text": "same", "nr": number} for number in (4, 0, 2)]
    made = import_generations(
        store, write_csv(tmp_path / "a.csv", rows), task="hypotheses", columns={"replicate": "nr"}
    )
    assert [sample.replicate for sample in store.samples(made.runs[0])] == [4, 0, 2]
    assert made.warnings == ()
    twice = write_csv(tmp_path / "b.csv", [*rows, {**rows[0], "text": "another"}])
    with pytest.raises(ImportFormatError, match="a replicate that stands twice in row 5, first run 'b', query"):
        import_generations(store, twice, task="hypotheses", columns={"replicate": "nr"})
    wrong = write_csv(tmp_path / "c.csv", [*rows, {**rows[0], "nr": "-1"}])
    with pytest.raises(ImportFormatError, match="no whole number from 0 on in 'nr' in row 5"):
        import_generations(store, wrong, task="hypotheses", columns={"replicate": "nr"})


def test_answers_of_one_context_are_one_chain_and_all_others_are_independent(store: Store, tmp_path: Path) -> None:
    rows = [
        {"query": query, "text": f"{run} {query} {call}", "run": run, "call": f"{run}-{call if run == 'A' else query}"}
        for run in "AB"
        for query in ("probe-01", "probe-02")
        for call in range(2 if run == "A" else 1)
    ]
    path = write_csv(tmp_path / "a.csv", rows)
    shared, alone = import_generations(store, path, task="hypotheses", columns={"context": "call"}).runs

    def generator(run: str) -> StoredGenerator:
        return StoredGenerator(store.run(run), store.texts([run])[run])

    assert not generator(shared).independent
    assert [answer.chain for answer in generator(shared).answers()] == [0, 1, 0, 1]
    assert generator(alone).independent  # every context wrote one answer, so nothing is shared
    assert [answer.chain for answer in generator(alone).answers()] == [None, None]
    again = import_generations(store, path, task="hypotheses")
    assert set(again.runs).isdisjoint((shared, alone))  # read in another way, it is another import
    assert all(generator(run).independent for run in again.runs)


def test_a_file_without_queries_is_one_query(store: Store, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "my texts.csv", [{"text": "one"}, {"text": "two"}])
    with pytest.raises(ImportFormatError, match=r"no column of queries and the task 'hypotheses' has 20; say which"):
        import_generations(store, path, task="hypotheses")
    made = import_generations(store, path, new_task="mine")
    (run,) = (store.run(run) for run in made.runs)
    assert (run.queries, run.replicates, run.samples) == (("query-0001",), 2, 2)
    assert Origin.of(run).key == "my texts"  # type: ignore[union-attr]
    (query,) = load_task("mine").queries
    assert (query.role, query.text, query.references) == ("probe", "all texts", ())
    more = write_csv(tmp_path / "more.csv", [{"text": "three"}])
    assert import_generations(store, more, task="mine").rows == 1


def test_a_new_task_has_the_queries_of_the_file_and_no_real_row(store: Store, tmp_path: Path) -> None:
    hostile = "a\u2028b\x85c <script> {query}"
    rows = [{"query": query, "text": "x"} for query in ("Why?", "why? ", hostile, "\\ud800 \x0b")]
    import_generations(store, write_jsonl(tmp_path / "a.jsonl", rows), new_task="my-task-1")
    task = load_task("my-task-1")
    assert [query.text for query in task.queries] == ["Why?", hostile, "\\ud800"]
    assert [query.id for query in task.queries] == ["query-0001", "query-0002", "query-0003"]
    assert task.references("probe") == ()
    assert task.prompt(task.queries[1]) == hostile
    assert task.name in [folder.name for folder in task_folders()]
    assert sorted(path.name for path in own_tasks().iterdir()) == ["my-task-1"]
    by_id = write_csv(tmp_path / "b.csv", [{"query": "query-0002", "text": "more"}])
    assert import_generations(store, by_id, task="my-task-1").rows == 1


@pytest.mark.parametrize("name", ["", "Mine", "a b", "../x", "x" * 41, "ä", "a/b", "-x", ".x", "a\n"])
def test_a_new_task_needs_a_plain_name(store: Store, tmp_path: Path, name: str) -> None:
    path = write_csv(tmp_path / "a.csv", [{"text": "one"}])
    with pytest.raises(SettingsError, match="is no name for a task; use 1 to 40 small letters, digits and hyphens"):
        import_generations(store, path, new_task=name)
    assert not own_tasks().exists()


def test_no_task_is_made_over_another_and_a_bundled_one_cannot_be_shadowed(store: Store, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"text": "one"}])
    with pytest.raises(SettingsError, match="The task 'comments' comes with Steerscope"):
        import_generations(store, path, new_task="comments")
    import_generations(store, path, new_task="mine")
    other = write_csv(tmp_path / "b.csv", [{"text": "two"}])
    with pytest.raises(SettingsError, match="There is a task 'mine' already"):
        import_generations(store, other, new_task="mine")
    shadow = own_tasks() / "comments"
    (own_tasks() / "mine").rename(shadow)
    assert len(load_task("comments").queries) == 60


def test_a_new_task_is_gone_where_the_import_fails_at_its_very_end(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(tmp_path / "a.csv", ROWS)
    before = counts(store)
    written: list[bool] = []

    def fails(*given: Any) -> bool:
        written.append(real(*given))
        return written[0]

    class Broken(Exception):
        pass

    real = generations.write_task
    monkeypatch.setattr(generations, "write_task", fails)
    monkeypatch.setattr(storing, "store_runs", None)

    def stopped(*given: Any, before_end: Callable[[], None], **named: Any) -> Any:
        def last() -> None:
            before_end()
            assert (own_tasks() / "mine" / "task.json").is_file()
            raise Broken

        return storing_store_runs(*given, before_end=last, **named)

    storing_store_runs = generations.store_runs
    monkeypatch.setattr(generations, "store_runs", stopped)
    with pytest.raises(Broken):
        import_generations(store, path, new_task="mine")
    assert written == [True]
    assert counts(store) == before
    assert list(own_tasks().iterdir()) == []


def test_the_same_file_is_not_stored_twice_and_deleted_runs_come_back(store: Store, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", ROWS)
    first = import_generations(store, path, new_task="mine")
    before = counts(store)
    for goal in ({"new_task": "mine"}, {"task": "mine"}):
        again = import_generations(store, path, **goal)
        assert (again.runs, again.rows, again.new) == (first.runs, 4, 0)
        assert again.warnings == ("a.csv was imported before in the same way, so nothing was stored twice.",)
        assert counts(store) == before
    store.delete_run(first.runs[0])
    back = import_generations(store, path, task="mine")
    assert (back.runs[1], back.rows, back.new) == (first.runs[1], 4, 3)
    assert counts(store) == before


def test_a_file_that_changes_while_it_is_read_is_refused(store: Store, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"query": "probe-01", "text": str(i)} for i in range(1_000)])

    def meddle(done: int, total: int | None, what: str) -> None:
        with path.open("a") as file:
            file.write("probe-01,more\n")

    with pytest.raises(ImportFormatError, match=r"a\.csv changed while it was read"):
        import_generations(store, path, task="hypotheses", progress=meddle)
    assert store.runs() == []


KILLED = """
import os, signal, sys
from pathlib import Path
from core.importing import generations
from core.store import Store

def kill(done, total, what):
    if what == "storing" and done >= 1000:
        os.kill(os.getpid(), signal.SIGKILL)

generations.import_generations(Store(sys.argv[1]), Path(sys.argv[2]), new_task="mine", progress=kill)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_import_leaves_the_store_as_it_was_and_can_be_done_again(store: Store, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"query": f"q{i % 7}", "text": str(i)} for i in range(3_000)])
    before = counts(store)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", KILLED, store.url, path], env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert counts(store) == before
    assert not own_tasks().exists()
    assert import_generations(store, path, new_task="mine").new == 3_000


def test_a_process_that_dies_between_task_and_store_does_not_block_the_next_try(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(tmp_path / "a.csv", ROWS)
    first = import_generations(store, path, new_task="mine")
    for run in first.runs:  # what is left is what the process would leave: a task that no run answers
        store.delete_run(run)
    assert import_generations(store, path, new_task="mine").new == 4


def test_steps_are_told_with_what_is_known_of_their_length(store: Store, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"query": "probe-01", "text": str(i)} for i in range(2_100)])
    steps: list[tuple[int, int | None, str]] = []
    import_generations(store, path, task="hypotheses", progress=lambda *step: steps.append(step))
    assert steps[:2] == [(1_000, None, "checking"), (2_000, None, "checking")]
    assert steps[2:] == [(done, 2_100, "storing") for done in (500, 1_000, 1_500, 2_000, 2_100)]


def test_an_unknown_task_a_missing_column_and_a_run_too_large_are_explained(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(tmp_path / "a.csv", ROWS)
    with pytest.raises(NotFoundError, match="no task named 'nope'"):
        import_generations(store, path, task="nope")
    with pytest.raises(SettingsError, match="name either an existing one or a new one"):
        import_generations(store, path)
    with pytest.raises(
        ImportFormatError, match=r"a\.csv has no column 'eta'; its columns are 'query', 'text', 'run', 'ga"
    ):
        import_generations(store, path, task="hypotheses", settings=["eta"])
    with pytest.raises(ImportFormatError, match="name one or say which one holds the answers"):
        import_generations(store, write_csv(tmp_path / "b.csv", [{"a": 1}]), task="hypotheses")
    with pytest.raises(SettingsError, match="A column can say text, query, run, context, replicate, not 'label'"):
        import_generations(store, path, task="hypotheses", columns={"label": "run"})
    monkeypatch.setenv("STEERSCOPE_MAX_SAMPLES", "2")
    with pytest.raises(ImportFormatError, match="The run 'A' has 3 rows, above the limit of 2; split it or raise"):
        import_generations(store, path, task="hypotheses")


def test_a_reader_that_dies_is_a_sentence(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_parquet(tmp_path / "a.parquet", ROWS)
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(path.read_bytes()[:-20] + b"PAR1" * 5)
    with pytest.raises(ImportFormatError, match=r"damaged\.parquet cannot be read as Parquet \("):
        import_generations(store, damaged, task="hypotheses")
    monkeypatch.setattr(parquet_table.sys, "executable", "/bin/false")
    with pytest.raises(ImportFormatError, match="its reader did not survive it"):
        import_generations(store, path, task="hypotheses")


def test_rows_that_unpack_to_gigabytes_take_no_memory_and_are_refused(store: Store, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "bomb.parquet"
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int32()), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"text": words}), path, compression="zstd")
    assert path.stat().st_size < 5_000
    with pytest.raises(ImportFormatError, match=r"a cell without end in 'text' in 5,000 rows"):
        import_generations(store, path, new_task="mine")


def test_what_is_exported_can_be_imported(store: Store, tmp_path: Path) -> None:
    from core.exports import export_run

    (run, _) = import_generations(store, write_csv(tmp_path / "a.csv", ROWS), task="hypotheses").runs
    texts = [sample.text for sample in store.samples(run)]
    for form in ("jsonl", "parquet", "csv"):
        target = io.BytesIO()
        export_run(store, run, form, target)  # type: ignore[arg-type]
        path = tmp_path / f"exported.{form}"
        path.write_bytes(target.getvalue())
        given = {"columns": {"replicate": "replicate"}}
        back = import_generations(store, path, task="hypotheses", **given)  # type: ignore[arg-type]
        assert [sample.text for sample in store.samples(back.runs[0])] == texts


def test_the_statement_for_answers_is_known_to_both_databases() -> None:
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        words = re.sub(r"\W+", " ", str(storing.insert_answers().compile(dialect=dialect)))
        assert words.startswith("INSERT INTO samples run query replicate chain round text token_ids finish negatives")


def test_a_damaged_task_of_the_user_is_refused_in_one_sentence(tmp_path: Path) -> None:
    folder = own_tasks() / "mine"
    folder.mkdir(parents=True)
    (folder / "task.json").write_bytes(b"\xff\xfe")
    with pytest.raises(TaskFormatError, match=r"The file .*task\.json cannot be read \(it is no text in UTF-8\)"):
        load_task("mine")


def test_a_word_of_hostile_names_stays_one_printable_sentence(store: Store, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a\u202eb\n.jsonl", [{"te\x1bxt": 1}, {"query": "\u202e\n" * 100}])
    with pytest.raises(ImportFormatError) as error:
        import_generations(store, path, task="hypotheses")
    assert told(error).isprintable()
