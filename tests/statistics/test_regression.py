"""What prediction promises, over simulated worlds: coverage for new generators, uniform p-values, an honest Q².

Every world has many generators whose true means are known; runs and new generators are drawn from them alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.regressing.resampling import corrected_p
from core.regressing.runs import Runs
from core.regressing.smoothers import weights
from core.regression import evaluate, fit, predict_all
from core.statistics.answers import Answers
from tests.statistics.worlds import World

POPULATION, M = 240, 8
LOW, HIGH = 0.87, 0.95
NEW = 60
"""New generators that every fit predicts."""

NULLS, PERMUTED = 60, 19
SEEDS_ERROR = 0.1


@cache
def world() -> World:
    return World.make(POPULATION, M, 0.8, atoms=30)


@cache
def true_scores() -> NDArray[np.float64]:
    """A score that bends over the true map and has a part that the map does not see; one unit of spread."""
    rows = world().means.reshape(POPULATION, -1)
    left, values, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    place = left[:, :2] * values[:2]
    place /= place.std(axis=0)
    score = place[:, 0] + 0.3 * place[:, 1] + 0.2 * place[:, 0] ** 2
    return np.asarray(score / score.std() + 0.3 * np.random.default_rng(0).gamma(1.0, size=POPULATION))


@dataclass(frozen=True)
class Draw:
    """Runs to learn from, and new generators with their scores."""

    runs: Runs
    answers: list[Answers]
    scores: NDArray[np.float64]


def drawn(n: int, new: int, unequal: bool, rng: np.random.Generator) -> Draw:
    """n runs and `new` generators, all of them drawn alike; 5 answers a cell, or 2 to 12."""
    chosen = rng.permutation(POPULATION)[: n + new]
    low, high = (2, 12) if unequal else (5, 5)
    keys = tuple(f"g{place}" for place in range(n + new))
    answers = [
        world().answers(int(i), rng.integers(low, high + 1, size=M), False, rng, key=key)
        for key, i in zip(keys, chosen, strict=True)
    ]
    scores = true_scores()[chosen] + SEEDS_ERROR * rng.normal(size=n + new)
    runs = Runs(keys[:n], tuple(answers[:n]), ({},) * n, scores[:n], np.full(n, SEEDS_ERROR))
    return Draw(runs, answers[n:], scores[n:])


def covered(n: int, fits: int, unequal: bool) -> tuple[float, float]:
    """Share of new generators inside their 90% interval, and its standard error over fits."""
    rng = np.random.default_rng(n + unequal)
    shares = []
    for _ in range(fits):
        draw = drawn(n, NEW, unequal, rng)
        fitted = fit(draw.runs)
        found = predict_all(fitted, draw.answers)
        ends = np.array([(each.low, each.high) for each in found], dtype=np.float64)
        shares.append(np.mean((ends[:, 0] <= draw.scores) & (draw.scores <= ends[:, 1])))
    return float(np.mean(shares)), float(np.std(shares) / math.sqrt(fits))


@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize(("n", "fits"), [(12, 24), (24, 10), (48, 5)])
def test_intervals_cover_new_generators(n: int, fits: int, unequal: bool) -> None:
    share, error = covered(n, fits, unequal)
    assert LOW - 2 * error <= share <= HIGH + 2 * error


def test_intervals_of_left_out_runs_cover_them() -> None:
    rng = np.random.default_rng(2)
    shares = [evaluate(drawn(14, 0, True, rng).runs, permutations=1).coverage for _ in range(20)]
    assert None not in shares
    error = np.std(shares) / math.sqrt(len(shares))
    assert LOW - 2 * error <= np.mean(shares) <= HIGH + 2 * error


@cache
def null(families: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """p-values and Q^2 of scores that the map knows nothing of; families, where told, differ in place and score."""
    rng = np.random.default_rng(3)
    p_values, q2 = [], []
    for _ in range(NULLS):
        runs = replace(drawn(12, 0, False, rng).runs, scores=rng.normal(size=12), errors=None)
        if families:
            third = np.argsort(np.argsort(fit(runs, dimension=1).points[:, 0])) // 4
            runs = replace(runs, scores=runs.scores + 2.0 * third, families=tuple("abc"[k] for k in third))
        result = evaluate(runs, permutations=PERMUTED)
        p_values.append(result.p_value)
        q2.append(result.q2)
    return np.array(p_values), np.array(q2)


@pytest.mark.parametrize("families", [False, True])
def test_p_values_of_shuffled_scores_are_uniform(families: bool) -> None:
    p_values, _ = null(families)
    assert set(np.round(p_values * (PERMUTED + 1)).astype(int)) <= set(range(1, PERMUTED + 2))
    counts = np.histogram(p_values, bins=np.linspace(0, 1, 6) + 1e-9)[0]
    assert stats.chisquare(counts).pvalue > 0.001
    assert np.mean(p_values <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / NULLS)


def test_the_nested_q_squared_of_shuffled_scores_is_not_positive_on_average() -> None:
    _, q2 = null(False)
    assert np.mean(q2) <= 0


PAIRS = 300
"""Data sets in which two predictions are compared."""


@pytest.mark.parametrize("n", [12, 36])
def test_two_predictions_that_are_equally_good_are_rarely_told_apart(n: int) -> None:
    equal, better = [], []
    for seed in range(PAIRS):
        rng = np.random.default_rng(seed)
        one, other, noise = rng.normal(size=(3, n, 1))
        scores = (one + other + noise)[:, 0]
        misses = [np.abs(scores - left_out(columns, scores)) for columns in (one, other, rng.normal(size=(n, 1)))]
        equal.append(corrected_p(misses[1] - misses[0], np.arange(n), n))
        better.append(corrected_p(misses[2] - misses[0], np.arange(n), n))
    assert np.mean(np.array(equal) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / PAIRS)
    assert np.mean(np.array(better) <= 0.05) > (0.05 if n == 12 else 0.3)


def left_out(columns: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every score foretold by a ridge of the others."""
    n = len(scores)
    rest = np.array([np.delete(np.arange(n), i) for i in range(n)])
    light = weights("ridge", columns[rest], columns[:, None])[2::6, 0]
    return np.asarray((light * scores[rest]).sum(axis=1))
