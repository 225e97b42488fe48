"""`predict` and `next` on a store filled by hand."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import get_args, get_type_hints

import numpy as np
import pytest

from core.atlas import draw_atlas
from core.commands import documents, predict_documents
from core.predicting import gather
from core.regression import evaluate, lipschitz, predict_all
from core.sliders import SteerSettings
from core.storage.records import Metric, Run
from core.store import Store
from core.suggesting import COPIES, PERPLEXITY
from core.tasks import load_task
from tests.unit.commanding import TASK, call, document, refused
from tests.unit.small_maps import embed_real, write

CONTRACT: dict[type, list[str]] = {
    predict_documents.Predicted: [
        *("scorer", "better", "model", "n", "seeds", "q2", "q2_error", "ceiling", "mae", "mae_low", "mae_high"),
        *("p_value", "dimension", "coverage", "width", "guaranteed", "typical", "verdict", "helps", "reason", "notes"),
        *("baselines", "lipschitz", "runs", "left_out"),
    ],
    predict_documents.BaselineEntry: ["name", "q2", "mae", "gain", "gain_low", "gain_high", "gain_p", "reason"],
    predict_documents.PredictedRun: [
        *("run", "settings", "score", "error", "predicted", "low", "high", "leverage", "extrapolates", "reason"),
    ],
    predict_documents.NotLearnt: ["run", "reason"],
    predict_documents.Steepness: ["constant", "held", "label"],
    predict_documents.NextSettings: ["scorer", "better", "n", "suggestions", "runs", "skipped", "left_out"],
    predict_documents.Suggested: [
        *("settings", "kind", "expected", "low", "high", "improvement", "gain", "extrapolates", "why"),
    ],
}
"""The keys that users' scripts read; they change with a new major version only."""

SCORE = "classifier"
QUERIES = tuple(query.id for query in load_task(TASK).with_role("probe")[:3])
FEW = ("--permutations", "9")


def wrote(store: Store, count: int) -> list[Run]:
    """Runs at rising temperatures, three seeds of a score each."""
    embed_real(store, load_task(TASK))
    made = []
    for number in range(count):
        sliders = SteerSettings(gamma=0.1 * (number % 3), eta=0.0, temperature=round(0.3 + 0.1 * number, 2))
        run = write(store, f"run{number}", settings=sliders, task=TASK, queries=QUERIES, pair="0123456789ab-m-float32")
        for seed in range(3):
            value = 0.5 + 0.02 * number + 0.005 * ((7 * number + seed) % 3)
            store.put_scores(run.id, {SCORE: value}, seed=seed, note=json.dumps({"rows": 18}))
        made.append(run)
    return made


@pytest.fixture
def runs(store: Store) -> list[Run]:
    """Twelve runs, the last of which has no score."""
    made = wrote(store, 12)
    store.forget_scores(made[-1].id, [SCORE], range(3))
    return made


# Documents


@pytest.mark.parametrize("kind", CONTRACT, ids=lambda kind: kind.__name__)
def test_documents_have_the_keys_of_the_contract_and_say_what_they_mean(kind: type) -> None:
    assert [field.name for field in fields(kind)] == CONTRACT[kind]
    for hint in get_type_hints(kind, include_extras=True).values():
        assert len(get_args(hint)[1].split()) > 1


def test_every_document_is_under_the_contract() -> None:
    declared = {kind for kind in vars(predict_documents).values() if isinstance(kind, type) and is_dataclass(kind)}
    assert declared == set(CONTRACT)


@pytest.mark.parametrize(
    ("command", "kind"), [("predict", predict_documents.Predicted), ("next", predict_documents.NextSettings)]
)
def test_the_help_of_a_command_tells_the_keys_of_what_it_prints(command: str, kind: type) -> None:
    shown = " ".join(call(None, command, "--help").stdout.split())
    assert f"Prints one JSON document. {'; '.join(documents._keys(kind))}." in shown


# predict


def test_what_is_printed_is_what_the_evaluation_says(store: Store, runs: list[Run]) -> None:
    shown = document(store, "predict", "--task", TASK, "--scorer", SCORE, *FEW)
    assert list(shown) == CONTRACT[predict_documents.Predicted]
    records = store.runs(task=TASK)
    gathered = gather(store, draw_atlas(store, load_task(TASK), records), SCORE, records)
    found = evaluate(gathered.runs, permutations=9, name=SCORE)
    for name in ("q2", "q2_error", "ceiling", "mae", "mae_low", "mae_high", "p_value", "coverage", "width", "verdict"):
        assert shown[name] == getattr(found, name)
    assert (shown["scorer"], shown["better"], shown["model"], shown["n"]) == (SCORE, "higher", "ridge", 11)
    assert (shown["seeds"], shown["guaranteed"], shown["typical"]) == (3, pytest.approx(0.8), 0.9)
    assert (shown["dimension"], shown["helps"], shown["left_out"]) == (found.dimension, found.helps, [])
    assert [each["name"] for each in shown["baselines"]] == [each.name for each in found.baselines]
    assert shown["baselines"][0]["mae"] == found.baselines[0].mae
    assert shown["baselines"][-1]["reason"] == "The lengths of the answers were not given."
    *known, waiting = shown["runs"]
    by_id = {run.id: run for run in runs}
    for entry, prediction in zip(known, found.predictions, strict=True):
        assert list(entry) == CONTRACT[predict_documents.PredictedRun]
        assert (entry["run"], entry["score"], entry["low"]) == (prediction.key, prediction.score, prediction.low)
        assert entry["settings"] == by_id[entry["run"]].settings
    (foretold,) = predict_all(found.fitted, gathered.waiting)
    assert (waiting["run"], waiting["score"], waiting["error"]) == (runs[-1].id, None, None)
    assert (waiting["predicted"], waiting["low"], waiting["high"]) == (foretold.predicted, foretold.low, foretold.high)
    steepest = lipschitz(found.fitted.points, gathered.runs.scores)
    assert shown["lipschitz"] == {"constant": steepest.constant, "held": steepest.held, "label": steepest.label}
    assert "heuristic" in steepest.label


def test_options_reach_the_evaluation(store: Store, runs: list[Run]) -> None:
    words = ("--task", TASK, "--scorer", SCORE, *FEW, "--model", "nearest-neighbours", "--dimension", "2")
    shown = document(store, "predict", *words, "--level", "0.8", "--features", "distance-to-real,spread")
    assert (shown["model"], shown["dimension"], shown["typical"]) == ("nearest neighbours", 2, 0.8)
    records = store.runs(task=TASK)
    gathered = gather(store, draw_atlas(store, load_task(TASK), records), SCORE, records)
    features = ("distance to real", "spread")
    found = evaluate(
        gathered.runs, model="nearest neighbours", dimension=2, level=0.8, features=features, permutations=9
    )
    assert (shown["q2"], shown["p_value"]) == (found.q2, found.p_value)
    assert "Share" not in shown["notes"]


def test_some_runs_alone_are_learnt_from(store: Store, runs: list[Run]) -> None:
    some = [run.id for run in runs[:6]]
    result = call(store, "predict", "--task", TASK, "--scorer", SCORE, *FEW, "--runs", ",".join(some))
    assert result.exit_code == 0, result.stderr
    shown = json.loads(result.stdout)
    assert {entry["run"] for entry in shown["runs"]} == set(some)
    # Six runs: no interval, which is said and is no failure.
    assert "Too few runs: a 90% interval needs 9 to learn from, and here are 5." in result.stderr
    assert shown["reason"] == "Too few runs: a 90% interval needs 9 to learn from, and here are 5."
    assert (shown["coverage"], shown["width"]) == (None, None)
    for entry in shown["runs"]:
        assert (entry["low"], entry["high"]) == (None, None)
        assert entry["reason"].startswith("Too few runs")


def test_a_run_that_takes_no_part_is_told_of(store: Store, runs: list[Run]) -> None:
    for seed in range(3):
        store.put_scores(runs[0].id, {SCORE: float("nan")}, seed=seed)
    result = call(store, "predict", "--task", TASK, "--scorer", SCORE, *FEW)
    shown = json.loads(result.stdout)
    assert shown["left_out"] == [{"run": runs[0].id, "reason": "its classifier is not a number"}]
    assert f"Run {runs[0].id} takes no part: its classifier is not a number." in result.stderr
    assert runs[0].id not in {entry["run"] for entry in shown["runs"]}


def test_what_cannot_be_predicted_is_one_sentence(store: Store, runs: list[Run]) -> None:
    predict = ("predict", "--task", TASK, "--scorer")
    assert refused(store, *predict, "bleu") == (
        "No run of the task 'hypotheses' has a score 'bleu'; its runs have classifier."
    )
    assert "compute one with `steerscope score`" in refused(store, "predict", "--task", "comments", "--scorer", SCORE)
    two = ",".join(run.id for run in runs[:2])
    assert refused(store, *predict, SCORE, "--runs", two).startswith("2 runs with a score are too few to predict from")
    alone = refused(store, *predict, SCORE, "--runs", runs[-1].id + "," + runs[0].id)
    assert alone.startswith("1 run with a score is too few")
    for run in runs:
        store.put_scores(run.id, {"same": 1.0, "unknown": float("nan")})
    assert refused(store, *predict, "same").startswith("All 12 runs score 1, so there is nothing to predict")
    assert refused(store, *predict, "unknown").startswith("0 runs with a score are too few")
    assert refused(store, *predict, SCORE, "--features", "sread") == (
        "There is no feature 'sread'; choose from distance-to-real, spread."
    )
    assert "is no share" in refused(store, *predict, SCORE, "--level", "1")
    assert "choose a dimension of at most" in refused(store, *predict, SCORE, "--dimension", "50")
    assert refused(store, *predict, SCORE, "--runs", "r-none").startswith("There is no run")


# next


def test_settings_to_try_are_untried_and_within_what_was_seen(store: Store, runs: list[Run]) -> None:
    shown = document(store, "next", "--task", TASK, "--scorer", SCORE, "--count", "2", "--dimension", "1")
    assert list(shown) == CONTRACT[predict_documents.NextSettings]
    assert (shown["scorer"], shown["better"], shown["n"]) == (SCORE, "higher", 11)
    assert (shown["runs"], shown["skipped"], shown["left_out"]) == ([], [], [])
    assert [each["kind"] for each in shown["suggestions"]] == ["best", "best", "informative", "informative"]
    tried = {(run.settings["gamma"], run.settings["temperature"]) for run in runs[:-1]}
    for each in shown["suggestions"]:
        assert list(each) == CONTRACT[predict_documents.Suggested]
        sliders = SteerSettings.from_mapping(each["settings"])
        assert 0 <= sliders.gamma <= 0.2
        assert 0.3 <= sliders.temperature <= 1.3
        assert sliders.temperature == pytest.approx(0.05 * round(sliders.temperature / 0.05))
        assert (sliders.gamma, sliders.temperature) not in tried
        assert each["low"] < each["expected"] < each["high"]
        assert each["improvement"] >= 0
    assert len({json.dumps(each["settings"]) for each in shown["suggestions"][:2]}) == 2
    assert len(store.runs(task=TASK)) == 12


def test_limits_and_directions_are_kept(store: Store, runs: list[Run]) -> None:
    words = ("next", "--task", TASK, "--scorer", SCORE, "--count", "1", "--dimension", "1")
    assert "is unknown for" in refused(store, *words, "--max-perplexity", "9")
    for run in runs:
        t = run.settings["temperature"]
        store.put_metrics(run.id, [Metric(name=PERPLEXITY, value=np.exp(2 * t)), Metric(name=COPIES, value=0.0)])
    shown = document(store, *words, "--max-perplexity", str(np.exp(1.4)), "--max-copies", "0.1")
    assert all(each["settings"]["temperature"] <= 0.75 for each in shown["suggestions"])
    assert "the runs have a perplexity of 1.82 to 13.5" in refused(store, *words, "--max-perplexity", "0.001")
    assert "give a share from 0 to 1" in refused(store, *words, "--max-copies", "2")
    for number, run in enumerate(runs):
        store.put_scores(run.id, {"judge": float(number)})
    judged = ("next", "--task", TASK, "--scorer", "judge", "--count", "1", "--dimension", "1")
    assert "give --better higher or --better lower" in refused(store, *judged)
    assert document(store, *judged, "--better", "lower")["better"] == "lower"
