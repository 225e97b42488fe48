"""Estimates with 95% intervals: the delete-one jackknife for everything smooth, Wilson for shares of rows.

The unit that is left out is what is independent: a sample, or a chain where samples read earlier ones.
Nothing here resamples with repetition: repeats would count as duplicates in every n-gram and pair statistic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """A value and its 95% interval; None where it is unknown, never NaN."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def mapped(self, function: Callable[[float], float]) -> Estimate:
        """Value and both ends through an increasing function."""
        ends = (None if x is None else function(x) for x in (self.value, self.low, self.high))
        return Estimate(*ends)


UNKNOWN = Estimate(None)


def jackknife(value: float, *groups: Floats, lowest: float = -math.inf, highest: float = math.inf) -> Estimate:
    """Interval from the values with one unit left out: variance (n-1)/n sum (x - mean)^2, t with n-1.

    groups: (n,) one value a unit; a second array for the other side of a two-sample statistic:
    variances add, the smaller group gives the degrees of freedom (Efron and Stein 1981).
    Fewer than 2 units, or a statistic that needs every unit (NaN without one): no interval.
    Ends are clipped to [lowest, highest].
    """
    sizes = [len(group) for group in groups]
    if min(sizes) < 2 or not all(np.isfinite(group).all() for group in groups):
        return Estimate(value)
    variance = sum((n - 1) * float(group.var()) for n, group in zip(sizes, groups, strict=True))
    half = _t_quantile(min(sizes) - 1) * math.sqrt(variance)
    return Estimate(value, max(lowest, value - half), min(highest, value + half))


def without_each(numerators: Floats, denominators: Floats, units: Ints) -> Floats:
    """Sum over sum with each unit left out in turn, NaN where no denominator is left.

    numerators, denominators, units: one entry a row, units numbered from 0.
    """
    held = np.bincount(units) > 0
    tops = numerators.sum() - np.bincount(units, numerators)[held]
    bottoms = denominators.sum() - np.bincount(units, denominators)[held]
    # What cancels to round-off is nothing left.
    left = bottoms > 1e-12 * denominators.sum()
    ratios = np.full(len(tops), np.nan)
    np.divide(tops, bottoms, out=ratios, where=left)
    return ratios


def ratio(numerators: Floats, denominators: Floats, units: Ints, highest: float = math.inf) -> Estimate:
    """Sum over sum, one pair of non-negative numbers a row; the delete-one-unit jackknife.

    units: (rows,) unit of each row, numbered from 0. Unknown where the denominators sum to 0.
    """
    total = float(denominators.sum())
    if total <= 0:
        return UNKNOWN
    each = without_each(numerators, denominators, units)
    return jackknife(float(numerators.sum()) / total, each, lowest=0.0, highest=highest)


def share(flags: NDArray[np.bool_], units: Ints) -> Estimate:
    """Share of rows with a flag: Wilson's interval where every row is a unit, else the jackknife over units.

    flags, units: (n,) one a row, units numbered from 0.
    """
    n, hits = len(flags), int(flags.sum())
    if n == 0:
        return UNKNOWN
    if np.bincount(units).max() == 1:
        return Estimate(hits / n, *wilson(hits, n)) if n > 1 else Estimate(hits / n)
    return with_honest_zero(ratio(flags.astype(np.float64), np.ones(n), units, 1.0), n)


def with_honest_zero(found: Estimate, n: int) -> Estimate:
    """Where none (or all) of n rows counted, the jackknife sees no spread: take the end from Wilson."""
    if found.low is None or found.low != found.high:
        return found
    if found.value == 0.0:
        return Estimate(0.0, 0.0, wilson(0, n)[1])
    if found.value == 1.0:
        return Estimate(1.0, wilson(n, n)[0], 1.0)
    return found


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's score interval of hits out of n independent rows (Wilson 1927)."""
    z2 = _t_quantile(math.inf) ** 2
    rate = hits / n
    middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == n else min(1.0, middle + half)
    return low, high


def _t_quantile(degrees: float) -> float:
    from scipy.special import ndtri, stdtrit

    upper = (1 + LEVEL) / 2
    return float(ndtri(upper)) if math.isinf(degrees) else float(stdtrit(degrees, upper))
