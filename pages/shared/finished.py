"""The runs that a map can be drawn of, and what tells one set of them from another."""

from __future__ import annotations

from collections.abc import Sequence

from core.storage.records import Run
from core.store import Store
from core.tasks import Task

AT_ONCE = 20_000
"""Samples up to which a map is drawn while somebody waits: a second or two."""

RunsKey = tuple[tuple[str, int, float | None], ...]


def finished_runs(store: Store, task: Task, most: int) -> list[Run]:
    """The complete runs that answered probe queries, newest first, at most so many."""
    return [run for run in store.runs(task=task.name, status="done") if run.role == "probe"][:most]


def runs_key(runs: Sequence[Run]) -> RunsKey:
    """What a map of these runs depends on."""
    return tuple((run.id, run.samples, run.finished) for run in runs)
