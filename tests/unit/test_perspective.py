"""The map against slow readings of its definition: loops, double-centring, Gower's formula, SciPy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.errors import NotFoundError, StatisticsError
from core.perspective import PerspectiveMap, fit_map
from core.statistics.answers import Answers, restrict, shared_queries
from core.statistics.ellipses import radius
from core.statistics.halves import BOTH, A, B, halve

P = 12


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def generator(key: str, counts: Sequence[int], seed: int, *, chains: int | None = None, noise: float = 0.5) -> Answers:
    """Answers around means of their own; with `chains`, answer k of every query is of chain k % chains."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(len(counts), 1, P))
    vectors = tuple(unit(means[j] + noise * rng.normal(size=(r, P))) for j, r in enumerate(counts))
    tied = None if chains is None else tuple(np.arange(r) % chains for r in counts)
    return Answers(key, vectors, tied)


def fixed(key: str, m: int, seed: int) -> Answers:
    answers = generator(key, [1] * m, seed)
    return replace(answers, deterministic=True)


def ragged(n: int, m: int = 4) -> list[Answers]:
    rng = np.random.default_rng(5)
    return [generator(f"g{i}", rng.integers(4, 9, size=m).tolist(), i) for i in range(n)]


def double_centred(generators: Sequence[Answers]) -> NDArray[np.float64]:
    """-1/2 H D^2 H, from the distances between matrices of means."""
    means = [np.stack([v.astype(float).mean(axis=0) for v in g.vectors]) for g in generators]
    squared = np.array([[((a - b) ** 2).sum() / len(a) for b in means] for a in means])
    h = np.eye(len(means)) - 1 / len(means)
    return -0.5 * h @ squared @ h


def slow_tau(answers: Answers) -> float:
    return float(np.mean([v.astype(float).var(axis=0, ddof=1).sum() / len(v) for v in answers.vectors]))


def same_up_to_signs(one: NDArray[np.float64], other: NDArray[np.float64], tolerance: float = 1e-9) -> bool:
    signs = np.sign((one * other).sum(axis=0))
    return np.allclose(one, other * np.where(signs == 0, 1, signs), atol=tolerance)


# Axes


def test_without_noise_the_map_is_classical_mds_of_the_distances() -> None:
    generators = [fixed(f"g{i}", 5, i) for i in range(6)]
    values, vectors = np.linalg.eigh(double_centred(generators))
    expected = vectors[:, ::-1][:, :3] * np.sqrt(values[::-1][:3])
    fitted = fit_map(generators, dimension=3)
    assert same_up_to_signs(fitted.points, expected)
    assert fitted.scree == pytest.approx(values[::-1][:5], abs=1e-12)
    assert fitted.explained == pytest.approx(values[::-1][:3] / values.sum())


def test_placing_a_new_generator_is_gowers_formula() -> None:
    generators = [fixed(f"g{i}", 5, i) for i in range(6)]
    new = generator("new", [3, 1, 2, 4, 2], 40)
    b = double_centred(generators)
    values, vectors = np.linalg.eigh(b)
    psi = vectors[:, ::-1][:, :2] * np.sqrt(values[::-1][:2])
    mean = np.stack([v.astype(float).mean(axis=0) for v in new.vectors])
    squared = np.array([((mean - np.concatenate(g.vectors)) ** 2).sum() / 5 for g in generators])
    gower = 0.5 * (np.diag(b) - squared) @ psi / values[::-1][:2]
    fitted = fit_map(generators)
    point, cloud = fitted.place(new)
    assert same_up_to_signs(np.vstack([fitted.points, point]), np.vstack([psi, gower]))
    weights = np.concatenate([np.full(r, 1 / (5 * r)) for r in new.counts])
    assert weights @ cloud == pytest.approx(point, abs=1e-12)


def test_scree_is_that_of_the_debiased_double_centred_distances() -> None:
    generators = ragged(6)
    h = np.eye(6) - 1 / 6
    tau = np.array([slow_tau(g) for g in generators])
    values = np.linalg.eigvalsh(double_centred(generators) - h @ np.diag(tau) @ h)
    fitted = fit_map(generators)
    with_ones = np.sort(np.append(fitted.scree, 0.0))
    assert with_ones == pytest.approx(values, abs=1e-9)
    assert fitted.noise_ratio == pytest.approx(tau.mean() / np.sort(values)[-2], rel=1e-6)


# The cross-fit, read slowly


def slow_axes(rows: NDArray[np.float64], tau: NDArray[np.float64], d: int) -> NDArray[np.float64]:
    n = len(rows)
    rows = rows - rows.mean(axis=0)
    h = np.eye(n) - 1 / n
    # A shift keeps the vector of ones below every direction that generators span.
    shifted = rows @ rows.T - h @ np.diag(tau) @ h - 10 * np.ones((n, n)) / n
    top = np.linalg.eigh(shifted)[1][:, ::-1][:, :d]
    u, _, vt = np.linalg.svd(rows.T @ top, full_matrices=False)
    return u @ vt


def slow_map(generators: Sequence[Answers], d: int, seed: int) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Points and covariances by steps 1 to 7 in long vectors and loops; halves are read from `halve`."""
    n, m = len(generators), len(generators[0].vectors)
    sides = [[] for _ in generators]
    for i, answers in enumerate(generators):
        halved = halve(answers, seed)
        side = halved.half.ravel()[halved.units.rows]
        sides[i] = np.split(side, np.cumsum(answers.counts)[:-1])
    x = [[v.astype(float) for v in g.vectors] for g in generators]
    mean = [
        np.stack([np.concatenate([x[i][j][sides[i][j] == h].mean(axis=0) for j in range(m)]) for i in range(n)])
        / np.sqrt(m)
        for h in (A, B)
    ]
    gamma = [[x[i][j].var(axis=0, ddof=1).sum() for j in range(m)] for i in range(n)]
    count = [[[np.sum(sides[i][j] == h) for j in range(m)] for i in range(n)] for h in (A, B)]
    tau = [np.array([np.mean(np.array(gamma[i]) / count[h][i]) for i in range(n)]) for h in (A, B)]
    v = [slow_axes(mean[h], tau[h], d) for h in (A, B)]
    u, _, vt = np.linalg.svd(v[1].T @ v[0])
    v[1] = v[1] @ u @ vt
    psi = ((mean[1] - mean[1].mean(axis=0)) @ v[0] + (mean[0] - mean[0].mean(axis=0)) @ v[1]) / 2
    block = [v[h].reshape(m, P, d) for h in (A, B)]
    own, kappa = [], []
    for i, answers in enumerate(generators):
        r = [np.array(count[h][i], dtype=float) for h in (A, B)]
        residual = [
            [x[i][j][sides[i][j] == h] - x[i][j][sides[i][j] == h].mean(axis=0) for j in range(m)] for h in (A, B)
        ]
        if answers.chains is None:
            c, k = np.zeros((d, d)), 0.0
            for j in range(m):
                e = np.vstack([residual[0][j], residual[1][j]])
                pooled = e.T @ e / (len(e) - 2)
                for axes, placed in ((0, 1), (1, 0)):
                    c += block[axes][j].T @ pooled @ block[axes][j] / r[placed][j] / (4 * m)
                s = [np.cov(residual[h][j].T) for h in (A, B)]
                k += np.trace(s[0] @ s[1]) / (r[0][j] * r[1][j]) / m**2
        else:
            long = [np.zeros((0, m * P)), np.zeros((0, m * P))]
            for t in np.unique(np.concatenate(answers.chains)):
                for h in (A, B):
                    rows = [np.zeros(P) for _ in range(m)]
                    for j in range(m):
                        inside = answers.chains[j][sides[i][j] == h] == t
                        rows[j] = residual[h][j][inside].sum(axis=0) / (np.sqrt(m) * r[h][j])
                    if any((answers.chains[j][sides[i][j] == h] == t).any() for j in range(m)):
                        long[h] = np.vstack([long[h], np.concatenate(rows)])
            big = [len(g) / (len(g) - 1) * g.T @ g for g in long]
            c = (v[1].T @ big[0] @ v[1] + v[0].T @ big[1] @ v[0]) / 4
            k = float(np.trace(big[0] @ big[1]))
        own.append(c)
        kappa.append(k)
    big_lambda = np.linalg.inv(psi.T @ psi)
    middle = (v[0] + v[1]) / 2
    values, vectors = np.linalg.eigh(middle.T @ middle)
    t = vectors @ np.diag(values**-0.5) @ vectors.T
    covariances = []
    for i in range(n):
        a = big_lambda @ psi[i]
        cov = (1 - 2 / n) * own[i] + sum(own) / n**2 + 0.5 * kappa[i] * np.outer(a, a)
        covariances.append(t @ cov @ t)
    return psi @ t, covariances


@pytest.mark.parametrize("chains", [(None, None, None, None), (8, 8, 8, 8), (8, None, 6, None)])
def test_points_and_covariances_equal_a_slow_reading_of_the_seven_steps(
    chains: tuple[int | None, ...],
) -> None:
    counts = ([8, 6, 7, 5], [4, 9, 5, 6], [6, 6, 6, 6], [5, 4, 8, 7])
    generators = [generator(f"g{i}", [c or 0] * 4 if c else counts[i], i, chains=c) for i, c in enumerate(chains)]
    points, covariances = slow_map(generators, 2, seed=3)
    fitted = fit_map(generators, seed=3)
    signs = np.sign((fitted.points * points).sum(axis=0))
    assert np.allclose(fitted.points, points * signs, atol=1e-9)
    for ours, slow in zip(fitted.covariances, covariances, strict=True):
        assert np.allclose(ours, slow * np.outer(signs, signs), rtol=1e-7, atol=1e-12)


def test_welch_satterthwaite_of_equal_pieces_counts_their_degrees_of_freedom() -> None:
    # One generator with chains, the other deterministic: one piece, so nu is T - 2 for both points.
    generators = [generator("tied", [10] * 3, 1, chains=10), fixed("fixed", 3, 2)]
    fitted = fit_map(generators)
    assert fitted.degrees == (pytest.approx(8.0), pytest.approx(8.0))


def test_radius_is_students_on_a_line_and_chi_square_without_estimation() -> None:
    assert radius(0.95, 1, 7.5) == pytest.approx(stats.t.ppf(0.975, 7.5))
    assert radius(0.95, 2, 9.0) == pytest.approx(np.sqrt(2 * 9 / 8 * stats.f.ppf(0.95, 2, 8)))
    assert radius(0.95, 2, np.inf) == pytest.approx(np.sqrt(stats.chi2.ppf(0.95, 2)))
    assert radius(0.95, 2, 2.9) is None


def test_every_point_of_an_ellipse_lies_at_its_radius() -> None:
    fitted = fit_map(ragged(5))
    outline = fitted.ellipse(2, level=0.8, points=31)
    assert outline is not None
    away = outline - fitted.points[2]
    covariance, nu = fitted.covariances[2], fitted.degrees[2]
    assert covariance is not None
    assert nu is not None
    squared = np.einsum("ki,ij,kj->k", away, np.linalg.inv(covariance), away)
    assert squared == pytest.approx(np.full(31, 2 * nu / (nu - 1) * stats.f.ppf(0.8, 2, nu - 1)))
    assert outline[0] == pytest.approx(outline[-1])


# Clouds


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


# Halves


def test_halves_differ_by_at_most_one_and_odd_answers_go_to_each_in_turn() -> None:
    halved = halve(generator("a", [5] * 6, 1), seed=9)
    more = halved.counts[A] - halved.counts[B]
    assert sorted(set(more)) == [-1, 1]
    assert all(more[:-1] == -more[1:])


def test_a_half_never_changes_when_answers_or_generators_arrive() -> None:
    short, long = generator("a", [5, 4], 1), generator("a", [9, 9], 1)
    before, after = halve(short, seed=2), halve(long, seed=2)
    assert np.array_equal(before.half[:, :5], after.half[:, :5])
    assert not np.array_equal(halve(replace(long, key="b"), 2).half, after.half) or not np.array_equal(
        halve(replace(long, key="c"), 2).half, after.half
    )


def test_a_chain_stays_whole() -> None:
    answers = generator("a", [14, 7, 13], 1, chains=7)
    halved = halve(answers, seed=4)
    assert answers.chains is not None
    half = halved.half.ravel()[halved.units.rows]
    chain = np.concatenate(answers.chains)
    for t in range(7):
        assert len(set(half[chain == t])) == 1
    assert {int(np.sum([half[chain == t][0] == h for t in range(7)])) for h in (A, B)} == {3, 4}


# What has no ellipse, and why


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
    assert with_one.points[4] == pytest.approx(with_one.place(generator("once", [1] * 4, 30))[0])
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


# Queries, keys, alignment


def test_queries_that_someone_left_out_are_dropped_and_named() -> None:
    generators = ragged(4, m=5)
    cut = generators[1]
    generators[1] = Answers(cut.key, (*cut.vectors[:2], cut.vectors[2][:0], *cut.vectors[3:]))
    fitted = fit_map(generators)
    kept = [0, 1, 3, 4]
    assert shared_queries(generators) == tuple(kept)
    assert fitted.query_indices == tuple(kept)
    assert np.array_equal(fitted.points, fit_map([restrict(g, kept) for g in generators]).points)
    assert "1 of 5 queries are left out" in fitted.warnings[0]


def test_the_same_answers_and_seed_give_the_same_map_in_any_order() -> None:
    generators = ragged(5)
    fitted, again, turned = fit_map(generators), fit_map(generators), fit_map(generators[::-1])
    assert np.array_equal(fitted.points, again.points)
    assert same_up_to_signs(fitted.points, turned.points[::-1])


def test_aligning_turns_a_map_onto_the_earlier_one() -> None:
    generators = ragged(5)
    fitted = fit_map(generators)
    c, s = np.cos(2.0), np.sin(2.0)
    q = np.array([[c, s], [s, -c]])
    earlier = replace(fitted, points=fitted.points @ q)
    aligned = fit_map(generators, align_to=earlier)
    assert np.allclose(aligned.points, earlier.points, atol=1e-7)
    for ours, before in zip(aligned.covariances, fitted.covariances, strict=True):
        assert before is not None
        assert np.allclose(ours, q.T @ before @ q, atol=1e-9)
    assert np.allclose(aligned.clouds[1], fitted.clouds[1] @ q, atol=1e-7)
    assert aligned.explained.sum() == pytest.approx(fitted.explained.sum())


def test_a_new_generator_on_an_aligned_map_keeps_the_others_near() -> None:
    generators = ragged(6)
    before = fit_map(generators[:5])
    flipped = replace(before, points=before.points * [-1, -1])
    after = fit_map(generators, align_to=flipped)
    together = np.sum(after.points[:5] * flipped.points)
    assert together > 0.8 * np.linalg.norm(after.points[:5]) * np.linalg.norm(flipped.points)


def test_a_map_aligned_to_a_line_or_to_strangers_is_still_a_map() -> None:
    generators = ragged(5)
    plane = fit_map(generators, align_to=fit_map(generators[:2]))
    assert np.linalg.norm(plane.points) == pytest.approx(np.linalg.norm(fit_map(generators).points))
    strangers = fit_map([replace(g, key=f"other {g.key}") for g in generators])
    assert np.array_equal(fit_map(generators, align_to=strangers).points, fit_map(generators).points)
    deep = fit_map(generators, dimension=3, align_to=plane)
    assert deep.points.shape == (5, 3)


# Contract and errors


def test_the_map_is_json_with_null_for_the_unknown() -> None:
    fitted = fit_map([*ragged(3), generator("once", [1] * 4, 30)])
    told = json.loads(json.dumps(fitted.as_dict(), allow_nan=False))
    assert {"dimension", "queries", "noise_ratio", "scree", "points"} <= set(told)
    assert told["points"][3]["covariance"] is None
    assert told["points"][0]["coordinates"] == fitted.points[0].tolist()
    assert told["points"][3]["replicates"] == [1, 1]


def fitted_five() -> PerspectiveMap:
    return fit_map(ragged(5))


def test_what_cannot_be_mapped_is_said_in_one_sentence() -> None:
    good = ragged(2)
    with pytest.raises(StatisticsError, match="at least one generator"):
        fit_map([])
    with pytest.raises(StatisticsError, match="stands twice"):
        fit_map([good[0], good[0]])
    with pytest.raises(StatisticsError, match="0 dimensions"):
        fit_map(good, dimension=0)
    with pytest.raises(StatisticsError, match="differ in their queries"):
        fit_map([good[0], generator("b", [4] * 5, 1)])
    with pytest.raises(StatisticsError, match="No query was answered by every generator"):
        fit_map([generator("a", [4, 0], 1), generator("b", [0, 4], 2)])
    with pytest.raises(StatisticsError, match="not answered every query of the map"):
        fitted_five().place(generator("new", [4, 4, 0, 4], 3))
    with pytest.raises(NotFoundError, match="nobody is not on this map"):
        fitted_five().index("nobody")


def test_answers_that_do_not_fit_together_are_refused() -> None:
    row = np.ones((2, 3), dtype=np.float32)
    with pytest.raises(StatisticsError, match="has no queries"):
        Answers("a", ())
    with pytest.raises(StatisticsError, match="one length"):
        Answers("a", (row, row[:, :2]))
    with pytest.raises(StatisticsError, match="not finite"):
        Answers("a", (row * np.nan,))
    with pytest.raises(StatisticsError, match="one chain for every answer"):
        Answers("a", (row,), (np.zeros(3, dtype=int),))
