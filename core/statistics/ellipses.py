"""How far a point of the map may lie from its true mean: covariances, degrees of freedom, ellipses.

`dkps.md`, "Uncertainty of a point", steps 4 to 6. All covariances are on the axes of the halves, V_A and
V_B, before the display's T. Generators whose answers come in chains stand beside independent ones:
each brings its own covariance and pieces, and the centre mixes them.

Measured share of 95% ellipses that hold the true mean on the map's own axes (24-dimensional unit vectors,
skewed anisotropic noise, n = 5 and 10, m = 5 and 20, 6 to 12 chains, 150 maps a design, 72 designs each):
chains .938-.993, chains beside independent answers .928-.995; .948 on average where tau / lambda_d is
below .1, .96 to .6, .98 to 2, .99 beyond. Eight strong chains taken for independent answers: .25.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.statistics.answers import Floats
from core.statistics.halves import LEAST_ANSWERS, A, B, Halves


@dataclass(frozen=True)
class Spread:
    """Covariance of a generator's own placement, (d, d), and its Welch-Satterthwaite sum.

    pieces: sum over independent pieces c of [tr(c^2) + (tr c)^2] / (f_c + 2).
    """

    covariance: Floats
    pieces: float


def _size(covariances: Floats) -> Floats:
    """tr(c^2) + (tr c)^2 over the last two axes."""
    trace = np.trace(covariances, axis1=-2, axis2=-1)
    return np.asarray(np.einsum("...ij,...ij->...", covariances, covariances) + trace**2)


def spread(halves: Halves, axes: Floats) -> Spread | None:
    """Covariance of one generator's point about its true mean; None where nothing could be split.

    axes: (2, m, p, d), V_A and V_B. A half is placed on the other half's axes. Independent answers:
    step 4. Chains: each half's placement is clustered by chain, T/(T-1) sum_t g_t g_t', both halves one
    piece with T - 2 degrees of freedom. Where halves are too small for residuals of their own (r = 2,
    T < 4) residuals are about the whole cell's mean: a little too wide, and only used for the centre.
    """
    m, d = axes.shape[1], axes.shape[3]
    units = halves.units
    if halves.answers.deterministic:
        return Spread(np.zeros((d, d)), 0.0)
    if not halves.split:
        return None
    if halves.chained:
        return _chained(halves, _residuals(halves, axes, np.full(m, units.n_chains < LEAST_ANSWERS)))
    short = units.per_cell < 3
    free = np.where(short, 1, units.per_cell - 2)
    z = _residuals(halves, axes, short)
    pooled = z.transpose(0, 1, 3, 2) @ z / free[:, None, None]
    cells = (pooled / halves.counts[[B, A]][:, :, None, None]).sum(axis=0) / (4 * m)
    return Spread(cells.sum(axis=0), float(np.sum(_size(cells) / (free + 2))))


def _residuals(halves: Halves, axes: Floats, short: NDArray[np.bool_]) -> Floats:
    """(2, m, U, d) units on V_A and V_B, about their own half's mean, or their cell's in short cells."""
    units, d = halves.units, axes.shape[3]
    z = units.sums @ np.concatenate(list(axes), axis=2)
    mine = halves.weights
    about_half = np.einsum("hju,hjk->juk", np.sign(mine), np.einsum("hju,juk->hjk", mine, z))
    about_cell = z.sum(axis=1, keepdims=True) / units.answers_per_cell[:, None, None]
    z = z - units.sizes[:, :, None] * np.where(short[:, None, None], about_cell, about_half)
    return np.stack([z[:, :, :d], z[:, :, d:]])


def _chained(halves: Halves, z: Floats) -> Spread:
    """The covariance clustered by chain, from residuals z (2, m, U, d)."""
    total, m = halves.units.n_chains, z.shape[1]
    weights = halves.weights[[B, A]] / np.sqrt(m)
    placed = (z * weights[:, :, :, None]).sum(axis=0)
    chain = np.maximum(halves.units.chain, 0).ravel()
    g = np.zeros((total, z.shape[3]))
    np.add.at(g, chain, placed.reshape(len(chain), -1))
    if total < LEAST_ANSWERS:
        covariance, free = total / (total - 1) * (g.T @ g) / 4, total - 1
    else:
        each = [g[halves.half_of_chain == h] for h in (A, B)]
        covariance = np.sum([len(rows) / (len(rows) - 1) * (rows.T @ rows) for rows in each], axis=0) / 4
        free = total - 2
    return Spread(covariance, float(_size(covariance)) / (free + 2))


def centred(spreads: Sequence[Spread], kappas: Sequence[float], points: Floats) -> tuple[list[Floats], list[float]]:
    """Step 5 and the nu of step 6, for generators that are centred on their own mean.

    points: (n, d). Cov_i = (1 - 2/n) C_i + (1/n^2) sum_l C_l + (1/2) kappa_i a_i a_i', a_i = Lambda^-1 psi_i.
    The pieces of the generator itself weigh (1 - 1/n)^2, those of the others 1/n^2, whatever their kind.
    """
    n = len(spreads)
    total = np.sum([s.covariance for s in spreads], axis=0) / n**2
    others = sum(s.pieces for s in spreads)
    tilt = points @ np.linalg.pinv(points.T @ points)
    covariances, degrees = [], []
    for own, kappa, a in zip(spreads, kappas, tilt, strict=True):
        sampled = (1 - 2 / n) * own.covariance + total
        pieces = (1 - 1 / n) ** 4 * own.pieces + (others - own.pieces) / n**4
        degrees.append(float(_size(sampled)) / pieces - 2 if pieces > 0 else np.inf)
        covariances.append(sampled + 0.5 * kappa * np.outer(a, a))
    return covariances, degrees


def radius(level: float, d: int, nu: float) -> float | None:
    """Square root of d nu/(nu-d+1) F_{level; d, nu-d+1}; None below nu = d + 1, 0 for d = 0."""
    from scipy.special import chdtri, fdtri

    if d == 0:
        return 0.0
    if np.isinf(nu):
        return float(np.sqrt(chdtri(d, 1 - level)))
    if nu < d + 1:
        return None
    return float(np.sqrt(d * nu / (nu - d + 1) * fdtri(d, nu - d + 1, level)))


def outline(centre: Floats, covariance: Floats, size: float, points: int) -> Floats:
    """(points, 2) outline of an ellipse of radius `size`; of an ellipsoid, its shadow on two axes."""
    values, vectors = np.linalg.eigh(covariance[:2, :2])
    angles = np.linspace(0.0, 2 * np.pi, points)
    circle = np.stack([np.cos(angles), np.sin(angles)])[: len(values)]
    drawn = centre[:2] + size * (vectors * np.sqrt(np.maximum(values, 0.0)) @ circle).T
    return np.asarray(np.pad(drawn, ((0, 0), (0, 2 - drawn.shape[1]))))
