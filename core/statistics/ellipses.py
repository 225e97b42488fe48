"""How far a point of the map may lie from its true mean: covariances, degrees of freedom, ellipses.

`dkps.md`, "Uncertainty of a point", steps 4 to 6, on the axes that are displayed. Generators whose answers
come in chains stand beside independent ones: each brings its own covariance and pieces, and the centre mixes
them.

Measured share of 95% ellipses that hold the true mean on the map's own axes (24-dimensional unit vectors,
skewed anisotropic noise, n = 5 and 10, m = 5 and 20, 6 to 12 chains, 150 maps a design, 72 designs each):
chains .938-.993, chains beside independent answers .928-.995; .948 on average where tau / lambda_d is
below .1, .96 to .6, .98 to 2, .99 beyond. Eight strong chains taken for independent answers: .25. With the
fewest answers that draw an ellipse (m = 1 and 2, r = 4 and 5, n = 3 to 30, equal and very unequal spread):
points .93-.99, differences .93-1.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.statistics.answers import Floats, Units
from core.statistics.halves import A, B, Halves

LEVEL = 0.95


@dataclass(frozen=True)
class Spread:
    """Covariance of a generator's own placement, (d, d), and its Welch-Satterthwaite sum.

    pieces: sum over independent pieces c of [tr(c^2) + (tr c)^2] / (f_c + 2); free: sum of the f_c, which
    the design fixes: infinite where nothing had to be estimated.
    """

    covariance: Floats
    pieces: float
    free: float


def size(covariances: Floats) -> Floats:
    """tr(c^2) + (tr c)^2 over the last two axes."""
    trace = np.trace(covariances, axis1=-2, axis2=-1)
    return np.asarray(np.einsum("...ij,...ij->...", covariances, covariances) + trace**2)


def spread(halves: Halves, values: Floats) -> Spread | None:
    """Covariance of one generator's point about its true mean; None where nothing could be split.

    values: (N, 2d) its answers on the axes of half A and of half B, sqrt(m) V_j'x, query by query. A half
    is placed on the other half's axes. Independent answers: step 4. Chains: clustered by chain, both
    halves one piece with T - 2 degrees of freedom. Where a half of a cell is too small for residuals of
    its own they are about the whole cell's mean: a little too wide, and only used for the centre.
    """
    units, d = halves.units, values.shape[1] // 2
    if halves.answers.deterministic:
        return Spread(np.zeros((d, d)), 0.0, np.inf)
    if not halves.split:
        return None
    m = len(units.sizes)
    z = units.summed(values)
    if halves.chained:
        return _chained(halves, z)
    short = units.per_cell < 3
    free = np.where(short, 1, units.per_cell - 2)
    z = _residuals(halves, z, short)
    pooled = z.transpose(0, 1, 3, 2) @ z / free[:, None, None]
    cells = (pooled / halves.counts[[B, A]][:, :, None, None]).sum(axis=0) / (4 * m**2)
    return Spread(cells.sum(axis=0), float(np.sum(size(cells) / (free + 2))), float(free.sum()))


def _residuals(halves: Halves, z: Floats, short: NDArray[np.bool_]) -> Floats:
    """(2, m, U, d) units on V_A and V_B, about their own half's mean, or their cell's in short cells."""
    units, d = halves.units, z.shape[2] // 2
    mine = halves.weights
    about_half = np.einsum("hju,hjk->juk", np.sign(mine), np.einsum("hju,juk->hjk", mine, z))
    about_cell = z.sum(axis=1, keepdims=True) / units.answers_per_cell[:, None, None]
    z = z - units.sizes[:, :, None] * np.where(short[:, None, None], about_cell, about_half)
    return np.stack([z[:, :, :d], z[:, :, d:]])


def _chained(halves: Halves, z: Floats) -> Spread:
    """The covariance clustered by chain, from units z (m, U, 2d).

    A residual about the mean of u units has lost 1/u of its variance, cell by cell: for chains that
    answered everything this is the T/(T - 1) of `dkps.md`, for rounds that see few queries it is more.
    """
    units, m = halves.units, len(z)
    short = halves.units_per_half.min(axis=0) < 2
    z = _residuals(halves, z, short)
    count = np.where(short, units.per_cell, halves.units_per_half)
    regained = np.sqrt(count / np.maximum(count - 1, 1))
    weights = halves.weights[[B, A]] * regained[[B, A]][:, :, None] / (2 * m)
    # On V_A only units of half B weigh, on V_B those of A.
    placed = (z * weights[:, :, :, None]).sum(axis=0)
    return clustered(units, placed, lost=1 if short.any() else 2)


def clustered(units: Units, placed: Floats, lost: int) -> Spread:
    """Covariance of a sum of weighted residuals (m, U, d) whose chains are independent.

    lost: degrees of freedom that the means took in every stratum. Strata are independent pieces.
    """
    total, d = units.n_chains, placed.shape[2]
    g = np.zeros((total, d))
    np.add.at(g, np.maximum(units.chain, 0).ravel(), placed.reshape(-1, d))
    covariance, pieces, free = np.zeros((d, d)), 0.0, 0
    for stratum in range(int(units.strata.max()) + 1):
        rows = g[units.strata == stratum]
        piece = rows.T @ rows
        covariance = covariance + piece
        own = max(len(rows) - lost, 1)
        pieces, free = pieces + float(size(piece)) / (own + 2), free + own
    return Spread(covariance, pieces, float(free))


def centred(spreads: Sequence[Spread]) -> list[Spread]:
    """Step 5 and the nu of step 6, for generators that are centred on their own mean.

    Cov_i = (1 - 2/n) C_i + (1/n^2) sum_l C_l. The pieces of the generator itself weigh (1 - 1/n)^2,
    those of the others 1/n^2, whatever their kind.
    """
    n = len(spreads)
    own, other = (1 - 1 / n) ** 2, 1 / n**2
    total = np.sum([s.covariance for s in spreads], axis=0)
    pieces = sum(s.pieces for s in spreads)
    estimated = sum(np.isfinite(s.free) for s in spreads)
    inverse = sum(1 / s.free for s in spreads)
    found = []
    for s in spreads:
        # Satterthwaite's degrees of freedom, were all generators equally noisy.
        weight = own * np.isfinite(s.free) + other * (estimated - np.isfinite(s.free))
        share = own**2 / s.free + other**2 * (inverse - 1 / s.free)
        found.append(
            Spread(
                (1 - 2 / n) * s.covariance + other * total,
                own**2 * s.pieces + other**2 * (pieces - s.pieces),
                float(weight**2 / share) if share > 0 else np.inf,
            )
        )
    return found


def tilted(points: Floats, kappas: Sequence[float]) -> Floats:
    """(n, d, d): (1/2) kappa_i a_i a_i' of step 5, a_i = Lambda^-1 psi_i, for points (n, d) on V."""
    a = points @ np.linalg.pinv(points.T @ points)
    return np.asarray(0.5 * np.asarray(kappas)[:, None, None] * a[:, :, None] * a[:, None, :])


def freedom(spread: Spread, d: int) -> float | None:
    """Welch-Satterthwaite's nu of step 6 for an ellipse on d axes; None where the design has too few answers.

    Whether an ellipse is drawn must not depend on what was answered, else those drawn cover less than
    they say (two queries of two answers: .68 of those with nu > d). So the degrees of freedom that the
    design fixes decide, d + 1 at least, and an estimate below d counts as d, the widest ellipse there is.
    """
    if spread.free < d + 1:
        return None
    if spread.pieces <= 0:
        return np.inf
    return max(float(size(spread.covariance)) / spread.pieces - 2, float(d))


def radius(level: float, d: int, nu: float) -> float | None:
    """Square root of d nu/(nu-d+1) F_{level; d, nu-d+1}; None below nu = d, 0 for d = 0."""
    from scipy.special import chdtri, fdtri

    if d == 0:
        return 0.0
    if np.isinf(nu):
        return float(np.sqrt(chdtri(d, 1 - level)))
    if nu < d:
        return None
    return float(np.sqrt(d * nu / (nu - d + 1) * fdtri(d, nu - d + 1, level)))


def outline(centre: Floats, covariance: Floats, size: float, points: int) -> Floats:
    """(points, 2) outline of an ellipse of radius `size`; of an ellipsoid, its shadow on two axes."""
    values, vectors = np.linalg.eigh(covariance[:2, :2])
    angles = np.linspace(0.0, 2 * np.pi, points)
    circle = np.stack([np.cos(angles), np.sin(angles)])[: len(values)]
    drawn = centre[:2] + size * (vectors * np.sqrt(np.maximum(values, 0.0)) @ circle).T
    return np.asarray(np.pad(drawn, ((0, 0), (0, 2 - drawn.shape[1]))))
