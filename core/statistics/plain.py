"""The plain map: every answer fits the axes and is placed on them. Exact, quick to refit, and without ellipses.

Three roads lead to the same points: classical MDS of the distances, PCA of the stacked means (`pca_map`) and
one Gram matrix (`plain_map`; `core.statistics.query_grams` keeps one a query for refits). The map that is drawn
with its uncertainty is the cross-fitted one of `core.perspective` (`dkps.md`, "Definitions").
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import StatisticsError
from core.statistics.answers import Floats, Integers
from core.statistics.axes import inverse_root, polar, principal_axes, stacked, steady_signs
from core.statistics.gram import (
    double_centred,
    leading_directions,
    randomised_directions,
    squared_distances,
    summed_gram,
)

Means = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class PlainFit:
    """A plain map of n generators, from their Gram matrix alone.

    points: (n, d) on the axes, relative to the generators' mean; columns from `rank` on are 0.
    eigenvalues: (d,) of the debiased B, may be negative; total: its trace. scaled: (n, d) classical MDS
    of the debiased distances, U Lambda^(1/2) with negative eigenvalues taken as 0: equal to `points` where
    no noise is subtracted, else a little nearer the centre. projector: (n, d) from inner products with the
    map's generators to coordinates. gram: (n, n) weighted sum of the queries' Grams, not centred; tau: (n,)
    noise, 0 where none is known. weights: (m,) of the queries; generators: (n,) places in the `PlainGrams`.
    """

    points: Floats
    eigenvalues: Floats
    total: float
    rank: int
    scaled: Floats
    projector: Floats
    gram: Floats
    tau: Floats
    weights: Floats
    generators: Integers

    def squared_distances(self) -> Floats:
        """(n, n) D^2 over the map's queries, less the noise of both sides; may be slightly negative."""
        return squared_distances(self.gram, self.tau)

    def place(self, products: Floats) -> Floats:
        """Points (..., d) of generators with inner products (..., n) with the map's, weighted like `gram`.

        Gower's formula (1968), written in inner products: a generator of the map comes out at its own row.
        """
        return np.asarray((products - self.gram.mean(axis=0)) @ self.projector)


def plain_map(means: Means, dimension: int, noise: Floats | None = None) -> PlainFit:
    """The plain map of (n, m, p) means by one Gram matrix; noise (n, m) squared noise of every mean.

    The quickest road to a single map: nothing is kept for each query. Raises StatisticsError as
    `PlainGrams.of` does.
    """
    n, m, _ = shape_of(means, noise)
    weights = np.full(m, 1 / m)
    tau = np.zeros(n) if noise is None else noise @ weights
    return fit_gram(summed_gram(means, weights), tau, dimension, weights, np.arange(n))


def fit_gram(gram: Floats, tau: Floats, dimension: int, weights: Floats, generators: Integers) -> PlainFit:
    """The map of a Gram (n, n), not centred, with noise tau (n,).

    U from the debiased B, then points B U (U'BU)^(-1/2): projections on the orthonormal factor of Y'U.
    """
    if dimension < 1:
        raise StatisticsError(f"A map of {dimension} dimensions cannot be drawn; choose 2 or 3.")
    finite(gram)
    b = double_centred(gram)
    u = leading_directions(b, tau, dimension)
    projector = u @ inverse_root(u.T @ b @ u)
    points = b @ projector
    signs = steady_signs(points)
    away = u - u.mean(axis=0)
    values = np.einsum("nk,nk->k", u, b @ u) - tau @ away**2
    missing = ((0, 0), (0, dimension - u.shape[1]))
    return PlainFit(
        points=np.pad(points * signs, missing),
        eigenvalues=np.pad(values, missing[1]),
        total=float(np.trace(b) - tau.sum() * (1 - 1 / len(tau))),
        rank=u.shape[1],
        scaled=np.pad(u * signs * np.sqrt(np.maximum(values, 0.0)), missing),
        projector=np.pad(projector * signs, missing),
        gram=gram,
        tau=tau,
        weights=weights,
        generators=generators,
    )


@dataclass(frozen=True, eq=False)
class PcaMap:
    """The plain map with its axes: points (n, d), orthonormal axes (m, p, d), centre (m, p)."""

    points: Floats
    axes: Floats
    centre: Floats

    def place(self, means: Means) -> Floats:
        """Points (k, d) of generators with means (k, m, p), without refitting."""
        m, p, d = self.axes.shape
        rows = (means - self.centre).reshape(-1, m * p)
        return np.asarray(rows @ self.axes.reshape(m * p, d) / np.sqrt(m))


def pca_map(means: Means, dimension: int, noise: Floats | None = None, *, seed: int | None = None) -> PcaMap:
    """The plain map of (n, m, p) means by PCA of the rows vec(X_i)/sqrt(m).

    With `seed` the axes are found by `randomised_directions` and no (n, n) matrix is formed, for tens of
    thousands of generators. Raises StatisticsError as
    `PlainGrams.of` does.
    """
    n, m, p = shape_of(means, noise)
    finite(means)
    tau = np.zeros(n) if noise is None else noise.mean(axis=1)
    if seed is None:
        axes = principal_axes(np.asarray(means, dtype=np.float64), tau, dimension)
    else:
        rows = stacked(np.asarray(means, dtype=np.float64))
        axes = polar(rows.T @ randomised_directions(rows, tau, dimension, seed)).reshape(m, p, -1)
    found = PcaMap(np.zeros((n, axes.shape[2])), axes, np.asarray(means.mean(axis=0)))
    points = found.place(means)
    signs = steady_signs(points)
    return replace(found, points=points * signs, axes=axes * signs)


def shape_of(means: Means, noise: Floats | None) -> tuple[int, int, int]:
    """(n, m, p) of means and noise that fit together, or StatisticsError."""
    if means.ndim != 3 or 0 in means.shape:
        raise StatisticsError("A plain map needs means of n generators, m queries and p numbers, none of them 0.")
    n, m, p = means.shape
    if noise is not None and (noise.shape != (n, m) or not np.isfinite(noise).all()):
        raise StatisticsError(f"Noise is one finite number for each of {n} generators and {m} queries; make it again.")
    return n, m, p


def finite(products: Means) -> None:
    """StatisticsError where inner products show a mean that is not finite."""
    if not np.isfinite(products).all():
        raise StatisticsError("The means hold values that are not finite; embed again.")
