"""What work costs on this device, as it was measured when the like of it was done."""

from __future__ import annotations

from core.errors import SettingsError
from core.models import PairSpec
from core.sliders import SteerSettings
from core.storage.records import Run
from core.store import Store
from core.tasks import Task


def usual_seconds(store: Store, task: Task, pair: PairSpec, settings: SteerSettings) -> float | None:
    """Seconds a sample took in stored runs that did the same work; None where there are none."""
    done = store.runs(task=task.name, status="done", kind="steer", limit=40)
    alike = [run for run in done if run.samples and run.seconds > 0 and _work(run) == _branches(settings)]
    same = [run for run in alike if dict(run.pair_spec or {}).get("name") == pair.name][:5]
    if not same:
        return None
    return sum(run.seconds for run in same) / sum(run.samples for run in same)


def _work(run: Run) -> tuple[bool, bool]:
    try:
        return _branches(SteerSettings.from_mapping(run.settings))
    except SettingsError:
        return (False, False)


def _branches(settings: SteerSettings) -> tuple[bool, bool]:
    """What makes a step dear: whether the base and the negative context are read."""
    return settings.gamma > 0, settings.uses_negatives
