"""A sweep: every combination of some slider values as a run, of which only what is missing is written.

A sweep keeps no state of its own. What the store holds decides what is left to do, so a sweep that was
interrupted goes on when it is asked for again, and a larger grid reuses the runs of a smaller one.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import SettingsError
from core.generation import plan
from core.jobs import Jobs
from core.models import PairSpec
from core.running import submit_run
from core.sliders import SteerSettings
from core.storage.records import Job, Run
from core.store import Store
from core.tasks import Role, Task

MOST_RUNS = 10_000
_RANK = {"done": 0, "running": 1, "queued": 2, "interrupted": 3, "cancelled": 4, "failed": 5}
"""Which of several runs of one combination counts: the one that is nearest to its end."""


@dataclass(frozen=True)
class Sweep:
    """What was asked: these settings, each answering the same queries with the same pair.

    queries: ids; grid: without repetitions, the last slider moving fastest.
    """

    task: Task
    pair: PairSpec
    grid: tuple[SteerSettings, ...]
    queries: tuple[str, ...]
    replicates: int
    role: Role

    @property
    def id(self) -> str:
        """A digest of the question: the same combinations in any order have the same id."""
        asked = [
            self.task.name,
            self.role,
            self.queries,
            self.replicates,
            self.pair.fingerprint,
            sorted(sliders.key() for sliders in self.grid),
        ]
        return "s-" + hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:10]

    @property
    def samples_each(self) -> int:
        """Samples of one run when it is complete."""
        return len(self.queries) * self.replicates

    def run_of(self, store: Store, sliders: SteerSettings) -> Run | None:
        """The stored run of a combination: with equal settings, queries, replicates, role and pair."""
        return _best(self._of_pair(store), sliders)

    def runs_of(self, store: Store) -> list[Run | None]:
        """The stored run of every combination, by one look at the store."""
        runs = self._of_pair(store)
        return [_best(runs, sliders) for sliders in self.grid]

    def _of_pair(self, store: Store) -> list[Run]:
        return [
            run
            for run in store.runs(task=self.task.name, kind="steer")
            if run.queries == self.queries
            and run.replicates == self.replicates
            and run.role == self.role
            # a run that was loaded carries the layout and the type of its weights too
            and (run.pair or "").split("-")[0] == self.pair.fingerprint
        ]


@dataclass(frozen=True)
class Next:
    """One combination when its turn comes.

    kind: `write` with the job that its caller, `owner`, holds and shall run now, or that waits for a worker where
    there is no owner; `done` where the store has it; `elsewhere` where another process holds it or a worker will.
    """

    kind: Literal["write", "done", "elsewhere"]
    sliders: SteerSettings
    run: str
    job: Job | None = None


def ask(
    task: Task,
    pair: PairSpec,
    values: Mapping[str, Any],
    *,
    queries: int | None = None,
    replicates: int = 8,
    role: Role = "probe",
) -> Sweep:
    """The sweep over every combination of `values`: one value or a list of values a slider.

    Raises SettingsError where any combination is out of range, before anything is written.
    """
    grid = expand(values)
    work = plan(task, grid[0], role=role, queries=queries, replicates=replicates)
    return Sweep(task, pair, grid, tuple(query.id for query in work.queries), replicates, role)


def expand(values: Mapping[str, Any]) -> tuple[SteerSettings, ...]:
    """Every combination, in the order of the lists, the last slider moving fastest; repetitions once.

    Raises SettingsError where a combination is out of range or there are more than MOST_RUNS.
    """
    axes: list[Sequence[Any]] = [value if isinstance(value, list | tuple) else [value] for value in values.values()]
    count = math.prod(len(axis) for axis in axes)
    if not 1 <= count <= MOST_RUNS:
        raise SettingsError(f"The sweep has {count:,} combinations; ask for at least one and at most {MOST_RUNS:,}.")
    found = (SteerSettings.from_mapping(dict(zip(values, chosen, strict=True))) for chosen in itertools.product(*axes))
    return tuple(dict.fromkeys(found))


def steps(jobs: Jobs, sweep: Sweep, *, owner: str | None, batch_size: int | None = None) -> Iterator[Next]:
    """Combination by combination: what the store has, and jobs of `owner` for what it has not.

    The caller runs each job before it asks for the next step; each look at the store is a fresh one, so two
    sweeps beside each other share the work. A run that was interrupted, cancelled or failed is resumed.
    """
    for sliders in sweep.grid:
        found = sweep.run_of(jobs.store, sliders)
        if found is not None and found.status == "done":
            yield Next("done", sliders, found.id)
        elif found is not None and found.active:
            yield Next("elsewhere", sliders, found.id)
        else:
            job = _begin(jobs, sweep, sliders, found, owner, batch_size)
            yield Next("write", sliders, str(job.run), job)


def _begin(
    jobs: Jobs, sweep: Sweep, sliders: SteerSettings, found: Run | None, owner: str | None, batch_size: int | None
) -> Job:
    if found is not None:
        return jobs.resume(found.id, owner=owner)
    return submit_run(
        jobs,
        sweep.task,
        sweep.pair,
        sliders,
        queries=len(sweep.queries),
        replicates=sweep.replicates,
        role=sweep.role,
        owner=owner,
        batch_size=batch_size,
    )


def _best(runs: Sequence[Run], sliders: SteerSettings) -> Run | None:
    fitting = [run for run in runs if _same(run.settings, sliders)]
    return min(fitting, key=lambda run: _RANK[run.status], default=None)


def _same(stored: Mapping[str, Any], sliders: SteerSettings) -> bool:
    """Whether stored settings are these; a slider that they do not know yet stands at its default."""
    return {**SteerSettings().as_dict(), **stored} == sliders.as_dict()
