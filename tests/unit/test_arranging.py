"""What a sample view is laid out from, the job that arranges, and the process that it asks: all with few texts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from core import sample_basis
from core.arranger import Arranger
from core.arranging import arranged, arranger, run_arrange, submit_arrange
from core.embedding import content_key
from core.errors import StatisticsError
from core.jobs import Jobs
from core.sample_basis import basis_of
from core.sample_view import FEW, SampleView, lay_out
from core.scheduling.processes import is_alive
from core.scheduling.scheduler import Scheduler
from core.storage.records import Job, Priority, Run
from core.store import Store
from core.tasks import Task
from tests.unit.small_task import embed_as, small_task, written
from tests.unit.test_sample_view import unit_rows

MakeTask = Callable[..., Task]


@pytest.fixture
def task_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeTask:
    return lambda *references: small_task(tmp_path, monkeypatch, references)


@pytest.fixture(scope="module", autouse=True)
def _one_process() -> Iterator[None]:
    yield
    arranger().close()


def numbered(kind: str, count: int) -> list[str]:
    return [f"{kind} {i}" for i in range(count)]


def arrange(store: Store, task: Task, runs: list[Run]) -> Job:
    scheduler = Scheduler(store, {"arrange": run_arrange}, lease=60.0)
    payload = {"task": task.name, "runs": [run.id for run in runs], "seed": 0}
    job = scheduler.run_one(scheduler.jobs.submit("arrange", payload, owner=scheduler.claims.owner))
    assert job.error is None
    return job


# What the view is laid out from


def test_enough_real_rows_are_all_that_the_view_stands_on(store: Store, task_with: MakeTask) -> None:
    task = task_with(*numbered("real", FEW), "real 0")
    before = basis_of(store, task)
    written(store, numbered("made", 50))
    assert basis_of(store, task) == before
    assert set(before.texts.values()) == set(numbered("real", FEW))
    assert list(before.keys) == sorted(content_key(text) for text in before.texts.values())
    assert before.said(0).startswith("UMAP of the 16 real rows (seed 0) with the synthetic samples placed among them")


def test_of_very_many_real_rows_some_are_laid_out(
    store: Store, task_with: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_basis, "MOST_ROWS", 20)
    task = task_with(*numbered("real", 1234))
    basis = basis_of(store, task)
    assert len(basis.texts) == 20
    assert max(basis.keys) < min({content_key(text) for text in numbered("real", 1234)} - set(basis.keys))
    assert "20 of the 1,234 real rows" in basis.said(0)


def test_without_real_rows_the_oldest_runs_that_ended_stand_for_them(
    store: Store, task_with: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_basis, "MOST_ROWS", 40)
    task = task_with()
    runs = [written(store, numbered(f"run {number}", 30)) for number in range(3)]
    basis = basis_of(store, task)
    assert set(basis.texts.values()) == {f"run {number} {i}" for number in range(2) for i in range(20)}
    assert basis.said(0).startswith("The task has no real rows, so this is a UMAP of 40 synthetic samples (seed 0)")
    written(store, numbered("busy", 30), "running")
    assert basis_of(store, task) == basis, "a run in progress changed the picture"
    written(store, numbered("fourth", 30))
    after = set(basis_of(store, task).texts.values())
    assert len(after) == 40
    assert {text.rsplit(" ", 1)[0] for text in after} == {"run 0", "run 1", "run 2", "fourth"}
    store.delete_run(runs[0].id)
    assert {text.rsplit(" ", 1)[0] for text in basis_of(store, task).texts.values()} == {"run 1", "run 2"}


def test_while_nothing_has_ended_the_first_samples_stand_and_seldom_change(store: Store, task_with: MakeTask) -> None:
    task = task_with("the only real row")
    run = written(store, numbered("made", 40), "running")
    assert store.run(run.id).active
    basis = basis_of(store, task)
    assert set(basis.texts.values()) == {"the only real row", *numbered("made", 32)}
    assert basis.said(0).startswith(
        "The task has only 1 real row, so this is a UMAP of 32 synthetic samples and 1 real"
    )


def test_few_texts_are_called_few(store: Store, task_with: MakeTask) -> None:
    task = task_with()
    assert basis_of(store, task).said(0) == "There is no text to show yet."
    written(store, ["same", "same"])
    assert basis_of(store, task).said(0).startswith("There is only one text: too few for neighbourhoods")
    written(store, ["other"], "running")
    assert basis_of(store, task).said(0).startswith("There are only 2 different texts: too few for neighbourhoods")


# The job


def test_real_rows_and_samples_get_their_places_and_keep_them(store: Store, task_with: MakeTask) -> None:
    texts = ["real a", "real b", "real c", "one", "two", "three"]
    vectors = dict(zip(texts, unit_rows(6), strict=True))
    embed_as(store, vectors)
    task = task_with(*texts[:3])
    runs = [written(store, ["one", "two", "one"]), written(store, ["three", "real a"])]
    empty = arranged(store, task, runs)
    assert (len(empty.points), empty.points.shape, empty.waiting) == (0, (0, 2), 8)
    job = arrange(store, task, runs)
    assert job.result == {"view": empty.view, "placed": 6, "texts": 6}
    assert (job.done, job.total) == (6, 6)
    found = arranged(store, task, runs)
    assert found.waiting == 0
    assert found.keys == ("real",) * 3 + (runs[0].id,) * 3 + (runs[1].id,) * 2
    assert [one.text for one in found.samples] == [*texts[:3], "one", "two", "one", "three", "real a"]
    assert [one.id for one in found.samples][:3] == ["q/0", "q/1", "q/2"]
    ids = [sample.id for run in runs for sample in store.samples(run.id)]
    assert [one.id for one in found.samples][3:] == [str(one) for one in ids]
    # The other road: the principal plane of the six different texts, which are too few for UMAP.
    order = sorted(texts, key=content_key)
    places = dict(zip(order, lay_out(np.stack([vectors[text] for text in order])), strict=True))
    np.testing.assert_array_equal(found.points, np.stack([places[one.text] for one in found.samples]))
    assert arrange(store, task, runs).result["placed"] == 0


def test_a_run_that_is_gone_is_passed_over_and_nothing_is_an_answer(store: Store, task_with: MakeTask) -> None:
    task = task_with()
    gone = written(store, ["x"])
    store.delete_run(gone.id)
    assert arrange(store, task, [gone]).result["texts"] == 0
    found = arranged(store, task, [])
    assert (found.points.shape, found.keys, found.waiting) == ((0, 2), (), 0)


def test_the_same_view_is_asked_for_once(store: Store, task_with: MakeTask) -> None:
    task, jobs = task_with(), Jobs(store)
    runs = [written(store, [f"text {i}"]) for i in range(2)]
    job = submit_arrange(jobs, task, runs)
    assert (job.kind, job.priority) == ("arrange", Priority.VIEW)
    assert submit_arrange(jobs, task, runs[::-1]).id == job.id
    assert submit_arrange(jobs, task, runs[:1]).id != job.id
    assert submit_arrange(jobs, task, runs, seed=1).id != job.id
    jobs.cancel(job.id)
    assert submit_arrange(jobs, task, runs).id != job.id


# The process


def test_the_process_lays_out_and_places_as_the_functions_do() -> None:
    rows, more = unit_rows(10), unit_rows(7, seed=1)
    points = arranger().lay_out(rows, 0)
    np.testing.assert_array_equal(points, lay_out(rows))
    view = SampleView(rows, points)
    for name in ("a", "b", "a"):
        np.testing.assert_array_equal(arranger().place(name, view, more), view.place(more))
    assert arranger().place("a", view, more[:0]).shape == (0, 2)


def test_a_process_that_was_killed_is_explained_and_the_next_question_starts_another() -> None:
    asked = Arranger()
    try:
        asked.lay_out(unit_rows(3), 0)
        assert asked._process is not None
        asked._process.send_signal(signal.SIGSTOP)  # it has not read the question when it dies
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.2; kill -9 {asked._process.pid}"])
        with pytest.raises(StatisticsError, match=r"ended \(exit status -9\) before it answered.*open the sample view"):
            asked.lay_out(unit_rows(3), 0)
        killer.wait()
        assert asked.lay_out(unit_rows(3), 0).shape == (3, 2)
    finally:
        asked.close()


def test_a_process_that_idled_too_long_ends_and_comes_back_unnoticed() -> None:
    asked = Arranger(idle=0.05)
    try:
        asked.lay_out(unit_rows(3), 0)
        first = asked._process
        assert first is not None
        assert first.wait(10) == 0
        assert asked.lay_out(unit_rows(3), 0).shape == (3, 2)
        assert asked._process is not first
    finally:
        asked.close()


ASKING = """
import time
import numpy as np
from core.arranger import Arranger
asked = Arranger()
asked.lay_out(np.eye(3, dtype=np.float32), 0)
print(asked._process.pid, flush=True)
time.sleep(60)
"""


def test_the_process_does_not_outlive_the_one_that_asks() -> None:
    with subprocess.Popen([sys.executable, "-c", ASKING], stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        process = int(asking.stdout.readline())
        assert is_alive(process)
        os.kill(asking.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while is_alive(process):
        assert time.monotonic() < deadline
        time.sleep(0.01)
