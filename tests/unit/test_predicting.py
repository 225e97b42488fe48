"""From the store to a prediction: what takes part, what is left out and why, and that no score foretells itself."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from core.atlas import Atlas, draw_atlas
from core.errors import NotFoundError, SettingsError, StatisticsError
from core.generators import REAL
from core.jobs import Jobs
from core.models import PairSpec
from core.predicting import QUALITY, Gathered, gather, score_names
from core.regression import Span, Suggestion, evaluate, fit, metric_limit, predict, predict_all, suggest
from core.sliders import SteerSettings
from core.storage.records import Metric, Run
from core.store import Store
from core.suggesting import COPIES, PERPLEXITY, STEPS, next_settings, spans, submit_suggestions
from core.tasks import Task
from tests.unit.scored_runs import scored
from tests.unit.small_maps import QUERIES, embed_real, small_task, write

SCORE = "classifier"
TEMPERATURES = (0.3, 0.5, 0.7, 0.9, 1.1, 1.3, 1.4, 1.5)
PAIR = "0123456789ab"


def sliders(temperature: float, **changes: object) -> SteerSettings:
    return SteerSettings(gamma=0.4, eta=0.0, temperature=temperature).with_(**changes)


def give(store: Store, run: Run, value: float, error: float = 0.01, name: str = SCORE) -> None:
    """Three seeds with this mean and this standard error."""
    for seed, away in enumerate((-1.0, 0.0, 1.0)):
        store.put_scores(run.id, {name: value + away * error * np.sqrt(3)}, seed=seed, note=json.dumps({"rows": 9}))


@pytest.fixture
def task(store: Store) -> Task:
    made = small_task()
    embed_real(store, made)
    return made


@pytest.fixture
def runs(store: Store, task: Task) -> list[Run]:
    """Eight runs at temperatures of their own, all scored."""
    made = [write(store, f"run{i}", settings=sliders(t), pair=f"{PAIR}-m-float32") for i, t in enumerate(TEMPERATURES)]
    for run, t in zip(made, TEMPERATURES, strict=True):
        give(store, run, 0.8 - 0.2 * (t - 0.9) ** 2)
    return made


def drawn(store: Store, task: Task) -> Atlas:
    return draw_atlas(store, task, store.runs(task=task.name))


def found(store: Store, task: Task, name: str = SCORE) -> Gathered:
    return gather(store, drawn(store, task), name, store.runs(task=task.name))


# What takes part


def test_every_scored_run_has_its_own_answers_score_error_place_and_family(
    store: Store, task: Task, runs: list[Run]
) -> None:
    atlas = drawn(store, task)
    gathered = gather(store, atlas, SCORE, store.runs(task=task.name))
    assert set(gathered.runs.keys) == {run.id for run in runs}
    assert atlas.answers is not None
    for i, key in enumerate(gathered.runs.keys):
        number = [run.id for run in runs].index(key)
        assert gathered.runs.scores[i] == pytest.approx(0.8 - 0.2 * (TEMPERATURES[number] - 0.9) ** 2)
        assert gathered.runs.settings[i]["temperature"] == TEMPERATURES[number]
        assert gathered.runs.answers[i] is atlas.answers[atlas.map.index(key)]
        np.testing.assert_array_equal(gathered.points[i], atlas.map.points[atlas.map.index(key)])
        assert gathered.scored[i].run == gathered.runs.answers[i].key == key
    # Three seeds at mean - a, mean and mean + a have a standard deviation of a.
    assert gathered.runs.errors == pytest.approx(np.full(8, 0.01))
    assert gathered.runs.families == (PAIR,) * 8
    assert gathered.runs.real is not None
    assert gathered.runs.real.key == REAL
    assert (gathered.name, gathered.better, gathered.seeds) == (SCORE, "higher", 3)
    assert gathered.waiting == gathered.left_out == ()
    assert gathered.runs.estimates == {}
    assert gathered.runs.lengths is None


def test_one_run_without_a_score_waits_and_is_foretold_as_a_new_one(store: Store, task: Task, runs: list[Run]) -> None:
    store.forget_scores(runs[3].id, [SCORE], [0, 1, 2])
    gathered = found(store, task)
    assert runs[3].id not in gathered.runs.keys
    assert [one.key for one in gathered.waiting] == [runs[3].id]
    assert gathered.left_out == ()
    (foretold,) = predict_all(fit(gathered.runs, dimension=2), gathered.waiting)
    assert (foretold.key, foretold.score) == (runs[3].id, None)
    assert foretold.reason == "Too few runs: a 90% interval needs 9 to learn from, and here are 7."


def test_a_score_that_is_not_a_number_is_left_out_with_the_reason(store: Store, task: Task, runs: list[Run]) -> None:
    for seed in range(3):
        store.put_scores(runs[0].id, {SCORE: float("nan")}, seed=seed)
    store.put_scores(runs[1].id, {SCORE: float("nan")}, seed=0)
    gathered = found(store, task)
    assert gathered.left_out == ((runs[0].id, "its classifier is not a number"),)
    # One unknown seed of three leaves the mean of the two others, and is counted.
    at = gathered.runs.keys.index(runs[1].id)
    expected = 0.8 - 0.2 * (0.5 - 0.9) ** 2 + 0.01 * np.sqrt(3) / 2
    assert gathered.runs.scores[at] == pytest.approx(expected)
    assert gathered.seeds == 2
    assert runs[0].id not in {one.key for one in gathered.waiting}


def test_a_scored_run_that_cannot_stand_on_the_map_is_left_out_with_the_reason(
    store: Store, task: Task, runs: list[Run]
) -> None:
    short = write(store, "short", queries=QUERIES[:2], settings=sliders(2.0))
    unscored = write(store, "other", queries=QUERIES[:2], settings=sliders(2.1))
    give(store, short, 0.5)
    gathered = found(store, task)
    assert gathered.left_out == ((short.id, "it has not answered 1 of the map's 3 queries"),)
    assert unscored.id not in {one.key for one in gathered.waiting}


def test_only_the_records_that_are_given_take_part(store: Store, task: Task, runs: list[Run]) -> None:
    gathered = gather(store, drawn(store, task), SCORE, runs[:6])
    assert set(gathered.runs.keys) == {run.id for run in runs[:6]}
    assert gathered.waiting == ()


def test_imported_scores_have_no_direction_no_seeds_and_no_error(store: Store, task: Task, runs: list[Run]) -> None:
    for number, run in enumerate(runs):
        store.put_scores(run.id, {"judge": number / 10})
    gathered = found(store, task, "judge")
    assert (gathered.better, gathered.seeds, gathered.runs.errors) == (None, 0, None)
    assert score_names(store, task.name) == [SCORE, "judge"]
    assert score_names(store, "other") == []


def test_the_lines_beside_a_score_are_means_over_the_runs_that_have_them(
    store: Store, task: Task, runs: list[Run]
) -> None:
    assert (found(store, task).real, found(store, task).start) == (None, None)
    for run, value in ((runs[0], 0.9), (runs[1], 0.7)):
        store.put_scores(run.id, {SCORE: 0.5}, seed=0, note=json.dumps({"real": {SCORE: value}, "start": {}}))
    assert found(store, task).real == pytest.approx(0.8)
    assert found(store, task).start is None


def test_estimates_and_lengths_are_read_where_every_run_has_them(store: Store, task: Task, runs: list[Run]) -> None:
    for run in runs[:7]:
        store.put_metrics(run.id, [Metric(name="expert_perplexity", value=10.0), Metric(name="length", value=7.0)])
    assert found(store, task).runs.estimates == {}
    assert found(store, task).runs.lengths is None
    store.put_metrics(runs[7].id, [Metric(name="expert_perplexity", value=20.0), Metric(name="length", value=9.0)])
    gathered = found(store, task)
    at = gathered.runs.keys.index(runs[7].id)
    assert gathered.runs.estimates[QUALITY] == pytest.approx(np.log([20.0 if i == at else 10.0 for i in range(8)]))
    assert gathered.runs.lengths is not None
    assert gathered.runs.lengths[at] == 9.0


def test_the_digest_changes_with_what_is_learnt_from_and_with_nothing_else(
    store: Store, task: Task, runs: list[Run]
) -> None:
    first = found(store, task).digest
    store.put_scores(runs[0].id, {"judge": 1.0})
    assert found(store, task).digest == first
    give(store, runs[0], 0.8 - 0.2 * 0.36, error=0.02)
    assert (second := found(store, task).digest) != first
    write(store, "new", settings=sliders(1.9))
    assert found(store, task).digest not in (first, second)


# What cannot be learnt from


def test_what_cannot_be_learnt_from_says_so_in_a_sentence(store: Store, task: Task, runs: list[Run]) -> None:
    with pytest.raises(NotFoundError, match="No run of the task 'small' on this map has the score 'bleu'"):
        found(store, task, "bleu")
    for run in runs:
        store.put_scores(run.id, {"same": 0.5})
    with pytest.raises(StatisticsError, match=r"All 8 runs score 0\.5, so there is nothing to predict"):
        found(store, task, "same")
    for run in runs[:2]:
        store.put_scores(run.id, {"two": float(run is runs[0])})
    with pytest.raises(StatisticsError, match="2 runs with a score are too few to predict from; score at least 5"):
        found(store, task, "two")
    for run in runs:
        store.put_scores(run.id, {"unknown": float("nan")})
    with pytest.raises(StatisticsError, match="0 runs with a score are too few"):
        found(store, task, "unknown")


# No score foretells itself


@pytest.mark.parametrize("model", ["ridge", "nearest neighbours", "gaussian process", "least squares"])
def test_a_corrupted_score_changes_nothing_in_the_prediction_of_its_own_run(
    store: Store, task: Task, runs: list[Run], model: str
) -> None:
    # Nine to learn from without the run: at level .8 four would do, so that there are intervals to compare.
    options = {"model": model, "level": 0.8, "permutations": 3, "features": ("distance to real",)}
    before = evaluate(found(store, task).runs, **options)  # type: ignore[arg-type]
    for number in (0, 4):
        run = runs[number]
        kept = store.stored_scores(run=run.id)
        give(store, run, -50.0, error=3.0)
        after = evaluate(found(store, task).runs, **options)  # type: ignore[arg-type]
        place = after.fitted.runs.keys.index(run.id)
        one, other = before.predictions[place], after.predictions[place]
        assert other.score == pytest.approx(-50.0)
        assert other.low is not None
        assert replace(other, score=None, error=None) == replace(one, score=None, error=None)
        assert before.dimensions[place] == after.dimensions[place]
        # And it is a score that others are foretold from.
        moved = [a.predicted != b.predicted for a, b in zip(before.predictions, after.predictions, strict=True)]
        assert sum(moved) >= 4
        for score in kept:
            store.put_scores(run.id, {SCORE: float(score.value or 0)}, seed=score.seed, note=score.note)


def test_a_corrupted_score_changes_nothing_for_runs_of_the_same_setting(
    store: Store, task: Task, runs: list[Run]
) -> None:
    twin = write(store, "twin", settings=sliders(TEMPERATURES[2], seed=5), pair=f"{PAIR}-m-float32")
    give(store, twin, 0.77)
    before = evaluate(found(store, task).runs, level=0.8, permutations=1)
    give(store, twin, 40.0)
    after = evaluate(found(store, task).runs, level=0.8, permutations=1)
    for run in (runs[2], twin):
        place = after.fitted.runs.keys.index(run.id)
        one, other = before.predictions[place], after.predictions[place]
        assert (one.predicted, one.low, one.high) == (other.predicted, other.low, other.high)


def test_a_left_out_run_is_foretold_as_if_it_had_never_been_scored(store: Store, task: Task, runs: list[Run]) -> None:
    whole = found(store, task)
    judged = evaluate(whole.runs, dimension=2, permutations=1)
    run = runs[5]
    store.forget_scores(run.id, [SCORE], [0, 1, 2])
    without = found(store, task)
    place = whole.runs.keys.index(run.id)
    (waiting,) = without.waiting
    assert predict(fit(without.runs, dimension=2), waiting).predicted == pytest.approx(
        judged.predictions[place].predicted, rel=1e-9
    )


# What to try next


def test_the_space_is_what_the_runs_vary_in_the_steps_of_the_page(store: Store, task: Task, runs: list[Run]) -> None:
    assert spans(found(store, task).runs) == {"temperature": Span(0.3, 1.5, 0.05)}
    wide = write(store, "wide", settings=sliders(0.4, top_k=50, policy="recent", gamma=0.42))
    give(store, wide, 0.6)
    space = spans(found(store, task).runs)
    assert space["top_k"] == Span(10, 50, 1)
    assert space["policy"] == ("recent", "uniform")
    # A step that is longer than the span would leave one value only.
    assert space["gamma"] == Span(0.4, 0.42, None)


def test_steps_are_those_of_the_page() -> None:
    from pages.generate.sliders import SLIDERS

    assert {name: slider.step for name, slider in SLIDERS.items() if slider.step < 1} == STEPS


def test_many_settings_meet_a_limit_as_each_does_alone() -> None:
    runs = scored(16)
    limit = metric_limit(runs.settings, np.array([s["temperature"] ** 2 for s in runs.settings]), at_most=0.4)
    wanted = [{"temperature": t, "gamma": g} for t in np.linspace(-1, 1, 11) for g in (0.1, 0.9)]
    assert limit.met(wanted).tolist() == [limit(each) for each in wanted]
    assert 0 < sum(limit.met(wanted)) < len(wanted)
    fitted = fit(runs, dimension=2)
    space = {"temperature": Span(-1, 1, 0.2)}
    one_by_one = suggest(fitted, space, constraints=[lambda each: limit(each)])
    assert suggest(fitted, space, constraints=[limit]) == one_by_one


def test_limits_keep_suggestions_where_the_metric_is_low(store: Store, task: Task, runs: list[Run]) -> None:
    for run, t in zip(runs, TEMPERATURES, strict=True):
        # A perplexity that rises from 5 to 5 e^2.4 = 55 with temperature; copies that fall.
        store.put_metrics(
            run.id,
            [Metric(name=PERPLEXITY, value=5 * np.exp(2 * (t - 0.3))), Metric(name=COPIES, value=0.3 - 0.2 * t)],
        )
    fitted = fit(found(store, task).runs, dimension=1)
    for each in next_settings(store, fitted, better="higher", max_perplexity=5 * np.exp(1.2)):
        assert each.settings["temperature"] <= 0.9
    for each in next_settings(store, fitted, better="higher", max_copies=0.1):
        assert each.settings["temperature"] >= 1.0
    both = next_settings(store, fitted, better="lower", max_perplexity=5 * np.exp(1.81), max_copies=0.18 - 1e-3)
    assert {each.settings["temperature"] for each in both} <= set(np.round(np.arange(0.6, 1.25, 0.05), 2))
    with pytest.raises(StatisticsError, match=r"widen one of them \(the runs have a perplexity of 5 to 55.1\)\."):
        next_settings(store, fitted, better="higher", max_perplexity=1e-6)
    for wrong in ({"max_perplexity": 0.0}, {"max_perplexity": float("nan")}, {"max_copies": 1.5}, {"count": 0}):
        with pytest.raises(SettingsError):
            next_settings(store, fitted, better="higher", **wrong)  # type: ignore[arg-type]


def test_a_limit_on_a_metric_that_runs_lack_says_which(store: Store, task: Task, runs: list[Run]) -> None:
    fitted = fit(found(store, task).runs, dimension=1)
    store.put_metrics(runs[0].id, [Metric(name=COPIES, value=0.0)])
    with pytest.raises(NotFoundError, match=r"The metric verbatim_copies is unknown for .* and 4 more"):
        next_settings(store, fitted, better="higher", max_copies=0.1)


def test_only_settings_that_sliders_can_have_are_suggested(store: Store, task: Task) -> None:
    for number, (eta, mode) in enumerate([(0.2, "subtract"), (0.9, "subtract"), (1.8, "balanced"), (1.2, "balanced")]):
        for t in (0.5, 1.0):
            run = write(store, f"m{number}{t}", settings=sliders(t, eta=eta, mode=mode))
            give(store, run, eta + t)
    fitted = fit(found(store, task).runs, dimension=2)
    suggestions = next_settings(store, fitted, better="higher", count=8)
    assert {each.settings["mode"] for each in suggestions} <= {"subtract", "balanced"}
    for each in suggestions:
        SteerSettings.from_mapping(each.settings)  # eta of 1 and more is balanced's alone


def suggested(temperature: float, **changes: object) -> Suggestion:
    settings = {k: v for k, v in sliders(temperature, **changes).as_dict().items() if k != "seed"}
    return Suggestion(settings, "best", 0.5, 0.4, 0.6, 0.1, 0.1, False, "It is.")


def test_suggestions_are_queued_as_runs_and_none_twice(store: Store, task: Task) -> None:
    jobs, pair = Jobs(store), PairSpec("p", "P", "no/base", "no/expert")
    wanted = [suggested(0.3), suggested(0.7), suggested(0.7)]
    queued = submit_suggestions(jobs, task, pair, wanted, replicates=3)
    assert len(queued) == 2
    written = [store.run(str(job.run)) for job in queued]
    assert [run.settings["temperature"] for run in written] == [0.3, 0.7]
    for run, job in zip(written, queued, strict=True):
        assert (run.queries, run.replicates, run.role, run.expected) == (QUERIES, 3, "probe", 9)
        assert (job.kind, job.status, job.owner) == ("generate", "queued", None)
    again = submit_suggestions(jobs, task, pair, wanted, replicates=3)
    assert [job.id for job in again] == [job.id for job in queued]
    jobs.cancel(queued[0].id)
    resumed, same = submit_suggestions(jobs, task, pair, wanted, replicates=3)
    assert (resumed.run, same.id) == (queued[0].run, queued[1].id)
    assert len(store.runs(task=task.name)) == 2
    with pytest.raises(SettingsError, match="There is no setting named 'model'"):
        submit_suggestions(jobs, task, pair, [replace(wanted[0], settings={"model": "x"})])
