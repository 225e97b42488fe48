"""What a command means by its words: the samples of a run, the runs of a map."""

from __future__ import annotations

from collections.abc import Iterator

from core.errors import NotFoundError, SettingsError
from core.generators import REAL
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
    found = [store.run(name) for name in named(ids)]
    for run in found:
        if run.task != task:
            raise SettingsError(f"Run {run.id} answers the task {run.task!r}, not {task!r}; leave it out.")
    return found


def named(ids: str) -> list[str]:
    """The ids between commas, each once."""
    return list(dict.fromkeys(name.strip() for name in ids.split(",") if name.strip()))


def pilot_of(store: Store, run: str | None, task: str | None) -> Run:
    """The run that was named, or the newest complete one of the task that answers its probe queries.

    Raises NotFoundError where there is none, SettingsError where the run is of another task.
    """
    if run is not None:
        found = store.run(run)
        if task not in (None, found.task):
            raise SettingsError(f"Run {run} answers the task {found.task!r}, not {task!r}; name one of the two.")
        return found
    complete = store.runs(task=task, status="done")
    for each in complete:
        if each.samples and each.role == "probe":
            return each
    raise NotFoundError(f"The task {task!r} has no complete run to plan from; write one, or plan without a pilot.")


def pair_of(store: Store, first: str, second: str) -> list[Run]:
    """The runs among two names, of which one may be `real`; SettingsError where they cannot be compared."""
    if first == second:
        raise SettingsError(f"{first} is named twice; name two runs, or a run and real.")
    found = [store.run(name) for name in (first, second) if name != REAL]
    if len({run.task for run in found}) > 1:
        tasks = " and ".join(repr(run.task) for run in found)
        raise SettingsError(f"Runs {first} and {second} answer the tasks {tasks}; compare runs of one task.")
    return found
