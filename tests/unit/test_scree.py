"""The scree of a map: the elbow against the likelihood written out, the noise floor against halvings by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.perspective import fit_map
from core.statistics.halves import A, B, halve
from core.statistics.scree import elbow, noise_floor
from tests.unit.made_answers import generator, ragged


def likeliest(scree: NDArray[np.float64]) -> int:
    """Zhu and Ghodsi's profile likelihood, maximised by trying every q."""
    p = len(scree)

    def likelihood(q: int) -> float:
        first, second = scree[:q], scree[q:]
        pooled = (np.sum((first - first.mean()) ** 2) + np.sum((second - second.mean()) ** 2)) / (p - 2)
        sigma = np.sqrt(pooled)
        return float(
            stats.norm.logpdf(first, first.mean(), sigma).sum() + stats.norm.logpdf(second, second.mean(), sigma).sum()
        )

    return max(range(1, p), key=likelihood)


@pytest.mark.parametrize("seed", range(8))
def test_the_elbow_is_where_the_profile_likelihood_is_highest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scree = np.sort(np.concatenate([rng.gamma(2.0, size=3) + 2, rng.normal(0, 0.3, size=9)]))[::-1]
    assert elbow(scree) == likeliest(scree)


def test_two_large_eigenvalues_among_small_ones_make_two_axes() -> None:
    assert elbow(np.array([5.0, 4.5, 0.2, 0.1, 0.0, -0.1, -0.2])) == 2
    assert elbow(np.array([3.0, 3.0, 0.0, 0.0])) == 2


def test_there_is_no_elbow_in_two_eigenvalues_or_in_a_line() -> None:
    assert elbow(np.array([2.0, 1.0])) is None
    assert elbow(np.zeros(6)) is None
    assert elbow(np.zeros(0)) is None
    assert fit_map(ragged(2)).elbow is None
    assert fit_map(ragged(6)).elbow is not None


def test_rows_of_the_noise_floor_are_scaled_differences_of_the_halves() -> None:
    for answers in (generator("a", [5, 8, 6], 1), generator("b", [12, 6, 6], 2, chains=6)):
        halved = halve(answers, seed=3, splits=4)
        assert halved.noise.shape == (4, 3, 12)
        side = np.split(halved.half.ravel()[halved.units.rows], np.cumsum(answers.counts)[:-1])
        for j, vectors in enumerate(answers.vectors):
            a, b = (vectors[side[j] == h].astype(float) for h in (A, B))
            expected = np.sqrt(len(a) * len(b)) / len(vectors) * (a.mean(axis=0) - b.mean(axis=0))
            assert halved.noise[0, j] == pytest.approx(expected, abs=1e-6)
        assert not np.allclose(halved.noise[0], halved.noise[1])


def test_the_floor_is_the_mean_of_the_eigenvalues_of_every_halving() -> None:
    halves = [halve(answers, 5, splits=3) for answers in ragged(6)]
    screes = []
    for number in range(3):
        rows = np.stack([h.noise[number].ravel() for h in halves]).astype(float) / 2
        rows -= rows.mean(axis=0)
        screes.append(np.sort(np.linalg.svd(rows, compute_uv=False)[:5] ** 2)[::-1])
    assert noise_floor(halves) == pytest.approx(np.mean(screes, axis=0), rel=1e-4)


def test_more_halvings_make_the_floor_steadier() -> None:
    generators = ragged(6)
    once, often = (np.array([fit_map(generators, seed=s, splits=k).noise_floor for s in range(12)]) for k in (1, 8))
    assert often.std(axis=0).sum() < 0.7 * once.std(axis=0).sum()


def test_noise_that_cannot_be_seen_has_no_floor() -> None:
    assert fit_map([generator(f"g{i}", [1] * 3, i) for i in range(4)]).noise_floor.tolist() == [0.0] * 3
