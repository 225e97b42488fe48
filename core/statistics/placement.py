"""A generator placed on a map that stays as it is: its point, its cloud, and how sure the point is.

The axes and the centre are those of other answers, so nothing is split and the centre adds nothing
(`dkps.md`, "Fixed reference map"). Here z = sqrt(m) V_j'x - offset_j is one answer on the map, and the point
the mean over queries of the mean of z.

Measured share of 95% ellipses that hold the true mean (24-dimensional unit vectors, skewed anisotropic
noise, 500-600 placements a design): independent answers .925-.96 (m = 5-50, r = 2-10; unequal r .91-.96),
single answers .95-1.0, 6 to 12 chains .92-.96, runs in progress .93-.98 (chains .96-1.0). One growing chain
by its rounds .94-.96 where rounds do not lean on one another, .75-.91 where three in ten repeat an earlier
one. The bundled pair shows no such leaning: over 47 runs of one setting (gamma .5, eta .6, rounds of 5) the
variance of a run's mean is .94 of what its rounds say.

Few independent answers (n = 30, mean of four kinds of noise, 5,400-7,200 placements each): of one query .92 with
4 to 9 answers, .925 with 12 and 16, .935 with 20, .94 with 40. What fails there is not the degrees of freedom, but
that the skew of one query's answers is not averaged away. Of m queries with r answers each: .926 (m = 3, r = 2),
.930 (2, 3), .934 (2, 4), .937 (3, 3), .938 (5, 2). Hence LEAST_ALONE and LEAST_FREE. Chains need no bound but their
own: .932 of one query with 6 of them, .939 with 9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import StatisticsError
from core.statistics.answers import Answers, Floats, Units, restrict
from core.statistics.ellipses import LEVEL, Spread, clustered, freedom, outline, radius, size
from core.statistics.halves import LEAST_CHAINS

LEAST_QUERIES = 5
LEAST_FREE = 5
"""Degrees of freedom of independent answers that draw an ellipse."""

LEAST_ALONE = 20
"""Independent answers that draw an ellipse where they all answer one query."""

FEW = "has too few answers for an ellipse; add replicates."


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a generator falls on a fixed map.

    point: (d,); cloud: (N, d) its answers, query by query, weights: (N,) under which their mean is the
    point. covariance: (d, d) of the point about its true place on these axes, nu its degrees of freedom,
    radius the Mahalanobis radius of the 95% ellipse; None with one sentence in `reason`. leverage:
    psi'(Psi'Psi)^-1 psi over the map's own points, extrapolates where it exceeds the largest of theirs.
    method: "fixed", "fixed chains", "rounds" (approximate), "queries" (conservative) or "partial"
    (approximate). queries: how many of the map's queries it answered. units: what is independent among
    the answers; spread: the covariance with its Welch-Satterthwaite sum.
    """

    key: str
    point: Floats
    cloud: Floats
    weights: Floats
    covariance: Floats | None
    nu: float | None
    radius: float | None
    leverage: float
    extrapolates: bool
    method: str | None
    reason: str | None
    queries: int
    rank: int
    units: Units
    spread: Spread | None

    def ellipse(self, *, level: float = LEVEL, points: int = 72) -> Floats | None:
        """(points, 2) closed outline, or None where no ellipse is honest; of three axes the shadow on two."""
        reach = None if self.nu is None else radius(level, self.rank, self.nu)
        if self.covariance is None or reach is None:
            return None
        return outline(self.point, self.covariance, reach, points)


@dataclass(frozen=True, eq=False)
class Found:
    """A spread with what it came from, or one sentence why there is none."""

    spread: Spread | None
    method: str | None
    reason: str | None


def on_axes(answers: Answers, axes: Floats) -> Floats:
    """(N, k) products of all answers with the axes (m, p, k) of their query, query by query."""
    placed = [array @ block for array, block in zip(answers.vectors, axes, strict=True)]
    return np.asarray(np.concatenate(placed), dtype=np.float64)


def place(
    answers: Answers, basis: Floats, offsets: Floats, *, rank: int, own: Floats, partial: bool = False
) -> Placement:
    """Place a generator on the axes of a map.

    basis: (m, p, d) and offsets: (m, d) of the map; rank: axes that exist; own: (n, d) points that fitted
    the map, for the leverage. With `partial` some queries may be unanswered (yet); else StatisticsError.
    """
    asked = np.flatnonzero(answers.counts)
    m, answered = len(answers.vectors), len(asked)
    if answered == 0 or (answered < m and not partial):
        raise StatisticsError(f"{answers.key} has not answered every query of the map; finish it first.")
    part = restrict(answers, asked.tolist())
    units = Units.of(part)
    cell = np.repeat(np.arange(answered), part.counts)
    cloud = on_axes(part, basis[asked]) - offsets[asked][cell]
    weights = 1 / (answered * part.counts[cell])
    found = fixed_spread(units, cloud) if answered == m else _partial(units, cloud, m)
    nu = None if found.spread is None else freedom(found.spread, rank)
    reason = found.reason
    if found.spread is not None:
        reason = _too_few(answers.key, found, m) if nu is not None else f"{answers.key} {FEW}"
    nu = nu if reason is None else None
    spread = None if nu is None else found.spread
    point = weights @ cloud
    each = leverages(np.vstack([own, point]), own)
    return Placement(
        key=answers.key,
        point=point,
        cloud=cloud,
        weights=weights,
        covariance=None if spread is None else spread.covariance,
        nu=nu,
        radius=None if nu is None else radius(LEVEL, rank, nu),
        leverage=float(each[-1]),
        extrapolates=bool(each[-1] > each[:-1].max(initial=0.0) * (1 + 1e-9)),
        method=None if spread is None else found.method,
        reason=reason,
        queries=answered,
        rank=rank,
        units=units,
        spread=spread,
    )


def _too_few(key: str, found: Found, m: int) -> str | None:
    """One sentence where independent answers to all m queries are too few; it depends on the design alone."""
    if found.method != "fixed" or found.spread is None:
        return None
    if m == 1 and found.spread.free < LEAST_ALONE - 1:
        count = int(found.spread.free) + 1
        return f"{key} has {count} answers to the only query, and an ellipse needs {LEAST_ALONE}; add replicates."
    return f"{key} {FEW}" if found.spread.free < LEAST_FREE else None


def leverages(points: Floats, own: Floats) -> Floats:
    """psi'(Psi'Psi)^-1 psi of (k, d) points over the (n, d) points Psi that fitted the map."""
    inverse = np.linalg.pinv(own.T @ own, rcond=1e-10, hermitian=True)
    return np.asarray(np.einsum("ka,ab,kb->k", points, inverse, points))


def fixed_spread(units: Units, cloud: Floats) -> Found:
    """Covariance of the mean over queries of cell means, from the placed answers (N, d).

    Independent answers: C = (1/m^2) sum_j S_zj / r_j with r_j - 1 degrees of freedom each. Chains or
    rounds: clustered, T - 1. A query with a single answer has no spread of its own: from 5 queries on the
    covariance of cell means over queries, divided by m, is conservative.
    """
    key, d, m = units.answers.key, cloud.shape[1], len(units.sizes)
    if units.answers.deterministic:
        return Found(Spread(np.zeros((d, d)), 0.0, np.inf), "fixed", None)
    if units.kind != "answers" and units.n_chains < LEAST_CHAINS:
        few = f"{key} was written in {units.n_chains} {units.kind}, and an ellipse needs {LEAST_CHAINS}."
        return Found(None, None, few)
    single = int(units.per_cell.min()) < 2
    if single and units.kind != "answers":
        return Found(None, None, f"{key} has 1 of its {units.kind} for some query, and an ellipse needs 2.")
    sums = units.summed(cloud)
    r = units.answers_per_cell[:, None]
    means = sums.sum(axis=1) / r
    if single:
        if m < LEAST_QUERIES:
            return Found(None, None, f"{key} has a single answer for some query; add replicates for an ellipse.")
        return Found(over_queries(means), "queries", None)
    count = units.per_cell[:, None]
    residuals = (sums - units.sizes[:, :, None] * means[:, None, :]) / (m * r[:, :, None])
    residuals = residuals * np.sqrt(count / (count - 1))[:, :, None]
    if units.kind != "answers":
        method = "fixed chains" if units.kind == "chains" else "rounds"
        return Found(clustered(units, residuals, lost=1), method, None)
    cells = residuals.transpose(0, 2, 1) @ residuals
    pieces = float(np.sum(size(cells) / (count[:, 0] + 1)))
    return Found(Spread(cells.sum(axis=0), pieces, float(np.sum(count - 1))), "fixed", None)


def over_queries(means: Floats) -> Spread:
    """Covariance over queries of (m, d) cell means, divided by m: one piece with m - 1 degrees of freedom."""
    m = len(means)
    away = means - means.mean(axis=0)
    covariance = away.T @ away / (m * (m - 1))
    return Spread(covariance, float(size(covariance)) / (m + 1), float(m - 1))


def _partial(units: Units, cloud: Floats, m: int) -> Found:
    """A run that has answered a of m queries, these taken for a random sample of them: approximate.

    The mean over all queries misses by the answers' noise N and by (1 - a/m) S / a, S the spread of the
    queries' true means; that of the observed means is S_z / a = S / a + N, so (a/m) N + (1 - a/m) S_z / a
    is both. What answers of one chain share S_z cannot see: there all of N is added, a little too much
    (without it measured .85). Without repeats N is unknown and S_z / a stands alone, too wide.
    """
    answered = len(units.sizes)
    if answered < 2:
        return Found(None, None, f"{units.answers.key} has answered one query of the map so far.")
    sums = units.summed(cloud)
    asked = over_queries(sums.sum(axis=1) / units.answers_per_cell[:, None])
    own = fixed_spread(units, cloud)
    if own.method == "queries" or (own.spread is None and units.kind == "answers"):
        return Found(asked, "partial", None)
    if own.spread is None:
        return Found(None, None, own.reason)
    left = 1 - answered / m
    noise = 1 - left if units.kind == "answers" else 1.0
    both = Spread(
        noise * own.spread.covariance + left * asked.covariance,
        noise**2 * own.spread.pieces + left**2 * asked.pieces,
        min(own.spread.free, asked.free),
    )
    return Found(both, "partial", None)
