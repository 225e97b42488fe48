"""Who is left out together, at both levels: the outer folds judge, the inner ones choose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import StatisticsError
from core.regressing.runs import Runs
from core.statistics.answers import Integers

MOST_OUTER = 60
"""Groups beyond which several are left out at a time, so that time does not grow with their square."""

EACH_INNER = 40
"""Groups up to which the inner folds leave out one at a time."""

INNER = 10

LEAST_SETTINGS = 4

LEAST_FAMILIES = 3
"""Families left in training from which the inner folds leave out a family too; below, a setting."""


@dataclass(frozen=True)
class Folds:
    """outer: places of the runs of every outer fold; inner[o]: those of the inner folds within the rest.

    together: the outer folds hold more than one group each.
    """

    count: int
    outer: tuple[Integers, ...]
    inner: tuple[tuple[Integers, ...], ...]
    together: bool

    def rest(self, *left: Integers) -> Integers:
        """Places of the runs that are in none of these."""
        kept = np.ones(self.count, dtype=bool)
        for places in left:
            kept[places] = False
        return np.flatnonzero(kept)

    @property
    def smallest(self) -> int:
        """Runs in the smallest training set of all."""
        return min(len(self.rest(o, i)) for o, inner in zip(self.outer, self.inner, strict=True) for i in inner)


def folds(runs: Runs, seed: int = 0) -> Folds:
    """The folds of these runs: one group each, or several dealt together where there are many.

    Depends on settings, families and the seed alone, never on scores or answers. Raises StatisticsError where
    fewer than two runs would be left to learn from.
    """
    rng = np.random.default_rng(seed)
    groups, settings = runs.groups(), runs.same_setting()
    if (count := len(np.unique(settings))) < LEAST_SETTINGS:
        raise StatisticsError(
            f"The {runs.count} runs have {count} different settings, too few to leave some out "
            "and learn from the rest; score runs at more settings."
        )
    outer = _dealt(groups, MOST_OUTER, MOST_OUTER, rng)
    inner = []
    for left in outer:
        kept = np.ones(runs.count, dtype=bool)
        kept[left] = False
        places = np.flatnonzero(kept)
        names = groups if len(np.unique(groups[places])) >= LEAST_FAMILIES else settings
        inner.append(tuple(places[block] for block in _dealt(names[places], EACH_INNER, INNER, rng)))
    found = Folds(runs.count, outer, tuple(inner), len(np.unique(groups)) > MOST_OUTER)
    if min(len(each) for each in found.inner) < 2 or found.smallest < 2:
        raise StatisticsError(
            f"Without the largest model family too few of the {runs.count} runs are left to learn from; "
            "score runs of other families."
        )
    return found


def _dealt(names: Integers, most: int, few: int, rng: np.random.Generator) -> tuple[Integers, ...]:
    """Places of every name; beyond `most` names these are dealt into `few` hands."""
    _, number = np.unique(names, return_inverse=True)
    count = int(number.max()) + 1
    if count > most:
        number, count = (rng.permutation(count) % few)[number], few
    return tuple(np.flatnonzero(number == hand) for hand in range(count))
