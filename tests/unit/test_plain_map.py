"""The plain map by three roads that share no code: classical MDS of distances, PCA of means, Grams of queries."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import StatisticsError
from core.statistics.answers import Answers, Units, cell_noise
from core.statistics.axes import eigenvalues
from core.statistics.gram import (
    LEAST_LANCZOS,
    MOST_DENSE,
    centred_noise,
    double_centred,
    leading_eigenpairs,
    summed_gram,
)
from core.statistics.plain import pca_map, plain_map
from core.statistics.query_grams import GENERATORS_A_BLOCK, PlainGrams

Array = NDArray[np.float64]
CLOSE = 1e-8


def means_of(n: int = 9, m: int = 6, p: int = 12, seed: int = 0) -> Array:
    """Means of unit vectors, as generators that differ along a few directions would have them."""
    rng = np.random.default_rng(seed)
    apart = np.einsum("nl,lmp->nmp", rng.normal(size=(n, 3)) * [1.0, 0.6, 0.4], rng.normal(size=(3, m, p)))
    means = rng.normal(size=(m, p)) + 0.5 * apart + 0.2 * rng.normal(size=(n, m, p))
    return np.asarray(means / np.linalg.norm(means, axis=-1, keepdims=True) * 0.9)


def noise_of(n: int = 9, m: int = 6, seed: int = 1) -> Array:
    """Noise of every mean; the last generator is hot."""
    noise = np.random.default_rng(seed).uniform(0.01, 0.03, size=(n, m))
    noise[-1] *= 5
    return noise


def slow_distances(means: Array) -> Array:
    """1/sqrt(m) times the Frobenius norm, pair by pair."""
    return np.array([[np.linalg.norm(a - b) / np.sqrt(len(a)) for b in means] for a in means])


def slow_b(means: Array, tau: Array | None = None) -> Array:
    """-1/2 H D^2 H less H diag(tau) H, with H written out."""
    h = np.eye(len(means)) - 1 / len(means)
    b = -0.5 * h @ slow_distances(means) ** 2 @ h
    return b if tau is None else b - h @ np.diag(tau) @ h


def slow_debiased_points(means: Array, tau: Array, dimension: int) -> Array:
    """Y V with V the orthonormal factor of Y'U, by a singular value decomposition of the wide matrix."""
    rows = means.reshape(len(means), -1) / np.sqrt(means.shape[1])
    rows = rows - rows.mean(axis=0)
    values, vectors = np.linalg.eigh(slow_b(means, tau) - np.ones((len(means),) * 2))
    left, _, right = np.linalg.svd(rows.T @ vectors[:, np.argsort(values)[::-1][:dimension]], full_matrices=False)
    return np.asarray(rows @ (left @ right))


def signed(found: Array, other: Array) -> Array:
    """`found` with each column turned to agree with `other`: a coordinate's sign is a matter of taste."""
    return found * np.where((found * other).sum(axis=0) < 0, -1.0, 1.0)


def assert_same(found: Array, other: Array, tolerance: float = CLOSE) -> None:
    np.testing.assert_allclose(signed(found, other), other, atol=tolerance, rtol=0)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize(("n", "m", "p"), [(9, 6, 12), (30, 1, 8), (4, 20, 16)])
def test_pca_classical_mds_and_grams_draw_the_same_map(n: int, m: int, p: int, dimension: int) -> None:
    from sklearn.decomposition import PCA
    from sklearn.manifold import ClassicalMDS

    means = means_of(n, m, p)
    peer = ClassicalMDS(n_components=dimension, metric="precomputed")
    expected = peer.fit_transform(slow_distances(means))
    fit = PlainGrams.of(means).fit(dimension)
    assert_same(fit.points, expected)
    assert_same(pca_map(means, dimension).points, expected)
    assert_same(plain_map(means, dimension).points, expected)
    assert_same(PCA(dimension).fit_transform(means.reshape(n, -1) / np.sqrt(m)), expected)
    np.testing.assert_allclose(fit.eigenvalues, peer.eigenvalues_, atol=CLOSE)
    np.testing.assert_allclose(fit.total, np.trace(slow_b(means)), atol=CLOSE)


def test_all_roads_agree_on_signs_so_that_a_map_looks_the_same_whatever_made_it() -> None:
    means = means_of()
    fit = PlainGrams.of(means).fit(3)
    np.testing.assert_allclose(pca_map(means, 3).points, fit.points, atol=CLOSE)
    np.testing.assert_allclose(plain_map(means, 3).points, fit.points, atol=CLOSE)


def test_distances_from_grams_are_those_between_matrices_of_means() -> None:
    means, noise = means_of(), noise_of()
    np.testing.assert_allclose(PlainGrams.of(means).distances(), slow_distances(means), atol=CLOSE)
    tau = noise.mean(axis=1)
    debiased = slow_distances(means) ** 2 - tau[:, None] - tau
    np.fill_diagonal(debiased, 0.0)
    grams = PlainGrams.of(means, noise)
    np.testing.assert_allclose(grams.fit(2).squared_distances(), debiased, atol=CLOSE)
    np.testing.assert_allclose(grams.distances(), np.sqrt(np.maximum(debiased, 0)), atol=CLOSE)


@pytest.mark.parametrize("dimension", [2, 3])
def test_the_debiased_map_subtracts_the_centred_noise_by_every_road(dimension: int) -> None:
    means, noise = means_of(), noise_of()
    tau = noise.mean(axis=1)
    fit = PlainGrams.of(means, noise).fit(dimension)
    values, vectors = np.linalg.eigh(slow_b(means, tau))
    top = slice(-1, -1 - dimension, -1)
    assert_same(fit.scaled, vectors[:, top] * np.sqrt(np.maximum(values[top], 0.0)))
    np.testing.assert_allclose(fit.eigenvalues, values[top], atol=CLOSE)
    assert_same(fit.points, slow_debiased_points(means, tau, dimension))
    assert_same(pca_map(means, dimension, noise).points, fit.points)
    assert_same(plain_map(means, dimension, noise).points, fit.points)
    assert np.linalg.norm(fit.scaled[-1]) < np.linalg.norm(plain_map(means, dimension).points[-1])


def test_noise_of_answers_is_what_the_debiased_map_subtracts() -> None:
    """Against B of means less H diag(tau) H with tau from variances of the answers themselves."""
    rng = np.random.default_rng(4)
    answers = [rng.normal(size=(5, 1, 10)) + (0.3 + i / 4) * rng.normal(size=(5, 4 + i, 10)) for i in range(5)]
    unit = [(a / np.linalg.norm(a, axis=-1, keepdims=True)).astype(np.float32) for a in answers]
    cells = [cell_noise(one, Units.of(one)) for one in (Answers(str(i), tuple(a)) for i, a in enumerate(unit))]
    means = np.stack([a.astype(float).mean(axis=1) for a in unit])
    tau = np.array([a.astype(float).var(axis=1, ddof=1).sum(axis=1).mean() / a.shape[1] for a in unit])
    noise = np.stack([cell.noise for cell in cells if cell.noise is not None])
    fit = PlainGrams.of(np.stack([cell.means for cell in cells]), noise).fit(2)
    values, vectors = np.linalg.eigh(slow_b(means, tau))
    assert_same(fit.scaled, vectors[:, [-1, -2]] * np.sqrt(np.maximum(values[[-1, -2]], 0.0)))


@pytest.mark.parametrize("noisy", [False, True])
def test_any_subset_of_queries_or_generators_is_a_refit_from_scratch(noisy: bool) -> None:
    means, noise = means_of(12), noise_of(12)
    grams = PlainGrams.of(means, noise if noisy else None)
    rng = np.random.default_rng(2)
    for _ in range(10):
        queries = rng.choice(6, size=rng.integers(1, 7), replace=False)
        chosen = rng.choice(12, size=rng.integers(4, 13), replace=False)
        part, part_noise = means[chosen][:, queries], noise[chosen][:, queries]
        found = grams.fit(2, queries=queries, generators=chosen)
        tau = part_noise.mean(axis=1) if noisy else np.zeros(len(chosen))
        np.testing.assert_allclose(
            found.points, PlainGrams.of(part, part_noise if noisy else None).fit(2).points, atol=CLOSE
        )
        assert_same(found.points, slow_debiased_points(part, tau, 2))
        squared = slow_distances(part) ** 2 - (tau[:, None] + tau) * (1 - np.eye(len(chosen)))
        expected = np.sqrt(np.maximum(squared, 0))
        np.testing.assert_allclose(grams.distances(queries, generators=chosen), expected, atol=CLOSE)


def test_weights_count_a_query_like_rows_repeated_in_the_stack() -> None:
    means = means_of()
    grams = PlainGrams.of(means)
    repeated = [0, 0, 0, 2, 5, 5]
    scratch = PlainGrams.of(means[:, repeated]).fit(2)
    for fit in (
        grams.fit(2, queries=[0, 2, 5], weights=np.array([3.0, 1.0, 2.0])),
        grams.fit(2, weights=np.array([3.0, 0.0, 1.0, 0.0, 0.0, 2.0])),
        grams.fit(2, queries=repeated),
    ):
        np.testing.assert_allclose(fit.points, scratch.points, atol=CLOSE)
        np.testing.assert_allclose(fit.squared_distances(), slow_distances(means[:, repeated]) ** 2, atol=CLOSE)
    weights = np.array([3.0, 0.0, 1.0, 0.0, 0.0, 2.0]) / 6
    np.testing.assert_allclose(summed_gram(means, weights), grams.gram(weights), atol=1e-12)


@pytest.mark.parametrize("noisy", [False, True])
def test_a_maps_own_generator_is_placed_on_its_own_row(noisy: bool) -> None:
    means, noise = means_of(), noise_of() if noisy else None
    grams = PlainGrams.of(means, noise)
    queries, chosen = [1, 2, 4, 5], [0, 2, 3, 5, 6, 8]
    fit = grams.fit(2, queries=queries, generators=chosen)
    np.testing.assert_allclose(fit.place(fit.gram), fit.points, atol=CLOSE)
    again = grams.add(means[chosen], None if noise is None else noise[chosen])
    points, _ = again.place(fit)
    np.testing.assert_allclose(points, fit.points, atol=CLOSE)
    pca = pca_map(means, 3, noise)
    np.testing.assert_allclose(pca.place(means), pca.points, atol=CLOSE)


@pytest.mark.parametrize("noisy", [False, True])
def test_an_added_generator_falls_where_gowers_formula_and_the_axes_put_it(noisy: bool) -> None:
    means, noise = means_of(10), noise_of(10) if noisy else None
    known, known_noise = means[:9], None if noise is None else noise[:9]
    fit = PlainGrams.of(known, known_noise).fit(2)
    one_noise = None if noise is None else noise[9]
    points, squared = PlainGrams.of(known, known_noise).add(means[9], one_noise).place(fit)
    np.testing.assert_allclose(points, pca_map(known, 2, known_noise).place(means[9:]), atol=CLOSE)
    apart = slow_distances(means) ** 2
    tau = np.zeros(10) if noise is None else noise.mean(axis=1)
    np.testing.assert_allclose(squared[0], apart[9, :9] - tau[9] - tau[:9], atol=CLOSE)
    if not noisy:
        # Gower 1968, from distances alone: Lambda^-1 Psi' (diag(B) - delta^2) / 2.
        gower = fit.points.T @ (np.diag(slow_b(known)) - apart[9, :9]) / 2 / fit.eigenvalues
        np.testing.assert_allclose(points[0], gower, atol=CLOSE)


def test_added_generators_extend_the_grams_to_those_of_all_together() -> None:
    means, noise = means_of(14), noise_of(14)
    grams = PlainGrams.of(means[:9], noise[:9]).add(means[9], noise[9]).add(means[10:], noise[10:])
    together = PlainGrams.of(means, noise)
    weights = np.random.default_rng(0).dirichlet(np.ones(6))
    np.testing.assert_allclose(grams.gram(weights), together.gram(weights), atol=1e-12)
    fit, other = grams.fit(2, queries=[0, 3, 4]), together.fit(2, queries=[0, 3, 4])
    np.testing.assert_allclose(fit.points, other.points, atol=CLOSE)
    assert (grams.count, grams.queries) == (14, 6)


def test_more_generators_than_a_block_holds_change_nothing() -> None:
    means = means_of(2 * GENERATORS_A_BLOCK + 7, 3, 5)
    expected = np.einsum("njp,kjp,j->nk", means, means, [0.2, 0.5, 0.3])
    np.testing.assert_allclose(PlainGrams.of(means).gram(np.array([0.2, 0.5, 0.3])), expected, atol=1e-12)


def test_single_precision_moves_points_by_less_than_a_millionth() -> None:
    means = means_of(150, 20, 32)
    exact, quick = PlainGrams.of(means).fit(2), PlainGrams.of(means, dtype=np.float32).fit(2)
    assert quick.points.dtype == np.float64
    error = np.abs(quick.squared_distances() - exact.squared_distances()).max()
    assert 0 < error < 1e-5
    assert_same(quick.points, exact.points, 1e-6)


@pytest.mark.parametrize("noisy", [False, True])
def test_beyond_the_dense_limit_leading_pairs_are_those_of_the_whole_decomposition(noisy: bool) -> None:
    n = MOST_DENSE + 40
    means, noise = means_of(n, 5, 120), noise_of(n, 5)
    fit = plain_map(means, 3, noise if noisy else None)
    b = double_centred(summed_gram(means, np.full(5, 0.2)))
    if noisy:
        b = b - centred_noise(noise.mean(axis=1))
    values, vectors = np.linalg.eigh(b)
    np.testing.assert_allclose(fit.eigenvalues, values[[-1, -2, -3]], atol=CLOSE)
    assert_same(fit.scaled, vectors[:, [-1, -2, -3]] * np.sqrt(values[[-1, -2, -3]]))
    assert_same(pca_map(means, 3, noise if noisy else None).points, fit.points)


def test_lanczos_is_exact_where_all_eigenvalues_are_equal_or_none_is_left() -> None:
    n = LEAST_LANCZOS + 1
    values, vectors = leading_eigenpairs(np.eye(n) - 1 / n, 3)
    np.testing.assert_allclose(values, 1.0, atol=CLOSE)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=CLOSE)
    values, vectors = leading_eigenpairs(np.zeros((n, n)), 2)
    np.testing.assert_allclose(values, 0.0, atol=CLOSE)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(2), atol=CLOSE)


@pytest.mark.parametrize("noisy", [False, True])
def test_the_randomised_road_finds_axes_that_stand_clear_of_the_rest(noisy: bool) -> None:
    means, noise = means_of(200, 8, 40), noise_of(200, 8) if noisy else None
    exact, quick = pca_map(means, 2, noise), pca_map(means, 2, noise, seed=0)
    assert_same(quick.points, exact.points)
    assert pca_map(means[:1], 2, None if noise is None else noise[:1], seed=0).points.shape == (1, 0)


def test_the_scree_leaves_out_the_vector_of_ones_and_nothing_else() -> None:
    b = slow_b(means_of(), noise_of().mean(axis=1))
    h = np.linalg.qr(np.column_stack([np.ones(9), np.eye(9)[:, 1:]]))[0][:, 1:]
    np.testing.assert_allclose(eigenvalues(b), np.linalg.eigvalsh(h.T @ b @ h)[::-1], atol=1e-12)
    assert eigenvalues(b)[-1] < -1e-4
    assert eigenvalues(np.zeros((1, 1))).shape == (0,)


def test_identical_generators_have_no_axis_and_one_generator_stands_in_the_middle() -> None:
    same = np.repeat(means_of(1), 5, axis=0)
    for fit in (plain_map(same, 2), plain_map(same, 2, noise_of(5)), plain_map(same[:1], 2)):
        assert fit.rank == 0
        np.testing.assert_array_equal(fit.points, 0.0)
    two = plain_map(means_of(2), 2)
    assert two.rank == 1
    np.testing.assert_allclose(np.abs(two.points[:, 0]), slow_distances(means_of(2))[0, 1] / 2, atol=CLOSE)
    np.testing.assert_array_equal(two.points[:, 1], 0.0)


def test_what_cannot_be_mapped_is_said_in_one_sentence() -> None:
    means, noise = means_of(), noise_of()
    grams = PlainGrams.of(means, noise)
    broken = means.copy()
    broken[3, 2, 1] = np.nan
    for attempt in (
        lambda: PlainGrams.of(means[0]),
        lambda: PlainGrams.of(means, noise[:, :2]),
        lambda: PlainGrams.of(broken),
        lambda: plain_map(broken, 2),
        lambda: pca_map(broken, 2),
        lambda: plain_map(means, 0),
        lambda: grams.add(means[0]),
        lambda: grams.add(means[:, :2], noise[:, :2]),
        lambda: grams.add(broken[3], noise[3]),
        lambda: grams.fit(2, queries=[]),
        lambda: grams.fit(2, queries=[6]),
        lambda: grams.fit(2, generators=[-1]),
        lambda: grams.fit(2, weights=np.zeros(6)),
        lambda: grams.fit(2, queries=[0, 1], weights=np.array([1.0, -1.0])),
        lambda: grams.distances(weights=np.ones(4)),
    ):
        with pytest.raises(StatisticsError, match=r"^[A-Z].*\.$"):
            attempt()
