"""Do the 95% ellipses and intervals cover? Simulated generators whose true means are known exactly.

Every cell answers from a finite set of unit vectors, so its mean is a plain average; noise is skewed and
anisotropic, spread differs between generators where a design says so. With chains, every chain draws one of
many tempers that shift its answers to all queries together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from core.perspective import fit_map
from core.statistics.answers import Answers
from core.statistics.distances import distance

P = 24
MAPS = 200
PAIRS = 400


@dataclass(frozen=True)
class World:
    """atoms: (n, tempers, m, K, p) unit vectors, all equally likely within a generator's cell."""

    atoms: NDArray[np.float32]

    @classmethod
    def make(cls, n: int, m: int, signal: float, *, chain: float = 0.0, unequal: bool = False, seed: int = 3) -> World:
        """signal: how far generators differ; chain: size of a temper's shift beside the noise's .6."""
        rng = np.random.default_rng(seed)
        tempers, count = (40, 12) if chain else (1, 60)
        places = rng.normal(size=(n, 2)) * [1, 0.7]
        loadings = 0.4 * rng.normal(size=(2, m, P)) + 0.6 * rng.normal(size=(2, 1, P))
        queries = rng.normal(size=(m, P))
        queries /= np.linalg.norm(queries, axis=1, keepdims=True)
        centres = queries + signal * np.einsum("nk,kmp->nmp", places, loadings) / np.sqrt(P)
        stretch = rng.permutation(np.geomspace(2, 0.3, P))
        noise = 0.6 * stretch * (rng.gamma(1.0, size=(n, tempers, m, count, P)) - 1) / np.sqrt(P)
        shift = chain * (rng.gamma(1.0, size=(n, tempers, 1, 1, P)) - 1) / np.sqrt(P)
        scale = np.geomspace(0.4, 1.6, n) if unequal else np.ones(n)
        x = centres[:, None, :, None] + scale[:, None, None, None, None] * (noise + shift)
        if signal == 0:
            x[:] = x[0]
        return cls((x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32))

    @property
    def means(self) -> NDArray[np.float64]:
        """True means, (n, m, p)."""
        return np.asarray(self.atoms.astype(np.float64).mean(axis=(1, 3)))

    def noise_ratio(self, r: int) -> float:
        """True tau over the second true eigenvalue."""
        spread = self.atoms - self.means[:, None, :, None]
        tau = (spread**2).sum(axis=-1).mean() / r
        rows = (self.means - self.means.mean(axis=0)).reshape(len(self.atoms), -1)
        return float(tau / np.linalg.eigvalsh(rows @ rows.T / self.atoms.shape[2])[-2])

    def draw(self, r: int, tied: Sequence[bool], rng: np.random.Generator) -> list[Answers]:
        """r answers to every query; answer k of a tied generator is its chain k's."""
        n, tempers, m, count, _ = self.atoms.shape
        found = []
        for i in range(n):
            temper = rng.integers(tempers, size=(1 if tied[i] else m, r))
            vectors = self.atoms[i, temper, np.arange(m)[:, None], rng.integers(count, size=(m, r))]
            chains = tuple(np.arange(r) for _ in range(m)) if tied[i] else None
            found.append(Answers(f"g{i}", tuple(vectors), chains))
        return found


def ellipse_coverage(world: World, r: int, tied: Sequence[bool], told: bool = True) -> tuple[float, float]:
    """Share of ellipses that hold the true mean on their map's own axes, and its standard error over maps."""
    rng = np.random.default_rng(17)
    means = world.means
    held = []
    for seed in range(MAPS):
        answers = world.draw(r, tied, rng)
        if not told:
            answers = [replace(one, chains=None) for one in answers]
        fitted = fit_map(answers, seed=seed)
        truth = np.einsum("njp,jpd->nd", means - means.mean(axis=0), fitted.basis) / fitted.queries
        away = fitted.points - truth
        squared = [a @ np.linalg.solve(c, a) for a, c in zip(away, fitted.covariances, strict=True)]
        held.append(np.mean(np.array(squared) <= np.square(fitted.radii)))
    return float(np.mean(held)), float(np.std(held) / math.sqrt(MAPS))


INDEPENDENT, CHAINED, MIXED = [False] * 10, [True] * 10, [True, False] * 5


@pytest.mark.parametrize(
    ("n", "m", "r", "signal", "tied", "chain", "unequal", "noise"),
    [
        (10, 20, 6, 0.8, INDEPENDENT, 0.0, False, (0.03, 0.1)),
        (10, 5, 4, 0.4, INDEPENDENT, 0.0, True, (0.1, 0.6)),
        (5, 20, 4, 0.1, INDEPENDENT, 0.0, False, (2.0, 20.0)),
        (10, 20, 8, 0.8, CHAINED, 0.4, False, (0.03, 0.1)),
        (5, 5, 6, 0.4, CHAINED, 0.6, False, (0.2, 2.0)),
        (5, 20, 8, 0.4, MIXED, 0.6, False, (0.1, 0.6)),
        (10, 5, 8, 0.8, MIXED, 0.4, True, (0.01, 0.1)),
    ],
    ids=["light", "middle unequal", "heavy", "chains light", "chains middle", "mixed middle", "mixed light"],
)
def test_ellipses_cover_the_true_means(
    n: int,
    m: int,
    r: int,
    signal: float,
    tied: list[bool],
    chain: float,
    unequal: bool,
    noise: tuple[float, float],
) -> None:
    world = World.make(n, m, signal, chain=chain, unequal=unequal)
    assert noise[0] < world.noise_ratio(r) < noise[1]
    coverage, error = ellipse_coverage(world, r, tied)
    assert coverage >= 0.92 - 2 * error
    # Light noise leaves nothing to be conservative about: an ellipse that is too large fails here.
    if noise[1] <= 0.1:
        assert coverage <= 0.975 + 2 * error


def test_chains_that_are_taken_for_independent_answers_are_found_out() -> None:
    world = World.make(5, 20, 0.8, chain=0.8)
    untold, _ = ellipse_coverage(world, 8, CHAINED, told=False)
    told, error = ellipse_coverage(world, 8, CHAINED)
    assert untold < 0.85
    assert told >= 0.92 - 2 * error


@pytest.mark.parametrize(
    ("m", "r", "signal", "tied", "chain"),
    [
        (1, 5, 0.0, INDEPENDENT, 0.0),
        (20, 4, 0.0, INDEPENDENT, 0.0),
        (5, 3, 0.3, INDEPENDENT, 0.0),
        (20, 8, 1.0, INDEPENDENT, 0.0),
        (20, 8, 0.0, CHAINED, 0.6),
        (5, 4, 0.4, CHAINED, 0.6),
        (20, 12, 1.0, CHAINED, 0.6),
        (20, 8, 0.0, MIXED, 0.6),
        (5, 6, 1.0, MIXED, 0.6),
    ],
)
def test_distance_intervals_cover_and_distances_are_unbiased(
    m: int, r: int, signal: float, tied: list[bool], chain: float
) -> None:
    world = World.make(2, m, signal, chain=chain)
    true = float(((world.means[0] - world.means[1]) ** 2).sum(axis=-1).mean())
    rng = np.random.default_rng(23)
    found = [distance(*world.draw(r, tied, rng)) for _ in range(PAIRS)]
    values = np.array([d.value for d in found], dtype=float)
    held = [d.low <= true <= d.high for d in found if d.low is not None and d.high is not None]
    assert len(held) == PAIRS
    assert np.mean(held) >= 0.91 - 2 * math.sqrt(0.91 * 0.09 / PAIRS)
    assert abs(values.mean() - true) < 4 * values.std() / math.sqrt(PAIRS)


def test_eigenvalues_of_the_noise_floor_sum_to_the_noise() -> None:
    world = World.make(6, 10, 0.8, unequal=True)
    spread = world.atoms - world.means[:, None, :, None]
    tau = (spread**2).sum(axis=-1).mean(axis=(1, 2, 3)) / 5
    rng = np.random.default_rng(29)
    floors = [fit_map(world.draw(5, INDEPENDENT, rng)).noise_floor.sum() for _ in range(60)]
    assert np.mean(floors) == pytest.approx(tau.sum() * (1 - 1 / 6), abs=4 * np.std(floors) / math.sqrt(60))
