"""Algebra of Gram matrices of generators: sums over queries, centring, noise, distances, leading directions.

Everything here is (n, n), whatever the number of queries and the length of vectors (`dkps.md`, "Definitions").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.statistics.answers import Floats

TINY = 1e-12

LEAST_LANCZOS = 100
"""Generators from which the leading eigenpairs are sought by Lanczos first."""

MOST_DENSE = 500
"""Generators up to which a debiased Gram is decomposed whole."""

QUERIES_AT_ONCE = 16
"""Queries copied together where a weighted sum is made from means."""

EXTRA, PASSES = 20, 8
"""Directions beyond those asked for, and passes over the rows, of the randomised road."""


def summed_gram(means: NDArray[np.floating], weights: Floats) -> Floats:
    """sum_j w_j X_j X_j' (n, n) of (n, m, p) means, nothing kept for each query.

    Costs n^2 m p multiplications and, unless all queries weigh the same, a copy of QUERIES_AT_ONCE queries.
    Works in the precision of `means`.
    """
    n = len(means)
    if np.all(weights == weights[0]):
        rows = means.reshape(n, -1)
        return np.asarray(weights[0] * (rows @ rows.T).astype(np.float64, copy=False))
    chosen = np.flatnonzero(weights)
    total = np.zeros((n, n))
    for start in range(0, len(chosen), QUERIES_AT_ONCE):
        some = chosen[start : start + QUERIES_AT_ONCE]
        part = means[:, some]
        part *= np.sqrt(weights[some]).astype(means.dtype)[:, None]
        rows = part.reshape(n, -1)
        total += rows @ rows.T
    return total


def double_centred(gram: Floats) -> Floats:
    """B = H K H, the Gram of the same rows about their mean."""
    mean = gram.mean(axis=0)
    centred = gram - mean
    centred -= (mean - mean.mean())[:, None]
    return np.asarray(centred)


def centred_noise(tau: Floats) -> Floats:
    """H diag(tau) H (n, n): what noise adds to B on average (`dkps.md`, "Noise pushes points outward")."""
    n = len(tau)
    noise = -(tau[:, None] + tau) / n + tau.sum() / n**2
    noise[np.diag_indices(n)] += tau
    return np.asarray(noise)


def squared_distances(gram: Floats, tau: Floats) -> Floats:
    """D^2 - tau_i - tau_k (n, n) with a diagonal of 0; with tau > 0 entries may be slightly negative."""
    own = np.diagonal(gram) - tau
    squared = own[:, None] + own - 2 * gram
    np.fill_diagonal(squared, 0.0)
    return np.asarray(squared)


def leading_eigenpairs(matrix: Floats, count: int) -> tuple[Floats, Floats]:
    """The largest eigenvalues (k,) of a symmetric matrix, descending, and their vectors (n, k); k = min(count, n).

    Lanczos to round-off (`scipy.sparse.linalg.eigsh`) from a fixed starting vector; dense where the matrix
    is small, and where too many restarts show that it would cost more than a dense decomposition.
    """
    from scipy.linalg import eigh
    from scipy.sparse.linalg import ArpackError, eigsh

    n = len(matrix)
    count = min(count, n)
    if count == 0:
        return np.zeros(0), np.zeros((n, 0))
    if n > LEAST_LANCZOS and count < n // 10:
        start = np.random.default_rng(0).normal(size=n)
        try:
            values, vectors = eigsh(matrix, k=count, which="LA", v0=start, maxiter=max(10, n // 10))
        except ArpackError:  # identical generators, or eigenvalues too close to tell apart
            pass
        else:
            order = np.argsort(values)[::-1]
            return np.asarray(values[order]), np.asarray(vectors[:, order])
    values, vectors = eigh(matrix, subset_by_index=(n - count, n - 1), check_finite=False)
    return np.asarray(values[::-1]), np.asarray(vectors[:, ::-1])


def leading_directions(b: Floats, tau: Floats, dimension: int) -> Floats:
    """(n, k) top eigenvectors of B - H diag(tau) H, in descending order; k < dimension where rank is short.

    b: double-centred Gram. Up to MOST_DENSE generators the vectors are sought inside the range of B, so that
    no axis stands on noise that is subtracted where nothing was. Beyond, they are those of the debiased Gram
    as it stands, which is the same where B has its full rank n - 1 (m p >= n, no generator twice).
    """
    n = len(b)
    if n > MOST_DENSE or not tau.any():
        # The vector of ones has eigenvalue 0; moved below all others it never stands among the axes.
        moved = b - (tau.max() + np.trace(b) / n) / n
        if tau.any():
            moved -= centred_noise(tau)
        _, vectors = leading_eigenpairs(moved, min(dimension, n - 1))
        along = np.einsum("nk,nk->k", vectors, b @ vectors)
        return np.asarray(vectors[:, along > TINY * max(1.0, float(along.max(initial=0.0)))])
    values, vectors = np.linalg.eigh(b)
    inside = vectors[:, values > TINY * max(1.0, float(values[-1]))]
    _, top = np.linalg.eigh(inside.T @ (b - centred_noise(tau)) @ inside)
    return np.asarray(inside @ top[:, ::-1][:, :dimension])


def randomised_directions(rows: Floats, tau: Floats, dimension: int, seed: int) -> Floats:
    """`leading_directions` of the Gram of centred rows (n, mp), which is never formed; approximate.

    Randomised subspace iteration (Halko, Martinsson and Tropp 2011) on B - H diag(tau) H, shifted to be
    positive: PASSES passes over the rows with EXTRA directions more than asked for, whatever n.
    """
    n, width = rows.shape
    shift = float(tau.max(initial=0.0))

    def debiased(q: Floats) -> Floats:
        noise = tau[:, None] * q
        return np.asarray(rows @ (rows.T @ q) - (noise - noise.mean(axis=0)))

    q = np.random.default_rng(seed).normal(size=(n, min(dimension + EXTRA, n - 1, width)))
    for _ in range(PASSES):
        q, _ = np.linalg.qr(q - q.mean(axis=0))
        q = debiased(q) + shift * q
    q, _ = np.linalg.qr(q - q.mean(axis=0))
    _, top = np.linalg.eigh(q.T @ debiased(q))
    found = q @ top[:, ::-1][:, :dimension]
    along = ((rows.T @ found) ** 2).sum(axis=0)
    return np.asarray(found[:, along > TINY * max(1.0, float(along.max(initial=0.0)))])
