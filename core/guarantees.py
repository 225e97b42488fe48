"""What the interface can state about a map, and under which assumptions. Everything here is about *these* queries.

Boxes for points, the answers a box needs, "same generator or not" with many pairs at once, and the worst case;
each lives in `core.statistics` and is gathered here for pages and commands.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.errors import SettingsError, StatisticsError
from core.perspective import PerspectiveMap
from core.statistics.answers import Answers, Floats, restrict, shared_queries
from core.statistics.axes import principal_axes, steady_signs
from core.statistics.boxes import (
    Box,
    about_centre,
    bernstein_box,
    box,
    check_delta,
    combined,
    hoeffding_box,
    one_chain,
    terms,
    without_box,
)
from core.statistics.halves import A, B, Halves, halve
from core.statistics.multiple import benjamini_hochberg, benjamini_yekutieli, permutations_for
from core.statistics.planner import Budget, plan_budget
from core.statistics.sameness import Sameness, same
from core.statistics.worst_case import WorstCase, worst_case

__all__ = [
    "ASSUMPTIONS",
    "Box",
    "Budget",
    "Sameness",
    "WorstCase",
    "axes_of",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "bernstein_box",
    "boxes",
    "delta_of_look",
    "hoeffding_box",
    "permutations_for",
    "placed_box",
    "plan_budget",
    "same",
    "worst_case",
]

ASSUMPTIONS = (
    "95% is for each generator and each map: with 20 ellipses about one misses. “All at once” widens them "
    "until none does, 95 times in 100.",
    "Ellipses that overlap are not “the same”, and neither is p above 0.05. Read “no farther than” off the upper end "
    "of the distance interval, and a difference off the test or the difference ellipse.",
    "With enough answers everything differs from real: read a distance beside real against held-out real.",
    "An ellipse that shrinks while a run goes on is no reason to stop it. Ellipse and p are for a number of answers "
    "fixed beforehand; a box looked at t times holds if look t spends 6 δ / (π² t²).",
    "All of it is about these queries, this embedder, these axes, and answers independent as stated. "
    "Near on the map is not good, and two dimensions hide the rest; the distance does not.",
    "A prediction interval is an average over settings drawn like those it learnt from. A corner of the grid, an "
    "extrapolation, or the setting picked because it looks best is not one: verify the pick with a training run.",
)
"""What a reader could take from the guarantees and must not: one legend line each."""
FLAT = "The generators of this map give the same answers, or there is only one."


def axes_of(fitted: PerspectiveMap) -> Floats:
    """Blocks V (m, p, d) of a map's axes, V'V = I on the axes that exist."""
    return np.asarray(fitted.basis / math.sqrt(fitted.queries))


def delta_of_look(delta: float, look: int) -> float:
    """What the look-th look at a live box may spend, 6 delta / (pi^2 look^2): all looks together miss with delta."""
    check_delta(delta)
    if look < 1:
        raise SettingsError(f"Look {look} does not exist; count looks at a live box from 1.")
    return 6 * delta / (math.pi * look) ** 2


def placed_box(fitted: PerspectiveMap, answers: Answers, delta: float = 0.05, *, look: int | None = None) -> Box:
    """The box of a generator that the map was not fitted to, around where the map places it.

    `answers` covers the query list that the map was made from. look: how often a run in progress has been
    looked at, which narrows delta. No box, and why, for a generator that fitted the map, one that has
    not answered every query, one chain, and maps of the energy variant: the bounds here are for projections.
    Raises SettingsError for a delta or look that makes no sense.
    """
    check_delta(delta)
    spent = delta if look is None else delta_of_look(delta, look)
    if fitted.variant == "energy":
        return without_box(
            spent, "Boxes are made for maps of means, and this one is of the energy variant; use the other for a box."
        )
    fitting = {key for key, fits in zip(fitted.keys, fitted.fitted, strict=True) if fits}
    if answers.key in fitting:
        return without_box(spent, f"{answers.key} helped to fit this map's axes, so it has no box on them.")
    if fitted.rank == 0:
        return without_box(spent, FLAT)
    if max(fitted.query_indices) >= len(answers.vectors):
        raise StatisticsError(f"{answers.key} has other queries than the map; compare runs of one task.")
    part = restrict(answers, fitted.query_indices)
    if part.counts.min() == 0:
        return without_box(spent, f"{part.key} has not answered every query of the map; finish it first.")
    if one_chain(part):
        return without_box(spent, _single(part))
    means = np.stack([x.mean(axis=0, dtype=np.float64) for x in part.vectors])
    point = (np.einsum("jp,jpd->jd", means, fitted.basis) - fitted.offsets).mean(axis=0)
    return box(terms(axes_of(fitted), part), spent, np.asarray(point))


def boxes(
    generators: Sequence[Answers],
    *,
    dimension: int = 2,
    seed: int = 0,
    delta: float = 0.05,
    everyone: bool = False,
) -> tuple[Box, ...]:
    """Boxes of the generators of one map, each on axes that its answers did not help to fit.

    Half A of every generator's answers fits the axes, half B is placed on them about B's own centre, whose
    noise is every generator's; the box says where the true mean, relative to the generators' average, lies
    on A's axes. These are not the display's, which both halves share: read half-widths, or draw the box about
    its own `point`. Generators that cannot be halved are placed with all their answers. everyone: all boxes at
    once, delta / n each. Generators of one chain neither fit nor get a box. Raises
    SettingsError for a delta that makes no sense, StatisticsError where generators share no query list.
    """
    check_delta(delta)
    spent = delta / len(generators) if everyone and generators else delta
    used = shared_queries(generators) if generators else ()
    if not used:
        return tuple(without_box(spent, "No query was answered by every generator.") for _ in generators)
    halves = [halve(restrict(answers, used), seed) for answers in generators]
    fits = [h.split and not one_chain(h.answers) for h in halves]
    fitting = [h for h, one in zip(halves, fits, strict=True) if one]
    if len(fitting) < min(dimension + 1, len(halves)):
        reason = "Too few generators have two independent answers to every query, so no axes are free of their noise."
        return tuple(without_box(spent, reason) for _ in halves)
    first, second = (np.stack([h.means[half] for h in fitting]) for half in (A, B))
    tau = np.array([0.0 if h.tau is None else h.tau[A] for h in fitting])
    axes = principal_axes(first, tau, dimension)
    if axes.shape[2] == 0:
        return tuple(without_box(spent, FLAT) for _ in halves)
    # Signs from half A alone, or the box would follow the answers it is about.
    axes = axes * steady_signs(np.einsum("njp,jpd->nd", first - first.mean(axis=0), axes))
    noise = [terms(axes, _second_half(h)) for h in fitting]
    total, centre = combined(noise), second.mean(axis=0)
    found, own = [], iter(noise)
    for h, one in zip(halves, fits, strict=True):
        if one_chain(h.answers):
            found.append(without_box(spent, _single(h.answers)))
            continue
        # A generator that fits sits in the centre too; another stands outside it.
        mine = about_centre(next(own) if one else terms(axes, h.answers), total, len(fitting), inside=one)
        away = (h.means[B] if one else h.full.means) - centre
        point = np.einsum("jp,jpd->d", away, axes) / math.sqrt(len(axes))
        found.append(_filled(box(mine, spent, np.asarray(point)), dimension))
    return tuple(found)


def _filled(narrow: Box, dimension: int) -> Box:
    """The box with zeros on axes that do not exist, where every point is 0."""

    def pad(row: Floats | None) -> Floats | None:
        return None if row is None else np.pad(row, (0, dimension - len(row)))

    return replace(
        narrow,
        hoeffding=pad(narrow.hoeffding),
        bernstein=pad(narrow.bernstein),
        smaller=pad(narrow.smaller),
        point=pad(narrow.point),
    )


def _second_half(halves: Halves) -> Answers:
    """Half B as a generator of its own; a generator that is not halved whole."""
    answers = halves.answers
    if answers.deterministic:
        return answers
    mine = np.split(halves.half.ravel()[halves.units.rows] == B, np.cumsum(answers.counts)[:-1])
    vectors = tuple(x[kept] for x, kept in zip(answers.vectors, mine, strict=True))
    if answers.chains is None:
        return Answers(answers.key, vectors)
    return Answers(answers.key, vectors, tuple(x[kept] for x, kept in zip(answers.chains, mine, strict=True)))


def _single(answers: Answers) -> str:
    return f"{answers.key} was written in one chain, so nothing in it repeats independently; write several chains."
