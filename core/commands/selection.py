"""What a command means by its words: the samples of a run, the runs of a map."""

from __future__ import annotations

from collections.abc import Iterator

from core.errors import SettingsError
from core.storage.records import Run, Sample
from core.store import Store

PAGE = 500
"""Samples read at once: a run may hold more than belongs in memory."""


def arrived(store: Store, run: str) -> Iterator[Sample]:
    """The samples of a run in the order of arrival; NotFoundError before the first where there is no run."""
    store.run(run)
    last = None
    while page := store.samples(run, after=last, limit=PAGE):
        yield from page
        last = page[-1].id


def runs_for_map(store: Store, task: str, ids: str | None) -> list[Run]:
    """The runs named with commas between them, or all of the task that answer its probe queries.

    Raises NotFoundError for an unknown run, SettingsError for a run of another task.
    """
    if ids is None:
        return [run for run in store.runs(task=task) if run.samples and run.role == "probe"]
    names = dict.fromkeys(name.strip() for name in ids.split(",") if name.strip())
    found = [store.run(name) for name in names]
    for run in found:
        if run.task != task:
            raise SettingsError(f"Run {run.id} answers the task {run.task!r}, not {task!r}; leave it out.")
    return found
