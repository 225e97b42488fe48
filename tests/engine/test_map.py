"""From written text to distances and maps, with the real embedder."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from core.atlas import Atlas, draw_atlas
from core.embedding import EMBEDDER, embed, load_embedder
from core.errors import StatisticsError
from core.generation import generate, plan
from core.generators import REAL, RealGenerator, embedded, stored_generators
from core.models import ModelPair
from core.sliders import SteerSettings
from core.statistics.answers import Answers
from core.statistics.distances import distance
from core.storage.records import NewRun, Run
from core.store import Store
from core.tasks import Task

QUERIES, REPLICATES = 6, 8
SLIDERS = SteerSettings(gamma=0.2, eta=0.2, negatives=5, round_size=3, max_new_tokens=16)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(f"sqlite:///{tmp_path_factory.mktemp('map') / 'store.db'}")


def written(store: Store, pair: ModelPair, task: Task, sliders: SteerSettings, queries: int = QUERIES) -> Run:
    """A stored, embedded run."""
    work = plan(task, sliders, role="probe", queries=queries, replicates=REPLICATES)
    run = store.create_run(
        NewRun(
            kind="steer",
            task=task.name,
            settings=sliders.as_dict(),
            queries=tuple(query.id for query in work.queries),
            replicates=REPLICATES,
            expected=work.samples,
        ),
        status="running",
    )
    for finished in generate(pair, work, batch_size=64):
        if finished:
            store.add_round(run.id, finished)
    texts = [sample.text for sample in store.samples(run.id)]
    texts += [reference.text for reference in task.references("probe")]
    for _ in embed(texts, load_embedder(), store.vectors(EMBEDDER)):
        pass
    return store.run(run.id)


@pytest.fixture(scope="module")
def runs(store: Store, pair: ModelPair, task: Task) -> list[Run]:
    """One setting with two seeds, and four names for one generator: negatives that eta 0 never reads."""
    steered = [SLIDERS.with_(seed=seed) for seed in (1, 2)]
    same = [SLIDERS.with_(gamma=0.0, eta=0.0, negatives=k) for k in (3, 4, 5, 7)]
    return [written(store, pair, task, sliders) for sliders in (*steered, *same)]


def answers_of(store: Store, task: Task, run: Run) -> Answers:
    [found] = embedded(stored_generators(store, [run]), run.queries, store.vectors(EMBEDDER))
    return found.answers


def test_two_seeds_of_one_setting_are_not_told_apart(store: Store, task: Task, runs: list[Run]) -> None:
    apart = distance(answers_of(store, task, runs[0]), answers_of(store, task, runs[1]))
    assert apart.low is not None
    assert apart.high is not None
    assert apart.low <= 0 <= apart.high


def test_settings_share_no_noise(store: Store, task: Task, runs: list[Run]) -> None:
    # one generator under four names: shared noise would make its answers agree and every distance negative
    pairs = list(combinations([answers_of(store, task, run) for run in runs[2:]], 2))
    found = [distance(one, other) for one, other in pairs]
    holds_zero = [apart.low is not None and apart.high is not None and apart.low <= 0 <= apart.high for apart in found]
    # nominal .95 each, six pairs of four generators
    assert sum(holds_zero) >= len(pairs) - 1
    assert abs(sum(apart.value or 0.0 for apart in found)) / len(found) < 0.02


def test_a_run_is_told_apart_from_real_by_the_same_rule(store: Store, task: Task, runs: list[Run]) -> None:
    [real] = embedded([RealGenerator(task)], runs[0].queries, store.vectors(EMBEDDER))
    apart = distance(answers_of(store, task, runs[0]), real.answers)
    assert apart.low is not None
    assert apart.low > 0


@pytest.fixture(scope="module")
def atlas(store: Store, task: Task, runs: list[Run]) -> Atlas:
    return draw_atlas(store, task, runs)


def test_the_map_holds_the_real_data_and_every_run(atlas: Atlas, runs: list[Run]) -> None:
    assert [generator.key for generator in atlas.generators] == [REAL, *(run.id for run in runs)]
    assert atlas.queries == runs[0].queries
    assert all(atlas.map.ellipse(i) is not None for i in range(len(atlas.generators)))


def test_chains_are_the_unit_only_where_the_pool_grows(atlas: Atlas) -> None:
    chained = [answers.chains is not None for answers in atlas.answers]
    assert chained == [False, True, True, False, False, False, False]


def test_samples_stand_behind_the_rows_of_their_cloud(atlas: Atlas, store: Store) -> None:
    for generator, samples, cloud in zip(atlas.generators, atlas.samples, atlas.map.clouds, strict=True):
        assert len(samples) == len(cloud)
        order = [sample.query for sample in samples]
        assert order == sorted(order, key=atlas.queries.index)
        if generator.key != REAL:
            assert {int(sample.id) for sample in samples} == {sample.id for sample in store.samples(generator.key)}


def test_a_run_in_progress_is_judged_on_the_queries_it_has_answered(
    store: Store, pair: ModelPair, task: Task, runs: list[Run]
) -> None:
    short = written(store, pair, task, SLIDERS.with_(seed=9), queries=3)
    live = draw_atlas(store, task, [*runs, short], focus=short.id)
    assert live.queries == runs[0].queries[:3]
    assert len(live.generators) == 8
    whole = draw_atlas(store, task, [*runs, short])
    assert whole.queries == runs[0].queries
    assert [key for key, _ in whole.left_out] == [short.id]


def test_equal_maps_have_equal_ids(store: Store, task: Task, runs: list[Run], atlas: Atlas) -> None:
    assert draw_atlas(store, task, runs).id == atlas.id
    assert draw_atlas(store, task, runs[:3]).id != atlas.id


def test_an_empty_store_has_no_map_and_says_what_to_do(tmp_path: Path, task: Task) -> None:
    with (
        Store(f"sqlite:///{tmp_path / 'empty.db'}") as empty,
        pytest.raises(StatisticsError, match="write a run first"),
    ):
        draw_atlas(empty, task, [])
