"""What the commands about maps print, documented as in `core.commands.documents`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

from core.commands.documents import same_names

if TYPE_CHECKING:
    from core.atlas import Atlas
    from core.guarantees import Box, Budget, Sameness, WorstCase
    from core.placing import PlacedRun
    from core.statistics.distances import Distance


@dataclass(frozen=True)
class DistanceToReal:
    """A debiased squared distance; it may be slightly negative."""

    value: Annotated[float | None, "the distance"]
    low: Annotated[float | None, "lower end of its 95% interval"]
    high: Annotated[float | None, "upper end of its 95% interval"]

    @classmethod
    def of(cls, apart: Distance | None) -> DistanceToReal:
        """The document of a distance; nulls where there is none."""
        return cls(None, None, None) if apart is None else cls(apart.value, apart.low, apart.high)


@dataclass(frozen=True)
class BoxAround:
    """A box around a point that holds its true place whatever the answers look like."""

    hoeffding: Annotated[list[float] | None, "half-widths by Hoeffding's inequality"]
    bernstein: Annotated[list[float] | None, "half-widths by the empirical Bernstein inequality"]
    smaller: Annotated[list[float] | None, "half-widths to read without having decided for one of them beforehand"]
    delta: Annotated[float, "each box misses with at most this probability"]
    reason: Annotated[str | None, "why there is no box"]

    @classmethod
    def of(cls, box: Box) -> BoxAround:
        """The document of a box."""
        names = ("hoeffding", "bernstein", "smaller")
        widths = {name: None if (each := getattr(box, name)) is None else each.tolist() for name in names}
        return cls(**widths, delta=box.delta, reason=box.reason)


@dataclass(frozen=True)
class MapPoint:
    """One generator on the map."""

    run: Annotated[str | None, "id of the run; null for the real data"]
    kind: Annotated[str, "steer, real, imported or endpoint"]
    settings: Annotated[Mapping[str, Any], "the sliders; empty for the real data"]
    replicates: Annotated[int, "answers to each query; the fewest, where queries differ"]
    coordinates: Annotated[list[float], "place on the map's axes"]
    covariance: Annotated[list[list[float]] | None, "of the place; null where no ellipse is honest"]
    distance_to_real: Annotated[DistanceToReal, "squared and debiased; nulls for the real data"]
    radius: Annotated[float | None, "Mahalanobis radius of the 95% ellipse"]
    method: Annotated[str | None, "what the covariance came from"]
    reason: Annotated[str | None, "why there is no ellipse"]
    fitted: Annotated[bool, "whether it fitted the axes; else it was placed on them"]
    leverage: Annotated[float | None, "how far out it lies among those that fitted the axes"]
    tau: Annotated[float | None, "noise of its mean; null where nothing repeats"]
    samples: Annotated[list[str], "ids of the samples of its cloud; of real rows, the query and the row"]
    box: Annotated[BoxAround, "how far off its true place may lie, on each axis"]


@dataclass(frozen=True)
class LeftOut:
    """One generator that is not on the map."""

    run: Annotated[str, "id of the run, or real"]
    reason: Annotated[str, "why it is not"]


@dataclass(frozen=True)
class Worst:
    """How far all points together can lie from the true configuration, by a proof."""

    total: Annotated[float | None, "bound over all points; null where there is none"]
    vacuous: Annotated[bool, "whether noise is too large for any bound"]
    delta: Annotated[float, "probability with which it may be exceeded"]
    reason: Annotated[str | None, "why there is no bound"]

    @classmethod
    def of(cls, worst: WorstCase) -> Worst:
        """The document of a worst case."""
        return same_names(cls, worst)


@dataclass(frozen=True)
class Map:
    """Generators in perspective space: `map`."""

    id: Annotated[str, "digest of what the map was made from; `place` takes it"]
    task: Annotated[str, "name of the task"]
    dimension: Annotated[int, "number of axes"]
    queries: Annotated[int, "number of queries that the map stands on"]
    noise_ratio: Annotated[float | None, "mean tau over the smallest displayed debiased eigenvalue"]
    scree: Annotated[list[float], "the debiased eigenvalues, largest first"]
    points: Annotated[list[MapPoint], "one a generator, the real data among them"]
    variant: Annotated[str, "mean, or energy, which sees the spread of answers too"]
    noise_floor: Annotated[list[float], "eigenvalues of noise alone, beside the scree"]
    elbow: Annotated[int | None, "axes before the elbow of the scree, a hint"]
    explained: Annotated[list[float], "share of the spread on each axis"]
    cosines: Annotated[list[float], "how well the axes of the two halves of the answers agree"]
    warnings: Annotated[list[str], "what to know before reading the map"]
    left_out: Annotated[list[LeftOut], "generators that could not stand on it"]
    worst_case: Annotated[Worst, "bound for all points together"]
    assumptions: Annotated[list[str], "what the numbers do and do not say"]

    @classmethod
    def of(cls, atlas: Atlas, boxes: Sequence[Box], worst: WorstCase, assumptions: Sequence[str]) -> Map:
        """The document of a map with its guarantees; boxes: one a generator."""
        whole = atlas.as_dict()
        points = [
            {
                **point,
                "replicates": min(point["replicates"]),
                "distance_to_real": DistanceToReal.of(apart),
                "box": BoxAround.of(box),
            }
            for point, apart, box in zip(whole["points"], atlas.to_real, boxes, strict=True)
        ]
        values = {
            **whole,
            "points": [MapPoint(**{field.name: point[field.name] for field in fields(MapPoint)}) for point in points],
            "left_out": [LeftOut(**each) for each in whole["left_out"]],
            "worst_case": Worst.of(worst),
            "assumptions": list(assumptions),
        }
        return cls(**{field.name: values[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class PlacedOn:
    """A run on a map that stays as it is: `place`."""

    run: Annotated[str, "id of the run"]
    map: Annotated[str, "id of the map"]
    kind: Annotated[str, "steer, imported or endpoint"]
    settings: Annotated[Mapping[str, Any], "the sliders, or whatever settings came with an import"]
    queries: Annotated[int, "number of the map's queries that it answered"]
    coordinates: Annotated[list[float], "place on the map's axes"]
    covariance: Annotated[list[list[float]] | None, "of the place; null where no ellipse is honest"]
    radius: Annotated[float | None, "Mahalanobis radius of the 95% ellipse"]
    method: Annotated[str | None, "what the covariance came from"]
    reason: Annotated[str | None, "why there is no ellipse"]
    leverage: Annotated[float, "how far out it lies among those that fitted the axes"]
    extrapolates: Annotated[bool, "whether that is farther than any of them"]
    distance_to_real: Annotated[DistanceToReal, "squared and debiased"]
    box: Annotated[BoxAround, "how far off its true place may lie, on each axis"]

    @classmethod
    def of(cls, placed: PlacedRun, map_id: str, box: Box) -> PlacedOn:
        """The document of a placed run."""
        where = placed.placement
        return cls(
            run=placed.generator.key,
            map=map_id,
            kind=placed.generator.kind,
            settings=placed.generator.settings,
            queries=where.queries,
            coordinates=where.point.tolist(),
            covariance=None if where.covariance is None else where.covariance.tolist(),
            radius=where.radius,
            method=where.method,
            reason=where.reason,
            leverage=where.leverage,
            extrapolates=where.extrapolates,
            distance_to_real=DistanceToReal.of(placed.to_real),
            box=BoxAround.of(box),
        )


@dataclass(frozen=True)
class Needed:
    """One number for each way of counting."""

    hoeffding: Annotated[float | None, "guaranteed, from nothing but the number of answers"]
    bernstein: Annotated[float | None, "guaranteed if answers vary as the pilot's do"]
    expected: Annotated[float | None, "expected from the pilot's spread, not guaranteed"]


@dataclass(frozen=True)
class Planned:
    """How many answers a box of a given size takes: `plan`."""

    epsilon: Annotated[float, "half-width of the box on every axis"]
    delta: Annotated[float, "probability with which it may miss"]
    dimension: Annotated[int, "number of axes"]
    pilot: Annotated[str | None, "id of the run whose spread is used"]
    queries: Annotated[int | None, "number of queries that the answers are spread over"]
    answers: Annotated[Needed, "answers in all"]
    per_query: Annotated[Needed, "answers to each query"]
    seconds: Annotated[Needed, "at the pilot's measured speed"]
    chained: Annotated[bool, "whether answers come in chains, each of which answers every query"]
    reason: Annotated[str | None, "why a number is null"]

    @classmethod
    def of(cls, budget: Budget, pilot: str | None) -> Planned:
        """The document of a budget."""
        return cls(
            epsilon=budget.epsilon,
            delta=budget.delta,
            dimension=budget.dimension,
            pilot=pilot,
            queries=budget.queries,
            answers=Needed(budget.hoeffding, budget.bernstein, budget.expected),
            per_query=Needed(**budget.per_query),
            seconds=Needed(**budget.seconds),
            chained=budget.chained,
            reason=budget.reason,
        )


@dataclass(frozen=True)
class Same:
    """Whether two runs answer alike: `same`."""

    runs: Annotated[list[str], "the two runs, or real"]
    statistic: Annotated[str, "mean sees where answers lie, energy also how they spread"]
    p: Annotated[float | None, "probability of a difference this large if they answered alike"]
    observed: Annotated[float | None, "value of the statistic"]
    permutations: Annotated[int, "labellings that it was compared with"]
    smallest: Annotated[float, "least p that these answers can show"]
    exact: Annotated[bool, "whether p is exact; else it may be larger than need be, never smaller"]
    design: Annotated[str, "what was shuffled: answers, whole chains, or each query by itself"]
    queries: Annotated[int, "number of queries that both have answered"]
    reason: Annotated[str | None, "why there is no p, or why it is not exact"]
    distance: Annotated[DistanceToReal, "between the two; its upper end says how different they can be at most"]

    @classmethod
    def of(cls, runs: Sequence[str], found: Sameness, apart: Distance) -> Same:
        """The document of a test."""
        own = {field.name: getattr(found, field.name) for field in fields(cls) if hasattr(found, field.name)}
        return cls(**own, runs=list(runs), distance=DistanceToReal.of(apart))
