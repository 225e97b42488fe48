"""Generations made elsewhere on the pages, in a task that has no real rows: every page copes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.embedding import DIMENSION, EMBEDDER, content_key
from core.importing.generations import import_generations
from core.jobs import Jobs
from core.store import Store
from pages.shared.plain import JOINER
from tests.unit.hostile import HOSTILE

REPOSITORY = Path(__file__).resolve().parents[2]
APP = REPOSITORY / "app.py"
RUNS = REPOSITORY / "pages" / "runs" / "page.py"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with three imported runs of hostile texts, whose vectors are not known yet."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    monkeypatch.setenv("STEERSCOPE_STORE", url)
    monkeypatch.setenv("STEERSCOPE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("STEERSCOPE_WORKERS", "0")
    st.cache_resource.clear()
    st.cache_data.clear()
    path = tmp_path / "<b>generations.jsonl"
    rows = [
        {
            "query": f"why {query}? <i>",
            "text": f"{text.replace(chr(0), '')} {run}",
            "run": f"<script>{run}",
            "t": run / 2,
        }
        for run in range(3)
        for query in range(4)
        for text in HOSTILE[query * 6 : query * 6 + 6]
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Store(url) as opened:
        import_generations(opened, path, new_task="mine", settings=["t"])
        yield opened
    st.cache_resource.clear()
    st.cache_data.clear()


def embed_by_hand(store: Store) -> None:
    rng = np.random.default_rng(0)
    texts = {sample.text for run in store.runs() for sample in store.samples(run.id)}
    vectors = {}
    for text in sorted(texts):
        vector = rng.standard_normal(DIMENSION)
        vectors[content_key(text)] = (vector / np.linalg.norm(vector)).astype(np.float32)
    store.vectors(EMBEDDER).put(vectors)


def drawn(page: Path, **address: str) -> AppTest:
    shown = AppTest.from_file(str(page), default_timeout=60)
    for name, value in address.items():
        shown.query_params[name] = value
    shown.run()
    assert not shown.exception
    return shown


def words(shown: AppTest) -> str:
    """Everything that Markdown, captions and messages say."""
    parts = [one.value for group in (shown.markdown, shown.caption, shown.warning, shown.error) for one in group]
    return "\n".join(parts).replace(JOINER, "").replace("\\", "")


@pytest.mark.parametrize("embedded", [False, True])
def test_runs_shows_an_imported_run_with_its_key_its_settings_and_its_origin(store: Store, embedded: bool) -> None:
    if embedded:
        embed_by_hand(store)
    shown = drawn(RUNS)
    assert "t 1" in words(shown)
    (texts,) = [frame.value for frame in shown.dataframe if "Text" in frame.value]
    assert list(texts) == ["Query", "Text", "Replicate"]  # no token was counted, and how texts ended is not known
    assert "beside the real data" not in words(shown)
    origin = next(frame.value for frame in shown.dataframe if "run" in list(frame.value.iloc[:, 0]))
    told = dict(zip(origin.iloc[:, 0], origin["Value"], strict=True))
    assert told["kind"] == "imported"
    assert told["imported from"] == "<b>generations.jsonl"
    assert told["run key"].startswith("<script>")


def test_an_imported_run_without_vectors_can_be_embedded_by_a_click_and_only_once(store: Store) -> None:
    shown = drawn(RUNS)
    for _ in range(2):
        shown.button(key="runs-measure").click().run()
        assert not shown.exception
    (job,) = Jobs(store).active()
    assert (job.kind, job.payload) == ("measure", {"run": store.runs()[0].id})


def test_generate_opens_a_task_that_was_imported_and_says_where_its_runs_are(store: Store) -> None:
    embed_by_hand(store)
    shown = drawn(APP, task="mine", run=store.runs()[0].id)
    assert shown.session_state["task"] == "mine"
    assert "was not written here" in words(shown)
    assert "No expert was trained" in words(shown)
