"""The Predict page in every state: headline, evidence, slider point, what to try, scoring, and what is missing."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.atlas import draw_atlas
from core.downstream.scorers import SCORERS, scorer_of
from core.embedding import EMBEDDER, content_key
from core.jobs import Jobs
from core.predicting import gather
from core.regression import Evaluation, evaluate, learning_curve, lipschitz
from core.scheduling.context import JobContext
from core.scheduling.scheduler import Scheduler
from core.sliders import SteerSettings
from core.storage.records import NewRun, NewSample, Run
from core.store import Store
from core.tasks import Task
from pages.predict.finding import finding
from pages.predict.scores import Score
from pages.shared.settings_link import GENERATE
from tests.app.showing import again, headline, keys, plain, table, words
from tests.unit.small_students import label_task

REPOSITORY = Path(__file__).resolve().parents[2]
APP = REPOSITORY / "app.py"
PAGE = REPOSITORY / "pages" / "predict" / "page.py"
TASK = "hypotheses"
"""The name of a made task, so that the bundled pair of that name is there to write a point with."""

GRID = [
    SteerSettings(gamma=gamma, eta=eta, temperature=heat)
    for gamma in (0.0, 0.2, 0.4)
    for eta in (0.0, 0.4)
    for heat in (0.5, 1.0)
]
RNG = np.random.default_rng(4)
HIDDEN = RNG.uniform(-1, 1, size=len(GRID))
"""Where each run lies along the one direction that scores follow; its sliders know nothing of it."""

QUERY_VECTORS, ALONG, ACROSS = RNG.normal(size=(3, 4, 384)) / math.sqrt(384)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Task]:
    """Two labels, queries of every role, real rows; what the pages cache is kept between the tests of this module."""
    st.cache_resource.clear()
    st.cache_data.clear()
    with pytest.MonkeyPatch.context() as patch:
        yield label_task(tmp_path_factory.mktemp("assets"), patch, TASK)
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture(scope="module")
def filled(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores with the real rows embedded: without runs, with twelve runs, with the same ones scored.

    Copies of them have equal runs, which the page judges once for all tests.
    """
    folder = tmp_path_factory.mktemp("filled")
    with Store(f"sqlite:///{folder / 'empty.db'}") as store:
        for j, query in enumerate(task.with_role("probe")):
            embed(store, [(text, j, 1.0, 0.0) for text in query.references])
    shutil.copy(folder / "empty.db", folder / "runs.db")
    with Store(f"sqlite:///{folder / 'runs.db'}") as store:
        for i, settings in enumerate(GRID):
            write(store, task, settings, HIDDEN[i], f"run{i}")
    shutil.copy(folder / "runs.db", folder / "scored.db")
    with Store(f"sqlite:///{folder / 'scored.db'}") as store:
        by_map(store, in_order(store))
    return folder


def copied(kind: str, filled: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A copy that the page finds, and no worker."""
    shutil.copy(filled / f"{kind}.db", folder / "store.db")
    url = f"sqlite:///{folder / 'store.db'}"
    monkeypatch.setenv("STEERSCOPE_STORE", url)
    monkeypatch.setenv("STEERSCOPE_DATA", str(folder / "data"))
    monkeypatch.setenv("STEERSCOPE_WORKERS", "0")
    with Store(url) as opened:
        yield opened


@pytest.fixture
def empty(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store without runs."""
    yield from copied("empty", filled, tmp_path, monkeypatch)


@pytest.fixture
def store(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Twelve finished runs of as many settings, none scored."""
    yield from copied("runs", filled, tmp_path, monkeypatch)


@pytest.fixture
def known(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The same runs with scores that follow the map."""
    yield from copied("scored", filled, tmp_path, monkeypatch)


def in_order(store: Store) -> list[Run]:
    """The runs in the order of GRID."""
    return list(reversed(store.runs(task=TASK)))


@pytest.fixture
def runs(store: Store) -> list[Run]:
    """The runs without scores."""
    return in_order(store)


def embed(store: Store, texts: Sequence[tuple[str, int, float, float]]) -> None:
    """Vectors of texts: of which query, and how far along and across."""
    made = {}
    for text, query, along, across in texts:
        seed = int.from_bytes(content_key(text)[:8].encode(), "big") if isinstance(content_key(text), str) else 0
        noise = np.random.default_rng(seed).normal(size=384) / math.sqrt(384)
        vector = QUERY_VECTORS[query] + along * ALONG[query] + across * ACROSS[query] + 0.2 * noise
        made[content_key(text)] = (vector / np.linalg.norm(vector)).astype(np.float32)
    store.vectors(EMBEDDER).put(made)


def write(store: Store, task: Task, settings: SteerSettings, along: float, name: str, **changes: Any) -> Run:
    """A finished run that lies so far along the direction of the scores, and across it by its temperature."""
    queries = tuple(query.id for query in task.with_role("probe"))
    new: dict[str, Any] = {
        "kind": "steer",
        "task": task.name,
        "settings": settings.as_dict(),
        "queries": queries,
        "replicates": 4,
        "expected": 4 * len(queries),
    }
    run = store.create_run(NewRun(**(new | changes)), status="done")
    samples = [
        NewSample(query=query, replicate=r, chain=r, round=0, text=f"{name} answers {query} {r}")
        for r in range(4)
        for query in queries
    ]
    store.add_round(run.id, samples, seconds=8.0)
    embed(store, [(one.text, queries.index(one.query), along, settings.temperature - 1) for one in samples])
    return store.run(run.id)


def score(store: Store, run: Run, value: float, name: str = "classifier", **note: Any) -> None:
    """Three seeds about a value, as a job would keep them."""
    told = {"seconds": 2.0, "rows": 160, "real": {name: 0.9}, "start": {}} | note
    for seed, shift in enumerate((-0.004, 0.0, 0.004)):
        store.put_scores(run.id, {name: value + shift}, seed=seed, note=json.dumps(told))


def by_map(store: Store, runs: Sequence[Run], name: str = "classifier") -> None:
    """Scores that follow the place on the map, whatever the sliders say."""
    for i, run in enumerate(runs):
        score(store, run, 0.7 + 0.1 * HIDDEN[i], name)


def opened(name: str | None = None, **state: Any) -> AppTest:
    """The page alone, with values of its widgets (underscores for hyphens)."""
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    app.session_state["task"] = TASK
    if name is not None:
        app.query_params["scorer"] = name
    for key, value in state.items():
        app.session_state[key.replace("_", "-")] = value
    return again(app)


def figures(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(one.proto.spec) for one in app.get("plotly_chart")]


def signs(app: AppTest) -> list[str]:
    """The marks of the surface by their kind and key."""
    return [
        str(one) for trace in figures(app)[0]["data"] for one in trace.get("customdata", ()) if isinstance(one, str)
    ]


# Nothing to predict from


def test_a_task_without_runs_offers_to_write_one(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    went: list[str] = []
    monkeypatch.setattr(st, "switch_page", lambda page: went.append(page))
    app = opened()
    assert headline(app) == "No run of :orange[answers] can be scored yet."
    again(app.button(key="predict-first").click())
    assert went == [GENERATE]


def test_runs_without_scores_are_offered_for_scoring(store: Store, runs: list[Run]) -> None:
    app = opened()
    assert headline(app) == "No student has learned from :blue[12 runs] yet."
    assert not app.get("plotly_chart")
    assert list(table(app, "Run", "State")["State"]) == ["no score yet"] * 12
    assert app.selectbox(key="predict-scorer").options == ["Classifier · macro-F1", "Language model · bits per byte"]
    # All of them are marked at first.
    again(app.button(key="predict-score").click())
    asked = Jobs(store).jobs(kind="score")
    assert {job.payload["run"] for job in asked} == {run.id for run in runs}
    assert {(job.payload["scorer"], job.payload["seeds"]) for job in asked} == {("classifier", 3)}
    assert set(table(app, "Run", "State")["State"]) == {"waiting"}
    assert "11 other runs waiting" in words(app)
    again(app.button(key="predict-score-cancel").click())
    assert {job.status for job in Jobs(store).jobs(kind="score")} == {"cancelled"}
    assert set(table(app, "Run", "State")["State"]) == {"stopped"}


def test_the_time_of_scoring_is_that_of_earlier_runs(store: Store, runs: list[Run]) -> None:
    for run in runs[:2]:
        score(store, run, 0.7)
    # Ten runs, three seeds, two seconds each.
    assert "About **1 min** here" in words(opened("classifier"))


def test_more_seeds_are_asked_for_of_runs_that_have_too_few(store: Store, runs: list[Run]) -> None:
    for run in runs:
        score(store, run, 0.7)
    app = opened("classifier")
    assert app.button(key="predict-score").disabled
    again(app.number_input(key="predict-seeds").set_value(5))
    # None is marked, for all have the score.
    assert app.button(key="predict-score").label == "Score 0 runs"


def test_a_run_that_could_not_be_scored_says_why(store: Store, runs: list[Run]) -> None:
    app = opened("classifier")
    again(app.button(key="predict-score").click())

    def refuse(context: JobContext) -> Iterator[None]:
        raise ValueError("never seen")
        yield

    finish(store, "score", refuse)
    again(app)
    assert set(table(app, "Run", "State")["State"]) == {"failed"}
    assert "and 9 more failed" in words(app)


def test_too_few_scores_say_how_many_it_takes(store: Store, runs: list[Run]) -> None:
    by_map(store, runs[:3])
    app = opened("classifier")
    assert headline(app) == ":blue[3 runs] cannot yet say whether the map helps."
    assert "No prediction yet: 3 of 5 runs" in words(app)
    assert "predict-score" in keys(app)


def test_equal_scores_leave_nothing_to_predict(store: Store, runs: list[Run]) -> None:
    for run in runs[:6]:
        score(store, run, 0.7)
    app = opened("classifier")
    assert headline(app) == "There is nothing to predict yet."
    assert "All 6 runs score 0.7, so there is nothing to predict" in words(app)


def test_a_score_that_is_no_number_leaves_its_run_out(known: Store) -> None:
    run = in_order(known)[0].id
    known.put_scores(run, {"classifier": math.nan}, seed=0)
    known.forget_scores(run, ["classifier"], [1, 2])
    app = opened("classifier")
    assert "11 of 12 runs scored" in words(app)
    assert "takes no part: its classifier is not a number" in words(app)
    assert "not a number" in set(table(app, "Run", "State")["State"])


def test_a_scorer_that_does_not_fit_is_explained_in_one_sentence(store: Store, runs: list[Run]) -> None:
    app = opened("translation")
    assert headline(app) == "This score is none of this task's."
    assert "'hypotheses'" in words(app)
    again(app.button(key="predict-other").click())
    assert headline(app) == "No student has learned from :blue[12 runs] yet."
    assert "No run of Small has a score named 'nonsense'" in words(opened("nonsense"))


# A prediction


def test_a_map_that_helps_says_so_with_its_evidence(known: Store, task: Task) -> None:
    app = opened("classifier")
    found = judged(known, task)
    assert headline(app).startswith("The map helps: it is off by :blue[0.0")
    assert headline(app).endswith(".")
    assert "macro-F1] on average, " in headline(app)
    said = words(app)
    assert f"Q² **{found.q2:.2f}**, permutation p **.005**" in said
    assert "12 runs, 3 training seeds" in said
    assert "90% interval from jackknife+: guaranteed 80%, typical 90%" in said
    assert len(figures(app)) == 5
    assert app.query_params["scorer"] == "classifier"


def test_every_chart_has_its_numbers_as_a_table(known: Store, task: Task) -> None:
    app = opened("classifier")
    found = judged(known, task)
    left_out = table(app, "Measured", "Off by", "Inside")
    assert len(left_out) == 12
    assert list(left_out["Off by"].abs()) == sorted(left_out["Off by"].abs(), reverse=True)
    assert np.mean(left_out["Off by"].abs()) == pytest.approx(found.mae)
    errors = table(app, "Prediction", "Error")
    assert errors["Error"][0] == pytest.approx(found.mae)
    assert set(errors["Prediction"]) >= {"Mean", "Settings only", "Temperature only"}
    surface = table(app, "Setting", "Mark", "Measured", "Axis 1")
    assert list(surface["Measured"][:12]) == sorted(surface["Measured"][:12], reverse=True)
    nulls = table(app, "", "Q²")
    assert nulls["Q²"][0] == pytest.approx(found.q2)


def test_settings_that_know_it_all_beat_the_map(store: Store, runs: list[Run]) -> None:
    for run in runs:
        score(store, run, 0.5 + 0.3 * run.settings["gamma"] + 0.1 * run.settings["eta"])
    assert headline(opened("classifier")) == "The settings alone predict better; the map adds nothing here."


def test_few_runs_have_points_and_no_interval(store: Store, runs: list[Run]) -> None:
    by_map(store, runs[:6])
    app = opened("classifier")
    assert headline(app) == ":blue[6 runs] cannot yet say whether the map helps."
    assert "No interval yet: 6 of 9 runs." in words(app)
    assert set(table(app, "Measured", "Off by")["90% interval"]) == {"\u2013"}
    assert "too few runs for bars" in words(app)
    # The runs without a score are on the map all the same.
    assert "○ no score yet" in words(app)
    assert sum(sign.startswith("run:") for sign in signs(app)) == 12


def test_model_axes_and_what_is_read_change_the_prediction(known: Store, task: Task) -> None:
    app = opened("classifier")
    before = table(app, "Measured", "Off by")
    again(app.selectbox(key="predict-model").set_value("nearest neighbours"))
    assert not table(app, "Measured", "Off by").equals(before)
    again(app.selectbox(key="predict-model").set_value("ridge"))
    again(app.segmented_control(key="predict-axes").set_value(2))
    found = judged(known, task, dimension=2)
    assert np.mean(table(app, "Measured", "Off by")["Off by"].abs()) == pytest.approx(found.mae)
    again(app.get("pills")[0].set_value(["spread"]))
    found = judged(known, task, dimension=2, features=("spread",))
    assert np.mean(table(app, "Measured", "Off by")["Off by"].abs()) == pytest.approx(found.mae)


def test_an_imported_score_goes_by_its_own_name_and_is_shown_as_text(store: Store, runs: list[Run]) -> None:
    name = "*judge* [x](https://a.b) <i>"
    for i, run in enumerate(runs):
        store.put_scores(run.id, {name: 5 + float(HIDDEN[i])})
    app = opened(name)
    assert name in headline(app)
    assert "scores as imported" in words(app)
    assert "predict-score" not in keys(app)
    assert not any("[x](https" in one.value for one in app.markdown)
    again(app.segmented_control(key="predict-better").set_value("lower"))
    assert table(app, "Setting", "Why")["Why"][0] == "best expected"


def test_below_are_residual_notes_and_a_heuristic(known: Store, task: Task) -> None:
    score(known, in_order(known)[0], 0.7 + 0.1 * HIDDEN[0], **{"left out": {"test": 2, "probe": 1, "overlapping": 4}})
    app = opened("classifier")
    said = words(app)
    assert "2 answers equal to a test text and 1 equal to a probe text were left out, in 1 run" in said
    assert "a student trained on the real rows reaches **0.900**" in said
    assert "Macro-F1 over the labels" in said
    found = judged(known, task).fitted
    steepest = lipschitz(found.points, found.runs.scores, found.runs.groups())
    assert f"**{steepest.constant:.3g}** macro-F1 per unit of map distance" in said
    assert "Heuristic: the largest change" in said


def test_the_learning_curve_waits_until_somebody_asks(
    known: Store, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened("classifier")
    assert not [one for one in app.dataframe if "Runs" in one.value.columns]
    app.session_state["predict-what-if-open"] = True
    again(app)
    curve = learning_curve(judged(known, task).fitted)
    widths = table(app, "Runs")
    assert widths["Runs"][0] == 12
    assert float(widths.iloc[0, 1]) == pytest.approx(curve.width(12) / 2, rel=0.01)


# The slider point


def test_a_setting_that_was_run_has_its_prediction_at_once(known: Store, task: Task) -> None:
    app = opened("classifier", predict_gamma=0.4, predict_eta=0.4, predict_temperature=1.0)
    one = next(
        each
        for each in judged(known, task).predictions
        if each.key == in_order(known)[GRID.index(setting(0.4, 0.4, 1.0))].id
    )
    assert f"predicts **{one.predicted:.3f}**" in words(app)
    assert f"measured {one.score:.3f}" in words(app)
    assert ("extrapolates" if one.extrapolates else "inside the map") in words(app)
    assert "point:point" in signs(app)


def test_a_setting_that_was_not_run_is_placed_from_a_few_answers(known: Store, task: Task) -> None:
    app = opened("classifier")
    again(app.slider(key="predict-gamma").set_value(0.3))
    assert "point:point" not in signs(app)
    assert "8 samples" in words(app)
    again(app.button(key="predict-place").click())
    assert "predict-point-cancel" in keys(app)
    [job] = Jobs(known).jobs(kind="point")
    assert job.payload["settings"]["gamma"] == 0.3

    def answer(context: JobContext) -> Iterator[None]:
        queries = [query.id for query in task.with_role("probe")]
        rows = [
            {"query": query, "replicate": r, "chain": r, "round": 0, "text": f"point answers {query} {r}"}
            for query in queries
            for r in range(2)
        ]
        embed(known, [(row["text"], queries.index(row["query"]), 0.5, 0.0) for row in rows])
        context.result = {"rows": rows}
        yield

    finish(known, "point", answer)
    again(app)
    said = next(plain(one.value) for one in app.markdown if one.value.startswith("predicts"))
    # As far along as a score of 0.75 lies.
    assert float(said.split("**")[1]) == pytest.approx(0.75, abs=0.03)
    assert "point:point" in signs(app)
    # Another setting drops it.
    again(app.slider(key="predict-gamma").set_value(0.1))
    assert "point:point" not in signs(app)
    assert "predict-place" in keys(app)


def test_a_point_that_could_not_be_written_says_why(known: Store) -> None:
    app = opened("classifier", predict_gamma=0.3)
    again(app.button(key="predict-place").click())
    finish(known, "point", lambda context: iter([1 / 0]))
    again(app)
    assert app.button(key="predict-place").label == "Try again"


# What to try next


def test_what_to_try_next_is_numbered_and_can_be_written(known: Store) -> None:
    app = opened("classifier")
    found = table(app, "Setting", "Predicted", "Why")
    assert list(found["Why"]) == ["best expected", "best expected", "teaches most"]
    assert [sign for sign in signs(app) if sign.startswith("next:")] == ["next:next-1", "next:next-2", "next:next-3"]
    again(app.button(key="predict-write-next").click())
    asked = [run for run in known.runs(task=TASK) if run.status == "queued"]
    assert len(asked) == 3
    assert {SteerSettings.from_mapping(run.settings).short() for run in asked} == set(found["Setting"])


def test_a_limit_that_runs_cannot_carry_is_said(known: Store) -> None:
    app = opened("classifier", predict_max_perplexity=20.0)
    assert "The metric base_perplexity is unknown for" in words(app)
    assert app.button(key="predict-write-next").disabled


# Names and sentences


def test_every_score_of_every_scorer_has_a_title_and_a_unit() -> None:
    for name in SCORERS:
        for measure in scorer_of(name).measures:
            named = Score(measure.name)
            assert named.scorer == name
            assert named.unit != measure.name
            assert named.title.endswith(f" · {named.unit}")
            assert not named.title.startswith(name)


def test_the_headline_claims_what_the_evaluation_carries(known: Store, task: Task) -> None:
    atlas = draw_atlas(known, task, in_order(known))
    gathered = gather(known, atlas, "classifier", in_order(known))
    sure = judged(known, task)

    def title(**changes: Any) -> str:
        return plain(finding(replace(sure, **changes), gathered, Score("classifier"), 12)[0])

    unsure = tuple(replace(one, gain_p=0.2) for one in sure.baselines)
    assert "too close to tell" in title(baselines=unsure)
    only = [one for one in sure.baselines if one.name == "temperature only"]
    beaten = tuple(replace(one, mae=0.001, q2=0.9, gain_high=-0.01) for one in only)
    assert title(helps=False, baselines=beaten) == "Temperature alone predicts better; the map adds nothing here."
    level = tuple(replace(one, mae=0.001, q2=0.9, gain_high=0.01) for one in only)
    assert title(helps=False, baselines=level) == "Temperature alone predicts as well; the map adds nothing here."
    many = sure.predictions * 2
    mean = tuple(one for one in sure.baselines if one.name == "mean")
    chance = {"helps": False, "baselines": mean, "p_value": 0.4}
    assert title(**chance) == ":blue[12 runs] cannot yet say whether the map helps."
    assert title(**chance, predictions=many) == "The map does not help here: it predicts no better than chance."
    assert title(**chance, predictions=many, q2=-0.1).endswith("no better than the mean.")


def test_the_page_stands_in_the_dashboard_behind_perspective(store: Store, runs: list[Run]) -> None:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.session_state["task"] = TASK
    again(app)
    again(app.switch_page("pages/predict/page.py"))
    assert headline(app) == "No student has learned from :blue[12 runs] yet."


def setting(gamma: float, eta: float, temperature: float) -> SteerSettings:
    return SteerSettings(gamma=gamma, eta=eta, temperature=temperature)


def judged(store: Store, task: Task, **options: Any) -> Evaluation:
    """The evaluation as the library has it, from a map of its own."""
    runs = store.runs(task=task.name)
    atlas = draw_atlas(store, task, runs)
    return evaluate(gather(store, atlas, "classifier", runs).runs, name="macro-F1", **options)


def finish(store: Store, kind: str, handler: Any) -> None:
    """Do every queued job of a kind by a handler of our own."""
    jobs = Jobs(store, lease=60.0)
    scheduler = Scheduler(store, {kind: handler}, lease=60.0)
    try:
        while any(job.active for job in jobs.jobs(kind=kind)):
            scheduler.tick()
    finally:
        scheduler.close()
