"""The map: generators as points, their answers as clouds, and what is known about where a point lies.

Axes are fitted to one half of the answers and points placed with the other (`dkps.md`, "Uncertainty of a
point"). Distances never come from here; they are in `core.statistics.distances`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import NotFoundError, StatisticsError
from core.statistics.answers import Answers, Floats, Integers, restrict, shared_queries
from core.statistics.crossfit import CrossFit
from core.statistics.ellipses import centred, outline, radius, spread
from core.statistics.halves import Halves, halve

__all__ = ["Answers", "PerspectiveMap", "fit_map", "restrict", "shared_queries"]

LEVEL = 0.95
NOISE_WARNING = 0.5
COSINE_WARNING = 0.5


@dataclass(frozen=True, eq=False)
class PerspectiveMap:
    """n generators on d = `dimension` axes fitted over the m queries of `query_indices`.

    points: (n, d), relative to the mean of the generators in `fitted`. covariances: (d, d) of each
    point about its true mean *on these axes*, or None with one sentence in `reasons`; degrees: their
    nu; radii: Mahalanobis radius of the 95% ellipse. clouds: (N_i, d) single answers, query by query
    in the order given; cloud_index: (N_i, 2) query and place within it; cloud_weights: (N_i,) weights
    under which a cloud's mean is its point. scree: the n - 1 debiased eigenvalues; noise_floor: the
    eigenvalues of noise alone from the same split; explained: share of each axis; noise_ratio: mean
    tau over the smallest displayed debiased eigenvalue, None where that is not positive or tau is
    unknown; cosines: between the halves' axes. rank: axes that exist, the rest being 0. basis
    (m, p, d) and offsets (m, d) place further answers: z = x' basis_j - offsets_j.
    """

    keys: tuple[str, ...]
    dimension: int
    rank: int
    query_indices: tuple[int, ...]
    fitted: tuple[bool, ...]
    replicates: tuple[tuple[int, int], ...]
    points: Floats
    covariances: tuple[Floats | None, ...]
    degrees: tuple[float | None, ...]
    radii: tuple[float | None, ...]
    reasons: tuple[str | None, ...]
    clouds: tuple[Floats, ...]
    cloud_index: tuple[Integers, ...]
    cloud_weights: tuple[Floats, ...]
    scree: Floats
    noise_floor: Floats
    explained: Floats
    noise_ratio: float | None
    cosines: Floats
    warnings: tuple[str, ...]
    basis: Floats
    offsets: Floats

    @property
    def queries(self) -> int:
        """How many queries the map stands on."""
        return len(self.query_indices)

    def index(self, key: str) -> int:
        """Row of a generator; NotFoundError where it is not on the map."""
        if key not in self.keys:
            raise NotFoundError(f"{key} is not on this map; it shows {', '.join(self.keys)}.")
        return self.keys.index(key)

    def ellipse(self, i: int, *, level: float = LEVEL, points: int = 72) -> Floats | None:
        """(points, 2) closed outline around generator i at a level, or None where no ellipse is honest.

        For all generators at once use level 1 - 0.05/n. Of three dimensions the shadow on the first two.
        """
        covariance, nu = self.covariances[i], self.degrees[i]
        size = None if nu is None else radius(level, self.rank, nu)
        if covariance is None or size is None:
            return None
        return outline(self.points[i], covariance, size, points)

    def place(self, answers: Answers) -> tuple[Floats, Floats]:
        """Point (d,) and cloud (N, d) of a generator on these axes, without refitting.

        `answers` covers the query list that the map was made from; StatisticsError where it leaves a
        query of the map unanswered.
        """
        part = restrict(answers, self.query_indices)
        if part.counts.min() == 0:
            raise StatisticsError(f"{part.key} has not answered every query of the map; finish it first.")
        placed = [
            array @ block - offset for array, block, offset in zip(part.vectors, self.basis, self.offsets, strict=True)
        ]
        return np.mean([cell.mean(axis=0) for cell in placed], axis=0), np.concatenate(placed)

    def as_dict(self) -> dict[str, Any]:
        """What the `map` command prints, JSON-able; null for what is unknown."""
        points = [
            {
                "key": key,
                "replicates": list(self.replicates[i]),
                "fitted": self.fitted[i],
                "coordinates": self.points[i].tolist(),
                "covariance": _listed(self.covariances[i]),
                "radius": self.radii[i],
                "reason": self.reasons[i],
            }
            for i, key in enumerate(self.keys)
        ]
        return {
            "dimension": self.dimension,
            "queries": self.queries,
            "noise_ratio": self.noise_ratio,
            "scree": self.scree.tolist(),
            "noise_floor": self.noise_floor.tolist(),
            "explained": self.explained.tolist(),
            "cosines": self.cosines.tolist(),
            "warnings": list(self.warnings),
            "points": points,
        }


def _listed(covariance: Floats | None) -> list[list[float]] | None:
    return None if covariance is None else [[float(value) for value in row] for row in covariance]


def fit_map(
    generators: Sequence[Answers],
    *,
    dimension: int = 2,
    seed: int = 0,
    align_to: PerspectiveMap | None = None,
) -> PerspectiveMap:
    """The cross-fitted map of generators over the queries that all of them have answered.

    Generators whose every cell can be halved fit the axes and the centre. The others (a cell with one
    answer, one chain) are placed on them; where that would leave fewer than dimension + 1 to fit,
    everything fits and no ellipse is drawn. `align_to` turns the map towards an earlier one by the
    generators they share, so that points do not jump. Raises StatisticsError where there is no
    generator, a key stands twice, or no query was answered by all.
    """
    keys = tuple(answers.key for answers in generators)
    if not keys:
        raise StatisticsError("A map needs at least one generator; generate or choose a run first.")
    if len(set(keys)) < len(keys):
        raise StatisticsError("A generator stands twice on the map; give every generator a key of its own.")
    if dimension < 1:
        raise StatisticsError(f"A map of {dimension} dimensions cannot be drawn; choose 2 or 3.")
    used = shared_queries(generators)
    if not used:
        raise StatisticsError("No query was answered by every generator; finish a run or leave one out.")
    halves = [halve(restrict(answers, used), seed) for answers in generators]
    earlier = {} if align_to is None else dict(zip(align_to.keys, align_to.points, strict=True))
    fit = CrossFit(halves, dimension, earlier)
    covariances, degrees, reasons = _uncertainty(fit)
    clouds = [fit.cloud(h) for h in halves]
    counts = [h.answers.counts for h in halves]
    places = [np.concatenate([np.arange(r) for r in c]) for c in counts]
    return PerspectiveMap(
        keys=keys,
        dimension=dimension,
        rank=fit.rank,
        query_indices=used,
        fitted=fit.fitted,
        replicates=tuple((int(c.min()), int(c.max())) for c in counts),
        points=fit.points,
        covariances=tuple(covariances),
        degrees=tuple(degrees),
        radii=tuple(None if nu is None else radius(LEVEL, fit.rank, nu) for nu in degrees),
        reasons=tuple(reasons),
        clouds=tuple(cloud for cloud, _ in clouds),
        cloud_index=tuple(
            np.stack([np.repeat(used, c), place], axis=1) for c, place in zip(counts, places, strict=True)
        ),
        cloud_weights=tuple(weights for _, weights in clouds),
        scree=fit.scree,
        noise_floor=fit.noise_floor,
        explained=fit.explained,
        noise_ratio=fit.noise_ratio,
        cosines=fit.cosines,
        warnings=_warnings(fit, len(generators[0].vectors)),
        basis=fit.blocks.mean(axis=0),
        offsets=fit.offsets.mean(axis=0),
    )


def _uncertainty(
    fit: CrossFit,
) -> tuple[list[Floats | None], list[float | None], list[str | None]]:
    """Covariance, nu and reason of every generator, steps 4 to 6, turned to the display."""
    reasons = [_reason(fit, h, fits) for h, fits in zip(fit.halves, fit.fitted, strict=True)]
    covariances: list[Floats | None] = [None] * len(reasons)
    degrees: list[float | None] = [None] * len(reasons)
    spreads = [spread(h, fit.axes) for h in fit.fitting] if fit.crossed and fit.rank else []
    known = [s for s in spreads if s is not None]
    if not known:
        return covariances, degrees, reasons
    rows = [i for i, fits in enumerate(fit.fitted) if fits]
    found = centred(known, [h.kappa() for h in fit.fitting], fit.psi[rows])
    for i, covariance, nu in zip(rows, *found, strict=True):
        if reasons[i] is None and nu < fit.rank + 1:
            reasons[i] = f"{fit.halves[i].answers.key} has too few answers for an ellipse; add replicates."
        if reasons[i] is None:
            covariances[i], degrees[i] = fit.t.T @ covariance @ fit.t, nu
    return covariances, degrees, reasons


def _reason(fit: CrossFit, halves: Halves, fits: bool) -> str | None:
    """One sentence why a generator carries no ellipse."""
    if fit.rank == 0:
        return "The generators of this map give the same answers, or there is only one."
    if not fits:
        few = "chain" if halves.chained else "answer"
        return f"{halves.answers.key} has a single {few} for some query, so it is placed on the others' axes."
    if not fit.crossed:
        return "Too few generators have two independent answers to every query, so no ellipse is drawn."
    return halves.reason


def _warnings(fit: CrossFit, asked: int) -> tuple[str, ...]:
    """What a reader must know before reading the map, one sentence each."""
    found = []
    if fit.m < asked:
        found.append(f"{asked - fit.m} of {asked} queries are left out: some generator did not answer them.")
    for h in fit.halves:
        if h.full.noise is None:
            found.append(f"{h.answers.key} has no independent repeats, so its noise still pushes it outward.")
        elif h.full.borrowed.any():
            found.append(f"{h.answers.key} borrows its mean spread where a query has a single answer.")
    if 0 < fit.rank < fit.dimension:
        found.append(f"The generators of this map span {fit.rank} of its {fit.dimension} axes.")
    if fit.noise_axis:
        found.append("The smallest axis shown is noise: nothing is left of it once noise is subtracted.")
    elif fit.noise_ratio is not None and fit.noise_ratio > NOISE_WARNING:
        found.append(f"Noise is {fit.noise_ratio:.2f} of the smallest axis shown; more answers sharpen it.")
    if fit.rank and fit.crossed and fit.cosines.min() < COSINE_WARNING:
        found.append(f"The halves' axes agree only to a cosine of {fit.cosines.min():.2f}; add answers.")
    return tuple(found)
