"""What carries no ellipse, and the sentence that says why."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from core.perspective import PerspectiveMap, fit_map
from core.statistics.answers import Answers
from tests.unit.made_answers import fixed, generator, ragged, same_up_to_signs


def test_below_four_answers_or_six_chains_there_is_a_reason_and_no_ellipse() -> None:
    generators = [
        *ragged(3),
        generator("three", [4, 3, 4, 4], 11),
        generator("five", [5] * 4, 12, chains=5),
    ]
    fitted = fit_map(generators)
    assert fitted.reasons[:3] == (None, None, None)
    assert fitted.reasons[3] == "three has 3 answers for some query, and an ellipse needs 4 for each."
    assert fitted.reasons[4] == "five was written in 5 chains, and an ellipse needs 6."
    assert fitted.ellipse(3) is None
    assert fitted.covariances[3:] == (None, None)
    assert fitted.ellipse(0) is not None


def test_a_generator_of_single_answers_gets_a_point_and_moves_nobody() -> None:
    generators = ragged(4)
    without = fit_map(generators)
    with_one = fit_map([*generators, generator("once", [1] * 4, 30)])
    assert np.allclose(with_one.points[:4], without.points, atol=1e-12)
    assert with_one.fitted == (True,) * 4 + (False,)
    assert with_one.points[4] == pytest.approx(with_one.place(generator("once", [1] * 4, 30)).point)
    assert "once has a single answer" in str(with_one.reasons[4])
    assert any("once has no independent repeats" in warning for warning in with_one.warnings)


def test_single_answers_everywhere_still_draw_points_without_ellipses() -> None:
    generators = [generator(f"g{i}", [1] * 5, i) for i in range(4)]
    fitted = fit_map(generators)
    as_if_exact = fit_map([replace(g, deterministic=True) for g in generators])
    assert same_up_to_signs(fitted.points, as_if_exact.points)
    assert fitted.covariances == (None,) * 4
    assert fitted.noise_ratio is None
    assert all(fitted.reasons)


def test_two_generators_lie_on_a_line_and_three_in_a_plane() -> None:
    two = fit_map(ragged(2))
    assert two.rank == 1
    assert np.array_equal(two.points[:, 1], [0.0, 0.0])
    assert two.points[0, 0] == pytest.approx(-two.points[1, 0])
    assert "span 1 of its 2 axes" in " ".join(two.warnings)
    outline = two.ellipse(0, points=73)
    assert outline is not None
    assert np.array_equal(outline[:, 1], np.zeros(73))
    covariance, nu = two.covariances[0], two.degrees[0]
    assert covariance is not None
    assert nu is not None
    reach = stats.t.ppf(0.975, nu) * np.sqrt(covariance[0, 0])
    assert np.abs(outline[:, 0] - two.points[0, 0]).max() == pytest.approx(reach)
    assert fit_map(ragged(3)).rank == 2


def test_one_query_is_enough() -> None:
    fitted = fit_map([generator(f"g{i}", [8], i) for i in range(4)])
    assert fitted.queries == 1
    assert all(covariance is not None for covariance in fitted.covariances)


def test_one_generator_or_equal_ones_stand_at_the_centre() -> None:
    alone = fit_map([generator("a", [8] * 3, 1)])
    assert alone.rank == 0
    assert alone.points.tolist() == [[0.0, 0.0]]
    assert alone.ellipse(0) is None
    twins = fit_map([fixed("a", 3, 1), replace(fixed("a", 3, 1), key="b")])
    assert twins.rank == 0
    assert twins.points.tolist() == [[0.0, 0.0]] * 2


def test_a_deterministic_generator_has_only_the_centre_to_be_unsure_of() -> None:
    generators = [*ragged(4), fixed("fixed", 4, 9)]
    fitted = fit_map(generators)
    sizes = [np.trace(c) for c in fitted.covariances if c is not None]
    assert len(sizes) == 5
    assert 0 < sizes[4] < min(sizes[:4])


# Every odd map has a defined result and a sentence


def constant(key: str, m: int, r: int, axis: int, p: int = 12) -> Answers:
    """A generator that writes nothing: all its answers are one vector."""
    row = np.zeros((r, p), dtype=np.float32)
    row[:, axis] = 1
    return Answers(key, (row,) * m)


def sensible(fitted: PerspectiveMap) -> bool:
    """Numbers that are numbers, a reason wherever there is no ellipse, and JSON without NaN."""
    json.dumps(fitted.as_dict(), allow_nan=False)
    json.dumps(fitted.record(), allow_nan=False)
    explained = all((c is None) == (why is not None) for c, why in zip(fitted.covariances, fitted.reasons, strict=True))
    numbers = (fitted.points, fitted.scree, fitted.noise_floor, fitted.explained, fitted.leverages, fitted.basis)
    return explained and all(np.isfinite(array).all() for array in (*numbers, *fitted.clouds))


def test_generators_that_all_write_nothing_are_one_point() -> None:
    fitted = fit_map([constant(f"g{i}", 3, 5, axis=0) for i in range(4)])
    assert sensible(fitted)
    assert np.array_equal(fitted.points, np.zeros((4, 2)))
    assert all("give the same answers" in str(reason) for reason in fitted.reasons)
    assert any("gave the very same answers" in warning for warning in fitted.warnings)
    assert fitted.difference(0, 1).told_apart is None


def test_a_generator_that_writes_nothing_among_others_says_that_no_spread_was_seen() -> None:
    fitted = fit_map([*ragged(4), constant("empty", 4, 5, axis=0)])
    assert sensible(fitted)
    assert "empty gave one and the same answer to a query every time; no spread was seen." in fitted.warnings
    assert fitted.taus[4] == pytest.approx(0, abs=1e-12)
    covariances = [np.trace(c) for c in fitted.covariances if c is not None]
    assert len(covariances) == 5
    assert min(covariances) == covariances[4]


def test_identical_noisy_generators_have_no_axes() -> None:
    one = generator("a", [6] * 4, 1)
    fitted = fit_map([replace(one, key=key) for key in "abc"])
    assert sensible(fitted)
    assert fitted.rank == 0
    assert fitted.noise_ratio is None
    assert "a, b, c gave the very same answers on average: they are one point." in fitted.warnings
    assert any("or there is only one" in warning for warning in fitted.warnings)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("r", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("m", [1, 4])
def test_few_generators_queries_and_answers_give_a_map_that_explains_itself(n: int, r: int, m: int) -> None:
    fitted = fit_map([generator(f"g{i}", [r] * m, i) for i in range(n)])
    assert sensible(fitted)
    assert fitted.rank == n - 1
    if n == 2 and r == 8:
        assert all(covariance is not None for covariance in fitted.covariances)
    if r < 4:
        assert fitted.covariances == (None,) * n


def test_a_run_of_one_sample_leaves_one_query_and_no_ellipse_of_its_own() -> None:
    generators = ragged(4)
    one = generator("one", [1, 0, 0, 0], 9)
    fitted = fit_map([*generators, one])
    assert sensible(fitted)
    assert fitted.query_indices == (0,)
    assert "one has a single answer for some query" in str(fitted.reasons[4])
    assert "3 of 4 queries are left out" in fitted.warnings[0]
    pair = fit_map([generators[0], one])
    assert sensible(pair)
    assert (
        pair.reasons == ("Too few generators have two independent answers to every query, so no ellipse is drawn.",) * 2
    )


def test_three_dimensions_of_three_generators_are_two() -> None:
    fitted = fit_map(ragged(3), dimension=3)
    assert sensible(fitted)
    assert np.array_equal(fitted.points[:, 2], np.zeros(3))
    assert fitted.ellipse(0) is not None


def test_noise_beyond_the_smallest_axis_is_said() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(size=(5, 1, 12))
    generators = [Answers(f"g{i}", tuple((base + rng.normal(size=(5, 6, 12))).astype(np.float32))) for i in range(5)]
    fitted = fit_map(generators)
    assert sensible(fitted)
    assert "noise" in " ".join(fitted.warnings).lower()
