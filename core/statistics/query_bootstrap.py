"""How far points would move had other queries of the same kind been asked: the bootstrap over queries.

An ellipse of the map is about the queries that were asked. Where the claim is about a population of queries
that these stand for, the queries themselves are drawn again, with replacement; the map is refitted from the
per-query Grams and turned onto the map at hand (`dkps.md`, "Uncertainty of a point"). Shapes are compared:
axes are defined only up to the turn that the points themselves decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import StatisticsError
from core.statistics.answers import Answers, Floats, Units, cell_noise, restrict, shared_queries
from core.statistics.axes import turn
from core.statistics.ellipses import outline, radius
from core.statistics.query_grams import PlainGrams

LEAST_QUERIES = 5
"""Fewer are too few to stand for a population.

Measured share of 95% ellipses that hold the point of the population's map, both turned onto each other
(populations of 300 queries, n = 3-30, m = 5-50, r = 4 and 8): .93-.96.
"""

DRAWS = 200


@dataclass(frozen=True, eq=False)
class QueryBootstrap:
    """Covariances of points over a population of queries.

    points: (n, d) of the plain debiased fit, turned onto `towards` where one was given; covariances:
    (n, d, d) over the draws, or None with one sentence in `reason`; degrees: m - 1.
    """

    keys: tuple[str, ...]
    points: Floats
    covariances: Floats | None
    degrees: int
    draws: int
    reason: str | None

    def ellipse(self, i: int, *, level: float = 0.95, points: int = 72) -> Floats | None:
        """(points, 2) outline around generator i, or None where too few queries stand for the population."""
        size = radius(level, self.points.shape[1], self.degrees)
        if self.covariances is None or size is None:
            return None
        return outline(self.points[i], self.covariances[i], size, points)


def bootstrap_queries(
    generators: Sequence[Answers],
    *,
    dimension: int = 2,
    draws: int = DRAWS,
    seed: int = 0,
    towards: Floats | None = None,
) -> QueryBootstrap:
    """Refit over `draws` resamples of the shared queries; noise of answers moves with its query.

    towards: (n, d) points to which the map is turned, such as those of the map that is shown. Raises
    StatisticsError where no query was answered by all.
    """
    used = shared_queries(generators)
    if not used:
        raise StatisticsError("No query was answered by every generator; finish a run or leave one out.")
    cells = [cell_noise(part, Units.of(part)) for part in (restrict(answers, used) for answers in generators)]
    means = np.stack([cell.means for cell in cells])
    # A generator without repeats keeps its noise: nothing can be subtracted, and its map says so.
    noise = np.stack([np.zeros(len(used)) if cell.noise is None else cell.noise for cell in cells])
    grams = PlainGrams.of(means, noise)
    m = len(used)
    points = grams.fit(dimension).scaled
    if towards is not None:
        points = points @ turn(points, towards)
    keys = tuple(answers.key for answers in generators)
    if m < LEAST_QUERIES:
        reason = f"{m} queries are too few to stand for others; ask at least {LEAST_QUERIES}."
        return QueryBootstrap(keys, points, None, m - 1, 0, reason)
    rng = np.random.default_rng(seed)
    found = np.empty((draws, *points.shape))
    for drawn in found:
        again = grams.fit(dimension, weights=rng.multinomial(m, np.full(m, 1 / m))).scaled
        drawn[:] = again @ turn(again, points)
    # A resample of m has (m - 1)/m of the variance.
    away = found - found.mean(axis=0)
    covariances = np.einsum("bni,bnj->nij", away, away) / (draws - 1) * m / (m - 1)
    return QueryBootstrap(keys, points, covariances, m - 1, draws, None)
