"""How many answers a generator needs before its box on fixed axes is as small as one wants.

`dkps.md`, "Budget planner". For the queries of the map: more queries make another map. Every query is taken to be
answered equally often. A plan is a number fixed beforehand, which is what the boxes ask for; stopping
when a live box looks small enough is not.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import SettingsError, StatisticsError
from core.statistics.answers import Answers, Floats
from core.statistics.boxes import Terms, bernstein_width, check_delta, terms

LEAST_EPSILON, LARGEST_EPSILON = 1e-4, 2.0
"""Two means of unit vectors are never farther apart than 2."""
MOST = 2**50
"""More answers than any epsilon above asks for."""


@dataclass(frozen=True)
class Budget:
    """Answers in all until every axis is known to +-epsilon with probability 1 - delta, three ways.

    hoeffding: guaranteed, from nothing but their number. bernstein: guaranteed if answers vary as the
    pilot's do. expected: a normal interval of that variance, not guaranteed. None where unknown, with one
    sentence in `reason`. per_query: the same three a query, rounded up; seconds: how long they take. chained: the
    pilot is written in chains, and each of them answers every query once.
    """

    epsilon: float
    delta: float
    dimension: int
    hoeffding: int
    bernstein: int | None
    expected: int | None
    per_query: Mapping[str, int | None]
    seconds: Mapping[str, float | None]
    queries: int | None
    chained: bool
    reason: str | None


def plan_budget(
    epsilon: float,
    delta: float = 0.05,
    *,
    dimension: int = 2,
    pilot: Answers | None = None,
    blocks: Floats | None = None,
    seconds_per_answer: float | None = None,
) -> Budget:
    """The budget for a box of half-width epsilon on `dimension` axes.

    pilot: answers like those to come; blocks: (m, p, d) axes with V'V = I, whose d then counts. Without both,
    Hoeffding's number alone, which needs neither: N >= 2 log(2d/delta) / epsilon^2. Raises SettingsError
    where epsilon, delta, dimension or seconds make no sense, StatisticsError where pilot and blocks do not fit.
    """
    check_delta(delta)
    if not LEAST_EPSILON <= epsilon < LARGEST_EPSILON:
        limits = f"between {LEAST_EPSILON} and {LARGEST_EPSILON:g}, the largest distance there is"
        raise SettingsError(f"No budget leads to a half-width of {epsilon}; give epsilon {limits}.")
    if dimension < 1:
        raise SettingsError(f"A map of {dimension} dimensions has no box; choose 2 or 3.")
    if seconds_per_answer is not None and not 0 <= seconds_per_answer < math.inf:
        raise SettingsError(f"An answer cannot take {seconds_per_answer} seconds; give a number from 0 up.")
    queries = len(pilot.vectors) if pilot is not None else None if blocks is None else len(blocks)
    d = dimension if blocks is None else blocks.shape[2]
    share = 2 * math.log(2 * d / delta) / epsilon**2
    hoeffding, bernstein, expected, chained = math.ceil(share), None, None, False
    reason: str | None = "Nothing is known of the spread along the axes without a pilot run on its map; name one."
    if pilot is not None and blocks is not None:
        scale = _Scale.of(blocks, pilot)
        chained, reason = scale.chained, None
        if chained:
            hoeffding = scale.answers(share * float(scale.squares.max()))
        if scale.variance is None:
            reason = f"{pilot.key} has no independent repeats to read a spread from; name a run with more answers."
        else:
            bernstein = scale.answers(scale.least(epsilon, delta))
            z = _normal_quantile(1 - delta / (2 * d))
            expected = scale.answers(z**2 * float(scale.variance.max()) / epsilon**2)
    found = {"hoeffding": hoeffding, "bernstein": bernstein, "expected": expected}
    return Budget(
        epsilon,
        delta,
        d,
        hoeffding,
        bernstein,
        expected,
        {name: None if n is None or not queries else math.ceil(n / queries) for name, n in found.items()},
        {
            name: None if n is None or seconds_per_answer is None else n * seconds_per_answer
            for name, n in found.items()
        },
        queries,
        chained,
        reason,
    )


@dataclass(frozen=True, eq=False)
class _Scale:
    """What the box of r answers a query would be made of, (d,) each: variance/r, reach/r and squares/r."""

    m: int
    variance: Floats | None
    reach: Floats
    squares: Floats
    chained: bool

    @classmethod
    def of(cls, blocks: Floats, pilot: Answers) -> _Scale:
        m, _, d = blocks.shape
        if not np.allclose(np.einsum("jpa,jpb->ab", blocks, blocks), np.eye(d), atol=1e-6):
            raise StatisticsError("The axes are not orthonormal; give the blocks V of a map with V'V = I.")
        found = terms(blocks, pilot)
        lengths = np.linalg.norm(blocks, axis=1)
        if pilot.chains is not None:
            # Each chain answers every query, so the point is a mean over chains.
            chains, together = len(np.unique(np.concatenate(pilot.chains))), lengths.sum(axis=0) / math.sqrt(m)
            return cls(m, found.variance * chains if found.repeats else None, together, together**2, True)
        placed = [x.astype(np.float64) @ v for x, v in zip(pilot.vectors, blocks, strict=True)]
        # A query with one answer borrows the mean of the others.
        spreads = [z.var(axis=0, ddof=1) for z in placed if len(z) > 1]
        variance = np.mean(spreads, axis=0) if spreads else None
        return cls(m, variance, lengths.max(axis=0) / math.sqrt(m), np.full(d, 1 / m), False)

    def answers(self, r: float) -> int:
        """r answers a query in whole answers, at least one to each; chains are whole passes over the queries."""
        return self.m * max(1, math.ceil(r)) if self.chained else max(self.m, math.ceil(self.m * r))

    def least(self, epsilon: float, delta: float) -> float:
        """Least r at which the empirical Bernstein box is within epsilon, were the variances the pilot's."""
        step = 1 if self.chained else self.m

        def fits(number: int) -> bool:
            assert self.variance is not None
            r = number / step
            planned = Terms(self.squares / r, self.reach / r, self.variance / r, np.zeros(len(self.reach)), r / (r - 1))
            return bool(np.all(bernstein_width(planned, delta) <= epsilon))

        numbers = range(2 * step, MOST)
        return numbers[bisect_left(numbers, True, key=fits)] / step


def _normal_quantile(probability: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(probability))
