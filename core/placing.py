"""Runs one at a time: on a map that stays as it is, as the pilot of a plan, or beside another run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.atlas import Atlas, draw_atlas
from core.embedding import EMBEDDER
from core.errors import SettingsError, StatisticsError
from core.generators import REAL, Answered, Generator, Placed, RealGenerator, embedded, stored_generators
from core.perspective_map import PerspectiveMap
from core.statistics.answers import Answers, Floats
from core.statistics.distances import Distance, distance
from core.statistics.placement import Placement
from core.storage.records import Run
from core.store import Store
from core.tasks import Task


@dataclass(frozen=True, eq=False)
class PlacedRun:
    """A run, where it falls on the map, and the answers behind the rows of `placement.cloud`.

    answers: over the map's queries. to_real: debiased squared distance to all real rows, over the queries
    that it has answered; None where there are no real rows.
    """

    generator: Placed
    answers: Answers
    samples: tuple[Answered, ...]
    placement: Placement
    to_real: Distance | None


def place_run(store: Store, task: Task, atlas: Atlas, run: Run, *, partial: bool = False) -> PlacedRun:
    """Place a run on a map without refitting it, from what is stored and embedded of the run.

    A run that stands on the map already is given as it stands there.

    partial: also a run in progress, which has answered some of the map's queries. Raises StatisticsError
    where it has answered none, or not all without `partial`, and on a map of energy distances; SettingsError
    for a run of another task.
    """
    if run.task != atlas.task:
        raise SettingsError(f"Run {run.id} answers the task {run.task!r}, and the map is of {atlas.task!r}.")
    cache = store.vectors(EMBEDDER)
    found = embedded(stored_generators(store, [run]), atlas.queries, cache)
    if not found:
        raise StatisticsError(f"Run {run.id} has answered none of the map's queries; run it on probe queries first.")
    [one] = found
    placement = atlas.map.place(one.answers, partial=partial)
    if run.id in atlas.map.keys:
        placement = _row(atlas.map, run.id, placement)
    real = embedded([RealGenerator(task)], atlas.queries, cache)
    apart = distance(one.answers, real[0].answers) if real else None
    return PlacedRun(Placed.of(one.generator), one.answers, one.samples, placement, apart)


def _row(drawn: PerspectiveMap, key: str, placed: Placement) -> Placement:
    """A run that the map shows already stays where it stands there, with the ellipse that is honest for it.

    Its answers helped to fit the axes: placed on them like a newcomer it would look surer than it is.
    """
    i = drawn.index(key)
    return replace(
        placed,
        point=drawn.points[i],
        cloud=drawn.clouds[i],
        weights=drawn.cloud_weights[i],
        covariance=drawn.covariances[i],
        nu=drawn.degrees[i],
        radius=drawn.radii[i],
        leverage=float(drawn.leverages[i]),
        extrapolates=placed.extrapolates and not drawn.fitted[i],
        method=drawn.methods[i],
        reason=drawn.reasons[i],
    )


def pilot_axes(
    store: Store, task: Task, pilot: Run, runs: Sequence[Run], *, dimension: int = 2
) -> tuple[Answers, Floats]:
    """A pilot's answers, and axes (m, p, d), V'V = I, that the real data and the other runs fit without it.

    Raises StatisticsError where these are too few to span so many axes.
    """
    from core.guarantees import axes_of

    others = [run for run in runs if run.id != pilot.id]
    reference = [run.id for run in others] + ([REAL] if task.references("probe") else [])
    atlas = draw_atlas(store, task, [pilot, *others], focus=pilot.id, dimension=dimension, reference=reference)
    if atlas.map.rank < dimension:
        raise StatisticsError(
            f"Beside the pilot the task {task.name!r} has generators for {atlas.map.rank} axes and not for "
            f"{dimension}; write runs with other settings, or plan without a pilot."
        )
    assert atlas.answers is not None
    return atlas.answers[atlas.map.index(pilot.id)], axes_of(atlas.map)


def answers_of(store: Store, task: Task, key: str, runs: Sequence[Run]) -> Answers:
    """All embedded answers of one of these runs, or of the real data, over the queries of the task.

    Raises StatisticsError where there are none.
    """
    one: Generator = RealGenerator(task)
    if key != REAL:
        [one] = stored_generators(store, [run for run in runs if run.id == key])
    found = embedded([one], [query.id for query in task.queries], store.vectors(EMBEDDER))
    if not found:
        what = f"The task {task.name!r} has no real rows" if key == REAL else f"Run {key} has no samples"
        raise StatisticsError(f"{what}, so there is nothing to compare.")
    return found[0].answers
