"""From the store to a map: which generators stand on it, over which queries, and how far each is from real."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.embedding import EMBEDDER
from core.errors import NotFoundError, StatisticsError
from core.generators import (
    HELD_OUT,
    REAL,
    Answered,
    Embedded,
    Placed,
    RealGenerator,
    embedded,
    stored_generators,
)
from core.perspective import fit_map
from core.perspective_map import PerspectiveMap, Variant
from core.statistics.answers import Answers, restrict
from core.statistics.distances import Distance, distance
from core.storage.records import Run
from core.store import Store
from core.tasks import Task

LEAST_HALF = 4
"""Real rows that either half needs for every query before one is held out: what an ellipse takes."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """A map with what it shows. All sequences run over `generators`.

    id: digest of what it was made from, so that equal maps have equal ids; queries: ids of those it stands
    on; answers: vectors over them, None on a map that was reopened; samples: the answers behind the rows
    of `map.clouds`; to_real: debiased squared distance to all real rows, for the held-out half to the other
    half (the distance that is noise), None for the real data themselves and where there are none;
    left_out: (key, one sentence why); made: how it was made.
    """

    id: str
    task: str
    queries: tuple[str, ...]
    generators: tuple[Placed, ...]
    answers: tuple[Answers, ...] | None
    samples: tuple[tuple[Answered, ...], ...]
    map: PerspectiveMap
    to_real: tuple[Distance | None, ...]
    left_out: tuple[tuple[str, str], ...]
    made: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """What the `map` command prints; null for what is unknown."""
        whole = self.map.as_dict()
        points = [
            {
                "run": None if generator.kind == REAL else generator.key,
                "kind": generator.kind,
                "settings": generator.settings,
                "samples": [sample.id for sample in samples],
                **point,
                "distance_to_real": None
                if apart is None
                else {"value": apart.value, "low": apart.low, "high": apart.high},
            }
            for generator, samples, point, apart in zip(
                self.generators, self.samples, whole["points"], self.to_real, strict=True
            )
        ]
        left_out = [{"run": run, "reason": reason} for run, reason in self.left_out]
        return {"id": self.id, "task": self.task, **whole, "points": points, "left_out": left_out}


def fingerprint(samples: Sequence[Answered]) -> str:
    """A digest of answers: their ids and texts in their order."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(f"{sample.id}\0{sample.text}\0".encode("utf-8", "replace"))
    return digest.hexdigest()


def draw_atlas(
    store: Store,
    task: Task,
    runs: Sequence[Run],
    *,
    focus: str | None = None,
    dimension: int = 2,
    seed: int = 0,
    align_to: PerspectiveMap | None = None,
    held_out: bool = False,
    reference: Collection[str] | None = None,
    variant: Variant = "mean",
) -> Atlas:
    """The map of the real data and these runs, from what is stored and embedded.

    focus: a run in progress: the map then stands on the queries that it has answered so far, so that its
    ellipse is honest at every moment and shrinks as answers arrive. A generator that left one of the
    map's queries unanswered is left out, and `left_out` says so.
    held_out: the even and the odd real rows of every query stand on the map as two generators, where each
    half has LEAST_HALF rows; distances of the runs are to all of them all the same.
    reference: keys of the generators that fit the axes and the centre; the others are placed on them.
    variant: "energy" sees the spread of answers beside their mean, in the map and in the distances.
    Raises StatisticsError where fewer than two generators can stand on a map, NotFoundError for a key of
    `reference` that is not among them.
    """
    cache = store.vectors(EMBEDDER)
    probe = [query.id for query in task.with_role("probe")]
    found = embedded([RealGenerator(task), *stored_generators(store, runs)], probe, cache)
    if unknown := set(reference or ()) - {HELD_OUT, *(one.answers.key for one in found)}:
        raise NotFoundError(
            f"{min(unknown)} cannot fit the axes of the map: it is not among its runs, or nothing of it is embedded."
        )
    answered = {one.answers.key: frozenset(np.flatnonzero(one.answers.counts).tolist()) for one in found}
    deciding = [answered[key] for key in answered if reference is None or key in reference]
    asked = sorted(answered[focus] if focus in answered else _widest(deciding))
    queries = tuple(probe[j] for j in asked)
    left_out: list[tuple[str, str]] = []
    standing: list[Embedded] = []
    for one in found:
        if missing := int((one.answers.counts[asked] == 0).sum()):
            left_out.append((one.answers.key, f"it has not answered {missing} of the map's {len(asked)} queries"))
        else:
            standing.append(_part(one, asked, queries))
    if len(standing) < 2 or not asked:
        raise StatisticsError(
            f"A map of the task {task.name!r} needs at least two generators that answered the same queries, "
            f"and {len(standing)} did; write a run first."
        )
    real = next((one.answers for one in standing if one.answers.key == REAL), None)
    if held_out and real is not None:
        halves = embedded([RealGenerator(task, half) for half in (0, 1)], queries, cache)
        fewest = min(int(one.answers.counts.min()) for one in halves)
        if fewest < LEAST_HALF:
            few = f"a half of the real rows has {fewest} for some query, and a point of its own takes {LEAST_HALF}"
            left_out.append((HELD_OUT, few))
        else:
            standing = [*halves, *(one for one in standing if one.answers.key != REAL)]
    answers = tuple(one.answers for one in standing)
    made = {
        "embedder": EMBEDDER,
        "dimension": dimension,
        "seed": seed,
        "variant": variant,
        "reference": None if reference is None else sorted(reference),
        "held_out": held_out,
        "turned_to": None if align_to is None else _place_of(align_to),
    }
    return Atlas(
        id=_digest(task.name, queries, made, standing),
        task=task.name,
        queries=queries,
        generators=tuple(Placed.of(one.generator) for one in standing),
        answers=answers,
        samples=tuple(one.samples for one in standing),
        map=_fitted(answers, variant, dimension, seed, align_to, reference),
        to_real=_to_real(answers, real, variant),
        left_out=tuple(left_out),
        made=made,
    )


def _digest(task: str, queries: Sequence[str], made: Mapping[str, Any], standing: Sequence[Embedded]) -> str:
    digest = hashlib.sha256(repr((task, queries, sorted(made.items()))).encode())
    for one in standing:
        digest.update(f"\0{one.answers.key}:{fingerprint(one.samples)}".encode())
    return "m-" + digest.hexdigest()[:10]


def _widest(answered: Sequence[frozenset[int]]) -> frozenset[int]:
    """The queries of the map that shows most: generators times queries, with two generators at least.

    So one short run shrinks nobody's map, and runs that were all asked a few queries still have one.
    """
    sets = Counter(answered)

    def shown(asked: frozenset[int]) -> tuple[bool, int]:
        generators = sum(count for other, count in sets.items() if asked <= other)
        return generators >= 2, generators * len(asked)

    return max(sets, key=shown, default=frozenset())


def _part(one: Embedded, asked: Sequence[int], queries: Sequence[str]) -> Embedded:
    """Answers and samples over the asked queries only, in the order of the map's clouds."""
    if len(asked) == len(one.answers.vectors):
        return one
    wanted = set(queries)
    samples = tuple(sample for sample in one.samples if sample.query in wanted)
    return Embedded(one.generator, restrict(one.answers, asked), samples)


def _fitted(
    answers: Sequence[Answers],
    variant: Variant,
    dimension: int,
    seed: int,
    align_to: PerspectiveMap | None,
    reference: Collection[str] | None,
) -> PerspectiveMap:
    fit: Callable[..., PerspectiveMap] = fit_map
    if variant == "energy":
        from core.statistics.energy import fit_energy_map

        fit = fit_energy_map
    if reference is None:
        return fit(answers, dimension=dimension, seed=seed, align_to=align_to)
    keys = [one.key for one in answers if one.key in reference]
    return fit(answers, dimension=dimension, seed=seed, align_to=align_to, reference=keys)


def _to_real(answers: Sequence[Answers], real: Answers | None, variant: Variant) -> tuple[Distance | None, ...]:
    """Distances to all real rows; of the held-out half to the other half, with which it shares no row."""
    apart = distance
    if variant == "energy":
        from core.statistics.energy import energy_distance

        apart = energy_distance
    half = next((one for one in answers if one.key == REAL), None)

    def from_real(one: Answers) -> Distance | None:
        other = half if one.key == HELD_OUT else real
        return None if other is None or one.key == REAL else apart(one, other)

    return tuple(from_real(one) for one in answers)


def _place_of(whole: PerspectiveMap) -> str:
    """A digest of where the points of a map lie."""
    return hashlib.sha256(repr(whole.keys).encode() + whole.points.tobytes()).hexdigest()[:16]
