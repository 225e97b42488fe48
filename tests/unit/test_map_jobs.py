"""What a page leaves to the worker: maps that take long, and the test of many pairs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.atlas import draw_atlas
from core.generators import HELD_OUT, REAL
from core.guarantees import same
from core.jobs import Jobs
from core.kept_maps import reopen
from core.map_job import hash_of, submit_map
from core.pair_tests import outcomes_of, submit_tests
from core.placing import answers_of
from core.storage.records import Run
from core.store import Store
from core.tasks import Task, load_task
from tests.unit.small_maps import GROWING, QUERIES, embed_real, write
from tests.unit.worked_off import work_off


@pytest.fixture
def task(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """A small task among the user's own, so that the worker finds it too."""
    monkeypatch.setenv("STEERSCOPE_DATA", str(tmp_path / "data"))
    folder = tmp_path / "data" / "tasks" / "small"
    folder.mkdir(parents=True)
    head = {"title": "Small", "description": "Small.", "template": "{query}", "response": "answer", "plural": "answers"}
    (folder / "task.json").write_text(json.dumps(head))
    queries = [
        {"id": q, "role": "probe", "text": f"what of {q}", "references": [f"real {q} {r}" for r in range(8)]}
        for q in QUERIES
    ]
    (folder / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))
    made = load_task("small")
    embed_real(store, made)
    return made


@pytest.fixture
def runs(store: Store, task: Task) -> list[Run]:
    return [write(store, name) for name in ("left", "right", "up")] + [write(store, "growing", settings=GROWING)]


# Maps


@pytest.mark.parametrize("variant", ["mean", "energy"])
def test_a_map_drawn_by_a_job_is_the_one_that_would_be_drawn_here(
    store: Store, task: Task, runs: list[Run], variant: str
) -> None:
    submit_map(Jobs(store), task, runs, variant=variant, dimension=2)  # type: ignore[arg-type]
    (job,) = work_off(store, "map")
    assert job.status == "done", job.error
    here = draw_atlas(store, task, store.runs(task="small"), held_out=True, variant=variant)  # type: ignore[arg-type]
    there = reopen(store, job.result["map"])
    assert there.id == here.id == job.result["map"]
    assert there.map.keys == here.map.keys
    np.testing.assert_array_equal(there.map.points, here.map.points)
    assert {REAL, HELD_OUT} <= set(there.map.keys)
    assert there.answers is not None
    assert here.answers is not None
    for mine, other in zip(there.answers, here.answers, strict=True):
        assert mine.key == other.key
        for one, two in zip(mine.vectors, other.vectors, strict=True):
            np.testing.assert_array_equal(one, two)


def test_the_same_map_is_asked_for_once_and_another_anew(store: Store, task: Task, runs: list[Run]) -> None:
    jobs = Jobs(store)
    first = submit_map(jobs, task, runs, variant="mean", dimension=2)
    assert submit_map(jobs, task, list(reversed(runs)), variant="mean", dimension=2).id == first.id
    work_off(store, "map")
    assert submit_map(jobs, task, runs, variant="mean", dimension=2).id == first.id
    others = [
        submit_map(jobs, task, runs, variant="mean", dimension=3),
        submit_map(jobs, task, runs, variant="energy", dimension=2),
        submit_map(jobs, task, runs[1:], variant="mean", dimension=2),
        submit_map(jobs, task, runs, variant="mean", dimension=2, turned_to="m-1"),
    ]
    assert len({job.id for job in (first, *others)}) == 5
    jobs.cancel(others[0].id)
    assert submit_map(jobs, task, runs, variant="mean", dimension=3).id > others[-1].id


def test_other_real_rows_are_another_map(task: Task) -> None:
    changed = replace(task, queries=tuple(replace(q, references=q.references[1:]) for q in task.queries))
    assert hash_of(changed) != hash_of(task)
    assert hash_of(replace(task, title="Other")) == hash_of(task)


def test_a_map_is_turned_towards_the_kept_one(store: Store, task: Task, runs: list[Run]) -> None:
    jobs = Jobs(store)
    submit_map(jobs, task, runs[:3], variant="mean", dimension=2)
    (first,) = work_off(store, "map")
    before = reopen(store, first.result["map"])
    submit_map(jobs, task, runs, variant="mean", dimension=2, turned_to=before.id)
    (second,) = work_off(store, "map")
    after = reopen(store, second.result["map"])
    free = draw_atlas(store, task, store.runs(task="small"), held_out=True)
    shared = [key for key in before.map.keys if key in after.map.keys]

    def moved(atlas_points: np.ndarray, keys: tuple[str, ...]) -> float:
        rows = [atlas_points[keys.index(key)] - before.map.points[before.map.index(key)] for key in shared]
        return float(np.sum(np.square(rows)))

    assert moved(after.map.points, after.map.keys) <= moved(free.map.points, free.map.keys) + 1e-12


def test_runs_that_make_no_map_end_the_job_with_the_sentence_that_says_why(store: Store, task: Task) -> None:
    submit_map(Jobs(store), task, [], variant="mean", dimension=2)
    (job,) = work_off(store, "map")
    assert job.status == "failed"
    assert "needs at least two generators" in str(job.error)


def test_a_map_whose_answers_have_changed_since_has_no_vectors(store: Store, task: Task, runs: list[Run]) -> None:
    submit_map(Jobs(store), task, runs, variant="mean", dimension=2)
    (job,) = work_off(store, "map")
    store.delete_run(runs[0].id)
    found = reopen(store, job.result["map"])
    assert found.answers is None
    assert runs[0].id in found.map.keys


# Pairs


def test_pairs_are_tested_as_one_by_one(store: Store, task: Task, runs: list[Run]) -> None:
    pairs = [(run.id, REAL) for run in runs] + [(runs[0].id, runs[1].id)]
    submit_tests(Jobs(store), task, pairs, ["mean", "energy"], samples=72)
    (job,) = work_off(store, "same")
    found = outcomes_of(job)
    assert set(found) == {(pair, statistic) for pair in pairs for statistic in ("mean", "energy")}
    for pair in pairs:
        sides = [answers_of(store, task, key, [run for run in runs if run.id == key]) for key in pair]
        for statistic in ("mean", "energy"):
            # Five pairs at level .05 take 999 permutations.
            alone = same(sides[0], sides[1], permutations=999, statistic=statistic)  # type: ignore[arg-type]
            assert found[pair, statistic] == alone  # type: ignore[index]


def test_the_same_pairs_are_tested_once_and_again_when_runs_have_grown(
    store: Store, task: Task, runs: list[Run]
) -> None:
    jobs, pairs = Jobs(store), [(runs[0].id, REAL)]
    first = submit_tests(jobs, task, pairs, ["mean"], samples=18)
    assert submit_tests(jobs, task, pairs, ["mean"], samples=18).id == first.id
    work_off(store, "same")
    assert submit_tests(jobs, task, pairs, ["mean"], samples=18).id == first.id
    assert submit_tests(jobs, task, pairs, ["mean"], samples=24).id != first.id
    assert submit_tests(jobs, task, pairs, ["energy"], samples=18).id != first.id


def test_a_run_that_is_gone_leaves_its_pair_without_a_test_and_the_others_with_theirs(
    store: Store, task: Task, runs: list[Run]
) -> None:
    pairs = [(run.id, REAL) for run in runs[:2]]
    job = submit_tests(Jobs(store), task, pairs, ["mean"], samples=36)
    assert outcomes_of(job) == {}
    store.delete_run(runs[0].id)
    (job,) = work_off(store, "same")
    found = outcomes_of(job)
    assert found[pairs[0], "mean"].p is None
    assert runs[0].id in str(found[pairs[0], "mean"].reason)
    assert found[pairs[1], "mean"].p is not None
