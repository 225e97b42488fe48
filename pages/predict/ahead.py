"""What this page shows of a task to a visitor who has chosen nothing yet, into its caches."""

from __future__ import annotations

from core.predicting import gather
from core.regressing.runs import MOST_RUNS
from core.store import Store
from core.tasks import Task
from pages.predict.scores import offered
from pages.predict.shown import Options, drawn_anew, show, surface_of
from pages.shared.finished import AT_ONCE, finished_runs


def prepare(store: Store, task: Task) -> None:
    """Map, prediction and surface of the first score, where they take seconds; SteerscopeError where one cannot be."""
    runs, names = finished_runs(store, task, MOST_RUNS), offered(store, task)
    if runs and names and sum(run.samples for run in runs) <= AT_ONCE:
        atlas = drawn_anew(store, task, runs, None)
        gathered = gather(store, atlas, names[0], runs)
        surface_of(show(task, atlas, {run.id: run for run in runs}, gathered, Options()))
