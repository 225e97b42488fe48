"""A generator placed on a map that stays as it is, against loops over its cells."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.errors import StatisticsError
from core.perspective import PerspectiveMap, fit_map
from core.statistics.answers import Answers, restrict
from tests.unit.made_answers import P, fixed, generator, in_rounds, ragged, same_up_to_signs


def unanswered(answers: Answers, queries: set[int]) -> Answers:
    """The same run before it came to some of its queries."""
    kept = [slice(0, 0) if j in queries else slice(None) for j in range(len(answers.vectors))]
    return Answers(
        answers.key,
        tuple(v[k] for v, k in zip(answers.vectors, kept, strict=True)),
        None if answers.chains is None else tuple(c[k] for c, k in zip(answers.chains, kept, strict=True)),
    )


def on_the_map(fitted: PerspectiveMap, answers: Answers) -> list[NDArray[np.float64]]:
    """Single answers of every cell in map coordinates."""
    return [
        np.array([x.astype(float) @ fitted.basis[j] - fitted.offsets[j] for x in answers.vectors[j]])
        for j in range(len(answers.vectors))
    ]


def slow_nu(cells: list[NDArray[np.float64]], free: list[int]) -> float:
    def size(c: NDArray[np.float64]) -> float:
        return float(np.trace(c @ c) + np.trace(c) ** 2)

    return size(sum(cells)) / sum(size(c) / (f + 2) for c, f in zip(cells, free, strict=True)) - 2


def test_a_generator_that_fitted_a_plain_map_is_placed_on_its_own_row() -> None:
    generators = [fixed(f"g{i}", 5, i) for i in range(6)]
    fitted = fit_map(generators, dimension=3)
    for i, answers in enumerate(generators):
        placed = fitted.place(answers)
        assert placed.point == pytest.approx(fitted.points[i], abs=1e-8)
        assert placed.leverage == pytest.approx(fitted.leverages[i], abs=1e-8)
        assert placed.covariance == pytest.approx(np.zeros((3, 3)))
        assert not placed.extrapolates


def test_covariance_of_independent_answers_is_that_of_the_cell_means() -> None:
    fitted = fit_map(ragged(5))
    new = generator("new", [3, 2, 9, 5], 40)
    placed = fitted.place(new)
    z = on_the_map(fitted, new)
    cells = [np.cov(cell.T) / len(cell) / 16 for cell in z]
    assert placed.point == pytest.approx(np.mean([cell.mean(axis=0) for cell in z], axis=0))
    assert placed.covariance == pytest.approx(sum(cells))
    assert placed.nu == pytest.approx(slow_nu(cells, [2, 1, 8, 4]))
    assert placed.radius == pytest.approx(
        np.sqrt(2 * placed.nu / (placed.nu - 1) * stats.f.ppf(0.95, 2, placed.nu - 1))
    )
    assert (placed.method, placed.reason, placed.queries) == ("fixed", None, 4)
    assert placed.weights @ placed.cloud == pytest.approx(placed.point, abs=1e-12)
    assert placed.weights.sum() == pytest.approx(1)


def test_covariance_of_chains_is_clustered_by_chain() -> None:
    fitted = fit_map(ragged(5))
    new = generator("new", [14, 7, 14, 7], 41, chains=7)
    assert new.chains is not None
    placed = fitted.place(new)
    g = np.zeros((7, 2))
    for cell, chain in zip(on_the_map(fitted, new), new.chains, strict=True):
        for z, t in zip(cell - cell.mean(axis=0), chain, strict=True):
            g[t] += z / len(cell) / 4
    assert placed.covariance == pytest.approx(7 / 6 * g.T @ g)
    assert placed.nu == pytest.approx(6)
    assert placed.method == "fixed chains"


def test_one_growing_chain_is_clustered_by_round_within_its_block_of_queries() -> None:
    fitted = fit_map(ragged(5, m=6))
    placed = fitted.place(in_rounds("new", 5, 6, 3, 42))
    blocks = []
    z = on_the_map(fitted, in_rounds("new", 5, 6, 3, 42))
    for block in (z[:3], z[3:]):
        g = np.sum([(cell - cell.mean(axis=0)) / 5 / 6 for cell in block], axis=0)
        blocks.append(5 / 4 * g.T @ g)
    assert placed.covariance == pytest.approx(sum(blocks))
    assert placed.nu == pytest.approx(slow_nu(blocks, [4, 4]))
    assert placed.method == "rounds"


def test_single_answers_to_five_queries_take_their_spread_over_queries() -> None:
    fitted = fit_map(ragged(5, m=6))
    new = generator("new", [1, 3, 1, 1, 2, 1], 43)
    placed = fitted.place(new)
    means = np.array([cell.mean(axis=0) for cell in on_the_map(fitted, new)])
    assert placed.covariance == pytest.approx(np.cov(means.T) / 6)
    assert placed.nu == pytest.approx(5)
    assert placed.method == "queries"


def test_what_carries_no_ellipse_says_why() -> None:
    fitted = fit_map(ragged(5))
    few = {
        "a single answer for some query": generator("new", [1, 4, 4, 4], 44),
        "written in 5 chains": generator("new", [5] * 4, 45, chains=5),
        "1 of its chains for some query": generator("new", [1, 9, 9, 9], 46, chains=9),
        "written in 1 chains": Answers("new", generator("new", [3] * 4, 47).vectors, (np.zeros(3, dtype=int),) * 4),
    }
    for words, answers in few.items():
        placed = fitted.place(answers)
        assert words in str(placed.reason)
        assert placed.covariance is None
        assert placed.radius is None
        assert placed.method is None
        assert placed.ellipse() is None
    one_query = fit_map(ragged(4, m=1))
    assert (
        one_query.place(generator("new", [2], 48)).reason == "new has too few answers for an ellipse; add replicates."
    )
    assert one_query.place(generator("new", [19], 48)).reason == (
        "new has 19 answers to the only query, and an ellipse needs 20; add replicates."
    )
    assert one_query.place(generator("new", [20], 48)).covariance is not None
    # Chains and answers without noise have bounds of their own.
    assert one_query.place(generator("new", [6], 48, chains=6)).covariance is not None
    assert one_query.place(fixed("new", 1, 48)).covariance == pytest.approx(np.zeros((2, 2)))


def test_whether_an_ellipse_is_drawn_depends_on_the_design_alone() -> None:
    fitted = fit_map(ragged(5, m=2))
    for counts, drawn in (([2, 2], False), ([3, 3], False), ([3, 4], True), ([2, 5], True), ([2, 20], True)):
        placed = [fitted.place(generator("new", counts, seed)) for seed in range(50, 70)]
        assert {one.covariance is not None for one in placed} == {drawn}
        assert {one.reason is None for one in placed} == {drawn}


# A run in progress


def test_a_run_in_progress_mixes_the_noise_of_answers_with_that_of_queries() -> None:
    fitted = fit_map(ragged(5, m=8))
    new = unanswered(generator("new", [4] * 8, 49), {1, 6, 7})
    placed = fitted.place(new, partial=True)
    z = [cell for cell in on_the_map(fitted, new) if len(cell)]
    means = np.array([cell.mean(axis=0) for cell in z])
    noise = sum(np.cov(cell.T) / 4 for cell in z) / 25
    assert placed.point == pytest.approx(means.mean(axis=0))
    assert placed.covariance == pytest.approx(5 / 8 * noise + 3 / 8 * np.cov(means.T) / 5)
    assert (placed.method, placed.queries) == ("partial", 5)
    assert placed.weights @ placed.cloud == pytest.approx(placed.point, abs=1e-12)


def test_a_run_that_has_answered_everything_is_placed_as_finished() -> None:
    fitted = fit_map(ragged(5))
    new = generator("new", [4] * 4, 50)
    whole, last = fitted.place(new), fitted.place(new, partial=True)
    assert last.method == "fixed"
    assert np.array_equal(whole.covariance, last.covariance)


def test_single_answers_so_far_are_judged_by_the_spread_over_queries() -> None:
    fitted = fit_map(ragged(5, m=8))
    new = unanswered(generator("new", [1] * 8, 51), {6, 7})
    placed = fitted.place(new, partial=True)
    means = np.concatenate([cell for cell in on_the_map(fitted, new) if len(cell)])
    assert placed.covariance == pytest.approx(np.cov(means.T) / 6)
    assert fitted.place(unanswered(new, {1, 2, 3, 4, 5}), partial=True).reason == (
        "new has answered one query of the map so far."
    )


def test_chains_in_progress_need_six() -> None:
    fitted = fit_map(ragged(5, m=8))
    few, enough = (unanswered(generator("new", [t] * 8, 52, chains=t), {6, 7}) for t in (5, 6))
    assert "written in 5 chains" in str(fitted.place(few, partial=True).reason)
    placed = fitted.place(enough, partial=True)
    means, g = [], np.zeros((6, 2))
    for cell in on_the_map(fitted, enough)[:6]:
        means.append(cell.mean(axis=0))
        g += (cell - cell.mean(axis=0)) / 6 / 6
    assert placed.covariance == pytest.approx(6 / 5 * g.T @ g + 2 / 8 * np.cov(np.array(means).T) / 6)
    assert placed.method == "partial"


def test_an_ellipse_shrinks_while_a_run_goes_on() -> None:
    fitted = fit_map(ragged(5, m=12))
    new = generator("new", [6] * 12, 53)
    areas = []
    for answered in (5, 8, 12):
        placed = fitted.place(unanswered(new, set(range(answered, 12))), partial=True)
        assert placed.covariance is not None
        assert placed.radius is not None
        areas.append(placed.radius**2 * np.sqrt(np.linalg.det(placed.covariance)))
    assert areas == sorted(areas, reverse=True)


# Leverage and errors


def test_leverage_is_the_diagonal_of_the_hat_matrix() -> None:
    generators = [*ragged(6), generator("once", [1] * 4, 54)]
    fitted = fit_map(generators)
    own = fitted.points[:6]
    hat = own @ np.linalg.inv(own.T @ own) @ own.T
    assert fitted.leverages[:6] == pytest.approx(np.diag(hat))
    assert fitted.leverages[:6].sum() == pytest.approx(2)
    point = fitted.points[6]
    assert fitted.leverages[6] == pytest.approx(point @ np.linalg.inv(own.T @ own) @ point)


def test_a_point_outside_all_others_is_an_extrapolation() -> None:
    generators = [fixed(f"g{i}", 3, i) for i in range(6)]
    # Rows shrunk towards their mean make a small map; a generator as it was lies outside it.
    middle = [np.mean([g.vectors[j] for g in generators], axis=0) for j in range(3)]
    near = [
        Answers(g.key, tuple(m + 0.2 * (v - m) for v, m in zip(g.vectors, middle, strict=True)), deterministic=True)
        for g in generators
    ]
    fitted = fit_map(near)
    far = max((fitted.place(g) for g in generators), key=lambda placed: placed.leverage)
    assert far.extrapolates
    assert far.leverage > fitted.leverages.max()
    centre = Answers("centre", tuple(m.astype(np.float32) for m in middle), deterministic=True)
    assert not fitted.place(centre).extrapolates


def test_answers_of_another_task_or_embedder_are_refused() -> None:
    fitted = fit_map(ragged(5))
    with pytest.raises(StatisticsError, match="not answered every query of the map"):
        fitted.place(generator("new", [4, 4, 0, 4], 3))
    with pytest.raises(StatisticsError, match="differs from this map in its queries"):
        fitted.place(generator("new", [4, 4], 3))
    with pytest.raises(StatisticsError, match="not answered every query"):
        fitted.place(unanswered(generator("new", [4] * 4, 3), {0, 1, 2, 3}), partial=True)
    wide = Answers("new", tuple(np.ones((2, P + 1), dtype=np.float32) for _ in range(4)))
    with pytest.raises(StatisticsError, match="differs from this map"):
        fitted.place(wide)


def test_a_map_over_some_queries_places_by_those() -> None:
    generators = ragged(5, m=5)
    cut = unanswered(generators[0], {2})
    fitted = fit_map([cut, *generators[1:]])
    new = generator("new", [4] * 5, 55)
    kept = restrict(new, [0, 1, 3, 4])
    again = fit_map([restrict(g, [0, 1, 3, 4]) for g in generators])
    assert same_up_to_signs(fitted.place(new).cloud, again.place(kept).cloud)
