"""Models that predict by weights: a score is foretold as a weighted sum of those learnt from.

Ridge, least squares, nearest neighbours and a Gaussian process of given length and noise are all linear in the
scores, and the weights know nothing of these. So one set of weights serves every permutation of the scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import SettingsError
from core.statistics.answers import Floats

Model = Literal["ridge", "least squares", "nearest neighbours", "gaussian process"]

MODELS: tuple[Model, ...] = ("ridge", "least squares", "nearest neighbours", "gaussian process")

PENALTIES = (10.0, 1.0, 0.3, 0.1, 0.03, 0.003)
"""Ridge penalties over the sum of squares of the longest axis, the strongest first."""

NEIGHBOURS = (7, 5, 3, 2, 1)

LENGTHS = (4.0, 2.0, 1.0)
"""Lengths of the Gaussian process over the median distance of the runs."""

NOISES = (1.0, 0.3, 0.05)
"""Variance of noise over that of the Gaussian process."""


@dataclass(frozen=True)
class Candidate:
    """One way to tune a model: `size` numbers its design (for a map, the axes used), the rest its tuning."""

    size: int
    penalty: float | None = None
    neighbours: int | None = None
    length: float | None = None
    noise: float | None = None


def candidates(model: Model, sizes: tuple[int, ...]) -> tuple[Candidate, ...]:
    """All tunings of a model over designs of these sizes, in the order of `weights`: the simplest first.

    Raises SettingsError for a model that does not exist.
    """
    if model == "ridge":
        return tuple(Candidate(size, penalty=penalty) for size in sizes for penalty in PENALTIES)
    if model == "least squares":
        return tuple(Candidate(size) for size in sizes)
    if model == "nearest neighbours":
        return tuple(Candidate(size, neighbours=k) for size in sizes for k in NEIGHBOURS)
    if model == "gaussian process":
        return tuple(
            Candidate(size, length=length, noise=noise) for size in sizes for length in LENGTHS for noise in NOISES
        )
    raise SettingsError(
        f"There is no model named {model!r}; choose ridge, least squares, nearest neighbours or gaussian process."
    )


def weights(model: Model, train: Floats, target: Floats) -> Floats:
    """(C, t, n) weights of n training runs in the prediction of t targets, for every candidate.

    train: (S, n, K) and target: (S, t, K) columns of every design, unused ones 0 in both. Weights of a row
    sum to 1.
    """
    centre = train.mean(axis=1, keepdims=True)
    train, target = train - centre, target - centre
    if model == "ridge":
        return _ridge(train, target)
    if model == "least squares":
        return _least_squares(train, target)
    if model == "nearest neighbours":
        return _nearest(train, target)
    return _gaussian(train, target)


def _ridge(train: Floats, target: Floats) -> Floats:
    """1/n + x' (X'X + a I)^-1 X', a = penalty times the largest sum of squares of a column."""
    s, n, k = train.shape
    products = train.transpose(0, 2, 1) @ train
    longest = np.diagonal(products, axis1=1, axis2=2).max(axis=1)
    # Runs that all lie on one point have no slope: any penalty gives their mean.
    alpha = np.outer(np.where(longest > 0, longest, 1.0), PENALTIES)
    system = products[:, None] + alpha[:, :, None, None] * np.eye(k)
    right = np.broadcast_to(target.transpose(0, 2, 1)[:, None], (s, len(PENALTIES), k, target.shape[1]))
    slopes = np.linalg.solve(system, right).transpose(0, 1, 3, 2)
    return np.asarray((slopes @ train.transpose(0, 2, 1)[:, None] + 1 / n).reshape(-1, target.shape[1], n))


def _least_squares(train: Floats, target: Floats) -> Floats:
    """Ridge without a penalty; the shortest slope where columns depend on one another."""
    products = train.transpose(0, 2, 1) @ train
    inverse = np.linalg.pinv(products, rcond=1e-10, hermitian=True)
    return np.asarray(target @ inverse @ train.transpose(0, 2, 1) + 1 / train.shape[1])


def _nearest(train: Floats, target: Floats) -> Floats:
    """1/k for the k nearest, for every k there are runs for; all of them beyond."""
    n = train.shape[1]
    order = np.argsort(_squared(target, train), axis=2, kind="stable")
    rank = np.argsort(order, axis=2, kind="stable")
    k = np.minimum(NEIGHBOURS, n)[:, None, None]
    return np.asarray(((rank[:, None] < k) / k).reshape(-1, target.shape[1], n))


def _gaussian(train: Floats, target: Floats) -> Floats:
    """1/n + k' (K + noise I)^-1 (I - 11'/n), K the squared exponential about the mean of the scores."""
    n, t = train.shape[1], target.shape[1]
    between, across = _squared(train, train), _squared(target, train)
    upper = np.triu_indices(n, 1)
    middle = np.median(between[:, upper[0], upper[1]], axis=1)
    scale = 2 * np.multiply.outer(np.where(middle > 0, middle, 1.0), np.square(LENGTHS))[:, :, None, None]
    kernel = np.exp(-between[:, None] / scale)[:, :, None] + np.array(NOISES)[:, None, None] * np.eye(n)
    right = np.exp(-across[:, None] / scale).transpose(0, 1, 3, 2)[:, :, None]
    found = np.linalg.solve(kernel, np.broadcast_to(right, (*kernel.shape[:3], n, t))).swapaxes(-1, -2)
    found = found - found.mean(axis=-1, keepdims=True) + 1 / n
    return np.asarray(found.reshape(-1, t, n))


def _squared(rows: Floats, others: Floats) -> Floats:
    """(S, t, n) squared distances of rows (S, t, K) and others (S, n, K)."""
    own = (rows**2).sum(axis=2)[:, :, None] + (others**2).sum(axis=2)[:, None]
    return np.asarray(np.maximum(own - 2 * rows @ others.transpose(0, 2, 1), 0.0))
