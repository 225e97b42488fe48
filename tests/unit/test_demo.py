"""The recorded demo: what is written comes back, only into a store that nobody has used."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from core.demo import NOTE, demo_folder, load_demo, save_demo
from core.embedding import EMBEDDER, content_key
from core.errors import StoreError
from core.jobs import Jobs
from core.models import find_pair
from core.settings import settings
from core.store import Store
from core.tasks import load_task
from tests.unit.small_maps import GROWING, embed_real, write

TASK = "hypotheses"
MEGABYTES = 15
SCORED = {
    "hypotheses": ("classifier", "language-model"),
    "translation": ("language-model", "translation", "translation-forward", "preference"),
}


@pytest.fixture
def recorded(store: Store, tmp_path: Path) -> tuple[Store, Path]:
    """Two runs, one of them the control of the other, written as a demo."""
    task = load_task(TASK)
    pair = find_pair(TASK)
    asked = tuple(query.id for query in task.with_role("probe")[:2])
    known = {"pair": f"{pair.fingerprint}-m-float32", "pair_spec": pair.as_dict(), "task": TASK}
    probe = write(store, "a", queries=asked, note="mine", **known)
    write(store, "b", queries=asked, settings=GROWING, parent=probe.id, **known)
    embed_real(store, task)
    store.put_scores(probe.id, {"classifier": 0.5, "classifier.accuracy": float("nan")}, seed=1, note='{"recipe": "x"}')
    folder = tmp_path / "demo"
    size = save_demo(store, store.runs(), folder)
    assert size == sum(path.stat().st_size for path in folder.iterdir())
    return store, folder


@pytest.fixture
def fresh(empty_store: Path, tmp_path: Path) -> Store:
    """A store that nobody has used."""
    return Store(f"sqlite:///{tmp_path / 'fresh.db'}")


def test_what_was_written_comes_back(recorded: tuple[Store, Path], fresh: Store) -> None:
    store, folder = recorded
    assert load_demo(fresh, folder) == 2
    for run in store.runs():
        again = fresh.run(run.id)
        assert again.pair_spec == run.pair_spec
        assert again.note == ("mine" if run.parent is None else NOTE)
        assert {**vars(again), "note": run.note} == vars(run)
        before, after = store.samples(run.id), fresh.samples(run.id)
        assert [{**vars(one), "id": 0} for one in after] == [{**vars(one), "id": 0} for one in before]
    assert fresh.stored_scores() == store.stored_scores()


def test_vectors_of_what_maps_read_come_back_with_unit_length(recorded: tuple[Store, Path], fresh: Store) -> None:
    store, folder = recorded
    load_demo(fresh, folder)
    texts = [one.text for run in store.runs() for one in store.samples(run.id)]
    texts += [row.text for row in load_task(TASK).references("probe")]
    keys = [content_key(text) for text in texts]
    before, after = store.vectors(EMBEDDER).get(keys), fresh.vectors(EMBEDDER).get(keys)
    assert set(after) == set(before)
    for key, vector in after.items():
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)
        assert np.linalg.norm(vector - before[key]) < 1e-3


def test_the_pair_is_that_of_this_machine_or_none(recorded: tuple[Store, Path], fresh: Store) -> None:
    _, folder = recorded
    for path in folder.iterdir():
        assert str(settings().assets).encode() not in path.read_bytes(), "a machine's path is in the files"
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "runs.parquet")
    assert "pair_spec" not in table.column_names
    pairs = table.column("pair").to_pylist()
    changed = table.set_column(table.column_names.index("pair"), "pair", [["0" * 12 + "-m-float32" for _ in pairs]])
    pq.write_table(changed, folder / "runs.parquet")
    load_demo(fresh, folder)
    assert all(run.pair_spec is None for run in fresh.runs())


def test_a_store_that_was_used_stays_as_it_is(recorded: tuple[Store, Path], fresh: Store) -> None:
    _, folder = recorded
    Jobs(fresh).submit("preview", {})
    assert load_demo(fresh, folder) == 0
    assert not fresh.runs()


def test_who_deletes_the_demo_does_not_get_it_back(recorded: tuple[Store, Path], fresh: Store) -> None:
    _, folder = recorded
    load_demo(fresh, folder)
    for run in fresh.runs():
        fresh.delete_run(run.id)
    assert load_demo(fresh, folder) == 0
    assert not fresh.runs()


@pytest.mark.parametrize("name", ["runs.parquet", "scores.parquet", "vectors.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_demo_is_named_and_brings_nothing(
    recorded: tuple[Store, Path], fresh: Store, name: str, damage: str
) -> None:
    _, folder = recorded
    path = folder / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(StoreError, match="STEERSCOPE_DEMO=0"):
        load_demo(fresh, folder)
    assert not fresh.runs()


def test_the_shipped_demo_is_whole(fresh: Store) -> None:
    folder = demo_folder()
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < MEGABYTES * 1e6
    load_demo(fresh, folder)
    for task, scorers in SCORED.items():
        probe = [run for run in fresh.runs(task=task) if run.role == "probe"]
        assert len({json.dumps(run.settings, sort_keys=True) for run in probe}) >= 36
        assert all(run.pair_spec is not None for run in probe), "written by the bundled pair"
        for name in scorers:
            stored = fresh.stored_scores(task=task, name=name)
            seeds = Counter(score.run for score in stored if score.value is not None)
            assert all(seeds[run.id] >= 3 for run in probe), name
