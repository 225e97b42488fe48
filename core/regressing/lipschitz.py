"""How fast scores change over the map, and what the nearest run then says of a new one. A heuristic.

The largest observed change of score per distance is no bound on what was not observed; the share of runs
for which the bound held without them says how far to trust it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import StatisticsError
from core.statistics.answers import Floats, Integers

LABEL = "heuristic: the largest change seen between two runs is no guarantee for a third"


@dataclass(frozen=True, eq=False)
class Lipschitz:
    """constant: largest change of score per map distance, None where two runs on one point differ in score.

    pair: places of the two runs it comes from. held: share of runs whose score lies within the
    nearest-neighbour bound that the others give. label: what must stand beside it.
    """

    points: Floats
    scores: Floats
    constant: float | None
    pair: tuple[int, int]
    held: float | None
    label: str = LABEL

    def bound(self, point: Floats) -> tuple[int, float, float] | None:
        """Place of the run nearest to a point (d,), and the lowest and highest score its distance allows."""
        if self.constant is None:
            return None
        apart = np.linalg.norm(self.points - point, axis=1)
        near = int(apart.argmin())
        reach = self.constant * float(apart[near])
        return near, float(self.scores[near]) - reach, float(self.scores[near]) + reach


def lipschitz(points: Floats, scores: Floats, groups: Integers | None = None) -> Lipschitz:
    """The check over runs at points (n, d); runs of one group (one setting) are not compared.

    Raises StatisticsError where fewer than two groups are given.
    """
    names = np.arange(len(points)) if groups is None else groups
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    change = np.abs(scores[:, None] - scores[None])
    other = names[:, None] != names[None]
    if not other.any():
        raise StatisticsError("One setting alone shows no change of score over the map; score runs at other settings.")
    tiny = 1e-9 * float(apart.max())
    # Runs on one point that score the same say nothing; that score differently, that no constant exists.
    ratio = np.where(apart > tiny, change / np.where(apart > tiny, apart, 1.0), np.where(change > 0, np.inf, 0.0))
    ratio = np.where(other, ratio, 0.0)
    steepest = np.unravel_index(int(ratio.argmax()), ratio.shape)
    pair = (int(min(steepest)), int(max(steepest)))
    if not np.isfinite(ratio.max()):
        return Lipschitz(points, scores, None, pair, None)
    held = []
    for i in range(len(points)):
        rest = names != names[i]
        without = float(ratio[np.ix_(rest, rest)].max())
        near = int(np.where(rest, apart[i], np.inf).argmin())
        held.append(change[i, near] <= without * apart[i, near] * (1 + 1e-12))
    return Lipschitz(points, scores, float(ratio.max()), pair, float(np.mean(held)))
