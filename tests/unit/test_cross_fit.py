"""The cross-fitted map against a slow reading of its seven steps, in long vectors and loops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.perspective import fit_map
from core.statistics.answers import Answers
from core.statistics.ellipses import radius
from core.statistics.halves import A, B, halve
from tests.unit.made_answers import P, fixed, generator, in_rounds, ragged


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
            # Rounds of one chain see few queries each: their blocks share nothing.
            names = answers.chains if answers.rounds is None else answers.rounds
            blocks = {tuple(sorted(set(name))) for name in names}
            big = [np.zeros((m * P, m * P)) for _ in (A, B)]
            for together in blocks:
                for h in (A, B):
                    long = []
                    for t in together:
                        rows = np.zeros((m, P))
                        for j in range(m):
                            inside = names[j][sides[i][j] == h] == t
                            rows[j] = residual[h][j][inside].sum(axis=0) / (np.sqrt(m) * r[h][j])
                        if any((names[j][sides[i][j] == h] == t).any() for j in range(m)):
                            long.append(rows.ravel())
                    g = np.array(long)
                    big[h] += len(g) / (len(g) - 1) * g.T @ g
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


def test_one_growing_chain_beside_others_equals_the_slow_reading_over_its_rounds() -> None:
    generators = [in_rounds("grown", 8, 4, 2, 7), generator("tied", [8] * 4, 8, chains=8), *ragged(2)]
    points, covariances = slow_map(generators, 2, seed=3)
    fitted = fit_map(generators, seed=3)
    signs = np.sign((fitted.points * points).sum(axis=0))
    assert np.allclose(fitted.points, points * signs, atol=1e-9)
    for ours, slow in zip(fitted.covariances, covariances, strict=True):
        assert np.allclose(ours, slow * np.outer(signs, signs), rtol=1e-7, atol=1e-12)
    assert fitted.methods == ("rounds", "cross-fit chains", "cross-fit", "cross-fit")
    assert "grown is one growing chain: its rounds stand in for chains, which is approximate." in fitted.warnings


def test_welch_satterthwaite_of_equal_pieces_counts_their_degrees_of_freedom() -> None:
    # One generator with chains, the other deterministic: one piece, so nu is T - 2 for both points.
    generators = [generator("tied", [10] * 3, 1, chains=10), fixed("fixed", 3, 2)]
    fitted = fit_map(generators)
    assert fitted.degrees == (pytest.approx(8.0), pytest.approx(8.0))


def test_radius_is_students_on_a_line_and_chi_square_without_estimation() -> None:
    assert radius(0.95, 1, 7.5) == pytest.approx(stats.t.ppf(0.975, 7.5))
    assert radius(0.95, 2, 9.0) == pytest.approx(np.sqrt(2 * 9 / 8 * stats.f.ppf(0.95, 2, 8)))
    assert radius(0.95, 2, np.inf) == pytest.approx(np.sqrt(stats.chi2.ppf(0.95, 2)))
    assert radius(0.95, 2, 1.9) is None


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
