"""What follows an import: the command, vectors that are found once, and metrics without a model."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core import handlers
from core.commands import importing
from core.commands.importing import MEANINGS, names, pairs
from core.embedding import DIMENSION, EMBEDDER, Embedder, content_key
from core.importing import columns, embedded
from core.importing.generations import import_generations
from core.jobs import Jobs
from core.measures import measuring
from core.measures.corpus import Corpus, drawn
from core.metrics import METRICS
from core.scheduling.scheduler import Scheduler
from core.store import Store
from core.tasks import load_task
from tests.unit.commanding import document, misused, refused

Vectors = NDArray[np.float32]
QUERIES = [query.id for query in load_task("hypotheses").with_role("probe")]


class Reader(Embedder):
    """An embedder that finds a unit vector for each text by chance, and counts the texts that it is given."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def encode_chunks(self, texts: Sequence[str], size: int = 16) -> Iterator[Vectors]:
        for start in range(0, len(texts), size):
            chunk = texts[start : start + size]
            self.read += chunk
            seeds = [int(content_key(text)[:8], 16) for text in chunk]
            rows = np.stack([np.random.default_rng(seed).standard_normal(DIMENSION) for seed in seeds])
            yield (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(autouse=True)
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setenv("STEERSCOPE_DATA", str(tmp_path / "data"))
    made = Reader()
    for module in (embedded, handlers):
        monkeypatch.setattr(module, "load_embedder", lambda: made)
    monkeypatch.setattr("core.embedding.load_embedder", lambda: made)
    return made


def generations(path: Path, count: int = 60, runs: int = 2) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["query", "text", "run", "gamma", "bleu"])
        for number in range(count):
            run = number % runs
            writer.writerow(
                [
                    QUERIES[number // runs % 20],
                    f"words of a text that some model wrote elsewhere {number}",
                    f"run {run}",
                    run / 10,
                    30 + run,
                ]
            )
    return path


def test_the_command_prints_runs_and_rows_and_all_is_embedded_and_measured(
    store: Store, tmp_path: Path, reader: Reader
) -> None:
    path = generations(tmp_path / "a.csv")
    words = ("import", str(path), "--task", "hypotheses", "--settings", "gamma", "--scores", "bleu")
    printed = document(store, *words)
    assert printed["rows"] == 60
    assert [store.run(run).settings for run in printed["runs"]] == [{"gamma": 0.0}, {"gamma": 0.1}]
    assert store.scores() == {printed["runs"][0]: {"bleu": 30.0}, printed["runs"][1]: {"bleu": 31.0}}
    assert sum(text.startswith("words of a text") for text in reader.read) == 60
    for run in printed["runs"]:
        found = {metric.name: metric for metric in store.metrics(run)}
        assert found.keys() == METRICS.keys()
        assert found["distance_to_real"].value is not None
        unknown = {"expert_perplexity", "base_perplexity", "length", "finished"}
        assert {name for name, metric in found.items() if metric.value is None} == unknown
    reader.read.clear()
    assert document(store, *words) == printed
    assert reader.read == []
    assert len(store.runs()) == 2


def test_a_broken_off_embedding_goes_on_with_the_same_command_and_with_resume(
    store: Store, tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = generations(tmp_path / "a.csv")

    def breaks(texts: Sequence[str], size: int = 16) -> Iterator[Vectors]:
        for number, rows in enumerate(Reader.encode_chunks(reader, texts, size)):
            if number == 1:
                raise KeyboardInterrupt
            yield rows

    monkeypatch.setattr(reader, "encode_chunks", breaks)
    monkeypatch.setattr(importing, "say", lambda sentence: None)
    from tests.unit.commanding import call

    result = call(store, "import", str(path), "--new-task", "mine")
    assert result.exit_code == 130
    assert "All is stored, and 16 of 60 texts are embedded; the same command goes on with it." in result.stderr
    assert len(store.runs()) == 2
    monkeypatch.undo()
    monkeypatch.setenv("STEERSCOPE_DATA", str(tmp_path / "data"))
    for module in (embedded, handlers):
        monkeypatch.setattr(module, "load_embedder", lambda: reader)
    monkeypatch.setattr("core.embedding.load_embedder", lambda: reader)
    reader.read.clear()
    first, second = reversed([run.id for run in store.runs()])
    assert document(store, "resume", first)["run"] == first
    assert len(reader.read) == 30 - 16
    document(store, "import", str(path), "--new-task", "mine")
    assert len(reader.read) == 60 - 16
    assert {metric.name for metric in store.metrics(second)} == METRICS.keys()


def test_without_embedding_only_rows_are_stored_and_a_worker_can_do_the_rest(
    store: Store, tmp_path: Path, reader: Reader
) -> None:
    path = generations(tmp_path / "a.csv", runs=1)
    (run,) = document(store, "import", str(path), "--task", "hypotheses", "--no-embed")["runs"]
    assert reader.read == []
    assert store.metrics(run) == []
    before = store.run(run).finished
    job = Jobs(store).submit("measure", {"run": run})
    scheduler = Scheduler(store, {"measure": handlers.run_measure})
    while scheduler.tick():
        pass
    assert Jobs(store).job(job.id).status == "done"
    assert {metric.name for metric in store.metrics(run)} == METRICS.keys()
    assert store.run(run).finished > before  # so that maps drawn without its vectors are drawn again


def test_a_task_without_real_rows_has_the_metrics_that_need_none(store: Store, tmp_path: Path, reader: Reader) -> None:
    path = generations(tmp_path / "a.csv", runs=1)
    (run,) = document(store, "import", str(path), "--new-task", "mine")["runs"]
    found = {metric.name: metric for metric in store.metrics(run)}
    known = {name for name, metric in found.items() if metric.value is not None}
    assert known == {"distinct_1", "distinct_2", "distinct_3", "distinct_4", "diversity_product", "self_similarity",
                     "query_spread", "unknown_words", "near_duplicates"}  # fmt: skip
    assert all(metric.reference is None for metric in found.values())
    assert "No real rows of these queries are known." in found["distance_to_real"].note


def test_of_a_large_run_a_part_is_measured_and_every_metric_says_so(
    store: Store, tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "MOST_ROWS", 25)
    path = generations(tmp_path / "a.csv", runs=1)
    (run,) = document(store, "import", str(path), "--new-task", "mine")["runs"]
    assert all(metric.note.endswith("Measured on 25 of 60 samples.") for metric in store.metrics(run))
    assert store.metric("near_duplicates")[run].n == 25


def test_what_is_drawn_of_a_corpus_keeps_whole_chains_and_order_and_is_the_same_each_time() -> None:
    corpus = Corpus(
        queries=tuple(f"q{i % 5}" for i in range(100)),
        texts=tuple(f"{i:03}" for i in range(100)),
        chains=np.arange(100) // 10,
    )
    part = drawn(corpus, 40, 10_000, seed=0)
    assert len(part) == 40
    assert sorted(set(np.unique(part.chains, return_counts=True)[1].tolist())) == [10]  # four chains of ten
    assert list(part.texts) == sorted(part.texts)
    assert part.texts == drawn(corpus, 40, 10_000, seed=0).texts != drawn(corpus, 40, 10_000, seed=1).texts
    assert len(drawn(corpus, 100, 60, seed=0)) == 20  # of three characters each
    assert drawn(corpus, 100, 300, seed=0) is corpus


def test_a_refused_file_leaves_one_line_and_no_run(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("query,text\nprobe-01,\nprobe-99,x\n")
    line = refused(store, "import", str(path), "--task", "hypotheses")
    assert line == (
        "a.csv was not imported, for it has no text in 'text' in row 2; a query that the task 'hypotheses' does not "
        "have in row 3, first 'probe-99'; correct these rows or drop them, and import again."
    )
    assert store.runs() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name either a task"),
        (("--task", "a", "--new-task", "b"), "Name either a task"),
        (("--task", "a", "--columns", "label=x"), "'label=x' is not one of text=COLUMN"),
        (("--task", "a", "--columns", "text"), "'text' is not one of text=COLUMN"),
        (("--task", "a", "--columns", "text=a,text=b"), "'text=b' is not one of"),
    ],
)
def test_a_mistake_of_usage_is_told_as_one(words: tuple[str, ...], said: str) -> None:
    assert said in " ".join(misused("import", "a.csv", *words).replace("│", "").split())


def test_names_with_commas_stand_in_quotes() -> None:
    assert names('gamma, "a,b" ,eta') == ["gamma", "a,b", "eta"]
    assert names(None) == names("") == names(" ") == []
    assert pairs('query=the prompt,"text=a,b"') == {"query": "the prompt", "text": "a,b"}


def test_the_command_offers_every_meaning_that_a_column_can_have() -> None:
    assert columns.MEANINGS == MEANINGS


def test_one_text_has_one_vector_however_often_it_was_written(store: Store, tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "same\n" * 50 + "other\n")
    made = import_generations(store, path, new_task="mine")
    steps = list(embedded.embed_run(store, store.run(made.runs[0])))
    assert sorted(reader.read) == ["other", "same"]
    assert steps[-1] == 51
    assert steps == sorted(steps)
    assert len(store.vectors(EMBEDDER).get([content_key("same"), content_key("other")])) == 2
