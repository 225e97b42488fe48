"""From answers to a map: who fits the axes, who is placed on them, and what a reader must be told.

Axes are fitted to one half of the answers and points placed with the other (`dkps.md`, "Uncertainty of a
point"). Distances never come from here; they are in `core.statistics.distances`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import NotFoundError, StatisticsError
from core.perspective_map import PerspectiveMap
from core.statistics.answers import Answers, CellNoise, Floats, cell_noise, restrict, shared_queries
from core.statistics.crossfit import CrossFit
from core.statistics.difference import Difference
from core.statistics.ellipses import LEVEL, Spread, centred, freedom, radius, spread, tilted
from core.statistics.halves import Halves, halve
from core.statistics.placement import Placement, leverages, place
from core.statistics.scree import MOST_ROWS

__all__ = ["Answers", "Difference", "PerspectiveMap", "Placement", "fit_map", "restrict", "shared_queries"]

NOISE_WARNING = 0.5
COSINE_WARNING = 0.5
SAME = 1e-10
"""Noise of unit vectors below which answers are equal but for round-off."""

SPLITS = 8


def fit_map(
    generators: Sequence[Answers],
    *,
    dimension: int = 2,
    seed: int = 0,
    align_to: PerspectiveMap | None = None,
    reference: Collection[str] | None = None,
    splits: int = SPLITS,
) -> PerspectiveMap:
    """The cross-fitted map of generators over the queries that all of them have answered.

    Generators whose every cell can be halved fit the axes and the centre. The others (a cell with one
    answer, one chain) are placed on them as on a fixed reference map; where that would leave fewer than
    dimension + 1 to fit, everything fits and no ellipse is drawn. `reference`: keys of the only
    generators that may fit; all others are placed. `align_to` turns the map towards an earlier one by the
    generators they share, so that points do not jump. `splits`: halvings that the noise
    floor is averaged over, fewer where many generators average it already. Raises StatisticsError where
    there is no generator, a key stands twice, or no query was answered by all; NotFoundError where a
    reference is not among the generators.
    """
    keys = tuple(answers.key for answers in generators)
    if not keys:
        raise StatisticsError("A map needs at least one generator; generate or choose a run first.")
    if len(set(keys)) < len(keys):
        raise StatisticsError("A generator stands twice on the map; give every generator a key of its own.")
    if dimension < 1:
        raise StatisticsError(f"A map of {dimension} dimensions cannot be drawn; choose 2 or 3.")
    chosen = set(keys if reference is None else reference)
    if not chosen or chosen - set(keys):
        lost = ", ".join(sorted(chosen - set(keys))) or "no generator"
        raise NotFoundError(f"The reference names {lost}, which is not on the map; choose from its generators.")
    used = shared_queries(generators)
    if not used:
        raise StatisticsError("No query was answered by every generator; finish a run or leave one out.")
    parts = [restrict(answers, used) for answers in generators]
    splits = max(1, min(splits, MOST_ROWS // len(chosen)))
    halves = {i: halve(part, seed, splits) for i, part in enumerate(parts) if part.key in chosen}
    able = [i for i, h in halves.items() if h.split]
    rows = able if len(able) >= min(dimension + 1, len(halves)) else list(halves)
    earlier = {} if align_to is None else dict(zip(align_to.keys, align_to.points, strict=True))
    fit = CrossFit([halves[i] for i in rows], dimension, earlier)
    found = dict(zip(rows, _own(fit), strict=True))
    for i in set(range(len(parts))) - set(rows):
        found[i] = _placed(fit, parts[i])
    return _assembled(fit, parts, [found[i] for i in range(len(parts))], used, rows, len(generators[0].vectors))


@dataclass(frozen=True, eq=False)
class _Row:
    """One generator of the map, as PerspectiveMap describes it."""

    point: Floats
    covariance: Floats | None
    nu: float | None
    method: str | None
    reason: str | None
    own: Spread | None
    tilt: Floats
    cloud: Floats
    weights: Floats
    noise: CellNoise


def _own(fit: CrossFit) -> list[_Row]:
    """The generators that fit the map: steps 4 to 6 on the displayed axes."""
    values = [fit.values(i) for i in range(len(fit.halves))]
    spreads = [spread(h, own) if fit.crossed and fit.rank else None for h, own in zip(fit.halves, values, strict=True)]
    known = [s for s in spreads if s is not None]
    tilts = fit.t.T @ tilted(fit.psi, [h.kappa() for h in fit.halves]) @ fit.t
    around = centred(known) if len(known) == len(spreads) else None
    rows = []
    for i, h in enumerate(fit.halves):
        covariance, nu, reason = None, None, _reason(fit, h)
        if around is not None and reason is None:
            nu = freedom(around[i], fit.rank)
            if nu is None:
                reason = f"{h.answers.key} has too few answers for an ellipse; add replicates."
            else:
                covariance = around[i].covariance + tilts[i]
        method = {"answers": "cross-fit", "chains": "cross-fit chains", "rounds": "rounds"}[h.units.kind]
        cloud, weights = fit.cloud(i, values[i])
        rows.append(
            _Row(
                point=fit.points[i],
                covariance=covariance,
                nu=nu,
                method=None if covariance is None else "cross-fit" if h.answers.deterministic else method,
                reason=reason,
                own=None if covariance is None else spreads[i],
                tilt=tilts[i],
                cloud=cloud,
                weights=weights,
                noise=h.full,
            )
        )
    return rows


def _placed(fit: CrossFit, answers: Answers) -> _Row:
    """A generator on axes that it did not help to fit, by the rule of a fixed reference map."""
    placed = place(answers, fit.blocks.mean(axis=0), fit.offsets.mean(axis=0), rank=fit.rank, own=fit.points)
    shown = placed.covariance is not None and fit.rank > 0
    return _Row(
        point=placed.point,
        covariance=placed.covariance if shown else None,
        nu=placed.nu if shown else None,
        method=placed.method if shown else None,
        reason=placed.reason if fit.rank else _NO_AXES,
        own=placed.spread if shown else None,
        tilt=np.zeros((fit.dimension, fit.dimension)),
        cloud=placed.cloud,
        weights=placed.weights,
        noise=cell_noise(answers, placed.units),
    )


def _assembled(
    fit: CrossFit,
    parts: Sequence[Answers],
    rows: Sequence[_Row],
    used: tuple[int, ...],
    fitted: Sequence[int],
    asked: int,
) -> PerspectiveMap:
    """The map of these rows."""
    counts = [part.counts for part in parts]
    places = [np.concatenate([np.arange(r) for r in c]) for c in counts]
    points = np.stack([row.point for row in rows])
    none = Spread(np.full((fit.dimension, fit.dimension), np.nan), np.nan, np.nan)
    own = [row.own or none for row in rows]
    return PerspectiveMap(
        keys=tuple(part.key for part in parts),
        variant="mean",
        dimension=fit.dimension,
        rank=fit.rank,
        query_indices=used,
        fitted=tuple(i in set(fitted) for i in range(len(parts))),
        replicates=tuple((int(c.min()), int(c.max())) for c in counts),
        points=points,
        covariances=tuple(row.covariance for row in rows),
        degrees=tuple(row.nu for row in rows),
        radii=tuple(None if row.nu is None else radius(LEVEL, fit.rank, row.nu) for row in rows),
        methods=tuple(row.method for row in rows),
        reasons=tuple(row.reason for row in rows),
        own_covariances=np.stack([s.covariance for s in own]),
        own_pieces=np.array([(s.pieces, s.free) for s in own]),
        tilts=np.stack([row.tilt for row in rows]),
        leverages=leverages(points, fit.points),
        clouds=tuple(row.cloud for row in rows),
        cloud_index=tuple(
            np.stack([np.repeat(used, c), place], axis=1) for c, place in zip(counts, places, strict=True)
        ),
        cloud_weights=tuple(row.weights for row in rows),
        taus=tuple(row.noise.tau for row in rows),
        scree=fit.scree,
        noise_floor=fit.noise_floor,
        elbow=fit.elbow,
        explained=fit.explained,
        noise_ratio=fit.noise_ratio,
        cosines=fit.cosines,
        warnings=_warnings(fit, parts, rows, asked),
        basis=fit.blocks.mean(axis=0),
        offsets=fit.offsets.mean(axis=0),
    )


_NO_AXES = "The generators that fit this map give the same answers, or there is only one."


def _reason(fit: CrossFit, halves: Halves) -> str | None:
    """One sentence why a generator that fits the map carries no ellipse."""
    if fit.rank == 0:
        return _NO_AXES
    if not fit.crossed:
        return "Too few generators have two independent answers to every query, so no ellipse is drawn."
    return halves.reason


def _warnings(fit: CrossFit, parts: Sequence[Answers], rows: Sequence[_Row], asked: int) -> tuple[str, ...]:
    """What a reader must know before reading the map, one sentence each."""
    found = []
    if fit.m < asked:
        found.append(f"{asked - fit.m} of {asked} queries are left out: some generator did not answer them.")
    for part, row in zip(parts, rows, strict=True):
        if row.noise.tau is None:
            found.append(f"{part.key} has no independent repeats, so its noise still pushes it outward.")
        elif row.noise.tau < SAME and not part.deterministic:
            found.append(f"{part.key} gave one and the same answer to a query every time; no spread was seen.")
        elif row.noise.borrowed.any():
            found.append(f"{part.key} borrows its mean spread where a query has a single answer.")
        if row.method == "rounds":
            found.append(f"{part.key} is one growing chain: its rounds stand in for chains, which is approximate.")
    twins: dict[int, list[str]] = {}
    for part, row in zip(parts, rows, strict=True):
        twins.setdefault(hash(row.noise.means.tobytes()), []).append(part.key)
    for keys in twins.values():
        if len(keys) > 1:
            found.append(f"{', '.join(keys[:5])} gave the very same answers on average: they are one point.")
    if fit.rank == 0:
        found.append(_NO_AXES)
    if 0 < fit.rank < fit.dimension:
        found.append(f"The generators of this map span {fit.rank} of its {fit.dimension} axes.")
    if fit.noise_axis:
        found.append("The smallest axis shown is noise: nothing is left of it once noise is subtracted.")
    elif fit.noise_ratio is not None and fit.noise_ratio > NOISE_WARNING:
        found.append(f"Noise is {fit.noise_ratio:.2f} of the smallest axis shown; more answers sharpen it.")
    if fit.rank and fit.crossed and fit.cosines.min() < COSINE_WARNING:
        found.append(f"The halves' axes agree only to a cosine of {fit.cosines.min():.2f}; add answers.")
    return tuple(found)
