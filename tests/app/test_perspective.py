"""The Perspective page in every state it can be in: headline, map, selection, texts, distances, tests, plans, news."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.drawing.numbers import probability
from core.embedding import content_key
from core.jobs import Jobs
from core.scheduling.processes import this_process
from core.sliders import SteerSettings
from core.statistics.distances import Distance
from core.storage.records import NewRun, NewSample, Run
from core.store import Store
from core.tasks import Query, load_task
from pages.perspective import selection
from pages.perspective.finding import Apart, finding
from pages.perspective.places import TAB
from pages.shared.linked import Pick, pick_of
from pages.shared.settings_link import GENERATE
from tests.app.showing import again, headline, keys, table, words
from tests.unit.small_maps import QUERIES, embed, vector, write
from tests.unit.worked_off import work_off

REPOSITORY = Path(__file__).resolve().parents[2]
APP = REPOSITORY / "app.py"
PAGE = REPOSITORY / "pages" / "perspective" / "page.py"
SLIDERS = [
    SteerSettings(gamma=gamma, eta=eta, temperature=heat)
    for gamma, eta, heat in ((0.0, 0.0, 1.0), (0.4, 0.0, 1.0), (0.0, 0.4, 1.0), (0.4, 0.4, 1.0), (0.4, 0.4, 0.7))
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of five finished runs and two small tasks, one of them without real rows."""
    folder = tmp_path_factory.mktemp("filled")
    for name, rows in (("small", 8), ("bare", 0)):
        add_task(folder, name, rows)
    queries = tuple(Query(q, "probe", q, None, tuple(f"real {q} {r}" for r in range(8))) for q in QUERIES)
    for name in ("empty", "sweep"):
        with Store(f"sqlite:///{folder / name}.db") as opened:
            embed(opened, [text for query in queries for text in query.references])
            if name == "sweep":
                sweep(opened)
    return folder


def store_of(kind: str, filled: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A copy that the page finds, and no worker."""
    shutil.copytree(filled / "data", folder / "data")
    shutil.copy(filled / f"{kind}.db", folder / "store.db")
    url = f"sqlite:///{folder / 'store.db'}"
    monkeypatch.setenv("STEERSCOPE_STORE", url)
    monkeypatch.setenv("STEERSCOPE_DATA", str(folder / "data"))
    monkeypatch.setenv("STEERSCOPE_WORKERS", "0")
    st.cache_resource.clear()
    st.cache_data.clear()
    with Store(url) as opened:
        yield opened
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def empty(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store without runs."""
    yield from store_of("empty", filled, tmp_path, monkeypatch)


@pytest.fixture
def store(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with five finished runs of the task that has real rows."""
    yield from store_of("sweep", filled, tmp_path, monkeypatch)


@pytest.fixture
def runs(store: Store) -> list[Run]:
    """Those runs in the order of SLIDERS."""
    return list(reversed(store.runs(task="small")))


def add_task(folder: Path, name: str, rows: int) -> None:
    place = folder / "data" / "tasks" / name
    place.mkdir(parents=True)
    head = {"title": name, "description": "Small.", "template": "{query}", "response": "answer", "plural": "answers"}
    (place / "task.json").write_text(json.dumps(head))
    queries = [
        {"id": q, "role": "probe", "text": f"what of {q}", "references": [f"real {q} {r}" for r in range(rows)]}
        for q in QUERIES
    ]
    (place / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))


def sweep(store: Store, task: str = "small", **changes: Any) -> list[Run]:
    """Five finished runs of different settings, each with texts of its own."""
    return [write(store, f"run{i}", settings=each, task=task, **changes) for i, each in enumerate(SLIDERS)]


def as_real(store: Store, texts: Sequence[str], name: str) -> None:
    """Give these texts vectors as the real rows of their query have them."""
    made = {text: vector(f"real {text.split()[1]} {name} {text}") for text in texts}
    store.vectors("all-MiniLM-L6-v2").put({content_key(text): found for text, found in made.items()})


def near_run(store: Store, settings: SteerSettings = SLIDERS[0]) -> Run:
    """A run that answers as the real rows do."""
    run = write(store, "near", settings=settings, embedded=False)
    as_real(store, [sample.text for sample in store.samples(run.id)], "near")
    return run


def running(store: Store, written: int = 9) -> Run:
    """A run in progress that has answered replicate by replicate."""
    new = NewRun(
        kind="steer",
        task="small",
        settings=SLIDERS[3].with_(seed=3).as_dict(),
        queries=QUERIES,
        replicates=8,
        expected=24,
    )
    run = str(Jobs(store).submit("generate", run=new, owner=this_process()).run)
    write_more(store, run, range(written))
    return store.run(run)


def write_more(store: Store, run: str, numbers: range) -> None:
    samples = [
        NewSample(query=QUERIES[i % 3], replicate=i // 3, chain=i // 3, round=0, text=f"live {QUERIES[i % 3]} {i}")
        for i in numbers
    ]
    store.add_round(run, samples)
    embed(store, [sample.text for sample in samples])


def opened(task: str = "small", **state: Any) -> AppTest:
    """The page alone, with values of its widgets (underscores for hyphens)."""
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.session_state["task"] = task
    for key, value in state.items():
        app.session_state[key.replace("_", "-")] = value
    return again(app)


def figure(app: AppTest, place: int = 0) -> dict[str, Any]:
    """The map, or another chart by its place on the page."""
    return dict(json.loads(app.get("plotly_chart")[place].proto.spec))


def ids(app: AppTest, place: int = 0) -> list[str]:
    """The ids of the samples of a chart."""
    found = [str(one) for trace in figure(app, place)["data"] for one in trace.get("customdata", ())]
    return [one for one in found if one.startswith(("real:", "sample:"))]


def marked(app: AppTest) -> set[str]:
    """The runs on the map."""
    found = [str(one) for trace in figure(app)["data"] for one in trace.get("customdata", ())]
    return {one.removeprefix("run:") for one in found if one.startswith("run:")} - {"real", "heldout"}


# Nothing to show yet


def test_an_empty_task_offers_to_write_a_first_run(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    went: list[str] = []
    monkeypatch.setattr(st, "switch_page", lambda page: went.append(page))
    app = opened()
    assert headline(app) == "No run of :orange[answers] is on the map yet."
    assert "A point appears as soon as one run has answered 3 queries." in words(app)
    app.button(key="perspective-first").click()
    again(app)
    assert went == [GENERATE]


def test_the_first_run_in_progress_is_said(empty: Store) -> None:
    running(empty)
    app = opened()
    assert headline(app) == "The first run of :orange[answers] is being written."
    assert not app.get("plotly_chart")


def test_runs_that_share_no_query_make_no_map_and_the_page_says_why(empty: Store) -> None:
    write(empty, "alone", task="bare")
    app = opened("bare")
    assert headline(app) == "These runs of :orange[answers] make no map yet."
    assert "needs at least two generators that answered the same queries" in words(app)


def test_the_page_stands_in_the_dashboard_between_make_and_manage(store: Store) -> None:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.session_state["task"] = "small"
    again(app)
    again(app.switch_page("pages/perspective/page.py"))
    assert "differ from the :orange[real answers]" in headline(app)


# The finding


def test_one_run_is_compared_with_real(empty: Store) -> None:
    write(empty, "far", settings=SLIDERS[1])
    assert headline(opened()) == ":blue[γ 0.4 · η 0 · T 1] differs from the :orange[real answers]."


def test_the_run_that_answers_as_real_is_the_one_not_told_apart(store: Store) -> None:
    run = near_run(store, SLIDERS[4].with_(gamma=0.1))
    app = opened()
    assert headline(app) == ":blue[γ 0.1 · η 0.4 · T 0.7] is the one run not told apart from the :orange[real answers]."
    assert "two halves of the real data are" in words(app)
    assert "6 runs, 3 queries, 6 replicates; axis noise τ/λ" in words(app)
    assert run.id in marked(app)
    # Its samples are drawn beside both halves of the real data.
    assert len(ids(app)) == 18 + 24


def _apart(name: str, low: float | None, high: float | None, q: float | None = None) -> Apart:
    value = None if low is None or high is None else (low + high) / 2
    return Apart(name, name, Distance(value, low, high, None, "answers", 3, None), q)


@pytest.mark.parametrize(
    ("low", "q", "said"),
    [
        (0.1, None, "differs, by interval"),
        (-0.1, None, "not told apart, by interval"),
        (None, None, "no test"),
        (-0.1, 0.03, "differs, q .030"),
        (0.1, 0.0001, "differs, q below .001"),
        (-0.1, 0.2, "not told apart, q .200"),
        (0.1, 0.2, "differs, by interval"),
        (None, 1.0, "not told apart, q 1"),
    ],
)
def test_a_difference_is_read_off_the_test_or_the_interval(low: float | None, q: float | None, said: str) -> None:
    assert _apart("a", low, None if low is None else low + 0.3, q).words == said


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        ([("a", None, None)], ":blue[a] cannot yet be compared with the :orange[real answers]."),
        (
            [("a", None, None), ("b", None, None)],
            ":blue[2 runs] cannot yet be compared with the :orange[real answers].",
        ),
        ([("a", 0.1, 0.2), ("b", 0.3, 0.4)], ":blue[a] comes nearest to the :orange[real answers], and still differs."),
        (
            [("a", 0.1, 0.2), ("b", 0.15, 0.4), ("c", 0.3, 0.5)],
            "All :blue[3 runs] differ from the :orange[real answers]; 2 may be nearest.",
        ),
        ([("a", -0.1, 0.2), ("b", -0.1, 0.4)], "None of :blue[2 runs] is told apart from the :orange[real answers]."),
        (
            [("a", -0.1, 0.2), ("b", -0.1, 0.4), ("c", 0.3, 0.5)],
            ":blue[2 of 3 runs] are not told apart from the :orange[real answers].",
        ),
        (
            [("a", 0.1, 0.2), ("b", -0.1, 0.2), ("c", None, None)],
            ":blue[2 of 3 runs] can be judged; 1 is not told apart from :orange[real].",
        ),
        (
            [(name, 0.1, 0.2) for name in "abcdefg"],
            "All :blue[7 runs] differ from the :orange[real answers]; none is clearly nearest.",
        ),
    ],
)
def test_the_headline_claims_what_the_intervals_carry(
    rows: list[tuple[str, float | None, float | None]], title: str
) -> None:
    from pages.perspective.finding import _title

    found = _title([_apart(*row) for row in rows], "the :orange[real answers]")
    assert found == title
    assert len(found.split()) <= 14


@pytest.mark.parametrize(("p", "said"), [(None, "\u2013"), (0.0004, "below .001"), (0.034, ".034"), (1.0, "1")])
def test_a_probability_in_words(p: float | None, said: str) -> None:
    assert probability(p) == said


# The map


def test_the_toolbar_offers_what_says_something_on_this_map(store: Store, runs: list[Run]) -> None:
    for number, run in enumerate(runs):
        store.put_scores(run.id, {"bleu": number / 10})
    app = opened()
    colour = app.segmented_control(key="perspective-colour")
    assert colour.options == ["bleu", "Distance", "γ", "η", "T", "Pool"]
    assert colour.value == "score:bleu"
    assert figure(app)["layout"]["coloraxis"]["colorbar"]["title"]["text"] == "bleu"
    again(colour.set_value("pool"))
    assert "no negatives" in str(figure(app)["layout"]["annotations"])
    whole = len(figure(again(app))["data"])
    again(app.get("pills")[0].set_value([]))
    assert len(figure(app)["data"]) < whole
    assert not ids(app)


def test_three_axes_and_the_twin_as_tables(store: Store, runs: list[Run]) -> None:
    app = opened()
    again(app.segmented_control(key="perspective-axes").set_value("3-D"))
    assert {trace["type"] for trace in figure(app)["data"]} == {"scatter3d"}
    again(app.segmented_control(key="perspective-axes").set_value("Table"))
    marks = table(app, "Setting", "Ellipse")
    assert len(marks) == len(runs) + 2
    assert marks["Setting"][0] == "real data"
    assert marks["To real"][1:].dropna().is_monotonic_increasing
    assert set(marks["Ellipse"]) != {"none"}
    samples = table(app, "Kind", "Text", "Axis 1")
    assert len(samples) == 24 + 18


def test_all_ellipses_at_once_are_wider(store: Store) -> None:
    one = table(opened(perspective_axes="Table"), "Ellipse")["Ellipse"]
    all_of_them = table(opened(perspective_axes="Table", perspective_all_at_once=True), "Ellipse")["Ellipse"]
    widths = [[float(each.split(",")[0][2:]) for each in column] for column in (one, all_of_them)]
    assert all(wide > narrow for narrow, wide in zip(*widths, strict=True))


def test_runs_with_too_few_replicates_have_no_ellipse_and_the_page_says_so(empty: Store) -> None:
    sweep(empty, replicates=2)
    app = opened(perspective_axes="Table")
    marks = table(app, "Setting", "Ellipse")
    assert set(marks["Ellipse"][2:]) == {"none"}
    assert "run with too few replicates for an ellipse" in " ".join(marks["Mark"])
    assert "[○] too few replicates" in words(app)
    assert headline(app) == ":blue[2 of 5 runs] can be judged; each differs from :orange[real]."


def test_a_task_without_real_rows_is_a_map_of_its_runs(empty: Store) -> None:
    sweep(empty, "bare")
    app = opened("bare", **{TAB.replace("-", "_"): "Distances"})
    assert headline(app) == ":blue[5 runs] on one map, with no real data to compare them with."
    assert "there is nothing to be near to" in words(app)
    assert app.segmented_control(key="perspective-colour").options == ["γ", "η", "T", "Pool"]
    assert len(ids(app)) == 18
    assert app.selectbox(key="perspective-second").value != app.selectbox(key="perspective-first").value


def test_the_map_of_spread_is_drawn_by_a_worker(store: Store) -> None:
    app = opened(perspective_variant="energy")
    assert headline(app) == "The map of :blue[answers] is being drawn."
    work_off(store, "map")
    again(app)
    assert headline(app).endswith("from the :orange[real answers].") or "differ from" in headline(app)
    assert "Energy distance to real" in words(app)
    assert "Boxes are known for the map of means alone" in words(
        opened(perspective_variant="energy", **{TAB.replace("-", "_"): "Guarantees"})
    )


def test_one_may_go_back_to_means_while_the_map_of_spread_is_drawn(store: Store) -> None:
    app = opened(perspective_variant="energy")
    again(app.button(key="perspective-means").click())
    assert app.get("plotly_chart")


# Selection


def test_nothing_is_selected_at_first(store: Store) -> None:
    app = opened()
    assert "Nothing is selected" in words(app)
    assert app.button(key="perspective-clear").disabled


def selected(app: AppTest, chosen: Sequence[str], task: str = "small") -> AppTest:
    """As a lasso would have it."""
    app.session_state[selection.SELECTED] = {task: selection.Selection(tuple(chosen))}
    return again(app)


def test_the_selected_texts_stand_beside_their_nearest_real_row(store: Store) -> None:
    app = opened()
    chosen = ids(app)[:3] + ids(app)[-2:]
    selected(app, [*chosen, "sample:999999", "nonsense"])
    rows = table(app, "Text", "Cosine")
    assert next(iter(rows.columns)) == "5 selected"
    assert list(rows["5 selected"]) == ["◆ real"] * 3 + ["● synthetic"] * 2
    # A real row is not its own neighbour, and its neighbour answers the same query.
    for text, near in zip(rows["Text"][:3], rows["Nearest real row"][:3], strict=True):
        assert text != near
        assert text.split()[:2] == near.split()[:2]
    assert all(0 < cosine < 1 for cosine in rows["Cosine"][:3])
    again(app.button(key="perspective-clear").click())
    assert "Nothing is selected" in words(app)


def test_a_selection_outlives_colours_and_runs_it_came_from(store: Store, runs: list[Run]) -> None:
    app = opened()
    sample = next(one for one in ids(app) if one.startswith("sample:"))
    selected(app, [sample])
    again(app.segmented_control(key="perspective-colour").set_value("setting:eta"))
    assert figure(app)["layout"]["coloraxis"]["colorbar"]["title"]["text"] == "η"
    again(app)
    assert len(table(app, "Text", "Cosine")) == 1
    for run in runs:
        if any(f"sample:{each.id}" == sample for each in store.samples(run.id)):
            store.delete_run(run.id)
    assert "The runs have changed since you selected" in words(again(app))
    again(app.button(key="perspective-redraw").click())
    assert "None of these samples is on this map" in words(app)


def test_words_are_searched_in_the_selection_or_in_all_that_is_drawn(store: Store) -> None:
    app = opened()
    again(app.text_input(key="perspective-search").set_value("REAL q1"))
    assert set(table(app, "Text", "Cosine")["Text"]) == {f"real q1 {i}" for i in range(8)}
    assert next(iter(table(app, "Text", "Cosine").columns)) == "8 found"
    again(app.text_input(key="perspective-search").set_value("no such word"))
    assert "No text fits" in words(app)


def test_a_search_by_meaning_waits_for_the_worker_and_then_ranks(store: Store) -> None:
    app = opened(perspective_search_by="Meaning")
    again(app.text_input(key="perspective-search").set_value("what is alike"))
    assert "Reading these words" in words(app)
    assert [job.payload for job in Jobs(store).jobs(kind="embed")] == [{"text": "what is alike"}]
    store.vectors("all-MiniLM-L6-v2").put({content_key("what is alike"): vector("real q2 0")})
    again(app)
    assert table(app, "Text", "Cosine")["Text"][0] == "real q2 0"


def test_a_subset_is_kept_opened_and_forgotten(store: Store) -> None:
    app = opened()
    chosen = ids(app)[:4]
    selected(app, chosen)
    again(app.button(key="perspective-subset-save").click())
    assert "A subset needs a name." in words(app)
    app.text_input(key="perspective-subset-name").set_value("odd <b>ones</b>")
    again(app.button(key="perspective-subset-save").click())
    (kept,) = store.subsets("small")
    assert (kept.name, list(kept.samples)) == ("odd <b>ones</b>", chosen)
    app.text_input(key="perspective-subset-name").set_value("odd <b>ones</b>")
    again(app.button(key="perspective-subset-save").click())
    assert "choose another name" in words(app)
    fresh = opened()
    again(fresh.button(key=f"perspective-subset-{kept.id}").click())
    assert len(table(fresh, "Text", "Cosine")) == 4
    again(fresh.button(key=f"perspective-subset-delete-{kept.id}").click())
    assert not store.subsets("small")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"ids": ["real:q/0", "real:q/0", 7, None, "sample:1"]}, Pick(("real:q/0", "sample:1"))),
        ({"ids": []}, Pick()),
        ({"mark": "run:r-1"}, Pick((), "run:r-1")),
        ({"mark": 7, "ids": "all"}, Pick()),
        (None, Pick()),
        ("x", Pick()),
    ],
)
def test_what_the_browser_tells_is_checked(told: Any, expected: Pick) -> None:
    assert pick_of(told) == expected


def test_a_click_on_a_run_shows_its_samples(store: Store, runs: list[Run]) -> None:
    app = opened()
    again(app.selectbox(key="perspective-of").set_value(runs[2].id))
    own = {f"sample:{sample.id}" for sample in store.samples(runs[2].id)}
    assert own == {one for one in ids(app) if one.startswith("sample:")}
    again(app.selectbox(key="perspective-of").set_value("*"))
    assert len(ids(app)) == 24 + 5 * 18


# Sample view


def test_the_samples_are_arranged_by_a_worker_and_asked_for_once(store: Store) -> None:
    app = again(opened())
    assert "Arranging the samples" in words(app)
    (job,) = Jobs(store).jobs(kind="arrange")
    assert job.payload["task"] == "small"


# Distances, guarantees


def test_the_distances_are_ranked_and_tested_over_all_runs(store: Store) -> None:
    near_run(store, SLIDERS[4].with_(gamma=0.1))
    tab = {TAB.replace("-", "_"): "Distances"}
    app = opened(**tab)
    rows = table(app, "Run", "To real", "Test")
    assert rows["To real"].is_monotonic_increasing
    assert rows["Run"][0] == "γ 0.1 · η 0.4 · T 0.7"
    assert rows["Test"][0] == "not told apart, by interval"
    assert "Testing, waiting for the worker" in words(app)
    work_off(store, "same")
    again(app)
    rows = table(app, "Run", "To real", "Test")
    assert rows["Test"][0].startswith("not told apart, q ")
    assert all(said.startswith("differs") for said in rows["Test"][1:])
    assert "Benjamini\u2013Hochberg over 6 runs" in words(app)


def test_the_boxes_and_what_may_not_be_read_from_them(store: Store) -> None:
    app = opened(**{TAB.replace("-", "_"): "Guarantees"})
    boxes = table(app, "Generator", "± axis 1", "Hoeffding")
    assert list(boxes["Generator"][:2]) == ["real", "held-out real"]
    assert boxes["± axis 1"].notna().all()
    assert "Each box holds" in words(app)
    assert "Worst case from the literature" in words(app)
    assert "Ellipses that overlap are not “the same”" in words(app)
    wide = opened(perspective_all_at_once=True, **{TAB.replace("-", "_"): "Guarantees"})
    assert "All boxes together hold" in words(wide)
    assert (table(wide, "Generator", "± axis 1")["± axis 1"] > boxes["± axis 1"]).all()


# Below


def test_two_side_by_side_and_their_test(store: Store, runs: list[Run]) -> None:
    app = opened(perspective_first=runs[0].id, perspective_second="real")
    rows = table(app, "Value", "In words")
    assert list(rows.iloc[:, 0]) == ["On the map", "Distance", "With spread", "Same, by mean", "Same, by spread"]
    assert list(rows["In words"]) == ["told apart", "differ", "differ", "not tested", "not tested"]
    again(app.button(key="perspective-pair-test").click())
    assert list(table(app, "Value", "In words")["In words"][3:]) == ["testing", "testing"]
    work_off(store, "same")
    again(app)
    tested = table(app, "Value", "In words")
    assert list(tested["In words"][3:]) == ["differ", "differ"]
    assert all(value.startswith("p ") for value in tested["Value"][3:])
    again(app.selectbox(key="perspective-second").set_value(runs[0].id))
    assert "Choose two different ones" in words(app)


def test_the_planner_counts_answers_and_seconds(store: Store) -> None:
    app = opened()
    plan = table(app, "Answers", "A query", "Time")
    assert list(plan.iloc[:, 0]) == ["Guaranteed", "If like the pilot", "Expected"]
    first = int(plan["Answers"][0].replace(",", ""))
    # 2 seconds for each 18 samples of these runs.
    assert "Time at 0.11 s an answer" in words(app)
    again(app.number_input(key="perspective-epsilon").set_value(0.05))
    assert int(table(app, "Answers", "A query", "Time")["Answers"][0].replace(",", "")) > 3 * first


# News


def test_a_run_in_progress_stands_on_the_map_as_it_is(store: Store) -> None:
    app = opened()
    before = figure(app)["layout"]["xaxis"]["range"]
    run = running(store)
    again(app)
    assert run.id in marked(app)
    assert "γ 0.4 · η 0.4 · T 1] is being written; watching is not testing." in words(app)
    assert "writing 9 of 24" in str(figure(app)["layout"]["annotations"])
    assert figure(app)["layout"]["xaxis"]["range"] == before
    write_more(store, run.id, range(9, 18))
    again(app)
    assert "writing 18 of 24" in str(figure(app)["layout"]["annotations"])


def test_under_a_selection_the_map_stays_until_it_is_redrawn(store: Store) -> None:
    app = opened()
    selected(app, ids(app)[:3])
    before = figure(app)
    late = write(store, "late", settings=SLIDERS[0].with_(temperature=1.3))
    running(store)
    again(app)
    assert figure(app) == before
    assert "1 new run since you selected." in words(app)
    again(app.button(key="perspective-redraw").click())
    assert late.id in marked(app)
    assert figure(app)["layout"]["xaxis"]["range"] == before["layout"]["xaxis"]["range"]
    assert len(table(app, "Text", "Cosine")) == 3
    assert "perspective-redraw" not in keys(app)


def test_without_a_selection_a_new_run_is_drawn_at_once(store: Store) -> None:
    app = opened()
    late = write(store, "late", settings=SLIDERS[0].with_(temperature=1.3))
    assert late.id not in marked(app)
    again(app)
    assert late.id in marked(app)


def test_the_detail_says_when_axes_are_noise(store: Store) -> None:
    task = load_task("small")
    from core.atlas import draw_atlas
    from pages.perspective.shown import MOST
    from pages.shared.finished import finished_runs

    atlas = draw_atlas(store, task, finished_runs(store, task, MOST), held_out=True)
    _, detail = finding(task, atlas, {})
    ratio = atlas.map.noise_ratio
    assert ratio is not None
    assert ("above 0.5" if ratio > 0.5 else "below 0.5") in detail
