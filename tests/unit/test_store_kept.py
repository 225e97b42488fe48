"""Scores, coordinates, subsets and maps in and out of the store, and a store of the first schema."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.errors import NotFoundError, StateError, StoreError
from core.storage import database, rows
from core.storage.records import KeptMap, NewRun, NewSample, StoredText
from core.storage.schema import REVISION_TABLE
from core.store import Store

VIEW = "ab" * 32


def new_run(store: Store, task: str = "hypotheses") -> str:
    return store.create_run(NewRun(kind="imported", task=task), status="done").id


def test_a_score_is_the_mean_over_its_seeds_and_unknown_values_do_not_count(store: Store) -> None:
    run, other = new_run(store), new_run(store, "comments")
    for seed, value in enumerate((0.25, 0.5, 0.75, float("nan"))):
        store.put_scores(run, {"f1": value}, seed=seed)
    store.put_scores(run, {"bleu": 30, "unknown": float("inf")})
    store.put_scores(other, {"bleu": 7.5})
    assert store.scores() == {run: {"f1": 0.5, "bleu": 30.0}, other: {"bleu": 7.5}}
    assert store.scores("comments") == {other: {"bleu": 7.5}}
    assert store.scores("no such task") == {}


def test_a_score_replaces_that_of_the_same_name_and_seed(store: Store) -> None:
    run = new_run(store)
    store.put_scores(run, {"bleu": 1.0, "ter": 2.0})
    store.put_scores(run, {"bleu": 3.0})
    store.put_scores(run, {})
    assert store.scores() == {run: {"bleu": 3.0, "ter": 2.0}}


def test_scores_go_with_their_run_and_need_one(store: Store) -> None:
    run = new_run(store)
    store.put_scores(run, {"bleu": 1.0})
    store.delete_run(run)
    assert store.scores() == {}
    with pytest.raises(NotFoundError, match=f"no run '{run}'"):
        store.put_scores(run, {"bleu": 1.0})


@pytest.mark.parametrize("name", ["", "b" * 65])
def test_a_score_name_that_a_database_would_refuse_is_named(store: Store, name: str) -> None:
    run = new_run(store)
    with pytest.raises(StoreError, match="1 to 64 characters; rename it"):
        store.put_scores(run, {"fine": 1.0, name: 1.0})
    assert store.scores() == {}


def test_coordinates_are_kept_by_view_and_key_and_the_first_stays(store: Store) -> None:
    places = {f"{number:064x}": (float(number), -number / 3) for number in range(rows.CHUNK + 100)}
    view = store.coordinates(VIEW)
    view.put(places)
    view.put(dict.fromkeys(list(places)[:3], (9.0, 9.0)))
    view.put({})
    assert view.get([*places, "unknown", *list(places)[:2]]) == places
    assert store.coordinates("cd" * 32).get(places) == {}


def test_a_subset_comes_back_in_its_order_and_is_forgotten_when_it_is_deleted(store: Store) -> None:
    first = store.save_subset("hypotheses", "odd ones", ["sample:7", "real:q/0", "sample:3"])
    second = store.save_subset("hypotheses", "none", [])
    store.save_subset("comments", "odd ones", ["sample:1"])
    assert store.subset(first.id) == first
    assert first.samples == ("sample:7", "real:q/0", "sample:3")
    assert store.subsets("hypotheses") == [second, first]
    store.delete_subset(first.id)
    assert store.subsets("hypotheses") == [second]
    for call in (store.subset, store.delete_subset):
        with pytest.raises(NotFoundError, match=f"no subset '{first.id}'"):
            call(first.id)


def test_a_subset_never_replaces_another_of_its_name(store: Store) -> None:
    first = store.save_subset("hypotheses", "odd ones", ["sample:7"])
    with pytest.raises(StateError, match="'odd ones' of hypotheses already; choose another name"):
        store.save_subset("hypotheses", "odd ones", [])
    assert store.subsets("hypotheses") == [first]


def test_a_map_comes_back_as_it_was_given_and_equal_maps_are_stored_once(store: Store) -> None:
    kept = KeptMap(
        id="m-1", task="hypotheses", created=1.5, made={"seed": 0}, record={"γ": [None, 1.5]}, arrays=b"\x00\xff"
    )
    store.put_map(kept)
    store.put_map(KeptMap(id="m-1", task="hypotheses", created=9.0, made={}, record={}, arrays=b""))
    store.put_map(KeptMap(id="m-2", task="hypotheses", created=2.0, made={}, record={}, arrays=b""))
    assert store.map("m-1") == kept
    assert list(store.maps("hypotheses").items()) == [("m-2", 2.0), ("m-1", 1.5)]
    assert store.maps("comments") == {}
    with pytest.raises(NotFoundError, match="no map 'm-3' in this store"):
        store.map("m-3")


def test_the_texts_of_many_runs_come_in_one_answer_by_run_and_in_order(store: Store) -> None:
    runs = [new_run(store) for _ in range(3)]
    for number in (1, 0):
        for run in runs[:2]:
            one = NewSample(query="q", replicate=number, chain=2, round=number, text=f"{run} {number}")
            store.add_round(run, [one])
    found = store.texts(runs)
    assert list(found) == runs
    assert found[runs[2]] == []
    for run in runs[:2]:
        first, second = store.samples(run)
        assert found[run] == [
            StoredText(first.id, run, "q", 2, 1, f"{run} 1"),
            StoredText(second.id, run, "q", 2, 0, f"{run} 0"),
        ]
    assert store.texts([]) == {}


def test_a_store_of_the_first_schema_is_brought_up_with_all_it_holds(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    path = tmp_path / "old.db"
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    old = sqlite3.connect(path)
    names = "id, kind, task, settings, role, queries, replicates, expected, status, samples, tokens, seconds, created"
    values = ("r-old", "steer", "hypotheses", "{}", "probe", "[]", 1, 1, "done", 1, 1, 1.0, 1.0)
    marks = ",".join("?" * len(values))
    with old:
        old.execute(f"INSERT INTO runs ({names}, versions, note) VALUES ({marks}, '{{}}', 'kept')", values)
        tables = {row[0] for row in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    old.close()
    assert "maps" not in tables
    with Store(f"sqlite:///{path}") as store:
        assert store.run("r-old").note == "kept"
        store.put_scores("r-old", {"bleu": 1.0})
        assert store.scores() == {"r-old": {"bleu": 1.0}}
    new = sqlite3.connect(path)
    assert new.execute(f"SELECT version_num FROM {REVISION_TABLE}").fetchone() == ("0002",)
    new.close()
