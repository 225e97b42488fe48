"""The sidebar that every page shares: task, pair and the jobs in progress."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.jobs import Jobs
from core.models import available_pairs
from core.settings import settings
from core.sliders import SteerSettings
from core.storage.records import NewRun, Priority
from core.store import Store


def script() -> None:
    import streamlit as st

    from core.errors import SteerscopeError
    from pages.shared.frame import choice, sidebar

    try:
        sidebar()
        st.text(choice().task.name)
    except SteerscopeError as error:
        st.error(str(error))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store that the pages find, and no worker."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    monkeypatch.setenv("STEERSCOPE_STORE", url)
    monkeypatch.setenv("STEERSCOPE_WORKERS", "0")
    st.cache_resource.clear()
    with Store(url) as opened:
        yield opened
    st.cache_resource.clear()


def submit(store: Store, priority: Priority = Priority.RUN) -> int:
    new = NewRun(kind="steer", task="comments", settings=SteerSettings(gamma=0.4, eta=0.1).as_dict(), expected=64)
    return Jobs(store).submit("generate", run=new, priority=priority).id


def opened() -> AppTest:
    app = AppTest.from_function(script, default_timeout=30).run()
    assert not app.exception
    return app


def test_the_first_task_is_chosen_and_its_pair_has_a_fingerprint(store: Store) -> None:
    app = opened()
    assert app.text[0].value == "hypotheses"
    assert app.sidebar.selectbox(key="task").options[0].startswith("Research hypotheses")
    pair = available_pairs("hypotheses")[0]
    assert any(pair.fingerprint in caption.value for caption in app.sidebar.caption)


def test_another_task_brings_its_own_pairs(store: Store) -> None:
    app = opened()
    app.sidebar.selectbox(key="task").set_value("translation").run()
    assert app.text[0].value == "translation"
    assert app.sidebar.selectbox(key="pair").value in {pair.name for pair in available_pairs("translation")}


@pytest.mark.parametrize(("asked", "task"), [("comments", "comments"), ("nonsense", "hypotheses")])
def test_a_task_in_the_address_is_checked(store: Store, asked: str, task: str) -> None:
    app = AppTest.from_function(script, default_timeout=30)
    app.query_params["task"] = asked
    app.run()
    assert not app.exception
    assert app.text[0].value == task


def test_a_damaged_task_stops_nobody_who_chose_another(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assets = tmp_path / "assets"
    shutil.copytree(settings().assets / "tasks" / "hypotheses", assets / "tasks" / "hypotheses")
    (assets / "tasks" / "broken").mkdir()
    (assets / "tasks" / "broken" / "task.json").write_text("{")
    monkeypatch.setenv("STEERSCOPE_ASSETS", str(assets))
    app = opened()
    assert app.text[0].value == "hypotheses"
    assert app.sidebar.selectbox(key="task").options[1] == "broken · cannot be read"
    assert any(box.options == ["none for this task"] for box in app.sidebar.selectbox)
    app.sidebar.selectbox(key="task").set_value("broken").run()
    assert "broken/task.json is not valid JSON" in app.error[0].value


def test_a_waiting_job_has_a_card_and_cancel_ends_it(store: Store) -> None:
    job = submit(store)
    app = opened()
    assert any("γ 0.4 · η 0.1" in text.value.replace("\\", "").replace("\u2060", "") for text in app.markdown)
    app.button(key=f"cancel-{job}").click().run()
    assert Jobs(store).job(job).status == "cancelled"
    assert not [button for button in app.button if button.key == f"cancel-{job}"]


def test_previews_are_not_in_the_sidebar(store: Store) -> None:
    job = submit(store, Priority.PREVIEW)
    assert not [button for button in opened().button if button.key == f"cancel-{job}"]


def test_many_jobs_are_counted_not_listed(store: Store) -> None:
    for _ in range(5):
        submit(store)
    app = opened()
    assert len([button for button in app.button if str(button.key).startswith("cancel-")]) == 3
    assert any("2 more jobs" in caption.value for caption in app.caption)


def test_a_run_of_a_newer_version_still_has_a_card(store: Store) -> None:
    new = NewRun(kind="steer", task="comments", settings={"slider_of_tomorrow": 1}, expected=64)
    job = Jobs(store).submit("generate", run=new)
    assert [button for button in opened().button if button.key == f"cancel-{job.id}"]
