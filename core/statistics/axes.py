"""Axes of the perspective space: PCA of stacked cell means, which is classical MDS of their distances.

Pure linear algebra on arrays. Nothing of size (mp, mp) is formed: everything goes through (n, n) Grams.
"""

from __future__ import annotations

import numpy as np

from core.statistics.answers import Floats
from core.statistics.gram import centred_noise, leading_directions


def stacked(means: Floats) -> Floats:
    """Rows vec(X_i)/sqrt(m) of the (n, m, p) means, centred over the generators: (n, mp)."""
    n, m, _ = means.shape
    rows = np.asarray(means.reshape(n, -1) / np.sqrt(m))
    rows -= rows.mean(axis=0)
    return rows


def gram(rows: Floats, tau: Floats) -> Floats:
    """B - H diag(tau) H, the debiased double-centred Gram (n, n) of centred rows (`dkps.md`, "Noise")."""
    return np.asarray(rows @ rows.T - centred_noise(tau))


def eigenvalues(centred_gram: Floats) -> Floats:
    """The n - 1 eigenvalues of a double-centred Gram, largest first; debiased ones may be negative."""
    n = len(centred_gram)
    if n < 2:
        return np.zeros(0)
    # Without this reflection the eigenvalue 0 of the vector of ones would stand among the negative ones.
    mirror = np.full(n, 1 / np.sqrt(n))
    mirror[0] += 1.0
    mirror /= np.linalg.norm(mirror)
    seen = centred_gram @ mirror
    seen = 2 * (seen - (mirror @ seen) * mirror)
    reflected = centred_gram - np.outer(seen, mirror) - np.outer(mirror, seen)
    return np.asarray(np.linalg.eigvalsh(reflected[1:, 1:])[::-1])


def principal_axes(means: Floats, tau: Floats, dimension: int) -> Floats:
    """Orthonormal axes (m, p, d) of (n, m, p) means with noise tau (n,); d <= dimension where rank is short.

    The top eigenvectors U of the debiased Gram, then the orthonormal polar factor of Y'U. With tau = 0
    these are the principal axes and Y V equals the classical MDS of D up to signs.
    """
    _, m, p = means.shape
    rows = stacked(means)
    chosen = leading_directions(rows @ rows.T, tau, dimension)
    return polar(rows.T @ chosen).reshape(m, p, chosen.shape[1])


def polar(matrix: Floats) -> Floats:
    """The orthonormal factor of a (k, d) matrix: the nearest matrix with orthonormal columns."""
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    return np.asarray(left @ right)


def inverse_root(matrix: Floats) -> Floats:
    """M^(-1/2) of a symmetric positive definite (d, d) matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors / np.sqrt(values) @ vectors.T)


def steady_signs(points: Floats) -> Floats:
    """(d,) signs: on each axis the first generator at least half as far out as the farthest is positive."""
    signs = np.ones(points.shape[1])
    for axis, column in enumerate(points.T):
        far = np.flatnonzero(np.abs(column) >= 0.5 * np.abs(column).max(initial=0.0))
        if len(far) and column[far[0]] < 0:
            signs[axis] = -1.0
    return signs


def turn(points: Floats, target: Floats) -> Floats:
    """The (d, d) rotation or reflection that brings points nearest to target, both (k, d) (Procrustes).

    Directions that the shared points do not decide stay as they are.
    """
    product = points.T @ target
    scale = float(np.linalg.norm(product))
    return polar(product + 1e-9 * scale * np.eye(len(product))) if scale > 0 else np.eye(len(product))
