"""Single runs: placed on a map that stays, answers that a plan or a test needs."""

from __future__ import annotations

import numpy as np
import pytest

from core.atlas import Atlas, draw_atlas
from core.errors import SettingsError, StatisticsError
from core.generators import REAL
from core.placing import answers_of, pilot_axes, place_run
from core.storage.records import NewSample, Run
from core.store import Store
from core.tasks import Task
from tests.unit.small_maps import (
    GROWING,
    QUERIES,
    embed,
    embed_real,
    small_task,
    squared_distance,
    stacked,
    vector,
    write,
)

NAMES = ("left", "right", "up", "down")


@pytest.fixture
def task(store: Store) -> Task:
    made = small_task()
    embed_real(store, made)
    return made


@pytest.fixture
def runs(store: Store) -> list[Run]:
    return [write(store, name) for name in NAMES]


@pytest.fixture
def atlas(store: Store, task: Task, runs: list[Run]) -> Atlas:
    return draw_atlas(store, task, runs)


def test_a_later_run_falls_where_a_map_of_the_same_reference_places_it(
    store: Store, task: Task, runs: list[Run], atlas: Atlas
) -> None:
    later = write(store, "later")
    placed = place_run(store, task, atlas, later)
    both = draw_atlas(store, task, [*runs, later], reference=[REAL, *(run.id for run in runs)])
    row = both.map.index(later.id)
    covariance = both.map.covariances[row]
    assert covariance is not None
    assert placed.placement.covariance is not None
    np.testing.assert_allclose(placed.placement.point, both.map.points[row], atol=1e-12)
    np.testing.assert_allclose(placed.placement.covariance, covariance, atol=1e-15)
    assert placed.samples == both.samples[row]
    assert (placed.generator, placed.to_real) == (both.generators[row], both.to_real[row])
    assert atlas.map.keys == (REAL, *(run.id for run in runs))


def test_a_run_of_the_map_keeps_the_place_and_the_ellipse_that_it_has_there(
    store: Store, task: Task, runs: list[Run], atlas: Atlas
) -> None:
    row = atlas.map.index(runs[0].id)
    found = place_run(store, task, atlas, runs[0]).placement
    covariance = atlas.map.covariances[row]
    assert covariance is not None
    assert found.covariance is not None
    assert (found.point == atlas.map.points[row]).all()
    assert (found.covariance == covariance).all()
    assert (found.method, found.extrapolates) == (atlas.map.methods[row], False)
    # As a newcomer, on axes that its own answers helped to fit, it would look surer than it is.
    assert atlas.answers is not None
    naive = atlas.map.place(atlas.answers[row]).covariance
    assert naive is not None
    assert np.trace(naive) != np.trace(covariance)


def test_a_run_in_progress_is_placed_by_what_it_has_answered(store: Store, task: Task, atlas: Atlas) -> None:
    begun = write(store, "begun", queries=QUERIES[:2])
    with pytest.raises(StatisticsError, match="has not answered every query of the map"):
        place_run(store, task, atlas, begun)
    placed = place_run(store, task, atlas, begun, partial=True)
    assert placed.placement.queries == 2
    assert [sample.query for sample in placed.samples] == ["q0"] * 6 + ["q1"] * 6
    assert len(placed.placement.cloud) == 12
    texts = [[f"begun {query} {r}" for r in range(6)] for query in QUERIES[:2]]
    rows = [[f"real {query} {r}" for r in range(8)] for query in QUERIES[:2]]
    assert placed.to_real is not None
    assert placed.to_real.value == pytest.approx(squared_distance(stacked(texts), stacked(rows)))


def test_without_real_rows_there_is_a_place_and_no_distance(store: Store, runs: list[Run]) -> None:
    bare = small_task(rows=0)
    atlas = draw_atlas(store, bare, runs)
    placed = place_run(store, bare, atlas, write(store, "later"))
    assert placed.to_real is None
    assert placed.placement.covariance is not None


def test_runs_that_have_no_place_on_a_map_say_why(store: Store, task: Task, runs: list[Run], atlas: Atlas) -> None:
    with pytest.raises(SettingsError, match=r"answers the task 'other', and the map is of 'small'"):
        place_run(store, task, atlas, write(store, "x", task="other"))
    with pytest.raises(StatisticsError, match="has answered none of the map's queries"):
        place_run(store, task, atlas, write(store, "y", queries=("t0",)))
    with pytest.raises(StatisticsError, match="has answered none of the map's queries"):
        place_run(store, task, atlas, write(store, "z", embedded=False))
    bent = draw_atlas(store, task, runs, variant="energy")
    with pytest.raises(StatisticsError, match="A map of energy distances places nobody"):
        place_run(store, task, bent, write(store, "later"))


def test_the_axes_of_a_pilot_are_those_of_the_others(store: Store, task: Task, runs: list[Run], atlas: Atlas) -> None:
    pilot = write(store, "pilot", settings=GROWING)
    answers, axes = pilot_axes(store, task, pilot, [*runs, pilot])
    assert answers.key == pilot.id
    np.testing.assert_allclose(np.einsum("jpa,jpb->ab", axes, axes), np.eye(2), atol=1e-9)
    np.testing.assert_allclose(axes * np.sqrt(len(QUERIES)), atlas.map.basis, atol=1e-9)


def test_a_pilot_with_too_few_others_has_no_axes(store: Store, task: Task, runs: list[Run]) -> None:
    with pytest.raises(StatisticsError, match="has generators for 1 axes and not for 2; write runs with other"):
        pilot_axes(store, task, runs[0], runs[:2])
    with pytest.raises(StatisticsError, match="write a run first"):
        pilot_axes(store, small_task(rows=0), runs[0], runs[:1])


def test_the_answers_of_a_run_are_those_to_every_query(store: Store, task: Task, runs: list[Run]) -> None:
    store.add_round(runs[0].id, [NewSample(query="t0", replicate=0, chain=0, round=0, text="real t0 0")])
    embed(store, ["real t0 0"])
    answers = answers_of(store, task, runs[0].id, runs)
    assert answers.counts.tolist() == [6, 6, 6, 1]
    np.testing.assert_array_equal(answers.vectors[0][3], vector("left q0 3"))
    assert answers_of(store, task, REAL, []).counts.tolist() == [8, 8, 8, 0]
    with pytest.raises(StatisticsError, match="has no real rows"):
        answers_of(store, small_task(rows=0), REAL, [])
    empty = write(store, "none", replicates=0)
    with pytest.raises(StatisticsError, match=f"Run {empty.id} has no samples"):
        answers_of(store, task, empty.id, [empty])
