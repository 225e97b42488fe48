"""A run on the bundled pair: the same text however it is batched, resumed or accompanied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from core.embedding import load_embedder
from core.generation import Plan, generate, plan, preview_rows
from core.models import ModelPair
from core.negatives import real_rows
from core.sliders import SteerSettings
from core.storage.records import NewSample
from core.tasks import Task

SETTINGS = SteerSettings(gamma=0.4, eta=0.3, negatives=6, round_size=2, max_new_tokens=12, seed=3)


@cache
def vector(text: str) -> NDArray[np.float32]:
    """Every text once: policy nearest asks for those of the whole pool before each answer."""
    return np.asarray(load_embedder().encode([text])[0])


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.stack([vector(text) for text in texts])


def run(
    pair: ModelPair, work: Plan, batch_size: int, stored: Iterable[NewSample] = ()
) -> dict[tuple[str, int], NewSample]:
    found = {}
    for finished in generate(pair, work, batch_size=batch_size, stored=stored, embed=embed):
        for sample in finished or ():
            found[sample.query, sample.replicate] = sample
    return found


def texts(samples: dict[tuple[str, int], NewSample]) -> dict[tuple[str, int], tuple[tuple[int, ...], tuple[str, ...]]]:
    return {key: (sample.token_ids, sample.negatives) for key, sample in samples.items()}


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        SETTINGS.with_(draw="sample", mode="balanced"),
        SETTINGS.with_(policy="nearest", chains=1),
        SETTINGS.with_(policy="recent", chains=2),
    ],
    ids=["round", "sample", "nearest, one chain", "recent, two chains"],
)
def test_the_compute_batch_never_changes_a_text(pair: ModelPair, task: Task, settings: SteerSettings) -> None:
    work = plan(task, settings, role="probe", queries=4, replicates=3)
    whole = run(pair, work, 64)
    assert len(whole) == work.samples == 12
    assert texts(run(pair, work, 7)) == texts(whole)
    assert texts(run(pair, work, 1)) == texts(whole)


def test_two_runs_in_turns_write_what_each_writes_alone(pair: ModelPair, task: Task) -> None:
    plans = [plan(task, SETTINGS.with_(seed=seed), role="probe", queries=4, replicates=2) for seed in (1, 2)]
    alone = [texts(run(pair, work, 64)) for work in plans]
    together: list[dict[tuple[str, int], NewSample]] = [{}, {}]
    going = [generate(pair, work, batch_size=64) for work in plans]
    done = [False, False]
    while not all(done):
        for number, steps in enumerate(going):
            finished = next(steps, "end")
            if finished == "end":
                done[number] = True
            for sample in finished if isinstance(finished, list) else ():
                together[number][sample.query, sample.replicate] = sample
    assert [texts(found) for found in together] == alone
    assert alone[0] != alone[1]


@pytest.mark.parametrize("kept", [1, 4, 7])
def test_a_run_goes_on_from_what_is_stored(pair: ModelPair, task: Task, kept: int) -> None:
    work = plan(task, SETTINGS.with_(chains=2), role="probe", queries=3, replicates=4)
    whole = run(pair, work, 64)
    rounds = work.rounds()
    stored = [whole[query.id, replicate] for unit in rounds[:kept] for query, replicate in unit.cells]
    rest = run(pair, work, 64, stored)
    assert len(rest) == work.samples - len(stored)
    assert texts(rest | {(one.query, one.replicate): one for one in stored}) == texts(whole)


def test_a_pool_holds_real_training_rows_and_the_chain_own_earlier_rounds(pair: ModelPair, task: Task) -> None:
    work = plan(task, SETTINGS.with_(chains=2, negatives=60), role="probe", queries=4, replicates=2)
    whole = run(pair, work, 64)
    real = {row.key for row in real_rows(task)}
    where = {(query.id, replicate): unit for unit in work.rounds() for query, replicate in unit.cells}
    for key, sample in whole.items():
        for name in set(sample.negatives) - real:
            _, query, replicate = name.split("/")
            other = where[query, int(replicate)]
            assert other.chain == where[key].chain
            assert other.number < where[key].number
    assert any(name.startswith("written/") for sample in whole.values() for name in sample.negatives)


def test_real_only_makes_samples_independent_of_each_other(pair: ModelPair, task: Task) -> None:
    settings = SETTINGS.with_(policy="real-only")
    few = run(pair, plan(task, settings, role="probe", queries=2, replicates=2), 64)
    many = run(pair, plan(task, settings, role="probe", queries=4, replicates=2), 64)
    same = {key: sample for key, sample in many.items() if key in few and sample.round == 0}
    assert same
    assert texts(same) == {key: value for key, value in texts(few).items() if key in same}


def test_another_setting_shares_no_noise_but_a_preview_does(pair: ModelPair, task: Task) -> None:
    inert = [
        plan(task, SETTINGS.with_(gamma=0, eta=0, negatives=k), role="probe", queries=4, replicates=1) for k in (5, 6)
    ]
    runs = [run(pair, work, 64) for work in inert]
    # the negatives are not read at all, so only the noise can differ
    assert all(runs[0][key].token_ids != runs[1][key].token_ids for key in runs[0])
    previews = [preview_rows(pair, work) for work in inert]
    assert [row.key for row in previews[0]] == [row.key for row in previews[1]]


def test_cancel_ends_the_run_within_a_step_and_stores_no_half_round(pair: ModelPair, task: Task) -> None:
    work = plan(task, SETTINGS, role="probe", queries=4, replicates=2)
    steps, stop = [0], 9
    found = []
    for finished in generate(pair, work, batch_size=64, cancelled=lambda: steps[0] >= stop):
        steps[0] += 1
        found += finished or []
    assert steps[0] <= stop + 1
    assert len(found) % SETTINGS.round_size == 0
    assert len(found) < work.samples


def test_samples_carry_what_made_them(pair: ModelPair, task: Task) -> None:
    work = plan(task, SETTINGS, role="probe", queries=2, replicates=1)
    for sample in run(pair, work, 64).values():
        assert sample.text == pair.decode(sample.token_ids)
        assert sample.logprobs is not None
        assert sample.logprobs.shape == (3, len(sample.token_ids))
        assert (sample.logprobs < 0).all()
        assert len(sample.negatives) == SETTINGS.negatives
