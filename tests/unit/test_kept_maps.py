"""Maps that are kept: exactly what was drawn comes back, whatever has become of runs and tasks meanwhile."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from core import atlas as atlas_module
from core import tasks
from core.atlas import Atlas, draw_atlas
from core.drawing.atlas_marks import cloud_of, marks_of
from core.errors import NotFoundError, StoreError
from core.generators import HELD_OUT, REAL
from core.kept_maps import keep, reopen
from core.perspective_map import PerspectiveMap
from core.placing import place_run
from core.storage.records import KeptMap, Run
from core.store import Store
from core.tasks import Task
from tests.unit.small_maps import GROWING, embed_real, small_task, write

NAMES = ("left", "right", "up", "down")


@pytest.fixture(autouse=True)
def task(store: Store, monkeypatch: pytest.MonkeyPatch) -> Task:
    """The small task, which `load_task` finds."""
    made = small_task()
    embed_real(store, made)

    def load(name: str) -> Task:
        if name != "small":
            raise NotFoundError("gone")
        return made

    monkeypatch.setattr("core.kept_maps.load_task", load)
    return made


@pytest.fixture
def runs(store: Store) -> list[Run]:
    """Runs of which one has no ellipse, one grew its pool, and one is left out."""
    return [
        *(write(store, name) for name in NAMES),
        write(store, "few", replicates=2),
        write(store, "growing", settings=GROWING, replicates=8),
        write(store, "short", queries=("q0",)),
    ]


@pytest.fixture
def atlas(store: Store, task: Task, runs: list[Run]) -> Atlas:
    return draw_atlas(store, task, runs, held_out=True)


def same_map(a: PerspectiveMap, b: PerspectiveMap) -> bool:
    """Whether every field is the same to the last bit."""

    def same(x: object, y: object) -> bool:
        if isinstance(x, tuple) and isinstance(y, tuple):
            return len(x) == len(y) and all(same(*each) for each in zip(x, y, strict=True))
        if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
            return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
        return type(x) is type(y) and x == y

    return all(same(getattr(a, field.name), getattr(b, field.name)) for field in fields(PerspectiveMap))


def test_a_kept_map_comes_back_to_the_last_bit_and_without_computing(
    store: Store, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keep(store, atlas) == atlas.id

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("something was computed again")

    for name in ("fit_map", "distance", "embedded"):
        monkeypatch.setattr(atlas_module, name, refuse)
    found = reopen(store, atlas.id)
    assert same_map(found.map, atlas.map)
    assert found.answers is not None
    assert atlas.answers is not None
    for before, after in zip(atlas.answers, found.answers, strict=True):
        assert (before.key, before.deterministic) == (after.key, after.deterministic)
        assert all((x == y).all() for x, y in zip(before.vectors, after.vectors, strict=True))
        assert (before.chains is None) == (after.chains is None)
    for field in fields(Atlas):
        if field.name not in ("map", "answers"):
            assert getattr(found, field.name) == getattr(atlas, field.name), field.name
    assert found.as_dict() == atlas.as_dict()
    assert [mark.xy for mark in marks_of(found)] == [mark.xy for mark in marks_of(atlas)]


def test_an_energy_map_comes_back_too(store: Store, task: Task, runs: list[Run]) -> None:
    bent = draw_atlas(store, task, runs, variant="energy", dimension=3)
    assert same_map(reopen(store, keep(store, bent)).map, bent.map)


def test_a_map_is_stored_once_with_what_made_it(store: Store, atlas: Atlas) -> None:
    assert keep(store, atlas) == keep(store, replace(atlas, to_real=(None,) * len(atlas.to_real)))
    assert list(store.maps("small")) == [atlas.id]
    kept = store.map(atlas.id)
    assert reopen(store, atlas.id).to_real == atlas.to_real
    made = {"dimension": 2, "seed": 0, "variant": "mean", "reference": None, "held_out": True, "turned_to": None}
    assert {name: kept.made[name] for name in made} == made
    assert kept.made["embedder"] == "all-MiniLM-L6-v2"
    assert kept.record["versions"]["numpy"] == np.__version__
    assert [each["key"] for each in kept.record["generators"]] == list(atlas.map.keys)


def test_a_later_run_is_placed_on_a_reopened_map_as_on_the_drawn_one(store: Store, task: Task, atlas: Atlas) -> None:
    later = write(store, "later")
    drawn = place_run(store, task, atlas, later).placement
    again = place_run(store, task, reopen(store, keep(store, atlas)), later).placement
    np.testing.assert_array_equal(again.point, drawn.point)
    np.testing.assert_array_equal(again.cloud, drawn.cloud)


def test_the_texts_of_a_deleted_run_are_gone_and_its_place_stays(store: Store, runs: list[Run], atlas: Atlas) -> None:
    keep(store, atlas)
    store.delete_run(runs[0].id)
    found = reopen(store, atlas.id)
    assert found.answers is None
    row = found.map.index(runs[0].id)
    assert {sample.text for sample in found.samples[row]} == {""}
    before = [(sample.id, sample.query) for sample in atlas.samples[row]]
    assert [(sample.id, sample.query) for sample in found.samples[row]] == before
    assert found.samples[row + 1] == atlas.samples[row + 1]
    assert cloud_of(found, runs[0].id).ids == cloud_of(atlas, runs[0].id).ids
    for text in (sample.text for sample in atlas.samples[row]):
        assert text not in str(store.map(atlas.id).record)


def test_rows_that_changed_since_are_not_shown_for_those_of_the_map(
    store: Store, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, atlas)
    other = replace(
        small_task(), queries=tuple(replace(q, references=q.references[::-1]) for q in small_task().queries)
    )
    monkeypatch.setattr("core.kept_maps.load_task", lambda name: other)
    found = reopen(store, atlas.id)
    for key in (REAL, HELD_OUT):
        assert {sample.text for sample in found.samples[found.map.index(key)]} == {""}
    assert found.samples[2:] == atlas.samples[2:]


def test_a_map_outlives_the_files_of_its_task(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = small_task(name="gone")
    atlas = draw_atlas(store, gone, [write(store, name, task="gone") for name in NAMES])
    monkeypatch.setattr("core.kept_maps.load_task", tasks.load_task)
    found = reopen(store, keep(store, atlas))
    assert {sample.text for sample in found.samples[0]} == {""}
    assert found.samples[1:] == atlas.samples[1:]


def test_an_unknown_map_is_named(store: Store) -> None:
    with pytest.raises(NotFoundError, match="There is no map 'm-nothing' in this store"):
        reopen(store, "m-nothing")


@pytest.mark.parametrize("damage", ["arrays", "record", "version", "shape"])
def test_a_damaged_map_is_an_explained_error(store: Store, atlas: Atlas, damage: str) -> None:
    whole = store.map(keep(store, atlas))
    record = dict(whole.record)
    changed: dict[str, object] = {}
    if damage == "arrays":
        changed["arrays"] = whole.arrays[:-7]
    elif damage == "record":
        changed["record"] = {name: value for name, value in record.items() if name != "to_real"}
    elif damage == "version":
        changed["record"] = {**record, "map": {**record["map"], "version": 99}}
    else:
        changed["record"] = {**record, "samples": record["samples"][:-1]}
    broken = KeptMap(**{**vars(whole), "id": "m-broken", **changed})
    store.put_map(broken)
    with pytest.raises(StoreError, match=r"The map m-broken .*draw it again"):
        reopen(store, "m-broken")
