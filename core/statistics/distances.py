"""The debiased squared distance of two generators, with an interval for the queries that were asked.

Never read off the map (`dkps.md`, "Distances and their intervals").

Measured coverage of the 95% interval, D^2 from 0 to 1.2, m = 1 to 20, 500-1,000 pairs a design: independent
answers .93-1.0; 4 to 12 chains on one side or both .93-1.0, with .98-1.0 at D^2 = 0, where a jackknife is
1.4-1.6 times too wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.statistics.answers import Answers, CellNoise, Floats, Units, cell_noise, restrict, shared_queries

Method = Literal["answers", "queries", "chains", "rounds", "exact", "none"]
LEAST_ANSWERS = 4
LEAST_CHAINS = 4
LEAST_QUERIES = 5
LEVEL = 0.95


@dataclass(frozen=True)
class Distance:
    """D^2 between two generators: value = mean over queries of ||mean_a - mean_b||^2 less both noises.

    Unbiased, so it may be slightly negative: clip only what is printed. low, high: the 95% interval,
    for D clip both ends at 0 and take roots. method: what the standard error came from. Fields are None
    where nothing honest can be said, and `reason` says why in one sentence.
    """

    value: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    method: Method
    n_queries: int
    reason: str | None


@dataclass(frozen=True)
class _Side:
    answers: Answers
    units: Units
    cells: CellNoise

    @classmethod
    def of(cls, answers: Answers) -> _Side:
        units = Units.of(answers)
        return cls(answers, units, cell_noise(answers, units))

    @property
    def kind(self) -> Literal["exact", "answers", "chains", "rounds"]:
        return "exact" if self.answers.deterministic else self.units.kind


@dataclass(frozen=True)
class _Error:
    """A variance of the mean, and the sum of its squared independent pieces over f + 2."""

    variance: float
    pieces: float

    @property
    def nu(self) -> float:
        return max(1.0, self.variance**2 / self.pieces - 2) if self.pieces > 0 else np.inf


def distance(a: Answers, b: Answers) -> Distance:
    """Debiased squared distance over the queries both have answered.

    Standard error, for this fixed set of queries. Independent answers: the delete-one-answer jackknife
    or the spread over queries, the shorter of the two from 5 queries with 4 answers each on; below 5
    queries over answers; with some cell below 4 answers over queries. Chains on either side tie queries
    together: the delete-one-chain jackknife for that side (at least LEAST_CHAINS in every cell), the
    delete-one-answer jackknife for an independent one. A single chain: the same over its rounds, which is
    approximate. Raises StatisticsError where the two do not
    share one query list.
    """
    used = shared_queries([a, b])
    if not used:
        reason = f"{a.key} and {b.key} answered no query in common; finish one of them."
        return Distance(None, None, None, None, "none", 0, reason)
    sides = [_Side.of(restrict(answers, used)) for answers in (a, b)]
    gaps = sides[0].cells.means - sides[1].cells.means
    u = np.einsum("jp,jp->j", gaps, gaps)
    for side in sides:
        if side.cells.noise is None:
            reason = f"{side.answers.key} has no independent repeats, so noise cannot be told from distance."
            return Distance(None, None, None, None, "none", len(used), reason)
        u = u - side.cells.noise
    value = float(u.mean())
    error, method, why_not = _error(sides, u)
    if error is None:
        return Distance(value, None, None, None, method, len(used), why_not)
    se = float(np.sqrt(error.variance))
    half = se * _quantile(error.nu)
    return Distance(value, value - half, value + half, se, method, len(used), None)


def _error(sides: list[_Side], u: Floats) -> tuple[_Error | None, Method, str | None]:
    """The standard error that is honest here, by the rule of `distance`."""
    m = len(u)
    random = [side for side in sides if side.kind != "exact"]
    if not random:
        return _Error(0.0, 0.0), "exact", None
    tied = [side.kind for side in random if side.kind != "answers"]
    if tied:
        for side in random:
            least = LEAST_ANSWERS if side.kind == "answers" else LEAST_CHAINS
            if side.units.per_cell.min() < least:
                few = f"{side.answers.key} has {int(side.units.per_cell.min())} {side.kind} for some query"
                return None, "none", f"{few}, and an interval beside answers tied in {tied[0]} needs {least}."
        return _over_units(sides), "rounds" if "rounds" in tied else "chains", None
    enough = all(side.units.per_cell.min() >= LEAST_ANSWERS for side in random)
    queries = _Error(float(u.var(ddof=1)) / m, float(u.var(ddof=1) / m) ** 2 / (m + 1)) if m > 1 else None
    if not enough:
        if queries is None:
            return None, "none", f"One query with fewer than {LEAST_ANSWERS} answers carries no interval."
        return queries, "queries", None
    answers = _over_units(sides)
    if queries is not None and m >= LEAST_QUERIES and _length(queries) < _length(answers):
        return queries, "queries", None
    return answers, "answers", None


def _length(error: _Error) -> float:
    return float(np.sqrt(error.variance)) * _quantile(error.nu)


def _quantile(nu: float) -> float:
    """Two-sided Student quantile."""
    from scipy.special import ndtri, stdtrit

    level = (1 + LEVEL) / 2
    return float(ndtri(level) if np.isinf(nu) else stdtrit(nu, level))


def _over_units(sides: list[_Side]) -> _Error:
    """Jackknife of each side, the other held; variances add because the sides are independent."""
    variance = pieces = 0.0
    for side, other in (sides, sides[::-1]):
        if side.kind == "exact":
            continue
        moves = leave_one_out(side.units, other.cells.means)
        present = side.units.sizes > 0
        m = len(moves)
        if side.kind != "answers":
            shift = np.bincount(side.units.chain[present], moves[present], side.units.n_chains) / m
            # Rounds of different blocks of queries share nothing: a jackknife of its own for each.
            for stratum in range(int(side.units.strata.max()) + 1):
                part = shift[side.units.strata == stratum]
                v = (len(part) - 1) / len(part) * np.sum((part - part.mean()) ** 2)
                variance, pieces = variance + float(v), pieces + float(v**2) / (len(part) + 1)
            continue
        r = side.units.per_cell
        off = np.where(present, moves - (moves.sum(axis=1) / r)[:, None], 0.0)
        cells = (r - 1) / r * (off**2).sum(axis=1) / m**2
        variance, pieces = variance + float(cells.sum()), pieces + float(np.sum(cells**2 / (r + 1)))
    return _Error(variance, pieces)


def leave_one_out(units: Units, others: Floats) -> Floats:
    """(m, U) change of ||mean - other||^2 - noise of a cell when one of its units is left out.

    others: (m, p) means of the other generator. Noise is recomputed without the unit; every cell needs
    three units. Worked through inner products, nothing is computed again unit by unit. 0 for padding.
    """
    c, (own, row, weighted) = units.sizes, units.products
    cross = (units.sums @ others[:, :, None])[:, :, 0]
    # Column 0 keeps every unit, column 1 + u leaves unit u out.
    left, norm, cross = (_without(x, y) for x, y in ((c, c), (row, 2 * row - own), (cross, cross)))
    squares, sizes = _without(own, own), _without(c * c, c * c)
    tied = _without(c * row, c * row + weighted - c * own)
    present = (c > 0).astype(np.float64)
    count = _without(present, present)
    spread = squares - 2 * tied / left + sizes * norm / left**2
    value = norm / left**2 - 2 * cross / left - spread / left**2 * count / (count - 1)
    return np.asarray(value[:, 1:] - value[:, :1])


def _without(parts: Floats, taken: Floats) -> Floats:
    """(m, 1 + U): the sums of parts over a cell, then those sums less what each unit takes with it."""
    total = parts.sum(axis=1, keepdims=True)
    return np.concatenate([total, total - taken], axis=1)
