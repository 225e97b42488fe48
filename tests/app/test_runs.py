"""The Runs page in every state it can be in, and each of its actions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.embedding import DIMENSION, EMBEDDER, content_key
from core.jobs import Jobs, end, mine
from core.scheduling.processes import this_process
from core.sliders import SteerSettings
from core.storage.records import Metric, NewRun, NewSample, Run
from core.store import Store
from core.tasks import load_task
from pages.runs.entry import Entry
from pages.runs.finding import finding, nearest
from pages.runs.search import all_words, fits
from pages.shared.settings_link import GENERATE, settings_to_query
from tests.app.showing import again, headline, keys, plain, words

REPOSITORY = Path(__file__).resolve().parents[2]
APP = REPOSITORY / "app.py"
PAGE = REPOSITORY / "pages" / "runs" / "page.py"
QUERIES = tuple(query.id for query in load_task("hypotheses").with_role("probe")[:6])
REPLICATES = 4


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store that the page finds, and no worker."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    monkeypatch.setenv("STEERSCOPE_STORE", url)
    monkeypatch.setenv("STEERSCOPE_WORKERS", "0")
    st.cache_resource.clear()
    st.cache_data.clear()
    with Store(url) as opened:
        yield opened
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def switched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str] | None]]:
    """Where the page wanted to go: the harness knows no pages while a callback runs, so nobody goes there."""
    asked: list[tuple[str, dict[str, str] | None]] = []

    def switch_page(page: str, *, query_params: dict[str, str] | None = None) -> None:
        asked.append((page, query_params))

    monkeypatch.setattr(st, "switch_page", switch_page)
    return asked


def new_run(**changes: Any) -> NewRun:
    values: dict[str, Any] = {
        "kind": "steer",
        "task": "hypotheses",
        "settings": SteerSettings().as_dict(),
        "pair": "0123456789ab",
        "pair_spec": {"name": "base/hypotheses", "label": "base + hypotheses expert"},
        "queries": QUERIES,
        "replicates": REPLICATES,
        "expected": len(QUERIES) * REPLICATES,
        "versions": {"python": "3.11.9", "torch": "2.13.0"},
    }
    return NewRun(**values | changes)


def write(store: Store, run: str, count: int, name: str = "text", seconds: float = 1.5) -> None:
    """The first `count` samples of a run, query by query."""
    store.add_round(
        run,
        [
            NewSample(
                query=QUERIES[i % len(QUERIES)],
                replicate=i // len(QUERIES),
                chain=i // len(QUERIES),
                round=0,
                text=f"{name} {run} {i}",
                token_ids=(1, 2, 3),
            )
            for i in range(count)
        ],
        seconds,
    )


def measured(store: Store, run: str, value: float, low: float | None, high: float | None) -> None:
    store.put_metrics(
        run,
        [
            Metric(name="distance_to_real", value=value, low=low, high=high, reference=0.01, n=24, better="lower"),
            Metric(name="unknown_words", value=0.125, low=0.05, high=0.2, reference=0.02, n=24, better="lower"),
        ],
    )


def done(store: Store, value: float | None = None, *, spread: float = 0.01, **changes: Any) -> Run:
    """A complete run, with a distance to real where one is given."""
    run = store.create_run(new_run(**changes), "done")
    write(store, run.id, len(QUERIES) * REPLICATES)
    if value is not None:
        measured(store, run.id, value, value - spread, value + spread)
    return store.run(run.id)


def queued(store: Store, **changes: Any) -> Run:
    job = Jobs(store).submit("generate", run=new_run(**changes))
    return store.run(str(job.run))


def running(store: Store, written: int = 7, **changes: Any) -> Run:
    job = Jobs(store).submit("generate", run=new_run(**changes), owner=this_process())
    write(store, str(job.run), written)
    return store.run(str(job.run))


def interrupted(store: Store, written: int = 6, **changes: Any) -> Run:
    """A run whose process died."""
    host = this_process().rsplit(":", 2)[0]
    job = Jobs(store).submit("generate", run=new_run(**changes), owner=f"{host}:999999999:1")
    write(store, str(job.run), written)
    Jobs(store).recover()
    run = store.run(str(job.run))
    assert run.status == "interrupted"
    return run


def failed(store: Store, error: str) -> Run:
    job = Jobs(store).submit("generate", run=new_run(), owner=this_process())
    with store.database.writing() as connection:
        end(connection, mine(job.id, this_process()), job.id, "failed", error=error)
    return store.run(str(job.run))


def opened(run: Run | str | None = None, **state: Any) -> AppTest:
    """The page alone, with a run named in the address and values of its widgets."""
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    if run is not None:
        app.query_params["run"] = run if isinstance(run, str) else run.id
    for key, value in state.items():
        app.session_state[key.replace("_", "-")] = value
    return again(app)


def table(app: AppTest) -> Any:
    return listed(app).value


def listed(app: AppTest) -> Any:
    return next(one for one in app.dataframe if str(one.key).startswith("runs-table"))


def selected(app: AppTest) -> str:
    """The id of the run whose row is marked."""
    (row,) = app.session_state[str(listed(app).key)]["selection"]["rows"]
    return str(table(app)["Run"][row])


def frame(app: AppTest, column: str) -> Any:
    """The table that has this column."""
    return next(one.value for one in app.dataframe if column in one.value.columns and one.key is None)


# Nothing yet


def test_an_empty_store_offers_to_write_a_first_run(store: Store) -> None:
    app = opened()
    assert headline(app) == "Nothing was written yet."
    assert [button.label for button in app.button] == ["Write a first run"]
    assert not app.dataframe


def test_the_first_run_is_written_on_generate(store: Store, switched: list[Any]) -> None:
    app = opened()
    app.button(key="runs-first").click()
    again(app)
    assert switched == [(GENERATE, None)]


def test_the_page_stands_in_the_dashboard(store: Store) -> None:
    done(store)
    app = again(AppTest.from_file(str(APP), default_timeout=120))
    again(app.switch_page("pages/runs/page.py"))
    assert headline(app) == "1 run, :blue[24 samples]; all that was asked for is written."
    assert app.sidebar.selectbox(key="task").value == "hypotheses"


# The list


def test_every_state_has_its_row(store: Store) -> None:
    done(store, 0.2, task="comments", queries=())
    cancelled = queued(store)
    Jobs(store).cancel(Jobs(store).of_run(cancelled.id).id)  # type: ignore[union-attr]
    interrupted(store)
    failed(store, "The model folder is gone; put it back.")
    queued(store)
    running(store)
    app = opened()
    states = [state for (state,) in table(app)["State"]]
    assert states == ["✎ writing", "… queued", "✕ failed", "‖ interrupted", "‖ stopped", "✓ done"]
    assert table(app)["Samples"].tolist() == [
        "7 of 24",
        "0 of 24",
        "0 of 24",
        "6 of 24",
        "0 of 24",
        "24 of 24",
    ]
    assert headline(app) == "6 runs, :blue[37 samples]; one is being written."
    assert "1 writing · 1 queued · 1 done · 1 interrupted · 1 stopped · 1 failed" in words(app)


def test_the_list_shows_distance_interval_note_star_and_control(store: Store) -> None:
    parent = done(store, 0.2)
    control = done(store, 0.3, parent=parent.id, settings=SteerSettings(gamma=0, eta=0).as_dict())
    store.update_run(parent.id, note="the <b>one</b> =1+1", starred=True)
    app = opened()
    rows = table(app)
    assert rows["To real"].tolist() == pytest.approx([0.3, 0.2])
    assert rows["95% interval"].tolist() == ["0.290 to 0.310", "0.190 to 0.210"]
    assert rows["Note"].tolist() == ["", "the <b>one</b> =1+1"]
    assert rows["Star"].tolist() == ["", "★"]
    assert [list(row) for row in rows["Settings"]] == [
        ["γ 0", "η 0", "T 1", "control"],
        ["γ 0.2", "η 0.2", "T 1"],
    ]
    assert ":blue-badge[:material/radio_button_unchecked: control]" in words(opened(control))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"runs_search": "γ 0.4"}, [1]),
        ({"runs_search": "seed=7"}, [0]),
        ({"runs_search": "MY note"}, [2]),
        ({"runs_search": "interrupted"}, [0]),
        ({"runs_status": ["done"]}, [1, 2]),
        ({"runs_status": ["done"], "runs_search": "note"}, [2]),
        ({"runs_starred": True}, [1]),
        ({}, [0, 1, 2]),
    ],
)
def test_search_and_filters(store: Store, state: dict[str, Any], expected: list[int]) -> None:
    noted = done(store)
    store.update_run(noted.id, note="this is my note")
    starred = done(store, settings=SteerSettings(gamma=0.4).as_dict())
    store.update_run(starred.id, starred=True)
    stopped = interrupted(store, settings=SteerSettings(seed=7).as_dict())
    ids = [stopped.id, starred.id, noted.id]
    app = opened(**state)
    assert table(app)["Run"].tolist() == [ids[i] for i in expected]


def test_a_search_by_id_finds_one_run(store: Store) -> None:
    first, _ = done(store), done(store)
    assert table(opened(runs_search=first.id))["Run"].tolist() == [first.id]


def test_the_filter_of_tasks_is_there_where_there_are_several(store: Store) -> None:
    done(store)
    assert not [box for box in opened().selectbox if box.key == "runs-task"]
    other = done(store, task="comments", queries=())
    app = opened(runs_task="comments")
    assert table(app)["Run"].tolist() == [other.id]


def test_where_nothing_fits_one_button_shows_all_again(store: Store) -> None:
    run = done(store)
    app = opened(runs_search="nothing like this")
    assert "No run fits" in words(app)
    assert "State" not in {name for one in app.dataframe for name in one.value.columns}
    # The details of the open run stay where they are.
    assert run.id in words(app)
    app.button(key="runs-all").click()
    again(app)
    assert table(app)["Run"].tolist() == [run.id]
    assert app.text_input(key="runs-search").value == ""


# Which run is open


def test_the_newest_run_is_open_unless_the_address_names_one(store: Store) -> None:
    old, new = done(store), done(store)
    app = opened()
    assert f"`{new.id}`" in words(app)
    assert app.query_params["run"] == new.id
    app = opened(old)
    assert f"`{old.id}`" in words(app)
    assert selected(app) == old.id


def test_the_open_run_stays_open_when_a_newer_one_appears(store: Store) -> None:
    first = done(store)
    app = opened(first)
    done(store)
    again(app)
    assert f"`{first.id}`" in words(app)
    assert selected(app) == first.id


def test_an_unknown_run_in_the_address_is_one_sentence(store: Store) -> None:
    run = done(store)
    app = opened("r-nobody")
    assert "There is no run 'r-nobody' in this store; list the runs to see their ids." in words(app)
    assert f"`{run.id}`" in words(app)
    again(app)
    assert "r-nobody" not in words(app)


# A run that stopped


def test_an_interrupted_run_says_what_is_kept_and_resumes(store: Store) -> None:
    run = interrupted(store, written=6)
    app = opened(run)
    assert headline(app) == "1 run, :blue[6 samples]; one was interrupted and can be resumed."
    # 1.5 s for six samples: 4.5 s for the other eighteen.
    assert "It stopped at 6 of 24 samples. Nothing is lost; the rest takes about 4.5 s." in words(app)
    app.button(key="runs-resume").click()
    again(app)
    assert store.run(run.id).status == "queued"
    assert store.run(run.id).samples == 6
    assert headline(app) == "1 run, :blue[6 samples]; one is waiting."
    assert "runs-resume" not in keys(app)


def test_a_failed_run_says_why_and_is_tried_again(store: Store) -> None:
    run = failed(store, "The model folder /m/*x* is gone; put it back.")
    app = opened(run)
    assert "The model folder /m/*x* is gone; put it back." in words(app)
    assert headline(app).endswith("; one failed and can be tried again.")
    app.button(key="runs-resume").click()
    again(app)
    assert store.run(run.id).status == "queued"


def test_a_run_that_somebody_else_resumed_is_not_written_twice(store: Store) -> None:
    run = interrupted(store)
    app = opened(run)
    Jobs(store).resume(run.id)
    app.button(key="runs-resume").click()
    again(app)
    assert headline(app) == "1 run, :blue[6 samples]; one is waiting."
    assert len(Jobs(store).active()) == 1


def test_a_cancelled_run_was_stopped_not_interrupted(store: Store) -> None:
    run = running(store)
    job = Jobs(store).of_run(run.id)
    assert job is not None
    with store.database.writing() as connection:
        end(connection, mine(job.id, this_process()), job.id, "cancelled")
    app = opened(run)
    assert [plain(one.proto.title) for one in app.warning] == ["γ 0.2 · η 0.2 · T 1 was stopped"]


# Actions


def test_cancel_asks_the_worker_to_stop(store: Store) -> None:
    run = running(store)
    app = opened(run)
    assert "runs-delete" not in keys(app)
    app.button(key="runs-cancel").click()
    again(app)
    assert Jobs(store).of_run(run.id).cancel  # type: ignore[union-attr]


def test_cancel_of_a_waiting_run_stops_it_at_once(store: Store) -> None:
    run = queued(store)
    app = opened(run)
    app.button(key="runs-cancel").click()
    again(app)
    assert store.run(run.id).status == "cancelled"
    assert "runs-cancel" not in keys(app)


def test_star_and_note_are_kept(store: Store) -> None:
    run = done(store)
    app = opened(run)
    app.button(key="runs-star").click()
    again(app)
    assert store.run(run.id).starred
    assert table(app)["Star"].tolist() == ["★"]
    app.text_input(key=f"runs-note-{run.id}").set_value("  to be shown on Monday ")
    again(app)
    assert store.run(run.id).note == "to be shown on Monday"
    assert table(app)["Note"].tolist() == ["to be shown on Monday"]
    app.text_input(key=f"runs-note-{run.id}").set_value("")
    again(app)
    assert store.run(run.id).note == ""


def test_delete_says_what_goes_and_waits_for_a_yes(store: Store) -> None:
    other, run = done(store), done(store, 0.2)
    store.update_run(run.id, note="dear")
    done(store, parent=run.id)
    app = opened(run)
    app.button(key="runs-delete").click()
    again(app)
    assert f"(`{run.id}`) goes with 24 samples, 2 metrics and its note. Nothing brings them back." in words(app)
    assert "1 control that was written for it stays as a run of its own." in words(app)
    assert store.run(run.id)
    app.button(key="runs-delete-now").click()
    again(app)
    assert run.id not in {one.id for one in store.runs()}
    assert other.id in {one.id for one in store.runs()}
    assert run.id not in words(app)


def test_a_run_that_runs_again_meanwhile_is_not_deleted(store: Store) -> None:
    run = interrupted(store)
    app = opened(run)
    app.button(key="runs-delete").click()
    again(app)
    Jobs(store).resume(run.id)
    app.button(key="runs-delete-now").click()
    again(app)
    assert f"Run {run.id} is queued; cancel it before deleting it." in words(app)


def test_restore_moves_the_sliders_of_generate(store: Store, switched: list[Any]) -> None:
    settings = SteerSettings(gamma=0.6, eta=0.3, top_k=5, seed=11)
    done(store, settings=settings.as_dict())
    app = opened()
    app.button(key="runs-restore").click()
    again(app)
    assert switched == [(GENERATE, settings_to_query(settings, 6, REPLICATES))]
    state = {key: app.session_state[key] for key in ("g", "e", "topk", "seed", "queries", "reps")}
    assert state == {"g": 0.6, "e": 0.3, "topk": 5, "seed": 11, "queries": 6, "reps": REPLICATES}
    assert (app.session_state["task"], app.session_state["pair"]) == ("hypotheses", "base/hypotheses")


def test_open_shows_the_run_on_generate(store: Store, switched: list[Any]) -> None:
    run = done(store, settings=SteerSettings(gamma=0.6).as_dict())
    done(store)
    app = opened(run)
    app.button(key="runs-follow").click()
    again(app)
    assert switched == [(GENERATE, {"run": run.id})]
    assert app.session_state["g"] == 0.6


def test_a_run_exports_in_three_forms(store: Store) -> None:
    run = done(store)
    buttons = {str(button.key): button for button in opened(run).download_button}
    assert {key: buttons[key].label for key in sorted(buttons)} == {
        "runs-export-csv": "CSV",
        "runs-export-jsonl": "JSON lines",
        "runs-export-parquet": "Parquet",
    }


def test_what_has_no_sample_has_nothing_to_export(store: Store) -> None:
    assert not opened(queued(store)).download_button


# What is known about it


def test_all_metrics_stand_in_a_table_with_reference_and_definition(store: Store) -> None:
    run = done(store, 0.2)
    app = opened(run)
    rows = frame(app, "Metric").set_index("Metric")
    assert list(rows.index) == ["Unknown words", "Distance to real"]
    assert rows.loc["Unknown words", "Value"] == "12.5%"
    assert rows.loc["Unknown words", "95% interval"] == "5.0 to 20.0%"
    assert rows.loc["Distance to real", "Real"] == "0.0100"
    assert rows.loc["Distance to real", "What it is"].startswith("Debiased squared distance")
    cards = {metric.label: metric for metric in app.metric}
    assert plain(cards["To real"].value).startswith("0.200")
    assert plain(cards["To real"].delta) == "floor 0.010"
    assert cards["Wording"].value == "–"


def test_samples_are_literal_and_fifty_at_a_time(store: Store) -> None:
    run = store.create_run(new_run(replicates=20, expected=120), "done")
    write(store, run.id, 113, name="<script>alert(1)</script> \u202eabc\nline")
    app = opened(run)
    first = frame(app, "Text")
    assert len(first) == 50
    assert first["Text"][0] == f"<script>alert(1)</script> abc⏎line {run.id} 0"
    assert first["Query"][0] == load_task("hypotheses").by_id[QUERIES[0]].text
    assert "Samples 1 to 50 of 113" in words(app)
    app.session_state[f"runs-page-{run.id}"] = 3
    again(app)
    last = frame(app, "Text")
    assert len(last) == 13
    assert last["Text"][12].endswith(f"{run.id} 112")
    assert "Samples 101 to 113 of 113" in words(app)


def test_settings_and_origin_are_shown_in_full(store: Store) -> None:
    run = done(store, settings=SteerSettings(gamma=0.4, eta=0.0).as_dict())
    app = opened(run)
    settings = frame(app, "Setting").set_index("Setting")
    assert len(settings) == len(SteerSettings().as_dict()) + 1
    assert settings.loc["gamma", "Value"] == "0.4"
    assert settings.loc["negatives", "Does nothing because"] == "η is 0, so no negative context is read."
    origin = dict(frame(app, "").itertuples(index=False, name=None))
    assert origin["pair fingerprint"] == "0123456789ab"
    assert origin["torch"] == "2.13.0"
    assert origin["time spent"] == "1.5 s"
    assert origin["speed"] == "48 tokens/s"  # 24 samples of 3 tokens in 1.5 s
    assert origin["asked"] == "6 queries × 4 replicates, probe"


def embed(store: Store, runs: list[Run]) -> None:
    """Vectors of every text: real rows lie together, and each run lies elsewhere."""
    draws = np.random.default_rng(3)
    texts = [[r.text for r in load_task("hypotheses").references("probe")]]
    texts += [[sample.text for sample in store.samples(run.id)] for run in runs]
    for group in texts:
        centre = draws.normal(size=DIMENSION)
        vectors = centre + 0.8 * draws.normal(size=(len(group), DIMENSION))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        keyed = zip(map(content_key, group), vectors.astype(np.float32), strict=True)
        store.vectors(EMBEDDER).put(dict(keyed))


def test_a_finished_run_stands_on_the_map_of_its_task(store: Store) -> None:
    runs = [done(store, 0.2, settings=SteerSettings(seed=seed).as_dict()) for seed in range(3)]
    embed(store, runs)
    app = opened(runs[0])
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    marks = {mark for trace in figure["data"] for mark in trace.get("customdata") or []}
    assert marks == {"run:real", *(f"run:{run.id}" for run in runs)}
    chosen = [trace for trace in figure["data"] if trace.get("customdata") == [f"run:{runs[0].id}"]]
    assert len(chosen) == 1
    assert chosen[0]["marker"]["color"].lower() == "#3b7dd8"
    # Another run of the same task: the same map, the other mark in blue.
    other = json.loads(opened(runs[1]).get("plotly_chart")[0].proto.spec)
    assert other["layout"]["xaxis"]["range"] == figure["layout"]["xaxis"]["range"]


def test_a_run_without_vectors_has_no_map_and_says_so(store: Store) -> None:
    app = opened(done(store))
    assert not app.get("plotly_chart")
    assert "needs at least two generators that answered the same queries" in words(app)


def test_a_run_in_progress_is_not_on_the_map_yet(store: Store) -> None:
    assert "A point appears as soon as the run is complete." in words(opened(running(store)))


# Runs that this version did not steer


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "imported", "settings": {"model": "theirs", "nested": {"a": [1]}}, "pair": None, "pair_spec": None},
        {"settings": SteerSettings().as_dict() | {"a_slider_of_tomorrow": 1}},
        {"task": "a task that is gone", "queries": ("x",)},
        {"role": "train"},
    ],
)
def test_strange_runs_are_shown_too(store: Store, changes: dict[str, Any]) -> None:
    run = store.create_run(new_run(**changes), "done")
    write(store, run.id, 6)
    app = opened(run)
    assert f"`{run.id}`" in words(app)
    steered = "a_slider_of_tomorrow" not in run.settings and run.kind == "steer"
    assert ("runs-restore" in keys(app)) is steered
    assert len(frame(app, "Text")) == 6


# Sentences and search, without a page


def entry(value: float | None, low: float | None, high: float | None, gamma: float, **changes: Any) -> Entry:
    settings = SteerSettings(gamma=gamma)
    values = {"id": f"r-{gamma}", "status": "done", "samples": 8, "tokens": 80, "seconds": 2.0}
    values |= {"created": 0.0, "finished": 1.0, "error": None, "kind": "steer", "task": "hypotheses"}
    run = Run(**values | changes)  # type: ignore[arg-type]
    metric = None if value is None else Metric(name="distance_to_real", value=value, low=low, high=high)
    return Entry(run, "Hypotheses", settings, metric)


def test_the_nearest_run_is_named_only_where_its_interval_stands_apart() -> None:
    apart = [entry(0.3, 0.25, 0.35, 0.1), entry(0.1, 0.05, 0.2, 0.2)]
    assert plain(finding(apart)[0]) == (
        "2 runs, :blue[16 samples]; :blue[γ 0.2 · η 0.2 · T 1] is nearest to the :orange[real data]."
    )
    overlapping = [entry(0.3, 0.15, 0.45, 0.1), entry(0.1, 0.05, 0.2, 0.2)]
    assert finding(overlapping)[0].endswith("; all that was asked for is written.")


def test_a_run_whose_interval_holds_zero_is_not_told_apart() -> None:
    one = [entry(0.3, 0.25, 0.35, 0.1), entry(0.01, -0.02, 0.04, 0.2)]
    found = nearest(one)
    assert found is not None
    assert found[1] == "the one run not told apart from"
    two = [*one, entry(0.02, -0.01, 0.05, 0.3)]
    assert nearest(two) is None


def test_without_an_interval_nothing_is_claimed() -> None:
    assert nearest([entry(0.1, None, None, 0.1), entry(0.3, 0.2, 0.4, 0.2)]) is None
    assert nearest([entry(None, None, None, 0.1)]) is None


def test_distances_of_two_tasks_are_not_compared() -> None:
    found = nearest(
        [
            entry(0.3, 0.2, 0.35, 0.1),
            entry(0.01, 0.005, 0.02, 0.2, task="comments"),
            entry(0.5, 0.4, 0.6, 0.3),
        ]
    )
    assert found is not None
    assert found[0].run.id == "r-0.1"


SETTINGS = SteerSettings(gamma=0.4, eta=0.2, temperature=0.7, top_k=5, seed=7)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", True),
        ("γ 0.4", True),
        ("gamma=.4", True),
        ("GAMMA 0.40", True),
        ("gamma 0.2", False),
        ("η0.2", True),
        ("T 0.7 seed 7", True),
        ("T 0.7 seed 8", False),
        ("top-k 5", True),
        ("top_k:5", True),
        ("top k 5", True),
        ("gamma 0.4 lovely", True),
        ("gamma 0.4 ugly", False),
        ("LOVELY", True),
        ("r-abc", True),
        ("uniform", True),
        ("nearest", False),
        ("gamma 0.41", False),
    ],
)
def test_search_compares_values_and_finds_words(typed: str, found: bool) -> None:
    assert fits(typed, f"r-abc123 a lovely run {all_words(SETTINGS)}", SETTINGS) is found


def test_values_are_asked_of_steered_runs_only() -> None:
    assert not fits("gamma 0.4", "an import with gamma 0.4", None)
    assert fits("import", "an import with gamma 0.4", None)
