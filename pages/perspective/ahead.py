"""What this page shows of a task to a visitor who has chosen nothing yet, into its caches."""

from __future__ import annotations

from core.store import Store
from core.tasks import Task
from pages.perspective.shown import MOST, drawn_anew
from pages.shared.finished import AT_ONCE, finished_runs


def prepare(store: Store, task: Task) -> None:
    """The map of means, unless a worker has to draw it; SteerscopeError where the runs make none."""
    runs = finished_runs(store, task, MOST)
    if runs and sum(run.samples for run in runs) <= AT_ONCE:
        drawn_anew(store, task, runs, "mean", 2, None)
