"""The scree of a map: how much of it is noise, and how many axes it suggests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.statistics.answers import Floats
from core.statistics.axes import eigenvalues
from core.statistics.halves import Halves

MOST_ROWS = 800
"""Generators times halvings that are worth their time: the noise of many generators averages itself."""


def noise_floor(halves: Sequence[Halves]) -> Floats:
    """(n - 1,) eigenvalues of H N N'H, rows of N being (A - B)/2 of equal halves, averaged over halvings.

    0 where generators could not be split: their noise is unknown (`dkps.md`, "New generators, dimension").
    """
    n, (m, p) = len(halves), halves[0].full.means.shape
    splits = max(len(h.noise) for h in halves)
    total = np.zeros(max(n - 1, 0))
    for number in range(splits):
        rows = np.zeros((n, m * p), dtype=np.float32)
        for row, h in zip(rows, halves, strict=True):
            if len(h.noise):
                row[:] = h.noise[number % len(h.noise)].ravel()
        gram = (rows @ rows.T).astype(np.float64) / m
        gram -= gram.mean(axis=0)
        total += eigenvalues(gram - gram.mean(axis=1, keepdims=True))
    return np.asarray(total / max(splits, 1))


def elbow(scree: Floats) -> int | None:
    """How many axes stand out, by the profile likelihood of Zhu and Ghodsi (2006); a hint, not a test.

    The first q eigenvalues and the others are two normal samples of one variance; q from 1 to len - 1
    makes them likeliest. None below three eigenvalues or where all are equal.
    """
    count = len(scree)
    if count < 3 or np.ptp(scree) <= 1e-12 * max(1.0, float(np.abs(scree).max())):
        return None
    within = [len(x) * float(x.var()) for x in _halves(scree)]
    pooled = np.add(within[::2], within[1::2])
    # One variance for both groups: the likelihood falls with the pooled sum of squares alone.
    return int(np.argmin(pooled)) + 1


def _halves(scree: Floats) -> list[Floats]:
    return [part for q in range(1, len(scree)) for part in (scree[:q], scree[q:])]
