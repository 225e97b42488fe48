"""A run as the page speaks of it: its settings in words, its task's title, its distance to real."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import SettingsError, SteerscopeError
from core.generators import StoredGenerator
from core.sliders import SteerSettings
from core.storage.records import Metric, Run
from core.store import Store
from core.tasks import Query
from pages.shared.badges import State, settings_words
from pages.shared.frame import task_named
from pages.shared.plain import readable

DISTANCE = "distance_to_real"


@dataclass(frozen=True)
class Entry:
    """task: its title; settings: None where the run was not steered here, or by a newer version."""

    run: Run
    task: str
    settings: SteerSettings | None
    distance: Metric | None

    @property
    def name(self) -> str:
        """What the run is called: the sliders everyone compares, what came with an import, else its id."""
        return StoredGenerator(self.run, ()).label

    @property
    def words(self) -> list[str]:
        """One badge each: the settings that matter, or what kind of run it is."""
        if self.settings is None:
            given = {} if self.run.kind == "steer" else self.run.settings
            return [self.run.kind, *(readable(f"{name} {value}") for name, value in given.items())]
        return settings_words(self.settings)

    @property
    def state(self) -> State:
        """The badge of its status."""
        return "writing" if self.run.status == "running" else self.run.status

    @property
    def resumable(self) -> bool:
        """Whether it stopped before its end."""
        return self.run.status in ("interrupted", "cancelled", "failed")

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the speed of what is written; None where nothing is."""
        if not self.run.samples or not self.run.seconds:
            return None
        return self.run.seconds / self.run.samples * max(self.run.expected - self.run.samples, 0)


def entries(store: Store) -> list[Entry]:
    """Every run of the store, newest first."""
    runs = store.runs()
    titles = {name: task_title(name) for name in {run.task for run in runs}}
    distances = store.metric(DISTANCE)
    return [Entry(run, titles[run.task], steered(run), distances.get(run.id)) for run in runs]


def entry_of(store: Store, run: str) -> Entry:
    """One run by id; NotFoundError."""
    found = store.run(run)
    distance = next((metric for metric in store.metrics(run) if metric.name == DISTANCE), None)
    return Entry(found, task_title(found.task), steered(found), distance)


def steered(run: Run) -> SteerSettings | None:
    """The sliders of a run; None for other kinds and for sliders of a newer version."""
    if run.kind != "steer":
        return None
    try:
        return SteerSettings.from_mapping(run.settings)
    except SettingsError:
        return None


def task_title(name: str) -> str:
    """The title of a task; its name where its files are gone, because its runs are not."""
    try:
        return task_named(name).title
    except SteerscopeError:
        return name


def queries_of(run: Run) -> dict[str, Query]:
    """The queries of a run's task by id; none where the task's files are gone."""
    try:
        return task_named(run.task).by_id
    except SteerscopeError:
        return {}
