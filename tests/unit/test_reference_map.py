"""Maps whose axes belong to some of their generators, and the difference of two points of one map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from core.errors import NotFoundError
from core.perspective import fit_map
from tests.unit.made_answers import fixed, generator, ragged

REFERENCE = ["g0", "g1", "g2", "g3"]


def test_the_others_are_placed_as_on_the_stored_map_and_move_nobody() -> None:
    generators = ragged(7)
    alone = fit_map(generators[:4])
    fitted = fit_map(generators, reference=REFERENCE)
    assert fitted.fitted == (True,) * 4 + (False,) * 3
    assert np.array_equal(fitted.points[:4], alone.points)
    for i in range(4):
        assert np.array_equal(fitted.covariances[i], alone.covariances[i])
    for i in range(4, 7):
        placed = alone.place(generators[i])
        assert np.array_equal(fitted.points[i], placed.point)
        assert np.array_equal(fitted.covariances[i], placed.covariance)
        assert np.array_equal(fitted.clouds[i], placed.cloud)
        assert fitted.cloud_weights[i] @ fitted.clouds[i] == pytest.approx(fitted.points[i], abs=1e-12)
        assert fitted.radii[i] == placed.radius
        assert fitted.leverages[i] == pytest.approx(placed.leverage)
    assert fitted.methods == ("cross-fit",) * 4 + ("fixed",) * 3
    assert np.array_equal(fitted.scree, alone.scree)


def test_the_order_of_generators_and_of_the_reference_changes_nothing() -> None:
    generators = ragged(6)
    fitted = fit_map(generators, reference=REFERENCE)
    turned = fit_map(generators[::-1], reference=set(REFERENCE))
    signs = np.sign((fitted.points * turned.points[::-1]).sum(axis=0))
    assert fitted.points == pytest.approx(turned.points[::-1] * signs, abs=1e-9)


def test_a_reference_that_is_not_on_the_map_is_named() -> None:
    with pytest.raises(NotFoundError, match="names nobody, which is not on the map"):
        fit_map(ragged(3), reference=["g0", "nobody"])
    with pytest.raises(NotFoundError, match="names no generator"):
        fit_map(ragged(3), reference=[])


def test_a_reference_of_one_is_a_point_and_says_so() -> None:
    fitted = fit_map(ragged(3), reference=["g1"])
    assert fitted.rank == 0
    assert np.array_equal(fitted.points, np.zeros((3, 2)))
    assert all("or there is only one" in str(reason) for reason in fitted.reasons)
    assert fitted.covariances == (None,) * 3


# Differences


def test_the_difference_of_placed_points_adds_their_covariances() -> None:
    generators = ragged(7)
    fitted = fit_map(generators, reference=REFERENCE)
    difference = fitted.difference(5, 6)
    assert fitted.covariances[5] is not None
    assert fitted.covariances[6] is not None
    assert difference.vector == pytest.approx(fitted.points[5] - fitted.points[6])
    assert difference.covariance == pytest.approx(fitted.covariances[5] + fitted.covariances[6])
    assert difference.nu is not None
    assert difference.radius == pytest.approx(
        np.sqrt(2 * difference.nu / (difference.nu - 1) * stats.f.ppf(0.95, 2, difference.nu - 1))
    )


def test_the_centre_cancels_from_the_difference_of_fitted_points() -> None:
    fitted = fit_map(ragged(5))
    n = len(fitted.keys)
    c = np.array(fitted.covariances) - fitted.tilts
    # Step 5 solved for each generator's own covariance: c_i = (1 - 2/n) C_i + (1/n^2) sum C.
    total = c.sum(axis=0) / (1 - 1 / n)
    own = (c - total / n**2) / (1 - 2 / n)
    assert own == pytest.approx(fitted.own_covariances)
    difference = fitted.difference(0, 3)
    assert difference.covariance == pytest.approx(own[0] + own[3] + fitted.tilts[0] + fitted.tilts[3])
    back = fitted.difference(3, 0)
    assert back.vector == pytest.approx(-difference.vector)
    assert back.told_apart == difference.told_apart


def test_told_apart_means_that_zero_lies_outside_the_ellipse() -> None:
    rng = np.random.default_rng(2)
    seen = set()
    for scale in (0.05, 0.4, 3.0):
        base = rng.normal(size=(4, 1, 12))
        generators = []
        for i in range(5):
            x = base + scale * rng.normal(size=(4, 1, 12)) + 0.5 * rng.normal(size=(4, 6, 12))
            generators.append(replace(generator(f"g{i}", [6] * 4, i), vectors=tuple(x.astype(np.float32))))
        fitted = fit_map(generators)
        for k in range(1, 5):
            difference = fitted.difference(0, k)
            assert difference.covariance is not None
            squared = difference.vector @ np.linalg.solve(difference.covariance, difference.vector)
            assert difference.told_apart == (squared > difference.radius**2)
            seen.add(difference.told_apart)
    assert seen == {True, False}


def test_deterministic_generators_differ_where_their_points_do() -> None:
    fitted = fit_map([fixed(f"g{i}", 3, i) for i in range(4)])
    assert fitted.difference(0, 1).told_apart is True
    twins = fit_map([fixed("a", 3, 1), replace(fixed("a", 3, 1), key="b"), fixed("c", 3, 2)])
    assert twins.difference(0, 1).told_apart is False


def test_without_an_ellipse_a_difference_says_why() -> None:
    fitted = fit_map([*ragged(4), generator("three", [3] * 4, 11)])
    difference = fitted.difference(0, 4)
    assert difference.reason == "three has 3 answers for some query, and an ellipse needs 4 for each."
    assert (difference.covariance, difference.told_apart) == (None, None)
    assert difference.vector == pytest.approx(fitted.points[0] - fitted.points[4])
    assert fitted.difference(1, 1).reason == "A generator does not differ from itself."


def test_the_level_for_all_at_once_shares_what_may_miss() -> None:
    fitted = fit_map(ragged(5))
    assert fitted.all_at_once == pytest.approx(0.99)
    inner, outer = fitted.ellipse(1), fitted.ellipse(1, level=fitted.all_at_once)
    assert inner is not None
    assert outer is not None
    reach = [np.linalg.norm(outline - fitted.points[1], axis=1) for outline in (inner, outer)]
    nu = fitted.degrees[1]
    assert nu is not None
    wider = np.sqrt(stats.f.ppf(0.99, 2, nu - 1) / stats.f.ppf(0.95, 2, nu - 1))
    assert reach[1] == pytest.approx(reach[0] * wider)
