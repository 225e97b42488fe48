"""Scores as jobs: what is kept, what is computed again, what a cancelled one leaves, and the command `score`."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from core.commands import score_documents
from core.commands.documents import described
from core.downstream import classifier as classifier_module
from core.downstream.answers import usual_replicates
from core.downstream.scoring import note_of, run_score, submit_score
from core.downstream.summary import scored
from core.errors import NotFoundError, SettingsError
from core.jobs import Jobs
from core.models import find_pair
from core.running import submit_run
from core.scheduling.context import JobContext
from core.scheduling.processes import this_process
from core.scheduling.scheduler import Scheduler
from core.sliders import SteerSettings
from core.storage.records import Job, NewRun, Run
from core.store import Store
from core.tasks import Task, load_task
from tests.unit.commanding import document, misused, refused
from tests.unit.small_students import answers_of, embed_rows, imported, label_task

NAMES = ["classifier", "classifier.accuracy", "classifier.auroc"]


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    return label_task(tmp_path, monkeypatch)


@pytest.fixture
def run(store: Store, task: Task) -> Run:
    """A run made elsewhere that answered the train queries too; its labels show, though not always."""
    given = answers_of(task, 4)
    embed_rows(store, task, {text: str(task.by_id[query].label) for query, text in given}, clean=0.3)
    return imported(store, task, given)


def score(store: Store, run: Run, **asked: Any) -> Job:
    """Submit a score and run it to its end here."""
    jobs = Jobs(store)
    job = submit_score(jobs, run, "classifier", owner=this_process(), **asked)
    return Scheduler(store, {"score": run_score}).run_one(job)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many classifiers were fitted: one entry each, the number of rows."""
    found: list[int] = []

    def counting(vectors: Any, *rest: Any) -> Any:
        found.append(len(vectors))
        return judge(vectors, *rest)

    judge = classifier_module.judge
    monkeypatch.setattr(classifier_module, "judge", counting)
    return found


def test_every_seed_is_kept_with_what_it_was_made_from(store: Store, task: Task, run: Run) -> None:
    job = score(store, run)
    assert (job.status, job.error) == ("done", None)
    kept = store.stored_scores(run=run.id)
    assert [(one.name, one.seed) for one in kept] == [(name, seed) for name in NAMES for seed in range(3)]
    note = note_of(kept[0].note)
    assert (note["rows"], note["left out"]) == (16, {"test": 0, "probe": 0, "overlapping": 0})
    assert set(note["real"]) == set(NAMES)
    (one,) = scored(store, task.name, "classifier")
    values = [kept_one.value for kept_one in kept[:3]]
    mean = sum(values) / 3  # type: ignore[arg-type]
    assert one.value == pytest.approx(mean)
    assert one.standard_error == pytest.approx((sum((v - mean) ** 2 for v in values) / 2 / 3) ** 0.5)  # type: ignore[operator]
    assert (one.seeds, one.rows) == (3, 16)
    assert store.scores(task.name)[run.id]["classifier"] == pytest.approx(mean)


def test_asking_again_computes_nothing_and_more_seeds_only_what_is_missing(
    store: Store, run: Run, fits: list[int]
) -> None:
    score(store, run)
    assert len(fits) == 6  # a student of the run and one of the real rows, for each seed
    before = store.stored_scores()
    assert score(store, run).result["computed"] == 0
    assert store.stored_scores() == before
    score(store, run, seeds=4)
    assert len(fits) == 8


def test_the_real_line_is_computed_once_for_all_runs(store: Store, task: Task, run: Run, fits: list[int]) -> None:
    score(store, run)
    other = imported(store, task, answers_of(task, 2))  # texts that are embedded already
    del fits[:]
    score(store, other)
    assert fits == [8, 8, 8]
    first, second = scored(store, task.name, "classifier")
    assert first.real == second.real is not None


def test_other_answers_forget_the_scores_of_the_old(store: Store, task: Task, run: Run, fits: list[int]) -> None:
    score(store, run)
    old = {one.note for one in store.stored_scores(run=run.id)}
    embed_rows(store, task, {"a new answer": "wet"})
    from core.storage.records import NewSample

    query = task.with_role("train")[0].id
    store.add_round(run.id, [NewSample(query=query, replicate=99, chain=0, round=0, text="a new answer")])
    score(store, run, seeds=1)
    kept = store.stored_scores(run=run.id)
    assert [(one.name, one.seed) for one in kept] == [(name, 0) for name in NAMES]
    assert note_of(kept[0].note)["rows"] == 17
    assert not {one.note for one in kept} & old


def test_a_cancelled_job_keeps_the_seeds_that_ended(store: Store, run: Run, fits: list[int]) -> None:
    jobs = Jobs(store)
    job = submit_score(jobs, run, "classifier", owner=this_process())

    def stop(context: JobContext) -> None:
        if {one.seed for one in store.stored_scores(run=run.id)} == {0}:
            jobs.cancel(job.id)

    ended = Scheduler(store, {"score": run_score}).run_one(job, stop)
    assert ended.status == "cancelled"
    assert {one.seed for one in store.stored_scores(run=run.id)} == {0}
    del fits[:]
    assert score(store, run).result["computed"] == 2
    assert {one.seed for one in store.stored_scores(run=run.id)} == {0, 1, 2}


def test_progress_goes_up_to_the_end(store: Store, run: Run) -> None:
    seen: list[int] = []
    jobs = Jobs(store)
    job = submit_score(jobs, run, "classifier", owner=this_process())
    Scheduler(store, {"score": run_score}).run_one(job, lambda context: seen.append(context.done))
    assert seen == sorted(seen)
    assert seen[-1] == 1000


def test_nothing_of_the_probe_reaches_a_score(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the probe queries, their rows and the run's answers to them say, scores and recipe stay the same."""
    found = []
    for number, changed in enumerate(({}, {"probe-wet-0": {"text": "other", "label": "dry", "references": ["else"]}})):
        task = label_task(tmp_path, monkeypatch, "twin", changed)
        given = answers_of(task, 4)
        if not number:
            embed_rows(store, task, {text: str(task.by_id[query].label) for query, text in given}, clean=0.3)
        run = imported(store, task, given, probe=f"probe answer {number}")
        score(store, run)
        found.append([(one.name, one.seed, one.value) for one in store.stored_scores(run=run.id)])
        found[-1] += [note_of(one.note)["recipe"] for one in store.stored_scores(run=run.id)]
    assert found[0] == found[1]


def test_asking_twice_gives_one_job(store: Store, run: Run) -> None:
    jobs = Jobs(store)
    assert submit_score(jobs, run, "classifier").id == submit_score(jobs, run, "classifier").id
    assert submit_score(jobs, run, "classifier", seeds=4).id != submit_score(jobs, run, "classifier").id


@pytest.mark.parametrize(
    ("scorer", "asked", "words"),
    [
        ("translation", {}, "The task 'small' does not translate"),
        ("classifier", {"seeds": 0}, "seeds is 0; give a whole number from 1 to 100."),
        ("classifier", {"replicates": -1}, "replicates is -1; give a whole number from 1 to 10,000."),
    ],
)
def test_what_cannot_be_scored_is_refused_at_once(
    store: Store, run: Run, scorer: str, asked: dict[str, int], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        submit_score(Jobs(store), run, scorer, **asked)
    with pytest.raises(NotFoundError, match="no scorer named 'bleurt'"):
        submit_score(Jobs(store), run, "bleurt")


def test_a_run_without_answers_to_train_queries_says_so(store: Store, task: Task) -> None:
    bare = imported(store, task, [])
    job = score(store, bare)
    assert job.status == "failed"
    assert job.error is not None
    assert "holds no answer to a train query of 'small'; import its answers to them too." in job.error


# Steered runs: a run of their own holds the answers


def steered(store: Store) -> Run:
    """A finished run of the bundled pair, as far as the store knows."""
    task, sliders = load_task("hypotheses"), SteerSettings(temperature=0.7)
    pair = find_pair("hypotheses")
    return store.create_run(
        NewRun(
            kind="steer", task=task.name, settings=sliders.as_dict(), pair=f"{pair.fingerprint}-m-float32",
            pair_spec=pair.as_dict(), queries=tuple(query.id for query in task.with_role("probe")),
        ),
        "done",
    )  # fmt: skip


def test_a_steered_run_first_asks_for_its_answers_and_waits(store: Store) -> None:
    run, jobs = steered(store), Jobs(store)
    submit_score(jobs, run, "classifier")
    scheduler = Scheduler(store, {"score": run_score})
    for _ in range(5):
        scheduler.tick()
    (asked,) = store.runs(parent=run.id)
    task = load_task("hypotheses")
    assert (
        (asked.role, asked.status, asked.replicates)
        == ("train", "queued", usual_replicates(task))
        == ("train", "queued", 8)
    )
    assert asked.settings == run.settings
    assert asked.queries == tuple(query.id for query in task.with_role("train"))
    (writing,) = jobs.jobs(kind="generate")
    assert writing.priority > jobs.jobs(kind="score")[0].priority  # it never waits for the score that waits for it
    jobs.cancel(writing.id)
    while scheduler.active:
        scheduler._active[0].context.rests_until = 0.0
        scheduler.tick()
    (ended,) = jobs.jobs(kind="score")
    assert ended.status == "failed"
    assert f"Run {asked.id}, the answers of {run.id} to the train queries, is cancelled" in str(ended.error)


def test_the_answers_of_a_sweep_over_train_queries_are_used(store: Store) -> None:
    run, jobs, task = steered(store), Jobs(store), load_task("hypotheses")
    sliders = SteerSettings.from_mapping(run.settings)
    job = submit_run(jobs, task, find_pair("hypotheses"), sliders, replicates=8, role="train", owner=this_process())
    submit_score(jobs, run, "classifier")
    scheduler = Scheduler(store, {"score": run_score})
    for _ in range(5):
        scheduler.tick()
    assert store.runs(parent=run.id) == []
    assert str(job.run) in scheduler._active[0].context.message
    scheduler.close()


def test_the_run_that_holds_the_answers_is_not_scored_itself(store: Store) -> None:
    run, jobs = steered(store), Jobs(store)
    sliders = SteerSettings.from_mapping(run.settings)
    job = submit_run(jobs, load_task("hypotheses"), find_pair("hypotheses"), sliders, role="train", parent=run.id)
    with pytest.raises(SettingsError, match=f"score the run that it belongs to, {run.id}"):
        submit_score(jobs, store.run(str(job.run)), "classifier")


# The command


@pytest.fixture
def without_models(monkeypatch: pytest.MonkeyPatch) -> None:
    # Before the patch: a module that is first imported under it would keep the patched function.
    import core.commands.foreground
    import core.handlers

    monkeypatch.setattr(core.handlers, "handlers", lambda: {"score": run_score})


def test_the_command_prints_every_measure(store: Store, task: Task, run: Run, without_models: None) -> None:
    found = document(store, "score", "--scorer", "classifier", run.id)
    assert list(found) == ["scores"]
    keys = ["run", "scorer", "value", "standard_error", "seeds"]
    assert [list(one) for one in found["scores"]] == [keys] * 3
    assert [(one["run"], one["scorer"], one["seeds"]) for one in found["scores"]] == [
        (run.id, name, 3) for name in NAMES
    ]
    assert document(store, "score", "--scorer", "classifier", "--all", "--task", task.name) == found


def test_the_command_reads_scores_that_were_imported(store: Store, task: Task, run: Run) -> None:
    store.put_scores(run.id, {"judge": 0.5})
    expected = {"run": run.id, "scorer": "judge", "value": 0.5, "standard_error": None, "seeds": 0}
    assert document(store, "score", "--scorer", "judge", run.id) == {"scores": [expected]}
    assert "No run asked for has a score 'jury'; the scorers are classifier" in refused(
        store, "score", "--scorer", "jury", run.id
    )


def test_one_run_that_fails_does_not_stop_the_others(store: Store, task: Task, run: Run, without_models: None) -> None:
    bare = imported(store, task, [])
    found = document(store, "score", "--all", "--task", task.name)
    assert {one["run"] for one in found["scores"]} == {run.id}
    assert f"Run {bare.id} was not scored" in refused(store, "score", bare.id)


def test_mistakes_of_usage(store: Store, run: Run) -> None:
    assert "Name runs, or ask for --all" in " ".join(misused("score").split())
    assert "Name runs, or ask for --all" in " ".join(misused("score", "--all").split())
    assert "does not translate" in refused(store, "score", "--scorer", "translation", run.id)
    assert "There is no run 'r-x'" in refused(store, "score", "r-x")
    assert "no run to score" in refused(store, "score", "--all", "--task", "hypotheses")
    assert "answers the task 'small', not 'hypotheses'" in refused(store, "score", run.id, "--task", "hypotheses")


def test_every_key_is_documented() -> None:
    for kind in (score_documents.Scores, score_documents.ScoreEntry):
        assert all(f"{field.name}: " in described(kind) for field in fields(kind))


def test_a_note_that_is_none_of_ours_tells_nothing() -> None:
    assert note_of("came by mail") == note_of("3") == note_of("") == {}
    assert note_of(json.dumps({"rows": 2})) == {"rows": 2}


def test_unknown_values_are_left_out_of_the_mean(store: Store, task: Task, run: Run) -> None:
    for seed, value in enumerate((0.25, float("nan"), 0.75)):
        store.put_scores(run.id, {"classifier": value}, seed=seed)
    (one,) = scored(store, task.name, "classifier")
    assert (one.value, one.seeds) == (0.5, 2)
