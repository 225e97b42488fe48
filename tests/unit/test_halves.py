"""Halves of a generator and the clouds that are drawn from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import StatisticsError
from core.perspective import fit_map
from core.statistics.halves import BOTH, A, B, halve
from tests.unit.made_answers import fixed, generator, in_rounds, ragged


def test_halves_differ_by_at_most_one_and_odd_answers_go_to_each_in_turn() -> None:
    halved = halve(generator("a", [5] * 6, 1), seed=9)
    more = halved.counts[A] - halved.counts[B]
    assert sorted(set(more)) == [-1, 1]
    assert all(more[:-1] == -more[1:])


def test_a_half_never_changes_when_answers_or_generators_arrive() -> None:
    short, long = generator("a", [5, 4], 1), generator("a", [9, 9], 1)
    before, after = halve(short, seed=2), halve(long, seed=2)
    assert np.array_equal(before.half[:, :5], after.half[:, :5])
    assert any(not np.array_equal(halve(long, seed).half, after.half) for seed in range(3, 9))


def test_a_chain_stays_whole() -> None:
    answers = generator("a", [14, 7, 13], 1, chains=7)
    halved = halve(answers, seed=4)
    assert answers.chains is not None
    half = halved.half.ravel()[halved.units.rows]
    chain = np.concatenate(answers.chains)
    for t in range(7):
        assert len(set(half[chain == t])) == 1
    assert {int(np.sum([half[chain == t][0] == h for t in range(7)])) for h in (A, B)} == {3, 4}


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_cloud_weighted_by_its_halves_has_its_point_as_centre(dimension: int) -> None:
    generators = [
        *ragged(4),
        generator("tied", [12, 12, 6, 11], 20, chains=6),
        generator("odd", [7] * 4, 21, chains=7),
        fixed("fixed", 4, 22),
        generator("once", [1, 1, 3, 1], 23),
    ]
    fitted = fit_map(generators, dimension=dimension)
    for i, answers in enumerate(generators):
        halved = halve(answers, 0)
        half = halved.half.ravel()[halved.units.rows]
        cell = np.repeat(np.arange(4), answers.counts)
        per_half = {h: np.bincount(cell[half == h], minlength=4) for h in (A, B, BOTH)}
        weights = [1 / ((2 - (h == BOTH)) * 4 * per_half[int(h)][j]) for h, j in zip(half, cell, strict=True)]
        assert np.array(weights) @ fitted.clouds[i] == pytest.approx(fitted.points[i], abs=1e-12)
        assert fitted.cloud_weights[i] == pytest.approx(weights)


def test_equal_replicates_make_the_point_the_plain_mean_of_its_cloud() -> None:
    fitted = fit_map([generator(f"g{i}", [8] * 5, i) for i in range(4)])
    for cloud, point in zip(fitted.clouds, fitted.points, strict=True):
        assert cloud.mean(axis=0) == pytest.approx(point, abs=1e-12)


def test_points_are_relative_to_the_mean_of_the_generators() -> None:
    assert fit_map(ragged(5)).points.sum(axis=0) == pytest.approx([0, 0], abs=1e-12)


def test_cloud_rows_name_their_query_and_answer() -> None:
    generators = [generator("a", [4, 0, 5], 1), generator("b", [6, 4, 4], 2)]
    index = fit_map(generators).cloud_index[0]
    assert index.tolist() == [[0, k] for k in range(4)] + [[2, k] for k in range(5)]


def test_the_same_answers_under_other_names_give_the_same_map() -> None:
    generators = [*ragged(4), generator("tied", [8] * 4, 20, chains=8)]
    fitted = fit_map(generators, seed=3)
    renamed = fit_map([replace(g, key=f"run {i}") for i, g in enumerate(generators)], seed=3)
    assert np.array_equal(fitted.points, renamed.points)
    assert np.array_equal(fitted.own_covariances, renamed.own_covariances)


def test_a_copied_run_lies_on_the_run_it_was_copied_from() -> None:
    generators = ragged(4)
    fitted = fit_map([*generators, replace(generators[2], key="copy")])
    assert np.array_equal(fitted.points[2], fitted.points[4])
    assert fitted.difference(2, 4).told_apart is False
    assert "g2, copy gave the very same answers on average: they are one point." in fitted.warnings


def test_rounds_of_one_chain_are_halved_within_their_block_of_queries() -> None:
    answers = in_rounds("a", 6, 4, 2, 1)
    halved = halve(answers, seed=4)
    assert halved.units.kind == "rounds"
    assert halved.units.n_chains == 12
    assert answers.rounds is not None
    # Blocks of queries 0-1 and 2-3 hold the even and the odd rounds: each has three of its six in either half.
    assert halved.units.strata.tolist() == [0, 1] * 6
    assert halved.counts.tolist() == [[3.0] * 4] * 2
    half = halved.half.ravel()[halved.units.rows]
    number = np.concatenate(answers.rounds)
    assert all(len(set(half[number == t])) == 1 for t in range(12))


def test_rounds_count_only_where_there_is_one_chain() -> None:
    answers = in_rounds("a", 6, 4, 2, 1)
    two = replace(answers, chains=tuple(np.arange(6) % 2 for _ in range(4)))
    assert halve(two, 0).units.kind == "chains"
    assert halve(replace(answers, chains=None), 0).units.kind == "answers"
    with pytest.raises(StatisticsError, match="do not name one round for every answer"):
        replace(answers, rounds=tuple(np.arange(5) for _ in range(4)))
