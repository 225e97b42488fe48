"""From the store to a map: who stands on it, what each is compared with, and what it costs to read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy
from scipy.spatial.distance import cdist

from core.atlas import LEAST_HALF, draw_atlas
from core.embedding import EMBEDDER
from core.errors import NotFoundError, StatisticsError
from core.generators import HELD_OUT, REAL, Placed, RealGenerator, embedded, stored_generators
from core.importing.origin import Origin
from core.sliders import SteerSettings
from core.storage.records import NewSample
from core.store import Store
from tests.unit.small_maps import (
    GROWING,
    PLAIN,
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


def texts_of(name: str, replicates: int = 6) -> list[list[str]]:
    return [[f"{name} {query} {r}" for r in range(replicates)] for query in QUERIES]


def real_rows(rows: list[int]) -> list[list[str]]:
    return [[f"real {query} {r}" for r in rows] for query in QUERIES]


def test_distances_to_real_are_those_of_all_real_rows_also_where_half_of_them_are_held_out(store: Store) -> None:
    task = small_task(rows=8)
    embed_real(store, task)
    runs = [write(store, name) for name in NAMES]
    every = stacked(real_rows(list(range(8))))
    expected = [squared_distance(stacked(texts_of(name)), every) for name in NAMES]
    for held_out in (False, True):
        atlas = draw_atlas(store, task, runs, held_out=held_out)
        found = {one.key: apart for one, apart in zip(atlas.generators, atlas.to_real, strict=True)}
        assert [found[run.id].value for run in runs] == pytest.approx(expected)  # type: ignore[union-attr]
        assert found[REAL] is None


def test_even_and_odd_real_rows_are_two_generators_and_their_distance_is_the_floor(store: Store) -> None:
    task = small_task(rows=9)
    embed_real(store, task)
    atlas = draw_atlas(store, task, [write(store, name) for name in NAMES], held_out=True)
    assert [one.key for one in atlas.generators[:2]] == [REAL, HELD_OUT]
    assert [one.kind for one in atlas.generators[:2]] == [REAL, REAL]
    ids = [[sample.id for sample in samples] for samples in atlas.samples[:2]]
    assert ids[0] == [f"{query}/{r}" for query in QUERIES for r in (0, 2, 4, 6, 8)]
    assert ids[1] == [f"{query}/{r}" for query in QUERIES for r in (1, 3, 5, 7)]
    floor = atlas.to_real[1]
    assert floor is not None
    expected = squared_distance(stacked(real_rows([0, 2, 4, 6, 8])), stacked(real_rows([1, 3, 5, 7])))
    assert floor.value == pytest.approx(expected)
    assert atlas.left_out == ()


def test_too_few_real_rows_to_hold_half_of_them_out_stand_as_one_point(store: Store) -> None:
    task = small_task(rows=7)
    embed_real(store, task)
    runs = [write(store, name) for name in NAMES]
    atlas = draw_atlas(store, task, runs, held_out=True)
    assert [one.key for one in atlas.generators] == [REAL, *(run.id for run in runs)]
    assert len(atlas.samples[0]) == 7 * len(QUERIES)
    [(key, reason)] = atlas.left_out
    assert key == HELD_OUT
    assert f"has 3 for some query, and a point of its own takes {LEAST_HALF}" in reason


def test_a_task_without_real_rows_has_a_map_without_distances_to_them(store: Store) -> None:
    task = small_task(rows=0)
    runs = [write(store, name) for name in NAMES]
    for held_out in (False, True):
        atlas = draw_atlas(store, task, runs, held_out=held_out)
        assert [one.key for one in atlas.generators] == [run.id for run in runs]
        assert atlas.to_real == (None,) * len(runs)
        assert atlas.left_out == ()


def test_generators_outside_the_reference_move_nobody(store: Store) -> None:
    task = small_task()
    embed_real(store, task)
    runs = [write(store, name) for name in NAMES]
    later = [write(store, name) for name in ("later", "last")]
    reference = [REAL, *(run.id for run in runs)]
    alone = draw_atlas(store, task, runs)
    both = draw_atlas(store, task, [*runs, *later], reference=reference)
    np.testing.assert_allclose(both.map.points[: len(reference)], alone.map.points, atol=1e-12)
    assert both.map.fitted == (True,) * len(reference) + (False,) * len(later)
    everyone = draw_atlas(store, task, [*runs, *later])
    assert np.abs(everyone.map.points[: len(reference)] - alone.map.points).max() > 1e-3


def test_the_reference_decides_which_queries_the_map_stands_on(store: Store) -> None:
    task = small_task()
    embed_real(store, task)
    short = [write(store, name, queries=QUERIES[:2]) for name in NAMES]
    whole = [write(store, name) for name in ("one", "other")]
    atlas = draw_atlas(store, task, [*short, *whole], reference=[REAL, *(run.id for run in whole)])
    assert atlas.queries == QUERIES
    assert {key for key, _ in atlas.left_out} == {run.id for run in short}


def test_a_reference_that_is_not_there_is_named(store: Store) -> None:
    task = small_task()
    embed_real(store, task)
    runs = [write(store, name) for name in NAMES]
    with pytest.raises(NotFoundError, match="r-nobody cannot fit the axes"):
        draw_atlas(store, task, runs, reference=[runs[0].id, "r-nobody"])


def test_a_map_stands_on_the_queries_of_the_run_in_focus_and_says_who_does_not(store: Store) -> None:
    task = small_task()
    embed_real(store, task)
    whole = [write(store, name) for name in NAMES]
    begun = write(store, "begun", queries=QUERIES[:1])
    other = write(store, "other", queries=QUERIES[1:])
    atlas = draw_atlas(store, task, [*whole, begun, other], focus=begun.id)
    assert atlas.queries == QUERIES[:1]
    assert atlas.left_out == ((other.id, "it has not answered 1 of the map's 1 queries"),)
    assert {sample.query for samples in atlas.samples for sample in samples} == {"q0"}
    unfocused = draw_atlas(store, task, [*whole, begun, other])
    assert unfocused.queries == QUERIES
    assert [key for key, _ in unfocused.left_out] == [begun.id, other.id]


def test_samples_stand_behind_the_rows_of_their_clouds(store: Store) -> None:
    task = small_task()
    embed_real(store, task)
    runs = [write(store, name) for name in NAMES]
    atlas = draw_atlas(store, task, runs)
    fitted = atlas.map
    assert atlas.answers is not None
    for run, answers, samples in zip([None, *runs], atlas.answers, atlas.samples, strict=True):
        rows = np.concatenate(answers.vectors)
        np.testing.assert_array_equal(rows, np.stack([vector(sample.text) for sample in samples]))
        order = [QUERIES.index(sample.query) for sample in samples]
        assert order == sorted(order)
        assert fitted.cloud_index[fitted.index(answers.key)][:, 0].tolist() == order
        if run is not None:
            assert {int(sample.id) for sample in samples} == {sample.id for sample in store.samples(run.id)}


def test_answers_without_a_vector_join_once_they_have_one(store: Store) -> None:
    task = small_task()
    embed_real(store, task)
    runs = [write(store, name) for name in NAMES]
    late = write(store, "late", embedded=False)
    assert late.id not in draw_atlas(store, task, [*runs, late]).map.keys
    embed(store, [text for cell in texts_of("late") for text in cell[:4]])
    atlas = draw_atlas(store, task, [*runs, late])
    assert len(atlas.samples[atlas.map.index(late.id)]) == 4 * len(QUERIES)


def test_the_energy_variant_measures_energy_distances(store: Store) -> None:
    task = small_task()
    embed_real(store, task)
    runs = [write(store, name) for name in NAMES]
    atlas = draw_atlas(store, task, runs, variant="energy")
    assert atlas.map.variant == "energy"
    real = stacked(real_rows(list(range(8))))

    def unbiased(x: np.ndarray, y: np.ndarray) -> float:
        within = [cdist(z, z).sum() / (len(z) * (len(z) - 1)) for z in (x, y)]
        return float(2 * cdist(x, y).mean() - sum(within))

    expected = [np.mean([unbiased(*cells) for cells in zip(stacked(texts_of(n)), real, strict=True)]) for n in NAMES]
    found = [apart.value for apart in atlas.to_real if apart is not None]
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_map_needs_two_generators(store: Store) -> None:
    task = small_task()
    embed_real(store, task)
    with pytest.raises(StatisticsError, match="needs at least two generators that answered the same queries, and 1"):
        draw_atlas(store, task, [])


def test_equal_maps_have_equal_ids_and_whatever_differs_changes_them(store: Store) -> None:
    task = small_task()
    embed_real(store, task)
    runs = [write(store, name) for name in NAMES]
    atlas = draw_atlas(store, task, runs)
    assert draw_atlas(store, task, runs).id == atlas.id
    turned = draw_atlas(store, task, runs[::-1]).map
    others = [
        draw_atlas(store, task, runs, seed=1),
        draw_atlas(store, task, runs, dimension=3),
        draw_atlas(store, task, runs, held_out=True),
        draw_atlas(store, task, runs, reference=[run.id for run in runs]),
        draw_atlas(store, task, runs, variant="energy"),
        draw_atlas(store, task, runs, align_to=turned),
        draw_atlas(store, task, runs[:3]),
        draw_atlas(store, small_task(name="renamed"), runs),
    ]
    more = [NewSample(query="q0", replicate=6, chain=6, round=0, text="left q0 6")]
    store.add_round(runs[0].id, more)
    embed(store, ["left q0 6"])
    others.append(draw_atlas(store, task, runs))
    rewritten = draw_atlas(store, small_task(rows=7), runs)
    ids = {one.id for one in (atlas, rewritten, *others)}
    assert len(ids) == len(others) + 2


def test_many_runs_are_read_in_as_few_statements_as_one(store: Store) -> None:
    task = small_task()
    embed_real(store, task)
    runs = [write(store, name) for name in ("a", "b", "c", "d", "e", "f", "g", "h")]
    counts = []
    for shown in (runs[:1], runs):
        seen: list[object] = []
        engine = store.database._engine

        def note(*args: object, seen: list[object] = seen) -> None:
            seen.append(args)

        sqlalchemy.event.listen(engine, "before_execute", note)
        draw_atlas(store, task, shown)
        sqlalchemy.event.remove(engine, "before_execute", note)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 3


# What the seam between store and statistics says of a generator


def test_chains_and_rounds_are_told_only_where_the_pool_grows(store: Store) -> None:
    task = small_task()
    embed_real(store, task)
    shared = Origin("file.csv", "0", "key", "0", context="session").as_versions()
    alone = Origin("file.csv", "0", "key", "0", context=None).as_versions()
    runs = [
        write(store, "plain"),
        write(store, "growing", settings=GROWING),
        write(store, "rows", settings=SteerSettings(eta=0.4, policy="real-only")),
        write(store, "elsewhere", settings=None, versions=alone),
        write(store, "session", settings=None, versions=shared),
    ]
    plain, growing, rows, elsewhere, session = (
        one.answers for one in embedded(stored_generators(store, runs), QUERIES, store.vectors(EMBEDDER))
    )
    assert [one.chains is None for one in (plain, growing, rows, elsewhere, session)] == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert [one.rounds is None for one in (plain, growing, rows, elsewhere, session)] == [True, False, True, True, True]
    for j in range(len(QUERIES)):
        assert growing.chains is not None
        assert growing.rounds is not None
        assert session.chains is not None
        assert growing.chains[j].tolist() == session.chains[j].tolist() == list(range(6))
        assert growing.rounds[j].tolist() == [j] * 6


@pytest.mark.parametrize(
    ("settings", "always"),
    [
        (SteerSettings(eta=0, top_k=1), True),
        (SteerSettings(eta=0.2, top_k=1), False),
        (SteerSettings(eta=0.2, alpha=1.0), True),
        (SteerSettings(eta=0, temperature=0.1), False),
    ],
)
def test_greedy_decoding_without_a_drawn_context_always_answers_alike(
    store: Store, settings: SteerSettings, always: bool
) -> None:
    run = write(store, "greedy", settings=settings, replicates=1)
    [one] = embedded(stored_generators(store, [run]), QUERIES, store.vectors(EMBEDDER))
    assert one.answers.deterministic is always


def test_generators_are_called_by_their_settings_and_else_by_their_id(store: Store) -> None:
    imported = write(store, "a", settings=None, replicates=1)
    named = write(store, "b", settings=None, replicates=1)
    steered = write(store, "c", replicates=1)
    named = replace(named, settings={"model": "Qwen", "temperature": 0.75, "shots": 3})
    labels = [one.label for one in stored_generators(store, [imported, named, steered])]
    assert labels == [imported.id, "model Qwen · temperature 0.75 · shots 3", PLAIN.short()]
    real = Placed.of(RealGenerator(small_task(), 1))
    assert (real.key, real.kind, real.label, real.settings, real.independent) == (
        HELD_OUT,
        REAL,
        "held-out real",
        {},
        True,
    )
