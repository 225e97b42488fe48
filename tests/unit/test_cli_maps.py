"""The commands about maps on a store filled by hand: `map`, `place`, `plan` and `same`."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from typing import get_args, get_type_hints

import numpy as np
import pytest

from core.commands import documents, map_documents
from core.embedding import EMBEDDER, content_key
from core.generators import REAL
from core.guarantees import ASSUMPTIONS
from core.kept_maps import reopen
from core.sliders import SteerSettings
from core.storage.records import NewSample, Run
from core.store import Store
from core.tasks import load_task
from tests.unit.commanding import TASK, call, document, misused, refused, written
from tests.unit.small_maps import embed_real, squared_distance, stacked, vector, write

CONTRACT: dict[type, list[str]] = {
    map_documents.Map: [
        *("id", "task", "dimension", "queries", "noise_ratio", "scree", "points", "variant", "noise_floor", "elbow"),
        *("explained", "cosines", "warnings", "left_out", "worst_case", "assumptions"),
    ],
    map_documents.MapPoint: [
        *("run", "kind", "settings", "replicates", "coordinates", "covariance", "distance_to_real", "radius"),
        *("method", "reason", "fitted", "leverage", "tau", "samples", "box"),
    ],
    map_documents.DistanceToReal: ["value", "low", "high"],
    map_documents.BoxAround: ["hoeffding", "bernstein", "smaller", "delta", "reason"],
    map_documents.LeftOut: ["run", "reason"],
    map_documents.Worst: ["total", "vacuous", "delta", "reason"],
    map_documents.PlacedOn: [
        *("run", "map", "kind", "settings", "queries", "coordinates", "covariance", "radius", "method", "reason"),
        *("leverage", "extrapolates", "distance_to_real", "box"),
    ],
    map_documents.Planned: [
        *("epsilon", "delta", "dimension", "pilot", "queries", "answers", "per_query", "seconds", "chained", "reason"),
    ],
    map_documents.Needed: ["hoeffding", "bernstein", "expected"],
    map_documents.Same: [
        *("runs", "statistic", "p", "observed", "permutations", "smallest", "exact", "design", "queries", "reason"),
        "distance",
    ],
}
"""The keys that users' scripts read; they change with a new major version only."""

NAMES = ("left", "right", "up", "down")
QUERIES = tuple(query.id for query in load_task(TASK).with_role("probe")[:3])


@pytest.fixture
def runs(store: Store) -> list[Run]:
    """Four runs of six answers to three queries of the bundled task, embedded by hand as its rows are."""
    embed_real(store, load_task(TASK))
    return [write(store, name, task=TASK, queries=QUERIES) for name in NAMES]


def texts_of(name: str) -> list[list[str]]:
    return [[f"{name} {query} {r}" for r in range(6)] for query in QUERIES]


# Documents


@pytest.mark.parametrize("kind", CONTRACT, ids=lambda kind: kind.__name__)
def test_documents_have_the_keys_of_the_contract_and_say_what_they_mean(kind: type) -> None:
    assert [field.name for field in fields(kind)] == CONTRACT[kind]
    for hint in get_type_hints(kind, include_extras=True).values():
        assert len(get_args(hint)[1].split()) > 1


def test_every_document_is_under_the_contract() -> None:
    declared = {kind for kind in vars(map_documents).values() if isinstance(kind, type) and is_dataclass(kind)}
    assert declared == set(CONTRACT)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("map", map_documents.Map),
        ("place", map_documents.PlacedOn),
        ("plan", map_documents.Planned),
        ("same", map_documents.Same),
    ],
)
def test_the_help_of_a_command_tells_the_keys_of_what_it_prints(command: str, kind: type) -> None:
    shown = " ".join(call(None, command, "--help").stdout.split())
    assert f"Prints one JSON document. {'; '.join(documents._keys(kind))}." in shown


# map


def test_the_map_shows_the_runs_beside_the_real_data(store: Store) -> None:
    first, second = written(store, SteerSettings()), written(store, SteerSettings(gamma=1))
    other = written(store, SteerSettings(), "comments")
    embed_by_hand(store, first, second)
    shown = document(store, "map", "--task", TASK)
    assert list(shown) == CONTRACT[map_documents.Map]
    assert (shown["task"], shown["dimension"], shown["queries"]) == (TASK, 2, 2)
    points = {point["run"]: point for point in shown["points"]}
    assert set(points) == {None, first.id, second.id}
    for point in shown["points"]:
        assert list(point) == CONTRACT[map_documents.MapPoint]
        assert len(point["coordinates"]) == 2
        assert list(point["distance_to_real"]) == CONTRACT[map_documents.DistanceToReal]
        assert list(point["box"]) == CONTRACT[map_documents.BoxAround]
    real = points[None]
    references = [len(query.references) for query in load_task(TASK).with_role("probe")[:2]]
    assert (real["kind"], real["settings"], real["replicates"]) == ("real", {}, min(references))
    assert set(real["distance_to_real"].values()) == {None}
    assert points[first.id]["replicates"] == 2
    assert points[first.id]["settings"] == first.settings
    assert isinstance(points[first.id]["distance_to_real"]["value"], float)
    # Two chains carry no ellipse, and say why.
    assert points[first.id]["covariance"] is None
    assert points[first.id]["reason"].endswith("an ellipse needs 6.")

    one = document(store, "map", "--task", TASK, "--runs", f"{second.id}, {second.id}", "--dimension", "3")
    assert {point["run"] for point in one["points"]} == {None, second.id}
    assert {len(point["coordinates"]) for point in one["points"]} == {3}
    assert f"Run {other.id} answers the task 'comments'" in refused(store, "map", "--task", TASK, "--runs", other.id)


def embed_by_hand(store: Store, *runs: Run) -> None:
    """Unit vectors for the real rows and the samples, so that no embedder is needed."""
    texts = [row.text for row in load_task(TASK).references("probe")]
    texts += [sample.text for run in runs for sample in store.samples(run.id)]
    store.vectors(EMBEDDER).put({content_key(text): vector(text) for text in texts})


def test_a_longer_run_beside_short_ones_does_not_empty_the_map(store: Store) -> None:
    short = [written(store, SteerSettings(seed=seed)) for seed in range(3)]
    long = written(store, SteerSettings(gamma=1))
    third = load_task(TASK).with_role("probe")[2].id
    store.add_round(
        long.id,
        [NewSample(query=third, replicate=r, chain=r, round=1, text=f"{r}") for r in range(2)],
    )
    embed_by_hand(store, *short, long)
    # on 2 queries 5 generators stand, on 3 queries 2, on 20 the real data alone
    shown = document(store, "map", "--task", TASK)
    assert (shown["queries"], len(shown["points"])) == (2, 5)
    pair = document(store, "map", "--task", TASK, "--runs", long.id)
    assert (pair["queries"], len(pair["points"])) == (3, 2)
    assert [each["run"] for each in document(store, "map", "--task", TASK)["left_out"]] == []


def test_a_map_of_real_data_alone_is_refused_in_words(store: Store) -> None:
    embed_by_hand(store)
    line = refused(store, "map", "--task", TASK)
    assert line.startswith("A map of the task 'hypotheses' needs at least two generators")


def test_the_map_tells_distances_clouds_noise_and_guarantees(store: Store, runs: list[Run]) -> None:
    shown = document(store, "map", "--task", TASK, "--delta", "0.1")
    points = {point["run"]: point for point in shown["points"]}
    rows = [list(query.references) for query in load_task(TASK).with_role("probe")[:3]]
    for run, name in zip(runs, NAMES, strict=True):
        point = points[run.id]
        expected = squared_distance(stacked(texts_of(name)), stacked(rows))
        assert point["distance_to_real"]["value"] == pytest.approx(expected)
        assert point["distance_to_real"]["low"] < expected < point["distance_to_real"]["high"]
        assert sorted(map(int, point["samples"])) == sorted(sample.id for sample in store.samples(run.id))
        noise = [float(np.trace(np.cov(cell.T))) / len(cell) for cell in stacked(texts_of(name))]
        assert point["tau"] == pytest.approx(np.mean(noise))
        assert (point["method"], point["fitted"], point["reason"]) == ("cross-fit", True, None)
        assert len(point["box"]["hoeffding"]) == len(point["box"]["smaller"]) == 2
        assert point["box"]["delta"] == 0.1
    assert points[None]["samples"][:2] == [f"{QUERIES[0]}/0", f"{QUERIES[0]}/1"]
    assert shown["worst_case"]["delta"] == 0.1
    assert shown["assumptions"] == list(ASSUMPTIONS)
    assert (len(shown["explained"]), len(shown["cosines"]), len(shown["scree"])) == (2, 2, 4)
    assert len(shown["noise_floor"]) == len(shown["scree"])
    assert shown["variant"] == "mean"


def test_what_is_not_on_the_map_is_told_on_both_channels(store: Store, runs: list[Run]) -> None:
    short = write(store, "short", task=TASK, queries=QUERIES[:1])
    done = call(store, "map", "--task", TASK)
    why = "it has not answered 2 of the map's 3 queries"
    assert json.loads(done.stdout)["left_out"] == [{"run": short.id, "reason": why}]
    assert f"Run {short.id} is not on the map: {why}." in done.stderr.splitlines()


def test_runs_outside_the_reference_are_placed_and_have_boxes_of_their_own(store: Store, runs: list[Run]) -> None:
    reference = ",".join([REAL, *(run.id for run in runs[:3])])
    shown = document(store, "map", "--task", TASK, "--reference", reference)
    points = {point["run"]: point for point in shown["points"]}
    assert [point["fitted"] for point in shown["points"]].count(False) == 1
    placed = points[runs[3].id]
    assert (placed["fitted"], placed["method"]) == (False, "fixed")
    # All queries have six answers: Hoeffding is sqrt(2 log(2d/delta) / (m r)) on every axis.
    assert placed["box"]["hoeffding"] == pytest.approx([math.sqrt(2 * math.log(4 / 0.05) / 18)] * 2)
    assert points[runs[0].id]["box"]["hoeffding"] is None
    assert "helped to fit" in points[runs[0].id]["box"]["reason"]
    assert refused(store, "map", "--task", TASK, "--reference", "r-nobody").startswith("r-nobody cannot fit the axes")


def test_the_energy_variant_says_so_and_has_no_boxes(store: Store, runs: list[Run]) -> None:
    shown = document(store, "map", "--task", TASK, "--variant", "energy")
    assert shown["variant"] == "energy"
    assert {point["box"]["hoeffding"] for point in shown["points"]} == {None}
    assert all(point["box"]["reason"] for point in shown["points"])
    assert shown["id"] != document(store, "map", "--task", TASK)["id"]
    assert "is not one of" in misused("map", "--task", TASK, "--variant", "median")


# place


def test_a_run_is_placed_on_the_map_that_was_printed(store: Store, runs: list[Run]) -> None:
    first = document(store, "map", "--task", TASK)
    later = write(store, "later", task=TASK, queries=QUERIES)
    placed = document(store, "place", later.id, "--map", first["id"])
    assert list(placed) == CONTRACT[map_documents.PlacedOn]
    reference = ",".join([REAL, *(run.id for run in runs)])
    whole = document(store, "map", "--task", TASK, "--reference", reference)
    row = next(point for point in whole["points"] if point["run"] == later.id)
    for name in ("coordinates", "radius", "leverage"):
        assert placed[name] == pytest.approx(row[name], abs=1e-9), name
    np.testing.assert_allclose(placed["covariance"], row["covariance"], atol=1e-12)
    for name in ("method", "reason", "settings", "kind", "distance_to_real"):
        assert placed[name] == row[name], name
    assert placed["box"]["hoeffding"] == pytest.approx(row["box"]["hoeffding"])
    assert (placed["run"], placed["map"], placed["queries"]) == (later.id, first["id"], 3)
    most = max(point["leverage"] for point in whole["points"] if point["fitted"])
    assert placed["extrapolates"] == (placed["leverage"] > most)
    assert reopen(store, first["id"]).map.keys == (REAL, *(run.id for run in reversed(runs)))


def test_what_cannot_be_placed_is_explained(store: Store, runs: list[Run]) -> None:
    shown = document(store, "map", "--task", TASK)["id"]
    assert refused(store, "place", runs[0].id, "--map", "m-none").startswith("There is no map 'm-none'")
    assert refused(store, "place", "r-none", "--map", shown).startswith("There is no run 'r-none'")
    other = write(store, "other", task="comments")
    assert "and the map is of 'hypotheses'" in refused(store, "place", other.id, "--map", shown)
    begun = write(store, "begun", task=TASK, queries=QUERIES[:2])
    assert "has not answered every query of the map" in refused(store, "place", begun.id, "--map", shown)
    bent = document(store, "map", "--task", TASK, "--variant", "energy", "--runs", ",".join(run.id for run in runs))
    assert "places nobody" in refused(store, "place", runs[0].id, "--map", bent["id"])


# plan


def test_a_plan_without_a_pilot_is_hoeffdings_number(store: Store) -> None:
    planned = document(None, "plan", "--epsilon", "0.1")
    assert list(planned) == CONTRACT[map_documents.Planned]
    assert planned["answers"] == {"hoeffding": 877, "bernstein": None, "expected": None}
    assert (planned["pilot"], planned["queries"], planned["delta"]) == (None, None, 0.05)
    assert "pilot" in planned["reason"]
    tight = document(None, "plan", "--epsilon", "0.1", "--delta", "0.01", "--dimension", "3")
    assert tight["answers"]["hoeffding"] == math.ceil(200 * math.log(6 / 0.01))


def test_a_pilot_tells_its_spread_and_its_speed(store: Store, runs: list[Run]) -> None:
    pilot = write(store, "pilot", task=TASK, queries=QUERIES)
    planned = document(store, "plan", "--epsilon", "0.2", "--run", pilot.id)
    assert (planned["pilot"], planned["queries"], planned["reason"]) == (pilot.id, 3, None)
    answers = planned["answers"]
    assert answers["hoeffding"] == math.ceil(2 * math.log(4 / 0.05) / 0.2**2)
    assert answers["expected"] < answers["bernstein"]
    for name, number in answers.items():
        assert planned["per_query"][name] == math.ceil(number / 3)
        assert planned["seconds"][name] == pytest.approx(number * 2.0 / 18)  # 18 answers took 2 seconds
    by_task = document(store, "plan", "--epsilon", "0.2", "--task", TASK)
    assert by_task == planned


def test_a_plan_that_cannot_be_made_is_explained(store: Store, runs: list[Run]) -> None:
    assert "half-width of 5.0; give epsilon between" in refused(None, "plan", "--epsilon", "5")
    assert "delta between 0 and 1" in refused(None, "plan", "--epsilon", "0.1", "--delta", "1")
    assert "has no complete run to plan from" in refused(store, "plan", "--epsilon", "0.1", "--task", "comments")
    wrong = refused(store, "plan", "--epsilon", "0.1", "--task", "comments", "--run", runs[0].id)
    assert "answers the task 'hypotheses', not 'comments'" in wrong
    assert "--epsilon" in misused("plan")


# same


def test_two_runs_are_tested_and_their_distance_is_beside_the_p(store: Store, runs: list[Run]) -> None:
    tested = document(store, "same", runs[0].id, runs[1].id, "--permutations", "199")
    assert list(tested) == CONTRACT[map_documents.Same]
    assert tested["runs"] == [runs[0].id, runs[1].id]
    # Far apart: no labelling is as extreme.
    assert (tested["p"], tested["permutations"], tested["exact"]) == (1 / 200, 199, True)
    expected = squared_distance(stacked(texts_of("left")), stacked(texts_of("right")))
    assert tested["observed"] == pytest.approx(expected)
    assert tested["distance"]["value"] == pytest.approx(expected)
    energy = document(store, "same", runs[0].id, runs[1].id, "--statistic", "energy")
    assert energy["statistic"] == "energy"
    assert energy["observed"] == pytest.approx(energy["distance"]["value"], abs=1e-6)


def test_a_run_is_the_same_as_its_copy_and_real_may_be_named(store: Store, runs: list[Run]) -> None:
    copy = write(store, "left", task=TASK, queries=QUERIES)
    assert document(store, "same", runs[0].id, copy.id)["p"] == 1.0
    beside = document(store, "same", REAL, runs[0].id, "--permutations", "99")
    assert (beside["runs"], beside["p"], beside["queries"]) == ([REAL, runs[0].id], 1 / 100, 3)


def test_what_cannot_be_compared_is_explained(store: Store, runs: list[Run]) -> None:
    assert "is named twice" in refused(store, "same", runs[0].id, runs[0].id)
    assert "is named twice" in refused(store, "same", REAL, REAL)
    other = write(store, "other", task="comments")
    assert "compare runs of one task" in refused(store, "same", runs[0].id, other.id)
    assert refused(store, "same", runs[0].id, "r-none").startswith("There is no run 'r-none'")


def test_a_run_with_one_answer_has_a_result_that_says_why_there_is_no_p(store: Store, runs: list[Run]) -> None:
    single = write(store, "single", task=TASK, queries=QUERIES[:1], replicates=1)
    shown = document(store, "map", "--task", TASK, "--runs", ",".join(run.id for run in (*runs, single)))
    assert [each["run"] for each in shown["left_out"]] == [single.id]
    lonely = write(store, "lonely", task=TASK, queries=QUERIES, replicates=1)
    points = {point["run"]: point for point in document(store, "map", "--task", TASK)["points"]}
    assert (points[lonely.id]["covariance"], points[lonely.id]["tau"]) == (None, None)
    assert points[lonely.id]["reason"]
    assert points[lonely.id]["distance_to_real"] == {"value": None, "low": None, "high": None}
    tested = document(store, "same", lonely.id, single.id)
    assert tested["p"] is None
    assert tested["reason"]
