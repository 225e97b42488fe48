"""UMAP itself, in its process: what it keeps, that a seed fixes it, and that what is stored never moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core import arranging
from core.arranger import Arranger
from core.arranging import arranged, arranger, run_arrange
from core.sample_view import FEW, SampleView
from core.scheduling.context import JobContext
from core.scheduling.scheduler import Scheduler
from core.storage.records import Job, Run
from core.store import Store
from core.tasks import Task
from tests.unit.small_task import embed_as, small_task, written

Floats = NDArray[np.float32]
CLUSTERS = 6


def clustered(n: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Unit rows in 384 dimensions around six directions that are the same for every seed, and their clusters."""
    centres = np.random.default_rng(99).standard_normal((CLUSTERS, 384))
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLUSTERS, size=n)
    # Inside a cluster the rows differ along four directions, so that there are neighbours to be kept.
    inside = rng.standard_normal((n, 4)) @ np.random.default_rng(98).standard_normal((4, 384))
    rows = centres[labels] + 0.35 * inside + 0.05 * rng.standard_normal((n, 384))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels


REAL, REAL_CLUSTERS = clustered(240, seed=1)
MADE, MADE_CLUSTERS = clustered(300, seed=2)


@pytest.fixture(scope="module")
def process() -> Iterator[Arranger]:
    """The worker's process: UMAP compiles once for all tests."""
    yield arranger()
    arranger().close()


@pytest.fixture(scope="module")
def view(process: Arranger) -> SampleView:
    return SampleView(REAL, process.lay_out(REAL, 0))


@pytest.fixture(scope="module")
def placed(process: Arranger, view: SampleView) -> Floats:
    return process.place("clusters", view, MADE)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def spread(points: Floats) -> float:
    """The root mean squared distance from the centre of a picture."""
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))


def arrange(store: Store, task: Task, runs: list[Run]) -> Job:
    scheduler = Scheduler(store, {"arrange": run_arrange}, lease=60.0)
    payload = {"task": task.name, "runs": [run.id for run in runs], "seed": 0}
    job = scheduler.run_one(scheduler.jobs.submit("arrange", payload, owner=scheduler.claims.owner))
    assert job.error is None
    return job


# What the picture keeps


def test_neighbours_stay_neighbours(view: SampleView, placed: Floats) -> None:
    from sklearn.manifold import trustworthiness

    assert trustworthiness(REAL, view.points, n_neighbors=10, metric="cosine") > 0.93
    rows, points = np.concatenate([REAL, MADE]), np.concatenate([view.points, placed])
    assert trustworthiness(rows, points, n_neighbors=10, metric="cosine") > 0.93
    # The measure sees it when they do not.
    mixed = np.random.default_rng(0).permutation(points)
    assert trustworthiness(rows, mixed, n_neighbors=10, metric="cosine") < 0.6


def test_synthetic_samples_lie_in_the_cluster_they_are_of(view: SampleView, placed: Floats) -> None:
    apart = np.linalg.norm(placed[:, None] - view.points[None], axis=2)
    assert (REAL_CLUSTERS[apart.argmin(axis=1)] == MADE_CLUSTERS).mean() > 0.98


def test_a_real_row_is_placed_near_where_it_was_laid_out(process: Arranger, view: SampleView) -> None:
    again = process.place("clusters", view, REAL[::-1])[::-1]
    moved = np.linalg.norm(again - view.points, axis=1) / spread(view.points)
    assert np.median(moved) < 0.1
    assert moved.max() < 0.4


# What a seed fixes


def test_a_seed_fixes_every_place_in_another_process_too(process: Arranger, view: SampleView, placed: Floats) -> None:
    np.testing.assert_array_equal(process.lay_out(REAL, 0), view.points)
    assert np.abs(process.lay_out(REAL, 1) - view.points).max() > 0.1
    process.close()  # the next call starts another one, which has neither the model nor the view
    np.testing.assert_array_equal(process.lay_out(REAL, 0), view.points)
    np.testing.assert_array_equal(process.place("clusters", SampleView(REAL, view.points), MADE), placed)


def test_a_place_does_not_depend_on_the_company(process: Arranger, view: SampleView, placed: Floats) -> None:
    parts = [process.place("clusters", view, MADE[i : i + 77]) for i in range(0, len(MADE), 77)]
    np.testing.assert_array_equal(np.concatenate(parts), placed)
    np.testing.assert_array_equal(process.place("clusters", view, MADE[::-1])[::-1], placed)
    np.testing.assert_array_equal(process.place("clusters", view, MADE[5:6])[0], placed[5])


def test_the_fewest_texts_and_texts_of_one_vector_have_places(process: Arranger) -> None:
    for rows in (REAL[:FEW], np.repeat(REAL[:1], FEW + 4, axis=0)):
        points = process.lay_out(rows, 0)
        assert np.isfinite(points).all()
        assert len(np.unique(points, axis=0)) == len(rows)
        assert np.isfinite(process.place("few", SampleView(rows, points), MADE[:5])).all()


# What is stored


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store) -> Task:
    """A task with the real rows, and vectors for its texts and those of a run."""
    embed_as(store, {f"real {i}": row for i, row in enumerate(REAL)} | {f"made {i}": row for i, row in enumerate(MADE)})
    return small_task(tmp_path, monkeypatch, [f"real {i}" for i in range(len(REAL))])


def test_only_what_is_new_is_placed_and_nothing_else_moves(
    process: Arranger, store: Store, task: Task, view: SampleView, placed: Floats
) -> None:
    first = written(store, [f"made {i}" for i in range(100)])
    assert arrange(store, task, [first]).result["placed"] == len(REAL) + 100
    before = arranged(store, task, [first])
    second = written(store, [f"made {i}" for i in range(50, 150)])
    assert arranged(store, task, [first, second]).waiting == 50
    assert arrange(store, task, [first, second]).result["placed"] == 50
    after = arranged(store, task, [first, second])
    assert after.view == before.view
    assert after.waiting == 0
    np.testing.assert_array_equal(after.points[: len(before.points)], before.points)
    # Laid out in the order of the content keys, so that this is another picture than `view`, but no worse a one.
    apart = np.linalg.norm(after.points[len(REAL) :, None] - after.points[None, : len(REAL)], axis=2)
    expected = np.concatenate([MADE_CLUSTERS[:100], MADE_CLUSTERS[50:150]])
    assert (REAL_CLUSTERS[apart.argmin(axis=1)] == expected).mean() > 0.98


def test_a_cancel_in_the_middle_keeps_what_was_placed(
    process: Arranger, store: Store, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arranging, "AT_ONCE", 32)
    run = written(store, [f"made {i}" for i in range(len(MADE))])
    scheduler = Scheduler(store, {"arrange": run_arrange}, lease=60.0)

    def stop(context: JobContext) -> None:
        if context.done >= len(REAL) + 64:
            context.jobs.cancel(context.job.id)

    payload = {"task": task.name, "runs": [run.id], "seed": 0}
    job = scheduler.run_one(scheduler.jobs.submit("arrange", payload, owner=scheduler.claims.owner), stop)
    assert job.status == "cancelled"
    kept = arranged(store, task, [run])
    assert len(kept.points) >= len(REAL) + 64
    assert kept.waiting > 0
    assert (len(kept.points) - len(REAL)) % 32 == 0, "half a part was stored"
    done = arrange(store, task, [run])
    assert done.result["placed"] == kept.waiting
    whole = arranged(store, task, [run])
    places = dict(zip([one.id for one in whole.samples], whole.points.tolist(), strict=True))
    assert [places[one.id] for one in kept.samples] == kept.points.tolist()


def test_without_real_rows_the_samples_stand_for_themselves(
    process: Arranger, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed_as(store, {f"made {i}": row for i, row in enumerate(MADE)})
    task = small_task(tmp_path, monkeypatch)
    run = written(store, [f"made {i}" for i in range(120)])
    arrange(store, task, [run])
    found = arranged(store, task, [run])
    assert (len(found.points), found.waiting) == (120, 0)
    assert found.said.startswith("The task has no real rows, so this is a UMAP of 120 synthetic samples (seed 0)")
    apart = np.linalg.norm(found.points[:, None] - found.points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (MADE_CLUSTERS[apart.argmin(axis=1)] == MADE_CLUSTERS[:120]).mean() > 0.98
