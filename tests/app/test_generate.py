"""The Generate page in all its states: empty, writing, done, stopped, failed, and at the end of a bad link."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.embedding import DIMENSION, EMBEDDER, content_key
from core.handlers import handlers
from core.jobs import Jobs
from core.models import available_pairs
from core.running import submit_run
from core.scheduling.scheduler import Scheduler
from core.settings import REPOSITORY
from core.sliders import SteerSettings
from core.storage.records import Metric, NewSample, Run
from core.store import Store
from core.tasks import Task, load_task
from pages.generate import verdict
from pages.generate.why import prose
from pages.shared.plain import JOINER
from pages.shared.settings_link import settings_from_query, settings_to_query

STEER = SteerSettings(gamma=0.2, eta=0.2)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store that the page opens, without a worker."""
    url = f"sqlite:///{tmp_path / 'page.db'}"
    monkeypatch.setenv("STEERSCOPE_STORE", url)
    monkeypatch.setenv("STEERSCOPE_WORKERS", "0")
    with Store(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def task() -> Task:
    return load_task("hypotheses")


def page(**query: str) -> AppTest:
    at = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def words(at: AppTest) -> str:
    """Everything that is written on the page as Markdown, without the invisible joiners."""
    assert not at.exception, at.exception
    parts = [each.value for each in at.markdown] + [each.value for each in at.caption]
    return "\n".join(parts).replace(JOINER, "").replace("\\", "")


def title(at: AppTest) -> str:
    return next(line for line in words(at).splitlines() if line.startswith("# ")).removeprefix("# ")


def table_with(at: AppTest, column: str) -> pd.DataFrame:
    return next(table.value for table in at.dataframe if column in table.value)


def vectors(count: int, seed: int) -> list[np.ndarray]:
    found = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return list(found / np.linalg.norm(found, axis=1, keepdims=True))


def written(
    store: Store, task: Task, *, queries: int, replicates: int = 8, wanted: int = 20, text: str = "Is it {}?"
) -> Run:
    """A queued run of which the first queries are answered and embedded, and the real rows with them."""
    jobs = Jobs(store)
    pair = available_pairs("hypotheses")[0]
    job = submit_run(jobs, task, pair, STEER, queries=wanted, replicates=replicates)
    assert job.run is not None
    probe = task.with_role("probe")
    samples = [
        NewSample(
            query=query.id,
            replicate=r,
            chain=r,
            round=0,
            text=text.format(f"{query.text} {r}"),
            token_ids=(5, 6, 7),
        )
        for query in probe[:queries]
        for r in range(replicates)
    ]
    store.add_round(job.run, samples, seconds=0.1 * len(samples))
    texts = [sample.text for sample in samples] + [reference.text for reference in task.references("probe")]
    cache = store.vectors(EMBEDDER)
    cache.put(dict(zip(map(content_key, texts), vectors(len(texts), seed=1), strict=True)))
    return store.run(job.run)


def finished(store: Store, run: Run) -> Run:
    """The same run after its worker said that it is done."""
    jobs = Jobs(store)
    job = jobs.of_run(run.id)
    assert job is not None
    from core.scheduling.claims import Claims

    claims = Claims(jobs)
    claimed = claims.claim(["generate"])
    assert claimed is not None
    assert claimed.id == job.id
    assert claims.finish(job.id)
    return store.run(run.id)


def measured(**values: tuple[float, float, float, float]) -> list[Metric]:
    """Metrics as (value, low, high, reference)."""
    return [
        Metric(name=name, value=value, low=low, high=high, reference=reference, n=160)
        for name, (value, low, high, reference) in values.items()
    ]


USUAL = {
    "diversity_product": (0.60, 0.55, 0.65, 0.88),
    "base_perplexity": (40.0, 35.0, 45.0, 147.0),
    "distance_to_real": (0.14, 0.11, 0.17, 0.01),
}


# Before anything is written


def test_an_empty_store_says_what_to_do(store: Store) -> None:
    at = page()
    assert title(at) == "Set the sliders, preview a few :blue[hypotheses], then generate."
    assert "No run of this task yet" in words(at)
    assert "160 samples; a first run tells how long." in words(at)
    assert not at.button(key="start-preview").disabled
    assert at.button(key="start-run").label == "Generate 160"


def test_a_task_without_an_expert_cannot_be_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = tmp_path / "assets"
    shutil.copytree(REPOSITORY / "assets" / "tasks", assets / "tasks")
    monkeypatch.setenv("STEERSCOPE_ASSETS", str(assets))
    at = page()
    assert title(at) == "No expert was trained for :orange[hypotheses] yet."
    assert at.button(key="start-run").disabled
    assert at.button(key="start-preview").disabled
    assert "No expert was trained for this task, so nothing can be written." in words(at)


@pytest.mark.parametrize(("eta", "temperature", "shown"), [(0.5, 1.0, "2.00"), (0.2, 0.8, "1.00"), (0.9, 1.0, "10.00")])
def test_the_effective_temperature_stands_under_eta(store: Store, eta: float, temperature: float, shown: str) -> None:
    at = page()
    at.slider(key="e").set_value(eta)
    at.slider(key="t").set_value(temperature).run()
    assert f"Effective temperature T / (1 − η) = **{shown}**" in words(at)


def test_balanced_mode_keeps_the_temperature(store: Store) -> None:
    at = page(mode="balanced", e="0.5")
    assert "Effective temperature **1.00**: balanced mode keeps T." in words(at)


def test_an_inert_slider_is_disabled_and_says_why(store: Store) -> None:
    at = page()
    assert not at.slider(key="neg").disabled
    at.slider(key="e").set_value(0.0).run()
    for key in ("neg", "mode", "policy", "draw", "chains", "round"):
        assert at.get_by_key(key).disabled, key
    assert "η is 0, so no negative context is read." in words(at)
    at.number_input(key="topk").set_value(1).run()
    assert at.slider(key="t").disabled
    assert "Top-k 1 leaves one token: decoding is greedy." in words(at)


@pytest.mark.parametrize(
    ("name", "gamma", "eta", "temperature"),
    [
        ("Expert only", 0.0, 0.0, 1.0),
        ("Contrastive only", 0.2, 0.0, 1.0),
        ("Negative only", 0.0, 0.2, 1.0),
        ("STEER as released", 0.2, 0.2, 1.0),
        # 0.6 / (1 - 0.6), from where the sliders stood
        ("Matched temperature", 0.0, 0.0, 1.5),
    ],
)
def test_a_preset_moves_the_sliders_and_keeps_seed_and_length(
    store: Store, name: str, gamma: float, eta: float, temperature: float
) -> None:
    at = page(g="0.7", e="0.6", t="0.6", seed="11", len="20")
    at.get("pills")[0].set_value(name).run()
    assert at.slider(key="g").value == gamma
    assert at.slider(key="e").value == eta
    assert at.slider(key="t").value == pytest.approx(temperature)
    assert at.number_input(key="seed").value == 11
    assert at.number_input(key="len").value == 20
    assert at.session_state["preset"] == name


def test_one_pool_for_all_says_what_it_costs(store: Store) -> None:
    at = page(chains="1")
    assert "no ellipse and no intervals" in words(at)


def test_more_samples_than_the_server_allows_are_refused_before_the_click(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEERSCOPE_MAX_SAMPLES", "100")
    at = page()
    assert "160 samples are above this server's limit of 100; ask for fewer replicates." in words(at)
    assert at.button(key="start-run").disabled


def test_the_time_of_a_run_follows_from_runs_of_the_same_work(store: Store, task: Task) -> None:
    finished(store, written(store, task, queries=20))
    # 0.1 s a sample were measured with all three branches: 160 take 16 s
    assert "160 samples, about **16 s** on this device." in words(page())
    assert "160 samples; a first run tells how long." in words(page(e="0"))


# Links


def test_a_link_restores_every_setting(store: Store) -> None:
    wanted = SteerSettings(
        gamma=1.5, eta=1.2, mode="balanced", alpha=0.1, temperature=1 / 3, top_k=0, top_p=0.9, min_p=0.05
    ).with_(negatives=7, policy="recent", draw="sample", chains=2, round_size=3, max_new_tokens=30, seed=9)
    at = page(**settings_to_query(wanted, 12, 5))
    at.button(key="start-run").click().run()
    assert not at.exception
    (run,) = store.runs()
    assert SteerSettings.from_mapping(run.settings) == wanted
    assert len(run.queries) == 12
    assert run.replicates == 5


@pytest.mark.parametrize(
    ("query", "sentence", "key", "fallback"),
    [
        ({"g": "9"}, "In this link gamma is '9'; give a value from 0 to 4.", "g", 0.2),
        ({"t": "warm"}, "In this link temperature is 'warm'; give a number from 0.05 to 5.", "t", 1.0),
        ({"t": "nan"}, "In this link temperature is 'nan'; give a value from 0.05 to 5.", "t", 1.0),
        ({"e": "1.5"}, "In this link eta is 1.5, but subtract mode needs eta below 1", "e", 0.2),
        ({"policy": "all"}, "In this link policy is 'all'; choose one of", "policy", "uniform"),
        ({"reps": "0"}, "In this link reps is '0'; give a whole number from 1 to 1,000.", "reps", 8),
        ({"queries": "21"}, "In this link queries is '21'; give a whole number from 1 to 20.", "queries", 20),
    ],
)
def test_a_bad_value_in_a_link_is_named_once_and_left_out(
    store: Store, query: dict[str, str], sentence: str, key: str, fallback: object
) -> None:
    at = page(**query, seed="3")
    assert at.error[0].value.replace(JOINER, "").replace("\\", "").startswith(sentence)
    assert at.get_by_key(key).value == fallback
    assert key not in at.query_params
    assert at.number_input(key="seed").value == 3


def test_several_bad_values_make_one_message(store: Store) -> None:
    at = page(g="9", t="warm", a="-1")
    assert len(at.error) == 1
    assert "2 other values of it cannot be used either." in at.error[0].value.replace(JOINER, "").replace("\\", "")


def test_eta_of_one_in_subtract_mode_cannot_be_sent(store: Store) -> None:
    at = page(e="1.2", mode="balanced")
    at.get_by_key("mode").set_value("subtract").run()
    assert "subtract mode needs eta below 1" in words(at)
    assert at.button(key="start-run").disabled
    assert at.button(key="start-preview").disabled


def test_settings_come_back_from_their_address(task: Task) -> None:
    wanted = STEER.with_(temperature=1 / 0.65, seed=4, policy="nearest")
    found, problems = settings_from_query(settings_to_query(wanted, 20, 8), task)
    assert not problems
    assert found["t"] == 1 / 0.65
    assert (found["policy"], found["seed"], found["queries"], found["reps"]) == ("nearest", 4, 20, 8)


def test_a_link_to_a_run_that_is_gone_says_so(store: Store) -> None:
    at = page(run="r-none")
    assert "There is no run r-none in this store" in at.error[0].value.replace(JOINER, "").replace("\\", "")


def test_a_link_to_a_run_of_another_task_names_the_task(store: Store) -> None:
    other = load_task("comments")
    job = submit_run(Jobs(store), other, available_pairs("hypotheses")[0], STEER, replicates=1)
    at = page(run=str(job.run))
    assert "was made for the task 'comments'" in at.error[0].value.replace(JOINER, "").replace("\\", "")


# A run


def test_generate_queues_what_the_sliders_say_and_the_address_names_it(store: Store) -> None:
    at = page()
    at.slider(key="g").set_value(0.4)
    at.number_input(key="reps").set_value(3).run()
    at.button(key="start-run").click().run()
    (run,) = store.runs()
    assert run.settings["gamma"] == 0.4
    assert run.expected == 60
    assert at.query_params["run"] == run.id
    assert title(at) == ":blue[γ 0.4 · η 0.2] waits for its turn."


def test_a_run_in_progress_counts_and_claims_nothing(store: Store, task: Task) -> None:
    run = written(store, task, queries=10)
    from core.scheduling.claims import Claims

    Claims(Jobs(store)).claim(["generate"])
    at = page(run=run.id)
    assert title(at) == ":blue[γ 0.2 · η 0.2] has written 80 of 160 samples."
    said = words(at)
    assert "10 of 20 queries answered so far." in said
    assert "on 10 of 20 queries so far" in said
    assert "watching is not testing" in said
    assert at.get("plotly_chart")
    # the live map gives the distance, the rest waits for the budget
    values = {metric.label: metric.value for metric in at.metric}
    assert re.match(r"\d\.\d+ .*±", values["To real"])
    assert values["Wording"] == "–"


def test_samples_come_newest_first_and_literally(store: Store, task: Task) -> None:
    run = written(store, task, queries=1, replicates=2, text="**[x](http://evil.test)** :red[{}]")
    at = page(run=run.id)
    shown = [each.value for each in at.markdown if "evil" in each.value]
    assert [text.rstrip("]\\")[-1] for text in shown] == ["1", "0"]
    # no address, no emphasis and no colour survives
    assert all("http://" not in text and "**" not in text and ":red[" not in text for text in shown)


def test_a_finished_run_is_judged_by_its_intervals(store: Store, task: Task) -> None:
    run = finished(store, written(store, task, queries=20))
    store.put_metrics(run.id, measured(**USUAL))
    at = page(run=run.id)
    assert title(at) == (":blue[γ 0.2 · η 0.2] is less varied and more predictable than the :orange[real hypotheses].")
    said = words(at)
    assert "Diversity 0.600 ± .050 (real 0.880), perplexity 40.0 ± 5.0 (real 147)" in said
    assert "No control at T 1.25 yet: temperature alone may explain it." in said
    values = {metric.label: (metric.value, metric.delta) for metric in at.metric}
    assert values["To real"] == ("0.140 :small[:gray[± .030]]", "floor 0.010")
    assert values["Wording"][1] == "real 0.880"


def test_every_number_stands_in_a_table(store: Store, task: Task) -> None:
    run = finished(store, written(store, task, queries=20))
    store.put_metrics(run.id, measured(**USUAL))
    at = page(run=run.id)
    table = table_with(at, "Metric").set_index("Metric")
    assert table.loc["Diversity product", ["Value", "95% interval", "Real", "Better"]].tolist() == [
        "0.600",
        "0.550 to 0.650",
        "0.880",
        "higher",
    ]
    marks = table_with(at, "Mark")
    assert set(marks["Mark"]) == {"◆ real data", "● chosen run"}


def test_the_control_is_asked_for_with_one_click(store: Store, task: Task) -> None:
    run = finished(store, written(store, task, queries=20))
    at = page(run=run.id)
    at.button(key="control").click().run()
    assert not at.exception
    control = next(each for each in store.runs() if each.parent == run.id)
    settings = SteerSettings.from_mapping(control.settings)
    assert (settings.gamma, settings.eta, settings.temperature) == (0.0, 0.0, 1.25)
    assert (control.queries, control.replicates, settings.seed) == (run.queries, run.replicates, STEER.seed)
    assert "control queued 0 / 160" in words(at)


def test_cancel_and_resume(store: Store, task: Task) -> None:
    run = written(store, task, queries=10)
    at = page(run=run.id)
    at.button(key="cancel").click().run()
    assert store.run(run.id).status == "cancelled"
    assert title(at) == ":blue[γ 0.2 · η 0.2] stopped at 80 of 160 samples."
    # 0.1 s a sample, 80 to come
    assert at.warning[0].value == "It stopped at 80 of 160 samples. Nothing is lost; the rest takes about 8 s."
    at.button(key="resume").click().run()
    assert store.run(run.id).status == "queued"
    assert title(at).endswith("waits for its turn.")


def test_what_is_kept_of_a_stopped_run_can_be_measured(store: Store, task: Task) -> None:
    run = written(store, task, queries=10)
    at = page(run=run.id)
    at.button(key="cancel").click().run()
    at.button(key="keep").click().run()
    assert not at.exception
    (job,) = Jobs(store).jobs(kind="measure")
    assert job.payload == {"run": run.id}


def test_a_failed_run_says_why(store: Store, task: Task) -> None:
    from core.scheduling.claims import Claims

    run = written(store, task, queries=10)
    claims = Claims(Jobs(store))
    job = claims.claim(["generate"])
    assert job is not None
    claims.stop(job.id, "failed", "The folder /x has no weights; put them back.")
    at = page(run=run.id)
    assert "The folder /x has no weights; put them back." in at.error[0].value.replace(JOINER, "").replace("\\", "")
    assert at.button(key="resume").label == "Resume"


# Preview and why, by the worker's own hands


def work(store: Store) -> None:
    """What the worker does, in this process, until nothing is left."""
    scheduler = Scheduler(store, handlers())
    while scheduler.jobs.active():
        scheduler.tick()
    scheduler.close()


def test_a_preview_streams_and_is_not_stored(store: Store) -> None:
    at = page(len="6")
    at.button(key="start-preview").click().run()
    assert words(at).count("reading the query") == 8
    work(store)
    at.run()
    said = words(at)
    assert "reading the query" not in said
    assert said.count("6 tokens") == 8
    assert not store.runs()
    at.button(key="close-preview").click().run()
    assert "6 tokens" not in words(at)


def test_a_stopped_preview_keeps_what_it_had_and_a_failed_one_says_so(store: Store) -> None:
    from core.scheduling.claims import Claims

    at = page()
    at.button(key="start-preview").click().run()
    claims = Claims(Jobs(store))
    job = claims.claim(["preview"])
    assert job is not None
    rows = [{"query": query, "text": "Is it so", "tokens": 3, "ended": False} for query in job.payload["queries"]]
    claims.add_event(job.id, "text", {"rows": rows})
    claims.stop(job.id, "failed", "The model ran away; start again.")
    at.run()
    assert "Is it so" in words(at)
    assert "cut off where it stopped" in words(at)
    assert "The model ran away; start again." in at.error[0].value.replace(JOINER, "").replace("\\", "")


def test_a_run_is_written_and_a_sample_explained(store: Store, task: Task) -> None:
    at = page(len="8", queries="2", reps="2")
    at.button(key="start-run").click().run()
    work(store)
    at.run()
    (run,) = store.runs()
    assert run.status == "done"
    sample = store.samples(run.id, newest=True)[0]
    at.button(key=f"why-{sample.id}").click().run()
    assert at.query_params["why"] == str(sample.id)
    work(store)
    at.run()
    assert not at.exception
    (job,) = Jobs(store).jobs(kind="explain")
    tokens = job.result["tokens"]
    assert len(tokens) == len(sample.token_ids)
    table = table_with(at, "Probability")
    first = tokens[0]["alternatives"][0]
    assert table["Token"][0] == first["text"].strip()
    assert table["Probability"][0] == first["probability"]
    at.toggle(key="plain").set_value(True).run()
    differ = sum(token["plain"] != token["text"] for token in tokens)
    assert f"Plain sampling prefers another token at {differ} of {len(tokens)} places." in words(at)


def test_words_take_the_colour_of_the_stronger_force() -> None:
    token = {"likeliest": " a", "plain": " a", "alternatives": []}
    shown = prose(
        [
            token | {"text": " a", "towards": 1.0, "away": 0.2},
            token | {"text": " b", "towards": -2.0, "away": 0.5},
            token | {"text": " a", "towards": 0.05, "away": -3.0},
        ]
    )
    assert shown == (
        ' :color[a]{background="rgba(15,160,140,0.32)"} :color[**b**]{background="rgba(165,67,156,0.22)"} a'
    )
    assert prose([token | {"text": " b", "towards": 0.0, "away": 0.0}], plain=True) == " **b** :gray[:small[(a)]]"


# The finding


def say(
    task: Task,
    settings: SteerSettings = STEER,
    control: dict[str, tuple[float, float, float, float]] | None = None,
    **changes: tuple[float, float, float, float],
) -> str:
    run = Run(
        id="r-x", kind="steer", task=task.name, queries=tuple(map(str, range(20))), replicates=8, expected=160,
        status="done", samples=160, tokens=0, seconds=1.0, created=0.0, finished=1.0, error=None,
    )  # fmt: skip
    metrics = {each.name: each for each in measured(**(USUAL | changes))}
    beside = {each.name: each for each in measured(**control)} if control else None
    return verdict.finding(task, run, settings, metrics, beside).title


HOLDS_REAL = {"diversity_product": (0.87, 0.80, 0.94, 0.88), "base_perplexity": (140.0, 120.0, 160.0, 147.0)}


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"diversity_product": (0.95, 0.91, 0.97, 0.88)}, "is more varied but more predictable than the"),
        ({"base_perplexity": (300.0, 250.0, 350.0, 147.0)}, "is less varied but less predictable than the"),
        ({"diversity_product": (0.87, 0.80, 0.94, 0.88)}, "is more predictable than the"),
        (HOLDS_REAL, "differs from the :orange[real hypotheses] in what it says."),
        (HOLDS_REAL | {"distance_to_real": (0.01, -0.01, 0.03, 0.01)}, "is not told apart from the"),
    ],
)
def test_a_claim_is_made_only_where_its_interval_carries_it(
    task: Task, changes: dict[str, tuple[float, float, float, float]], claim: str
) -> None:
    assert claim in say(task, **changes)


def test_the_control_speaks_first_where_the_intervals_do_not_meet(task: Task) -> None:
    near, far = {"distance_to_real": (0.05, 0.04, 0.06, 0.01)}, {"distance_to_real": (0.3, 0.2, 0.4, 0.01)}
    assert say(task, control=near).startswith("Temperature alone comes nearer to")
    assert "stays nearer to the :orange[real hypotheses] than temperature alone" in say(task, control=far)
    touching = {"distance_to_real": (0.18, 0.16, 0.20, 0.01)}
    assert say(task, control=touching) == say(task)


def test_without_intervals_the_headline_says_what_is_missing(task: Task) -> None:
    run = replace(
        Run(
            id="r-x", kind="steer", task=task.name, status="done", samples=20, tokens=0, seconds=1.0, created=0.0,
            finished=1.0, error=None,
        ),
        queries=("a",),
    )  # fmt: skip
    known = Metric(name="distance_to_real", value=0.1, note="One chain carries no interval.")
    said = verdict.finding(task, run, STEER, {"distance_to_real": known}, None)
    assert said.title == ":blue[γ 0.2 · η 0.2] has too few independent answers to be judged."
    assert "One chain carries no interval" in said.detail
    unknown = verdict.finding(task, run, STEER, {"distance_to_real": Metric(name="distance_to_real", value=None)}, None)
    assert unknown.title == ":blue[γ 0.2 · η 0.2] cannot yet be compared with the :orange[real hypotheses]."


def test_no_headline_is_longer_than_fourteen_words(task: Task) -> None:
    near, far = {"distance_to_real": (0.05, 0.04, 0.06, 0.01)}, {"distance_to_real": (0.3, 0.2, 0.4, 0.01)}
    varied = [{}, {"diversity_product": (0.95, 0.91, 0.97, 0.88)}, HOLDS_REAL]
    titles = [say(task, **changes) for changes in varied]
    titles += [say(task, control=control) for control in (near, far)]
    titles += [say(task, STEER.matched_temperature(), **changes) for changes in varied]
    titles += [verdict.before(task, can).title for can in (True, False)]
    for text in titles:
        plain = re.sub(r":\w+\[([^\]]*)\]", r"\1", text)
        assert len(re.findall(r"[\w.]*\w", plain)) <= verdict.MOST_WORDS, text
