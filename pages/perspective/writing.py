"""Runs in progress, placed on the map as it stands: a point with its ellipse that shrinks while answers arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.drawing.marks import Kind, Mark
from core.errors import StatisticsError
from core.placing import place_run
from core.storage.records import Run
from core.store import Store
from pages.perspective.shown import Shown
from pages.shared.plain import literal

MOST = 4
"""Runs in progress that are drawn; more of them would only cover the map."""


@dataclass(frozen=True, eq=False)
class Writing:
    """A run in progress. mark: None where it cannot be placed yet, and reason says why. key: changes with the mark."""

    run: Run
    mark: Mark | None
    reason: str
    key: tuple[str, int, int]


def writing(store: Store, shown: Shown, runs: Sequence[Run]) -> list[Writing]:
    """Where these runs are by now."""
    return [_placed(store, shown, run) for run in runs[:MOST]]


def _placed(store: Store, shown: Shown, run: Run) -> Writing:
    if not run.samples:
        return Writing(run, None, "It appears with its first answers.", (run.id, 0, 0))
    try:
        found = place_run(store, shown.task, shown.atlas, run, partial=True)
    except StatisticsError as error:
        return Writing(run, None, str(error), (run.id, 0, run.samples))
    placed, apart = found.placement, found.to_real
    outline = placed.ellipse()
    point = [float(value) for value in placed.point]
    kind: Kind = "few" if outline is None else "run"
    mark = Mark(
        key=run.id,
        kind=kind,
        xy=(point[0], point[1] if len(point) > 1 else 0.0),
        z=point[2] if len(point) > 2 else None,
        settings=found.generator.label,
        n=len(found.samples),
        label=f"writing {run.samples:,} of {run.expected:,}",
        outline=outline,
        distance=None if apart is None else apart.value,
        low=None if apart is None else apart.low,
        high=None if apart is None else apart.high,
        score=f"so far {placed.queries} of {shown.atlas.map.queries} queries",
    )
    return Writing(run, mark, placed.reason or "", (run.id, len(found.samples), run.samples))


def words(found: Sequence[Writing]) -> str:
    """One line about the runs in progress, as Markdown; empty where there are none."""
    if not found:
        return ""
    first = found[0]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    if first.mark is None:
        return f"{first.run.id}{more} is being written. {literal(first.reason)}"
    return f":blue[{literal(first.mark.settings)}]{more} is being written; watching is not testing."
