"""Sweeps: which combinations a grid has, which of them the store has, and what is left to write."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from core.errors import SettingsError
from core.jobs import Jobs
from core.models import PairSpec
from core.scheduling.context import JobContext
from core.scheduling.scheduler import Scheduler
from core.sliders import SteerSettings
from core.storage.records import NewRun, NewSample, Run, RunStatus
from core.store import Store
from core.sweep import MOST_RUNS, Sweep, ask, expand, steps
from core.tasks import Query, Task

OWNER = "elsewhere-0:1:1"
PAIR = PairSpec("p", "p", "some/base", "some/expert")
TASK = Task(
    name="t",
    title="T",
    description="",
    template="Q: {query}\nA:",
    response="answer",
    plural="answers",
    max_new_tokens=8,
    queries=tuple(
        Query(f"{role}-{number}", role, f"{role} {number}", None, ("real",))
        for role in ("probe", "train")
        for number in range(3)
    ),
)


def asked(**values: Any) -> Sweep:
    return ask(TASK, PAIR, values, queries=2, replicates=2)


def stored(store: Store, sliders: SteerSettings, status: RunStatus = "done", **changes: Any) -> Run:
    """A run that fits `asked`, put into the store by hand."""
    run = NewRun(
        kind="steer",
        task="t",
        settings=sliders.as_dict(),
        pair=f"{PAIR.fingerprint}-m-float32",
        pair_spec=PAIR.as_dict(),
        queries=("probe-0", "probe-1"),
        replicates=2,
        expected=4,
    )
    return store.create_run(replace(run, **changes), status)


def fill(context: JobContext) -> Iterator[None]:
    """Writes what is missing of a run, one answer a step."""
    run = context.store.run(context.run)
    for query, replicate in itertools.product(run.queries, range(run.replicates)):
        if (query, replicate) not in context.store.finished_units(run.id):
            sample = NewSample(query=query, replicate=replicate, chain=replicate, round=0, text="x")
            context.store.add_round(run.id, [sample])
            yield


def finish(jobs: Jobs, sweep: Sweep) -> list[tuple[str, str]]:
    """Run a sweep to its end: what was done about each combination, and with which run."""
    found = []
    scheduler = Scheduler(jobs.store, {"generate": fill}, owner=OWNER)
    for step in steps(jobs, sweep, owner=OWNER):
        if step.job is not None:
            assert scheduler.run_one(step.job).status == "done"
        found.append((step.kind, step.run))
    return found


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return Jobs(store, lease=60.0)


# The grid


def test_a_grid_has_every_combination_with_the_last_slider_fastest() -> None:
    grid = expand({"gamma": [0.0, 0.4], "temperature": 0.7, "eta": [0.1, 0.2, 0.3]})
    assert [(s.gamma, s.eta) for s in grid] == [
        (0.0, 0.1),
        (0.0, 0.2),
        (0.0, 0.3),
        (0.4, 0.1),
        (0.4, 0.2),
        (0.4, 0.3),
    ]
    assert {s.temperature for s in grid} == {0.7}
    assert {s.top_k for s in grid} == {10}, "what is not named stands at its default"


def test_repetitions_count_once_also_as_whole_numbers() -> None:
    assert [s.gamma for s in expand({"gamma": [0, 0.0, 1, 0.0, 1.0]})] == [0.0, 1.0]


def test_one_bad_combination_refuses_the_sweep() -> None:
    with pytest.raises(SettingsError, match=r"eta is 1\.5, but subtract mode needs eta below 1"):
        expand({"mode": ["balanced", "subtract"], "eta": [0.2, 1.5]})
    assert len(expand({"mode": ["balanced"], "eta": [0.2, 1.5]})) == 2


def test_a_grid_without_end_is_refused_before_it_is_made() -> None:
    many = list(range(1000))
    with pytest.raises(SettingsError, match="1,000,000,000 combinations"):
        expand({"seed": many, "gamma": many, "eta": many})
    assert len(expand({"seed": list(range(100)), "negatives": list(range(MOST_RUNS // 100))})) == MOST_RUNS
    with pytest.raises(SettingsError, match="0 combinations"):
        expand({"gamma": []})


def test_the_id_is_the_question_in_any_order() -> None:
    one = asked(gamma=[0.0, 0.4], eta=[0.1, 0.2])
    assert one.id == asked(eta=[0.2, 0.1, 0.1], gamma=[0.4, 0.0]).id
    others = [
        asked(gamma=[0.0, 0.4], eta=[0.1]),
        replace(one, replicates=3),
        replace(one, queries=("probe-0",)),
        replace(one, role="train"),
        replace(one, pair=PairSpec("p", "p", "some/base", "other/expert")),
        replace(one, task=replace(TASK, name="u")),
    ]
    assert len({one.id, *(other.id for other in others)}) == 1 + len(others)


def test_too_many_queries_are_refused() -> None:
    with pytest.raises(SettingsError, match="queries is 4, and the task 't' has 3 probe queries"):
        ask(TASK, PAIR, {"gamma": [0.1]}, queries=4)


# What the store has


def test_everything_is_written_once_and_then_skipped(jobs: Jobs) -> None:
    sweep = asked(gamma=[0.0, 0.4], eta=[0.1, 0.2])
    first = finish(jobs, sweep)
    assert [kind for kind, _ in first] == ["write"] * 4
    runs = [jobs.store.run(run) for _, run in first]
    assert [(r.settings["gamma"], r.settings["eta"]) for r in runs] == [(0, 0.1), (0, 0.2), (0.4, 0.1), (0.4, 0.2)]
    assert {(r.status, r.samples, r.queries, r.replicates) for r in runs} == {("done", 4, ("probe-0", "probe-1"), 2)}
    again = finish(jobs, sweep)
    assert again == [("done", run) for _, run in first]
    assert len(jobs.store.runs()) == 4


def test_a_larger_sweep_writes_only_what_is_new(jobs: Jobs) -> None:
    finish(jobs, asked(gamma=[0.0]))
    assert [kind for kind, _ in finish(jobs, asked(gamma=[0.4, 0.0, 0.8]))] == ["write", "done", "write"]


@pytest.mark.parametrize("status", ["interrupted", "cancelled", "failed"])
def test_a_run_that_ended_early_is_completed_not_repeated(jobs: Jobs, status: RunStatus) -> None:
    sweep = asked(gamma=[0.4])
    step = next(steps(jobs, sweep, owner=OWNER))
    kept = NewSample(query="probe-0", replicate=0, chain=0, round=0, text="kept")
    jobs.store.add_round(step.run, [kept])
    assert step.job is not None
    scheduler = Scheduler(jobs.store, {"generate": fill}, owner=OWNER)
    assert scheduler.claims.stop(step.job.id, status)  # type: ignore[arg-type]

    assert finish(jobs, sweep) == [("write", step.run)]
    assert jobs.store.run(step.run).samples == 4
    assert "kept" in [sample.text for sample in jobs.store.samples(step.run)]


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_run_that_somebody_else_holds_is_left_to_them(jobs: Jobs, status: RunStatus) -> None:
    sweep = asked(gamma=[0.4])
    other = stored(jobs.store, sweep.grid[0], status)
    assert finish(jobs, sweep) == [("elsewhere", other.id)]


def test_of_several_runs_of_one_combination_the_finished_one_counts(jobs: Jobs) -> None:
    sweep = asked(gamma=[0.4])
    done = stored(jobs.store, sweep.grid[0])
    for status in ("failed", "interrupted", "running"):
        stored(jobs.store, sweep.grid[0], status)  # type: ignore[arg-type]
    assert finish(jobs, sweep) == [("done", done.id)]


@pytest.mark.parametrize(
    "changes",
    [
        {"replicates": 3},
        {"queries": ("probe-0",)},
        {"queries": ("probe-1", "probe-0")},
        {"role": "train"},
        {"pair": "0123456789ab-m-float32"},
        {"pair": None},
        {"task": "u"},
        {"kind": "imported"},
        {"settings": SteerSettings(gamma=0.4, seed=1).as_dict()},
    ],
    ids=str,
)
def test_a_run_that_differs_in_anything_does_not_count(jobs: Jobs, changes: dict[str, Any]) -> None:
    sweep = asked(gamma=[0.4])
    other = stored(jobs.store, sweep.grid[0], **changes)
    assert sweep.runs_of(jobs.store) == [None]
    ((kind, run),) = finish(jobs, sweep)
    assert kind == "write"
    assert run != other.id


def test_a_run_from_before_a_slider_existed_stands_at_its_default(jobs: Jobs) -> None:
    sweep = asked(gamma=[0.4])
    older = sweep.grid[0].as_dict()
    del older["min_p"]
    run = stored(jobs.store, sweep.grid[0], settings=older)
    assert [found and found.id for found in sweep.runs_of(jobs.store)] == [run.id]
    changed = {**older, "top_p": 0.5}
    assert stored(jobs.store, sweep.grid[0], settings=changed).id != run.id
    assert finish(jobs, sweep) == [("done", run.id)]


def test_two_sweeps_beside_each_other_share_the_work(jobs: Jobs) -> None:
    sweep = asked(gamma=[0.0, 0.4])
    one, other = steps(jobs, sweep, owner=OWNER), steps(jobs, sweep, owner=OWNER)
    first, second = next(one), next(other)
    assert (first.kind, second.kind) == ("write", "elsewhere")
    assert first.run == second.run
    assert next(other).kind == "write"


def test_the_batch_size_reaches_the_job_and_is_checked_first(jobs: Jobs) -> None:
    sweep = asked(gamma=[0.4])
    with pytest.raises(SettingsError, match="batch-size is 0"):
        next(steps(jobs, sweep, owner=OWNER, batch_size=0))
    assert jobs.store.runs() == []
    job = next(steps(jobs, sweep, owner=OWNER, batch_size=3)).job
    assert job is not None
    assert job.payload == {"batch_size": 3}
