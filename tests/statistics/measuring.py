"""Coverage of what a map shows, measured in a design: ellipses, differences, placements, distances, boxes.

The truth of a point is where the generator's true mean falls on that map's own axes, relative to the true
average of the generators that the map is centred on (`dkps.md`, "What it answers").
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.perspective import PerspectiveMap, fit_map
from core.statistics.answers import Answers
from core.statistics.axes import turn
from core.statistics.distances import distance
from core.statistics.ellipses import radius
from core.statistics.energy import energy_distance, energy_features
from core.statistics.query_bootstrap import bootstrap_queries
from tests.statistics.worlds import Design, World

KINDS = {
    "ellipse": "95% ellipse of a point",
    "together": "all ellipses of a map at once",
    "difference": "95% ellipse of the difference of two points",
    "placement": "95% ellipse of a new generator on the map as it stands",
    "distance": "95% interval of D²",
}
"""What is measured, in the order of the table."""


@dataclass(frozen=True)
class Share:
    """How often something held: mean over maps, its standard error, and how often it was shown at all."""

    held: float
    error: float
    shown: float


def measure(design: Design, maps: int, seed: int = 17) -> dict[str, Share]:
    """Coverage of every kind in KINDS over so many simulated maps; a kind that is never shown holds NaN."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[tuple[float, int, int]]] = defaultdict(list)
    for number in range(maps):
        for kind, flags in _one_map(design, rng, number).items():
            shown = [flag for flag in flags if flag is not None]
            found[kind].append((float(sum(shown)), len(shown), len(flags)))
    return {kind: _share(np.array(found[kind])) for kind in KINDS}


def _share(counts: NDArray[np.float64]) -> Share:
    """counts: (maps, 3) held, shown, asked."""
    seen = counts[counts[:, 1] > 0]
    if not len(seen):
        return Share(math.nan, math.nan, 0.0)
    each = seen[:, 0] / seen[:, 1]
    # All maps alike leaves no spread to see: half a map that might have gone the other way.
    rate = (float(each.sum()) + 0.5) / (len(each) + 1)
    spread = float(each.std()) or math.sqrt(rate * (1 - rate))
    return Share(float(each.mean()), spread / math.sqrt(len(seen)), float(counts[:, 1].sum() / counts[:, 2].sum()))


def _one_map(design: Design, rng: np.random.Generator, seed: int) -> dict[str, list[bool | None]]:
    world, n = design.world, design.n
    answers = design.draw(rng)
    drawn = fit_map(answers, seed=seed, splits=1)
    truth = np.einsum("njp,jpd->nd", world.means - world.means.mean(axis=0), drawn.basis) / design.m
    ellipses = [inside(drawn.points[i] - truth[i], drawn.covariances[i], drawn.radii[i]) for i in range(n)]
    everywhere = [_at_once(drawn, i, truth[i]) for i in range(n)]
    together = None if None in everywhere else all(everywhere)
    i, k = rng.choice(n, size=2, replace=False)
    apart = drawn.difference(int(i), int(k))
    far = distance(answers[i], answers[k])
    true = world.squared_distance(int(i), int(k))
    new = world.answers(int(i), design.counts[i], design.chained[i], rng, key="new")
    placed = drawn.place(new)
    # On the map as it stands its centre is not estimated: the truth is relative to the stored centre.
    stands = (np.einsum("jp,jpd->d", world.means[i], drawn.basis) - drawn.offsets.sum(axis=0)) / design.m
    return {
        "ellipse": ellipses,
        "together": [together],
        "difference": [inside(apart.vector - (truth[i] - truth[k]), apart.covariance, apart.radius)],
        "placement": [inside(placed.point - stands, placed.covariance, placed.radius)],
        "distance": [None if far.low is None or far.high is None else far.low <= true <= far.high],
    }


def _at_once(drawn: PerspectiveMap, i: int, truth: NDArray[np.float64]) -> bool | None:
    nu = drawn.degrees[i]
    size = None if nu is None else radius(drawn.all_at_once, drawn.rank, nu)
    return inside(drawn.points[i] - truth, drawn.covariances[i], size)


def inside(away: NDArray[np.float64], covariance: NDArray[np.float64] | None, size: float | None) -> bool | None:
    """Whether an ellipse of this radius holds a point that far from its centre; None where none is drawn."""
    if covariance is None or size is None:
        return None
    return bool(away @ np.linalg.pinv(covariance) @ away <= size**2)


ENERGY_DESIGNS = (
    Design("light", 5, 5, (5, 5)),
    Design("middle", 10, 5, (4, 9)),
    Design("heavy", 5, 5, (5, 5)),
    Design("mixed", 5, 20, (5, 5)),
    Design("middle", 5, 1, (6, 6)),
    Design("light", 3, 5, (4, 9)),
    Design("middle", 5, 5, (8, 8), "chains"),
    Design("mixed", 5, 5, (6, 12), "both"),
)


def measure_energy(design: Design, maps: int, seed: int = 17, atoms: int = 60) -> dict[str, Share]:
    """Coverage of the energy map's ellipses and of the interval of the energy distance.

    The truth lies in a space that depends on the answers, so the true distributions, of so many possible answers to
    a query, are embedded with them: most of the time goes there.
    """
    world = design.world.thinned(atoms)
    n, rng = design.n, np.random.default_rng(seed)
    true = [world.distribution(i) for i in range(n)]
    ends = np.array([_means(one) for one in energy_features(true[:2])])
    apart = float(((ends[0] - ends[1]) ** 2).sum(axis=1).mean())
    found: dict[str, list[tuple[float, int, int]]] = defaultdict(list)
    for number in range(maps):
        answers = [world.answers(i, design.counts[i], tied, rng, key=f"g{i}") for i, tied in enumerate(design.chained)]
        far = energy_distance(answers[0], answers[1])
        embedded = energy_features([*answers, *true])
        drawn = fit_map(embedded[:n], seed=number, splits=1)
        means = np.array([_means(one) for one in embedded[n:]])
        truth = np.einsum("njp,jpd->nd", means - means.mean(axis=0), drawn.basis) / design.m
        held = [inside(drawn.points[i] - truth[i], drawn.covariances[i], drawn.radii[i]) for i in range(n)]
        known = [flag for flag in held if flag is not None]
        found["ellipse"].append((float(sum(known)), len(known), n))
        inner = far.low is not None and far.high is not None and far.low <= apart <= far.high
        found["distance"].append((float(inner), int(far.low is not None), 1))
    return {kind: _share(np.array(counts)) for kind, counts in found.items()}


def _means(answers: Answers) -> NDArray[np.float64]:
    return np.stack([array.mean(axis=0, dtype=np.float64) for array in answers.vectors])


def measure_bootstrap(n: int, m: int, r: int, *, maps: int, queries: int = 300, seed: int = 17) -> dict[str, Share]:
    """Share of query-bootstrap ellipses that hold the point of the population's map, turned onto each other."""
    rng = np.random.default_rng(seed)
    world = World.make(n, queries, 0.8 if r > 4 else 0.4)
    whole = [Answers(f"g{i}", tuple(mean[None] for mean in world.means[i]), deterministic=True) for i in range(n)]
    population = bootstrap_queries(whole, draws=2).points
    counts = np.full(m, r)
    found = []
    for number in range(maps):
        asked = World(world.atoms[:, :, rng.integers(queries, size=m)])
        answers = [asked.answers(i, counts, False, rng, key=f"g{i}") for i in range(n)]
        again = bootstrap_queries(answers, draws=100, seed=number)
        assert again.covariances is not None
        truth = population @ turn(population, again.points)
        size = radius(0.95, 2, again.degrees)
        held = [inside(again.points[i] - truth[i], again.covariances[i], size) for i in range(n)]
        found.append((float(sum(flag is True for flag in held)), n, n))
    return {"queries": _share(np.array(found))}
