"""The command line with the bundled pair: real runs, small ones, alone and beside a worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from core.jobs import Jobs
from core.metrics import METRICS
from core.models import find_pair
from core.running import submit_run
from core.sliders import SteerSettings
from core.store import Store
from core.tasks import load_task
from core.worker import start_worker

ROOT = Path(__file__).resolve().parents[2]
TASK = "hypotheses"
SMALL = ("--task", TASK, "--queries", "2", "--replicates", "2", "--max-new-tokens", "8", "--gamma", "0.4")
SLIDERS = SteerSettings(gamma=0.4, max_new_tokens=8)
WAIT_SECONDS = 120.0


def call(store: Store, *words: str) -> Result:
    from core.cli import app

    return CliRunner().invoke(app, ["--store", store.url, *words])


def document(store: Store, *words: str) -> Any:
    result = call(store, *words)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def texts(store: Store, run: str) -> dict[tuple[str, int], str]:
    return {(sample.query, sample.replicate): sample.text for sample in store.samples(run)}


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all tests here: a run that was written can be looked at by several."""
    with Store(f"sqlite:///{tmp_path_factory.mktemp('cli') / 'store.db'}") as opened:
        yield opened


@pytest.fixture(scope="module")
def generated(store: Store) -> Any:
    """What `generate` printed, and how long it took."""
    began = time.perf_counter()
    printed = document(store, "generate", *SMALL)
    return printed, time.perf_counter() - began


def test_generate_writes_embeds_and_measures_a_run(store: Store, generated: Any) -> None:
    printed, took = generated
    run = store.run(printed["run"])
    samples = store.samples(run.id)
    assert printed == {
        "run": run.id,
        "task": TASK,
        "settings": SLIDERS.as_dict(),
        "samples": 4,
        "tokens": sum(len(sample.token_ids) for sample in samples),
        "seconds": round(run.seconds, 3),
    }
    assert run.status == "done"
    assert all(sample.text for sample in samples)
    assert 0 < printed["seconds"] < took

    measured = {each["name"]: each for each in document(store, "metrics", run.id)["metrics"]}
    assert list(measured) == list(METRICS)
    assert measured["length"]["value"] == pytest.approx(printed["tokens"] / 4)
    assert measured["expert_perplexity"]["value"] > 1


def test_the_map_places_a_run_that_it_embeds_itself(store: Store, generated: Any) -> None:
    run = store.run(generated[0]["run"])
    with store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM vectors")  # as after an import: nothing is embedded yet
    printed = document(store, "map", "--task", TASK, "--runs", run.id)
    points = {point["run"]: point for point in printed["points"]}
    assert set(points) == {None, run.id}
    assert printed["queries"] == 2
    distance = {metric.name: metric for metric in store.metrics(run.id)}["distance_to_real"]
    # the same vectors by another road: measured with the run, and embedded anew for the map
    assert points[run.id]["distance_to_real"]["value"] == pytest.approx(distance.value, abs=1e-4)
    again = call(store, "map", "--task", TASK, "--runs", run.id)
    assert json.loads(again.stdout) == printed
    assert "embedding" not in again.stderr, "everything is in the cache now"


def test_a_sweep_reuses_what_generate_wrote(store: Store, generated: Any) -> None:
    words = ("sweep", *SMALL, "--eta", "0,0.2")
    first = document(store, *words)
    assert first["skipped"] == [generated[0]["run"]]
    (new,) = first["runs"]
    assert store.run(new).settings == SLIDERS.with_(eta=0.0).as_dict()
    assert document(store, *words) == {
        "sweep": first["sweep"],
        "runs": [],
        "skipped": [new, generated[0]["run"]],
    }


@pytest.mark.usefixtures("generated")
def test_a_run_beside_a_live_worker_disturbs_neither(store: Store) -> None:
    """Worker and command line write at once, each its own run; both texts are those of solo runs."""
    task = load_task(TASK)
    jobs = Jobs(store)
    sliders = SLIDERS.with_(seed=7)
    solo = [document(store, "generate", *SMALL, "--seed", seed)["run"] for seed in ("7", "8")]
    worker = start_worker(store)
    try:
        job = submit_run(jobs, task, find_pair(TASK), sliders, queries=2, replicates=2)
        until(lambda: jobs.job(job.id).status == "running")
        beside = document(store, "generate", *SMALL, "--seed", "8")["run"]
        until(lambda: not jobs.job(job.id).active)
        assert (jobs.job(job.id).status, worker.poll()) == ("done", None)
    finally:
        worker.terminate()
        worker.wait()
    assert job.run is not None
    assert texts(store, job.run) == texts(store, solo[0])
    assert texts(store, beside) == texts(store, solo[1])
    owners = {each.run: each.owner for each in jobs.jobs() if each.run in (job.run, beside)}
    assert owners[job.run] != owners[beside]


def test_ctrl_c_keeps_what_is_finished_and_resume_writes_the_same_text(store: Store) -> None:
    # one chain and rounds of one query: every text depends on those before it
    words = ("--task", TASK, "--queries", "2", "--replicates", "4", "--max-new-tokens", "8", "--eta", "0.4")
    words += ("--chains", "1", "--round-size", "1")
    before = {run.id for run in store.runs()}
    process = subprocess.Popen(
        [sys.executable, "-c", "from core.cli import app; app()", "generate", *words],
        cwd=ROOT,
        env={**os.environ, "STEERSCOPE_STORE": store.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell that runs the tests in the background may have switched Ctrl-C off
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    until(lambda: any(run.id not in before and run.samples for run in store.runs()))
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=WAIT_SECONDS)
    (run,) = (each for each in store.runs() if each.id not in before)
    assert (process.returncode, out) == (130, "")
    assert said.splitlines()[-1].startswith(f"Run {run.id} is interrupted with {run.samples} of 8 samples")
    assert "Traceback" not in said
    assert run.status == "interrupted"
    kept = texts(store, run.id)
    assert 0 < len(kept) <= 8

    resumed = document(store, "resume", run.id)
    assert (resumed["run"], resumed["samples"]) == (run.id, 8)
    whole = texts(store, run.id)
    assert kept.items() <= whole.items()
    assert whole == texts(store, document(store, "generate", *words)["run"])


@pytest.mark.parametrize(
    ("base", "said"),
    [("nowhere", "The model folder {folder} does not exist; check the path."), ("empty", "holds no config.json")],
)
def test_a_pair_that_cannot_be_loaded_leaves_no_run(store: Store, tmp_path: Path, base: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    before = len(store.runs())
    folder = str(tmp_path / base)
    result = call(store, "generate", *SMALL, "--base", folder, "--expert", folder)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert said.format(folder=folder) in line
    assert len(store.runs()) == before


def test_a_run_whose_models_changed_is_not_completed_by_others(store: Store, generated: Any) -> None:
    run = generated[0]["run"]
    jobs = Jobs(store)
    with store.database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET status = 'interrupted', pair = '0-m-float32' WHERE id = '{run}'")
    try:
        result = call(store, "resume", run)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"Run {run} was written with the models 0-m-float32" in result.stderr.splitlines()[-1]
        assert jobs.store.run(run).status == "failed"
    finally:
        jobs.store.update_run(run, pair=find_pair(TASK).fingerprint)
