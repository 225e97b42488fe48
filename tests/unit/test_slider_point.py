"""The sliders as a point on the map: asked for once, answered by a job, read by the path of stored runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.atlas import draw_atlas
from core.errors import SettingsError, StateError, StatisticsError
from core.generators import embedded, stored_generators
from core.handlers import handlers
from core.jobs import Jobs
from core.models import PairSpec
from core.scheduling.context import JobContext
from core.scheduling.scheduler import Scheduler
from core.slider_point import KIND, PointGenerator, answers_of_point, submit_point, work_of_point
from core.sliders import SteerSettings
from core.storage.records import Job, NewRun, NewSample, Priority
from core.store import Store
from core.tasks import Task, load_task
from tests.unit.small_maps import GROWING, PLAIN, QUERIES, embed, embed_real, write

PAIR = PairSpec("p", "P", "no/base", "no/expert")


@pytest.fixture
def task(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """A small task among the user's own."""
    monkeypatch.setenv("STEERSCOPE_DATA", str(tmp_path / "data"))
    return saved(store, tmp_path / "data" / "tasks" / "small", "{query}")


def saved(store: Store, folder: Path, template: str) -> Task:
    folder.mkdir(parents=True, exist_ok=True)
    head = {"title": "Small", "description": "Small.", "template": template, "response": "answer", "plural": "answers"}
    (folder / "task.json").write_text(json.dumps(head))
    queries = [
        {"id": q, "role": "probe", "text": f"what of {q}", "references": [f"real {q} {r}" for r in range(8)]}
        for q in QUERIES
    ]
    (folder / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))
    made = load_task("small")
    embed_real(store, made)
    return made


def rows_of(job: Job, name: str = "point") -> list[dict[str, object]]:
    """Made-up answers in the order in which a run writes them, round by round of either chain."""
    return [
        {"query": query, "replicate": r, "chain": r, "round": number, "text": f"{name} {query} {r}"}
        for number, query in enumerate(QUERIES)
        for r in range(int(job.payload["replicates"]))
    ]


def done(store: Store, job: Job, name: str = "point") -> Job:
    """The job as if a worker had written these answers and embedded them."""

    def handler(context: JobContext) -> Iterator[None]:
        context.result = {"rows": rows_of(context.job, name)}
        yield

    embed(store, [str(row["text"]) for row in rows_of(job, name)])
    scheduler = Scheduler(store, {KIND: handler}, lease=60.0)
    while Jobs(store).job(job.id).active:
        scheduler.tick()
    scheduler.close()
    return Jobs(store).job(job.id)


def test_a_point_is_asked_for_once_and_another_anew(store: Store, task: Task, tmp_path: Path) -> None:
    jobs = Jobs(store)
    first = submit_point(jobs, task, PAIR, PLAIN)
    assert (first.kind, first.status, first.priority, first.run) == ("point", "queued", Priority.VIEW, None)
    assert submit_point(jobs, task, PAIR, SteerSettings.from_mapping(PLAIN.as_dict())).id == first.id
    done(store, first)
    assert submit_point(jobs, task, PAIR, PLAIN).id == first.id
    others = [
        submit_point(jobs, task, PAIR, PLAIN.with_(temperature=0.9)),
        submit_point(jobs, task, PAIR, PLAIN, replicates=3),
        submit_point(jobs, task, replace(PAIR, expert="no/other"), PLAIN),
        submit_point(jobs, saved(store, tmp_path / "data" / "tasks" / "small", "Now {query}"), PAIR, PLAIN),
    ]
    assert len({job.id for job in (first, *others)}) == 5
    jobs.cancel(others[0].id)
    assert submit_point(jobs, task, PAIR, PLAIN.with_(temperature=0.9)).id > others[-1].id


def test_a_worker_knows_what_to_write(store: Store, task: Task) -> None:
    job = submit_point(Jobs(store), task, PAIR, PLAIN, replicates=3)
    work = work_of_point(job)
    assert [query.id for query in work.queries] == list(QUERIES)
    assert (work.settings, work.replicates, work.samples) == (PLAIN, 3, 9)
    assert "point" in handlers()


def test_too_few_and_too_many_answers_are_refused(store: Store, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="at least one answer"):
        submit_point(Jobs(store), task, PAIR, PLAIN, replicates=0)
    monkeypatch.setenv("STEERSCOPE_MAX_SAMPLES", "8")
    with pytest.raises(SettingsError, match="would hold 9 samples, above the limit of 8"):
        submit_point(Jobs(store), task, PAIR, PLAIN, replicates=3)
    with pytest.raises(SettingsError):
        submit_point(Jobs(store), replace(task, queries=()), PAIR, PLAIN)
    assert Jobs(store).jobs() == []


@pytest.mark.parametrize("settings", [PLAIN, GROWING], ids=["independent", "in chains"])
def test_a_point_is_read_as_a_run_of_the_same_answers_is(store: Store, task: Task, settings: SteerSettings) -> None:
    job = done(store, submit_point(Jobs(store), task, PAIR, settings))
    run = store.create_run(
        NewRun(kind="steer", task="small", settings=settings.as_dict(), queries=QUERIES, replicates=2), "done"
    )
    samples = [NewSample(**row) for row in rows_of(job)]  # type: ignore[arg-type]
    store.add_round(run.id, samples)
    [stored] = embedded(stored_generators(store, [store.run(run.id)]), QUERIES, store.vectors("all-MiniLM-L6-v2"))
    point = answers_of_point(store, task, QUERIES, job)
    assert point.key == f"point:{job.id}"
    for name in ("vectors", "chains", "rounds"):
        ours, theirs = getattr(point, name), getattr(stored.answers, name)
        assert (ours is None) == (theirs is None) == (name != "vectors" and settings is PLAIN)
        for one, two in zip(ours or (), theirs or (), strict=True):
            np.testing.assert_array_equal(one, two)
    assert point.deterministic == stored.answers.deterministic
    generator = PointGenerator(job)
    assert (generator.label, generator.settings, generator.kind) == (settings.short(), settings.as_dict(), "steer")


def test_a_point_is_placed_on_the_queries_of_the_map(store: Store, task: Task) -> None:
    for name in ("left", "right"):
        write(store, name, queries=QUERIES[:2])
    atlas = draw_atlas(store, task, store.runs(task="small"))
    assert atlas.queries == QUERIES[:2]
    job = done(store, submit_point(Jobs(store), task, PAIR, PLAIN), "left")
    point = answers_of_point(store, task, atlas.queries, job)
    assert point.counts.tolist() == [2, 2]
    placed = atlas.map.place(point).point
    # Answers that begin as those of a run do lie nearer to it than to the other one.
    apart = {
        key: float(np.linalg.norm(placed - where)) for key, where in zip(atlas.map.keys, atlas.map.points, strict=True)
    }
    left, right = (run.id for run in reversed(store.runs(task="small")))
    assert apart[left] < apart[right]


def test_a_point_that_cannot_be_read_says_why(store: Store, task: Task, tmp_path: Path) -> None:
    jobs = Jobs(store)
    job = submit_point(jobs, task, PAIR, PLAIN)
    with pytest.raises(StateError, match=f"its job {job.id} is queued"):
        answers_of_point(store, task, QUERIES, job)
    ended = done(store, job)
    with pytest.raises(SettingsError, match="written for the task 'small', not for 'other'"):
        answers_of_point(store, replace(task, name="other"), QUERIES, ended)
    with pytest.raises(StatisticsError, match="ask for the point again"):
        answers_of_point(store, saved(store, tmp_path / "data" / "tasks" / "small", "Now {query}"), QUERIES, ended)
    with pytest.raises(StatisticsError, match="ask for the point again"):
        answers_of_point(store, task, ("none",), ended)
    cancelled = jobs.cancel(submit_point(jobs, task, PAIR, PLAIN.with_(gamma=0.1)).id)
    with pytest.raises(StateError, match="is cancelled"):
        answers_of_point(store, task, QUERIES, cancelled)
