"""The command line without models: documents on a store filled by hand, usage, errors, and what is imported."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import typer

from core.commands import documents, foreground, options
from core.commands.options import HELP, PRESET_NAMES, chosen
from core.commands.printing import plain, print_document
from core.jobs import Jobs
from core.scheduling.context import JobContext
from core.sliders import CHOICES, LIMITS, PRESETS, SteerSettings
from core.storage.records import Metric, NewRun, NewSample
from core.store import Store
from core.tasks import load_task
from tests.unit.commanding import TASK, call, document, misused, refused, written

ROOT = Path(__file__).resolve().parents[2]

CONTRACT: dict[type, list[str]] = {
    documents.Generated: ["run", "task", "settings", "samples", "tokens", "seconds"],
    documents.SampleLine: ["id", "query", "replicate", "chain", "text", "tokens", "finish"],
    documents.Runs: ["runs"],
    documents.RunEntry: ["run", "kind", "task", "settings", "status", "samples", "created"],
    documents.Tasks: ["tasks"],
    documents.TaskEntry: ["name", "queries", "references", "labels"],
    documents.Metrics: ["metrics"],
    documents.MetricEntry: ["name", "value", "low", "high", "reference", "n", "better"],
    documents.Swept: ["sweep", "runs", "skipped"],
    documents.Imported: ["runs", "rows"],
}
"""The keys that users' scripts read; they change with a new major version only."""


# Documents


@pytest.mark.parametrize("kind", CONTRACT, ids=lambda kind: kind.__name__)
def test_documents_have_the_keys_of_the_contract(kind: type) -> None:
    assert [field.name for field in fields(kind)] == CONTRACT[kind]


def test_every_document_is_under_the_contract() -> None:
    declared = {kind for kind in vars(documents).values() if isinstance(kind, type) and is_dataclass(kind)}
    assert declared == set(CONTRACT)


@pytest.mark.parametrize("kind", CONTRACT, ids=lambda kind: kind.__name__)
def test_every_key_says_what_it_means(kind: type) -> None:
    for hint in get_type_hints(kind, include_extras=True).values():
        assert len(get_args(hint)[1].split()) > 1
    assert all(f"{field.name}: " in documents.described(kind) for field in fields(kind))


def test_the_help_of_a_command_tells_the_keys_of_what_it_prints() -> None:
    shown = " ".join(call(None, "runs", "--help").stdout.split())
    for kind in (documents.Runs, documents.RunEntry):
        for key in CONTRACT[kind]:
            assert f"{key}: " in shown


def test_tasks_are_listed_with_their_counts() -> None:
    tasks = document(None, "tasks")["tasks"]
    assert [task["name"] for task in tasks] == ["comments", "commonsense", "hypotheses", "translation"]
    for task in tasks:
        rows = (ROOT / "assets" / "tasks" / task["name"] / "queries.jsonl").read_text("utf-8").splitlines()
        queries = [json.loads(row) for row in rows if row.strip()]
        assert task == {
            "name": task["name"],
            "queries": len(queries),
            "references": sum(len(query["references"]) for query in queries),
            "labels": sorted({query["label"] for query in queries if query.get("label")}),
        }


def test_runs_are_listed_newest_first(store: Store) -> None:
    assert document(store, "runs") == {"runs": []}
    old, new = written(store, SteerSettings()), written(store, SteerSettings(gamma=1), "comments")
    listed = document(store, "runs")["runs"]
    assert [run["run"] for run in listed] == [new.id, old.id]
    assert listed[1] == {
        "run": old.id,
        "kind": "steer",
        "task": TASK,
        "settings": SteerSettings().as_dict(),
        "status": "done",
        "samples": 4,
        "created": old.created,
    }
    assert [run["run"] for run in document(store, "runs", "--task", TASK)["runs"]] == [old.id]
    assert [run["run"] for run in document(store, "runs", "--limit", "1")["runs"]] == [new.id]


def test_samples_are_one_line_each_whatever_their_text(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.commands.selection.PAGE", 3)  # 4 samples are more than a page
    run = written(store, SteerSettings())
    result = call(store, "samples", run.id)
    lines = [json.loads(line) for line in result.stdout.splitlines()]  # a raw U+2028 would end a line here
    assert [list(line) for line in lines] == [CONTRACT[documents.SampleLine]] * 4
    assert [line["text"] for line in lines] == [sample.text for sample in store.samples(run.id)]
    assert [(line["replicate"], line["chain"], line["tokens"], line["finish"]) for line in lines] == [
        (0, 0, 1, "length"),
        (1, 1, 2, "end"),
    ] * 2
    assert "γ" in result.stdout


def test_metrics_come_in_the_order_of_their_definitions_with_null_for_unknown(store: Store) -> None:
    run = written(store, SteerSettings())
    unmeasured = call(store, "metrics", run.id)
    assert json.loads(unmeasured.stdout) == {"metrics": []}
    assert unmeasured.stderr == f"Run {run.id} is done and not measured yet.\n"
    store.put_metrics(
        run.id,
        [
            Metric(name="mine", value=1.0),
            Metric(name="length", value=4.0, low=3.0, high=5.0, reference=4.5, n=7, better="nearer", note="x"),
            Metric(name="distinct_2", value=math.nan, better="higher"),
        ],
    )
    unknown = {"low": None, "high": None, "reference": None, "n": None}
    assert document(store, "metrics", run.id)["metrics"] == [
        {"name": "distinct_2", "value": None, **unknown, "better": "higher"},
        {"name": "length", "value": 4.0, "low": 3.0, "high": 5.0, "reference": 4.5, "n": 7, "better": "nearer"},
        {"name": "mine", "value": 1.0, **unknown, "better": None},
    ]


# JSON


@dataclass(frozen=True)
class Odd:
    number: float
    inner: list[float]
    words: str = "é\x85\u2029"


def test_what_is_not_finite_is_null_in_json(capfd: pytest.CaptureFixture[str]) -> None:
    odd = Odd(math.nan, [math.inf, float(np.float64(-math.inf)), np.float64(1.5)])
    assert plain(odd) == {"number": None, "inner": [None, None, 1.5], "words": "é\x85\u2029"}
    print_document(odd)
    out = capfd.readouterr().out
    assert json.loads(out)["words"] == odd.words
    assert "é" in out
    assert not {"\x85", "\u2029"} & set(out)


def test_what_has_no_place_in_json_is_no_document() -> None:
    with pytest.raises(TypeError, match="set has no place in JSON"):
        plain({"x": {1}})


# Options


def test_every_slider_is_an_option_with_its_words_and_limits() -> None:
    names = {field.name for field in fields(SteerSettings)}
    assert set(HELP) == names
    for command in ("generate", "sweep"):
        shown = " ".join(call(None, command, "--help").stdout.split())
        for name in names:
            assert f"--{name.replace('_', '-')} " in shown
        assert f"[0 to {LIMITS['gamma'][1]:g}; default {SteerSettings.gamma}]" in shown


def test_options_override_the_preset_and_the_preset_the_defaults() -> None:
    task = load_task(TASK)
    assert chosen(task, {"preset": None, "gamma": None}) == {"max_new_tokens": task.max_new_tokens}
    assert set(PRESET_NAMES.values()) == set(PRESETS)
    given = {"preset": "expert-only", "gamma": 0.7, "eta": None, "max_new_tokens": 5}
    sliders = SteerSettings(**chosen(task, given))
    assert (sliders.gamma, sliders.eta, sliders.max_new_tokens) == (0.7, 0.0, 5)


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("gamma", "0,0.2, 1e-1,0.20", [0.0, 0.2, 0.1]),
        ("top_k", "10,0", [10, 0]),
        ("policy", "recent,uniform", ["recent", "uniform"]),
        ("seed", "3", [3]),
    ],
)
def test_lists_are_read_with_commas_and_without_repetitions(name: str, text: str, values: list[Any]) -> None:
    read = options.list_reader(name)(text)
    assert read == values
    assert read is not None
    assert [type(value) for value in read] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("gamma", "0,x", "'x' is not a number."),
        ("gamma", "0,,1", "'' is not a number."),
        ("top_k", "1.5", "'1.5' is not a whole number."),
        ("mode", "up", "'up' is not one of subtract, balanced."),
    ],
)
def test_a_list_that_cannot_be_read_is_a_mistake_of_usage(name: str, text: str, words: str) -> None:
    with pytest.raises(typer.BadParameter, match=words.replace(".", r"\.")):
        options.list_reader(name)(text)


def test_folders_are_stored_by_their_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert options.whole_path("mine") == str(tmp_path / "mine")
    assert options.whole_path("./mine") == str(tmp_path / "mine")
    assert options.whole_path("someone/gpt") == "someone/gpt"
    assert options.whole_path(None) is None


# Mistakes


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["generate"], "Missing option '--task'"),
        (["generate", "--task", TASK, "--gamma", "much"], "--gamma"),
        (["generate", "--task", TASK, "--top-k", "1.5"], "--top-k"),
        (["generate", "--task", TASK, "--mode", "sideways"], "--mode"),
        (["generate", "--task", TASK, "--preset", "best"], "--preset"),
        (["generate", "--task", TASK, "--role", "test"], "--role"),
        (["sweep", "--task", TASK, "--gamma", "0,much"], "'much' is not a number."),
        (["samples"], "Missing argument"),
        (["map", "--task", TASK, "--dimension", "0"], "--dimension"),
        (["dance"], "dance"),
        (["runs", "--nonsense"], "--nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_of_usage_exits_with_2(words: list[str], said: str) -> None:
    assert said in misused(*words)


@pytest.mark.parametrize("name", LIMITS)
def test_a_slider_out_of_range_is_explained_and_nothing_is_stored(store: Store, name: str) -> None:
    high = LIMITS[name][1]
    beyond = f"{high + 1:.0f}"
    flag = "--" + name.replace("_", "-")
    limits = f"give a value from {LIMITS[name][0]:g} to {high:g}."
    for command in ("generate", "sweep"):
        line = refused(store, command, "--task", TASK, flag, beyond)
        assert line.startswith(f"{name} is ")
        assert line.endswith(limits)
    assert store.runs() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["generate", "--task", "poems"], "There is no task named 'poems'; the tasks here are: comments, "),
        (["generate", "--task", TASK, "--temperature", "nan"], "temperature is nan; give a value from 0.05"),
        (["generate", "--task", TASK, "--eta", "1.5"], "eta is 1.5, but subtract mode needs eta below 1"),
        (["sweep", "--task", TASK, "--eta", "0,1.5"], "eta is 1.5, but subtract mode needs eta below 1"),
        (["generate", "--task", TASK, "--queries", "0"], "queries is 0, and the task 'hypotheses' has 20"),
        (["generate", "--task", TASK, "--queries", "21"], "queries is 21, and the task 'hypotheses' has 20"),
        (["generate", "--task", TASK, "--replicates", "0"], "replicates is 0; ask for at least one answer"),
        (["generate", "--task", TASK, "--base", "x"], "A pair needs a base and an expert; name the expert too."),
        (["map", "--task", "poems"], "There is no task named 'poems'"),
        (["map", "--task", TASK, "--runs", "r-none"], "There is no run 'r-none' in this store"),
        (["samples", "r-none"], "There is no run 'r-none' in this store; list the runs to see their ids."),
        (["metrics", "r-none"], "There is no run 'r-none' in this store"),
        (["resume", "r-none"], "There is no run 'r-none' in this store"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_explained_error_is_one_line_and_exits_with_1(store: Store, words: list[str], said: str) -> None:
    assert refused(store, *words).startswith(said)
    assert store.runs() == []


def test_a_finished_run_is_not_resumed(store: Store) -> None:
    run = written(store, SteerSettings())
    assert refused(store, "resume", run.id) == f"Run {run.id} is done; there is nothing to resume."


def test_the_store_may_be_named_on_either_side_or_by_the_environment(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = written(store, SteerSettings()).id
    assert document(None, "runs", "--store", store.url)["runs"][0]["run"] == run
    assert document(None, "--store", store.url, "runs")["runs"][0]["run"] == run
    assert document(None, "runs") == {"runs": []}
    monkeypatch.setenv("STEERSCOPE_STORE", store.url)
    assert document(None, "runs")["runs"][0]["run"] == run
    assert "is not the URL of a store" in refused(None, "runs", "--store", "nonsense")


def test_opening_the_store_marks_runs_of_dead_processes(store: Store) -> None:
    run = written(store, SteerSettings())
    jobs = Jobs(store, lease=-1.0)  # a lease that ran out, of a process that nobody knows here
    jobs.submit("generate", run=NewRun(kind="steer", task=TASK), owner="elsewhere-0:1:1")
    assert [each["status"] for each in document(store, "runs")["runs"]] == ["interrupted", "done"]
    assert store.run(run.id).status == "done"


# Writing runs, with a job kind that needs no model


def slow(context: JobContext) -> Iterator[None]:
    """Writes one answer a step; Ctrl-C comes once, at the third."""
    run = context.store.run(context.run)
    for query in run.queries:
        for replicate in range(run.replicates):
            done = context.store.finished_units(run.id)
            if (query, replicate) in done:
                continue
            if len(done) == 2 and not INTERRUPTED:
                INTERRUPTED.append(run.id)
                raise KeyboardInterrupt
            sample = NewSample(query=query, replicate=replicate, chain=replicate, round=0, text="x")
            context.store.add_round(run.id, [sample], seconds=0.5)
            context.progress(len(done) + 1, run.expected, "writing")
            yield


INTERRUPTED: list[str] = []


@pytest.fixture
def without_models(monkeypatch: pytest.MonkeyPatch) -> None:
    INTERRUPTED.clear()
    monkeypatch.setattr(foreground, "handlers", lambda: {"generate": slow})
    monkeypatch.setattr(foreground, "prepare", lambda spec: None)


SMALL = ("--task", TASK, "--queries", "2", "--replicates", "2", "--base", "a/b", "--expert", "a/c")


@pytest.mark.usefixtures("without_models")
def test_ctrl_c_says_how_to_go_on_and_resume_completes_the_run(store: Store) -> None:
    stopped = call(store, "generate", *SMALL)
    run = store.runs()[0]
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert stopped.stderr.splitlines()[-1] == (
        f"Run {run.id} is interrupted with 2 of 4 samples stored; `steerscope resume {run.id}` goes on with it."
    )
    assert (run.status, run.samples) == ("interrupted", 2)
    assert document(store, "resume", run.id) == {
        "run": run.id,
        "task": TASK,
        "settings": SteerSettings(max_new_tokens=load_task(TASK).max_new_tokens).as_dict(),
        "samples": 4,
        "tokens": 0,
        "seconds": 2.0,
    }
    assert store.run(run.id).status == "done"


@pytest.mark.usefixtures("without_models")
def test_a_sweep_that_was_interrupted_goes_on_when_it_is_asked_for_again(store: Store) -> None:
    words = ("sweep", *SMALL, "--gamma", "0,0.4", "--temperature", "0.7,1.0")
    stopped = call(store, *words)
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert stopped.stderr.splitlines()[-1].endswith(
        "is interrupted with 2 of 4 samples stored; the same command goes on with it."
    )
    first = document(store, *words)
    assert list(first) == CONTRACT[documents.Swept]
    assert first["runs"][0] == INTERRUPTED[0]
    assert (len(first["runs"]), first["skipped"]) == (4, [])
    settings = [store.run(run).settings for run in first["runs"]]
    assert [(s["gamma"], s["temperature"]) for s in settings] == [(0, 0.7), (0, 1.0), (0.4, 0.7), (0.4, 1.0)]
    assert document(store, *words) == {"sweep": first["sweep"], "runs": [], "skipped": first["runs"]}


@pytest.mark.usefixtures("without_models")
def test_what_fails_on_the_way_is_explained_and_stored(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.errors import ModelError

    def fails(context: JobContext) -> Iterator[None]:
        yield
        raise ModelError("The weights are corrupt; copy the folder again.")

    monkeypatch.setattr(foreground, "handlers", lambda: {"generate": fails})
    line = refused(store, "generate", *SMALL)
    assert line == f"Run {store.runs()[0].id} failed: The weights are corrupt; copy the folder again."
    assert store.runs()[0].status == "failed"


@pytest.mark.usefixtures("without_models")
def test_a_run_that_is_cancelled_on_a_page_ends_with_words(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancelled(context: JobContext) -> Iterator[None]:
        yield
        context.jobs.cancel(context.job.id)
        yield
        raise AssertionError("a step after the cancel")

    monkeypatch.setattr(foreground, "handlers", lambda: {"generate": cancelled})
    line = refused(store, "generate", *SMALL)
    assert line.startswith(f"Run {store.runs()[0].id} was cancelled from elsewhere; `steerscope resume")


# A fresh process


def fresh(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; the last line of standard error names what was imported."""
    script = (
        "import sys\nfrom core.cli import app\ntry:\n    app(sys.argv[1:])\n"
        "finally:\n    print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


HEAVY = {"alembic", "numpy", "pandas", "scipy", "sklearn", "streamlit", "torch", "transformers"}


@pytest.mark.parametrize(
    ("words", "left_out"),
    [
        (["--help"], HEAVY | {"sqlalchemy"}),
        (["generate", "--help"], HEAVY | {"sqlalchemy"}),
        (["tasks"], HEAVY | {"sqlalchemy"}),
        (["runs"], HEAVY - {"numpy"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_quick_command_imports_nothing_slow(words: list[str], left_out: set[str], empty_store: Path) -> None:
    done = fresh(*words, STEERSCOPE_STORE=f"sqlite:///{empty_store}")
    assert done.returncode == 0
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "typer" in loaded
    assert not loaded & left_out


def test_a_reader_that_goes_away_is_no_error(store: Store) -> None:
    run = written(store, SteerSettings())
    many = [NewSample(query="q", replicate=number, chain=0, round=1, text="long " * 200) for number in range(200)]
    store.add_round(run.id, many)
    process = subprocess.Popen(
        [sys.executable, "-c", "from core.cli import app; app()", "--store", store.url, "samples", run.id],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["id"] == 1
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, "")


def test_json_is_utf_8_in_any_locale(store: Store) -> None:
    run = written(store, SteerSettings())
    done = fresh("--store", store.url, "samples", run.id, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert "γ" in json.loads(done.stdout.splitlines()[0])["text"]


def test_choices_of_the_options_are_those_of_the_sliders() -> None:
    shown = " ".join(call(None, "generate", "--help").stdout.split())
    for name, choices in CHOICES.items():
        assert f"--{name} <{'|'.join(choices)}>" in shown
