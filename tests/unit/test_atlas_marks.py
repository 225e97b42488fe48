"""Marks and clouds as they follow from a map: one of each kind, with the numbers of the map."""

from __future__ import annotations

import numpy as np
import pytest

from core.atlas import Atlas, draw_atlas
from core.drawing.atlas_marks import cloud_of, expert_only, marks_of
from core.errors import NotFoundError
from core.generators import HELD_OUT, REAL, Placed
from core.sliders import SteerSettings
from core.storage.records import Run
from core.store import Store
from tests.unit.small_maps import PLAIN, embed_real, small_task, write


@pytest.fixture
def runs(store: Store) -> list[Run]:
    """The run that a page is about, its control, two others, and one with too few answers for an ellipse."""
    return [
        *(write(store, name) for name in ("chosen", "control", "other", "fourth")),
        write(store, "few", replicates=3),
    ]


@pytest.fixture
def atlas(store: Store, runs: list[Run]) -> Atlas:
    task = small_task()
    embed_real(store, task)
    return draw_atlas(store, task, runs, held_out=True)


def test_every_kind_of_mark_is_told_from_its_place_on_the_map(atlas: Atlas, runs: list[Run]) -> None:
    chosen, control, other, _, few = (run.id for run in runs)
    marks = marks_of(atlas, chosen=chosen, controls=[control])
    assert [mark.key for mark in marks] == list(atlas.map.keys)
    kinds = {mark.key: mark.kind for mark in marks}
    expected = {REAL: "real", HELD_OUT: "heldout", chosen: "chosen", control: "control", other: "run", few: "few"}
    assert {key: kinds[key] for key in expected} == expected
    assert {mark.kind for mark in marks_of(atlas)} == {"real", "heldout", "run", "few"}


def test_a_mark_carries_what_the_map_knows(atlas: Atlas, runs: list[Run]) -> None:
    key = runs[2].id
    mark = next(mark for mark in marks_of(atlas) if mark.key == key)
    row = atlas.map.index(key)
    apart = atlas.to_real[row]
    assert apart is not None
    assert mark.xy == tuple(atlas.map.points[row])
    assert (mark.distance, mark.low, mark.high) == (apart.value, apart.low, apart.high)
    assert (mark.n, mark.settings, mark.z) == (18, PLAIN.short(), None)
    assert mark.outline is not None
    np.testing.assert_array_equal(mark.outline, atlas.map.ellipse(row))
    assert (marks_of(atlas)[0].distance, marks_of(atlas)[0].settings) == (None, "real data")


def test_words_are_put_to_marks_by_key(atlas: Atlas, runs: list[Run]) -> None:
    key = runs[0].id
    marks = marks_of(atlas, labels={key: "this run", REAL: "the truth"}, scores={key: "bleu 31.2"})
    words = {mark.key: (mark.label, mark.score) for mark in marks}
    assert words[key] == ("this run", "bleu 31.2")
    assert words[REAL] == ("the truth", "")
    assert words[HELD_OUT] == ("held-out real", "")
    assert words[runs[1].id] == ("", "")


def test_ellipses_that_hold_all_at_once_are_larger(atlas: Atlas, runs: list[Run]) -> None:
    def size(level: float) -> float:
        mark = next(mark for mark in marks_of(atlas, level=level) if mark.key == runs[0].id)
        assert mark.outline is not None
        return float(np.ptp(mark.outline[:, 0]))

    assert atlas.map.all_at_once == pytest.approx(1 - 0.05 / 7)
    assert size(0.5) < size(0.95) < size(atlas.map.all_at_once)


def test_the_third_axis_is_there_only_where_the_map_has_one(store: Store, runs: list[Run]) -> None:
    solid = draw_atlas(store, small_task(), runs, dimension=3)
    for mark, point in zip(marks_of(solid), solid.map.points, strict=True):
        assert (*mark.xy, mark.z) == tuple(point)
    line = draw_atlas(store, small_task(), runs, dimension=1)
    assert {mark.xy[1] for mark in marks_of(line)} == {0.0}


def test_a_cloud_is_every_answer_of_its_generator_in_its_place(atlas: Atlas, runs: list[Run]) -> None:
    for key, kind in ((REAL, "real"), (HELD_OUT, "real"), (runs[0].id, "chosen")):
        cloud, row = cloud_of(atlas, key), atlas.map.index(key)
        assert cloud.kind == kind
        np.testing.assert_array_equal(cloud.points, atlas.map.clouds[row])
        assert list(zip(cloud.ids, cloud.texts, strict=True)) == [(one.id, one.text) for one in atlas.samples[row]]
        np.testing.assert_allclose(atlas.map.cloud_weights[row] @ cloud.points, atlas.map.points[row], atol=1e-12)
    with pytest.raises(NotFoundError, match="r-nobody is not on this map"):
        cloud_of(atlas, "r-nobody")


@pytest.mark.parametrize(
    ("kind", "settings", "is_it"),
    [
        ("steer", SteerSettings(gamma=0, eta=0).as_dict(), True),
        ("steer", SteerSettings(gamma=0, eta=0.2, negatives=0).as_dict(), True),
        ("steer", SteerSettings(gamma=0.2, eta=0).as_dict(), False),
        ("steer", SteerSettings(gamma=0, eta=0, temperature=0.7).as_dict(), False),
        ("steer", {"gamma": 0, "eta": 0, "of a newer version": 1}, False),
        ("imported", {"gamma": 0, "eta": 0, "temperature": 1}, False),
    ],
)
def test_the_expert_alone_is_known_by_its_sliders(kind: str, settings: dict[str, object], is_it: bool) -> None:
    assert expert_only(Placed("k", kind, "l", settings, True)) is is_it
