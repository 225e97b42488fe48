from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.statistics.intervals import Estimate, jackknife, ratio, share, wilson, with_honest_zero


def test_the_jackknife_of_a_mean_is_the_t_interval() -> None:
    values = np.random.default_rng(0).gamma(2.0, size=23)
    found = ratio(values, np.ones(23), np.arange(23))
    expected = stats.t.interval(0.95, 22, loc=values.mean(), scale=stats.sem(values))
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(expected)


def test_the_jackknife_of_a_ratio_leaves_out_whole_units() -> None:
    rng = np.random.default_rng(1)
    tops, bottoms, units = rng.random(30), 1 + rng.random(30), np.arange(30) % 6
    without = [tops[units != u].sum() / bottoms[units != u].sum() for u in range(6)]
    half = stats.t.ppf(0.975, 5) * (5 / 6 * np.sum((np.array(without) - np.mean(without)) ** 2)) ** 0.5
    found = ratio(tops, bottoms, units)
    assert found.value == pytest.approx(tops.sum() / bottoms.sum())
    assert found.high == pytest.approx(tops.sum() / bottoms.sum() + half)


def test_two_groups_of_units_add_their_variances() -> None:
    a, b = np.random.default_rng(2).random((2, 9))
    found = jackknife(0.0, a, b)
    # The delete-one means of independent samples: the difference of two means has the sum of the variances.
    error = (8 * a.var() + 8 * b.var()) ** 0.5
    assert found.high == pytest.approx(stats.t.ppf(0.975, 8) * error)


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (1, 160)])
def test_wilson_equals_the_peer_library(hits: int, n: int) -> None:
    expected = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson(hits, n) == pytest.approx((expected.low, expected.high))
    assert share(np.arange(n) < hits, np.arange(n)) == Estimate(hits / n, *wilson(hits, n))


def test_shares_in_chains_use_the_spread_of_chains() -> None:
    flags, units = np.array([True] * 10 + [False] * 30), np.repeat(np.arange(4), 10)
    found = share(flags, units)
    # One chain of four is all hits: the mean of (1, 0, 0, 0) with its own t interval.
    assert found.value == pytest.approx(0.25)
    assert found.high == pytest.approx(min(1.0, 0.25 + stats.t.ppf(0.975, 3) * stats.sem([1, 0, 0, 0])))
    assert share(np.zeros(40, dtype=bool), units) == Estimate(0.0, 0.0, wilson(0, 40)[1])
    assert share(np.ones(40, dtype=bool), units) == Estimate(1.0, wilson(40, 40)[0], 1.0)


def test_one_unit_or_no_denominator_has_no_interval() -> None:
    assert ratio(np.array([2.0, 4.0]), np.ones(2), np.zeros(2, dtype=np.int64)) == Estimate(3.0)
    assert ratio(np.zeros(2), np.zeros(2), np.arange(2)) == Estimate(None)
    # Without the only row that has words nothing is left.
    assert ratio(np.array([1.0, 0.0]), np.array([3.0, 0.0]), np.arange(2)) == Estimate(pytest.approx(1 / 3))
    assert share(np.array([True]), np.zeros(1, dtype=np.int64)) == Estimate(1.0)
    assert share(np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)) == Estimate(None)


def test_a_spread_of_zero_away_from_the_ends_is_believed() -> None:
    assert with_honest_zero(Estimate(0.5, 0.5, 0.5), 10) == Estimate(0.5, 0.5, 0.5)


def test_an_estimate_goes_through_a_function_with_its_ends() -> None:
    assert Estimate(1.0, 0.0, 2.0).mapped(lambda x: 10 * x) == Estimate(10.0, 0.0, 20.0)
    assert Estimate(1.0).mapped(lambda x: x + 1) == Estimate(2.0)
