"""One Gram matrix a query, kept: any subset, weighting or addition is then sums and a small eigendecomposition.

`dkps.md`, "Definitions". The answers themselves are not needed again, and neither is the length of vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.errors import StatisticsError
from core.statistics.answers import Floats, Integers
from core.statistics.gram import squared_distances
from core.statistics.plain import Means, PlainFit, finite, fit_gram, shape_of

GENERATORS_A_BLOCK = 128
"""Generators whose inner products with themselves and with all before them are kept together."""

Precision = type[np.float64] | type[np.float32]


@dataclass(frozen=True, eq=False)
class PlainGrams:
    """Inner products of n generators' means, query by query: what every refit is made from.

    Made by `of` and `add`. means: arrays (k, m, p) of generators that came together. blocks: for each k
    generators, (m, k, n_k) products with themselves and all before them, so that generators come in by
    appending and half of every symmetric Gram is not kept: about n^2 m / 2 numbers, 4 bytes each with
    dtype float32. noise: (n, m) squared noise of every mean, or None.
    """

    means: tuple[Means, ...]
    blocks: tuple[Means, ...]
    noise: Floats | None

    @classmethod
    def of(cls, means: Means, noise: Floats | None = None, *, dtype: Precision = np.float64) -> PlainGrams:
        """Grams of n generators with means (n, m, p) of their answers to every query.

        noise: (n, m), `CellNoise.noise` of each generator, subtracted from every map and distance made
        here; None leaves it in. dtype float32 halves memory and time; squared distances of up to 4 were
        then off by at most 3e-6 and points by 1e-7 (300 generators, 100 queries, 384 numbers). Raises
        StatisticsError where shapes do not fit or a value is not finite.
        """
        n, m, _ = shape_of(means, noise)
        means = np.asarray(means, dtype=dtype)
        edges = [*range(0, n, GENERATORS_A_BLOCK), n]
        blocks = tuple(np.empty((m, end - start, end), dtype=means.dtype) for start, end in pairwise(edges))
        for j in range(m):
            rows = np.ascontiguousarray(means[:, j])
            for block in blocks:
                _, k, end = block.shape
                np.matmul(rows[end - k : end], rows[:end].T, out=block[j])
        # The last row of the last block has met every generator.
        finite(blocks[-1][:, -1])
        return cls((means,), blocks, noise)

    @property
    def count(self) -> int:
        """Generators n."""
        return int(self.blocks[-1].shape[2])

    @property
    def queries(self) -> int:
        """Queries m."""
        return int(self.blocks[-1].shape[0])

    def add(self, means: Means, noise: Floats | None = None) -> PlainGrams:
        """The same Grams with one generator (m, p), or k of them (k, m, p), at the end; nothing is copied.

        Costs n m p multiplications a generator. Raises StatisticsError where shapes do not fit, or where
        noise (k, m) is known on one side only.
        """
        means = np.asarray(means, dtype=self.means[0].dtype)
        means = means[None] if means.ndim == 2 else means
        noise = None if noise is None else np.atleast_2d(noise)
        shape_of(means, noise)
        if means.shape[1:] != self.means[0].shape[1:] or (noise is None) != (self.noise is None):
            raise StatisticsError("The added generators differ in queries, vectors or known noise; embed them alike.")
        new = means.transpose(1, 2, 0)
        products = [known.transpose(1, 0, 2) @ new for known in (*self.means, means)]
        block = np.ascontiguousarray(np.concatenate(products, axis=1).transpose(0, 2, 1))
        finite(block)
        together = None if self.noise is None or noise is None else np.concatenate([self.noise, noise])
        return PlainGrams((*self.means, means), (*self.blocks, block), together)

    def gram(self, weights: Floats) -> Floats:
        """sum_j w_j K_j (n, n), not centred; weights (m,)."""
        from scipy.linalg.blas import daxpy, saxpy

        total = np.empty((self.count, self.count))
        for block in self.blocks:
            _, k, end = block.shape
            summed = np.zeros(k * end, dtype=block.dtype)
            plus = saxpy if block.dtype == np.float32 else daxpy
            for j in np.flatnonzero(weights):
                summed = plus(block[j].ravel(), summed, a=weights[j])
            rows = summed.reshape(k, end)
            total[end - k : end, :end] = rows
            total[: end - k, end - k : end] = rows[:, : end - k].T
        return total

    def fit(
        self,
        dimension: int,
        *,
        queries: Sequence[int] | Integers | None = None,
        weights: Floats | Integers | None = None,
        generators: Sequence[int] | Integers | None = None,
    ) -> PlainFit:
        """The plain map of some of the generators over some of the queries, in the order given.

        weights: one for every chosen query, brought to a sum of 1; all equal where None. A query given
        twice counts twice. Raises StatisticsError where nothing is chosen or an index or weight is wrong.
        """
        share, chosen = self._share(queries, weights), self._chosen(generators)
        gram = self.gram(share)
        tau = np.zeros(self.count) if self.noise is None else self.noise @ share
        if generators is not None:
            gram, tau = gram[np.ix_(chosen, chosen)], tau[chosen]
        return fit_gram(gram, tau, dimension, share, chosen)

    def distances(
        self,
        queries: Sequence[int] | Integers | None = None,
        weights: Floats | Integers | None = None,
        generators: Sequence[int] | Integers | None = None,
    ) -> Floats:
        """(n, n) distances D, debiased where noise is known and 0 where that leaves less than nothing."""
        chosen, share = self._chosen(generators), self._share(queries, weights)
        tau = np.zeros(self.count) if self.noise is None else self.noise @ share
        squared = squared_distances(self.gram(share), tau)[np.ix_(chosen, chosen)]
        return np.sqrt(np.maximum(squared, 0.0))

    def place(self, fit: PlainFit) -> tuple[Floats, Floats]:
        """Points (k, d) and squared distances (k, n) of the generators added last, on an earlier fit of these.

        The map stays as it is: same axes, same centre, same queries.
        """
        block = self.blocks[-1]
        m, k, end = block.shape
        summed = (fit.weights.astype(block.dtype) @ block.reshape(m, -1)).reshape(k, end).astype(np.float64)
        products, own = summed[:, fit.generators], np.diagonal(summed[:, end - k :])
        tau = np.zeros(k) if self.noise is None else self.noise[end - k :] @ fit.weights
        squared = (own - tau)[:, None] + np.diagonal(fit.gram) - fit.tau - 2 * products
        return fit.place(products), squared

    def _share(self, queries: Sequence[int] | Integers | None, weights: Floats | Integers | None) -> Floats:
        """(m,) weights of all queries, with sum 1."""
        chosen = np.arange(self.queries) if queries is None else _indices(queries, self.queries, "query")
        given = np.ones(len(chosen)) if weights is None else np.asarray(weights, dtype=np.float64)
        if given.shape != chosen.shape or not np.isfinite(given).all() or given.min() < 0 or given.sum() <= 0:
            raise StatisticsError(f"Give {len(chosen)} weights, one for every chosen query, none negative, not all 0.")
        return np.asarray(np.bincount(chosen, given / given.sum(), self.queries), dtype=np.float64)

    def _chosen(self, generators: Sequence[int] | Integers | None) -> Integers:
        return np.arange(self.count) if generators is None else _indices(generators, self.count, "generator")


def _indices(given: Sequence[int] | Integers, count: int, what: str) -> Integers:
    chosen = np.asarray(given)
    if chosen.ndim != 1 or len(chosen) == 0 or chosen.dtype.kind not in "iu":
        raise StatisticsError(f"Choose at least one {what} by its place in the list.")
    if chosen.min() < 0 or chosen.max() >= count:
        raise StatisticsError(
            f"There is no {what} at place {int(chosen.max())}; they are counted from 0 to {count - 1}."
        )
    return chosen.astype(np.int64)
