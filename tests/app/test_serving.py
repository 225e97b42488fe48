"""What a server has ready before its first visitor, and what it says in the header of its pages."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.settings import REPOSITORY
from pages.perspective import shown as perspective
from pages.predict import shown as predict
from pages.serving import ahead, hints
from tests.app.showing import headline


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that has not drawn anything, on an empty store."""
    monkeypatch.setenv("STEERSCOPE_STORE", f"sqlite:///{tmp_path / 'store.db'}")
    monkeypatch.setenv("STEERSCOPE_WORKERS", "0")
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """What it returns; in a thread, because the browser tests leave a loop behind in theirs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@pytest.mark.usefixtures("fresh")
def test_the_first_visitor_of_the_demo_waits_for_no_map_and_no_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEERSCOPE_DEMO", "1")
    ahead.prepare()

    def made_again(*_: Any, **__: Any) -> None:
        raise AssertionError("it was made once more")

    for module, name in ((predict, "draw_atlas"), (predict, "evaluate"), (predict, "surface")):
        monkeypatch.setattr(module, name, made_again)
    monkeypatch.setattr(perspective, "draw_atlas", made_again)
    app = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=60).run()
    for page, said in (("predict", "The map helps"), ("perspective", "All 36 runs differ")):
        app.switch_page(f"pages/{page}/page.py").run()
        assert not app.exception, app.exception
        assert said in headline(app).replace(":blue[", "").replace("]", "")


@pytest.mark.usefixtures("fresh")
def test_a_store_without_runs_has_nothing_to_prepare() -> None:
    ahead.prepare()


def test_a_store_that_cannot_be_opened_is_left_to_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "store.db").write_text("no database at all, but long enough to be looked at as one" * 20)
    monkeypatch.setenv("STEERSCOPE_STORE", f"sqlite:///{tmp_path / 'store.db'}")
    ahead.prepare()


@pytest.mark.parametrize("ends", [True, False])
def test_the_door_opens_when_all_is_ready_or_patience_ends(monkeypatch: pytest.MonkeyPatch, ends: bool) -> None:
    slow, ready = threading.Event(), threading.Event()

    def prepare() -> None:
        assert slow.wait(0.2 if ends else 60) is not ends
        ready.set()

    monkeypatch.setattr(ahead, "prepare", prepare)
    monkeypatch.setattr(ahead, "PATIENCE", 30.0 if ends else 0.1)

    async def opened() -> bool:
        async with ahead.lifespan(None):
            return ready.is_set()

    assert finished(opened()) is ends
    slow.set()
    assert ready.wait(30)


def test_a_page_says_which_library_its_charts_need() -> None:
    (value,) = _headers("text/html; charset=utf-8")
    path, _, rest = value[1:].partition(">")
    assert rest == "; rel=modulepreload"
    file = Path(st.__file__).parent / "static" / path.lstrip("/")
    assert file.stat().st_size > 1_000_000


def test_other_files_and_other_connections_are_passed_on_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _headers("application/json") == []
    assert _headers("text/html", kind="websocket") == []
    monkeypatch.setattr(hints, "library_path", lambda: None)
    assert _headers("text/html") == []


def test_the_library_is_found_behind_a_base_path(monkeypatch: pytest.MonkeyPatch) -> None:
    found = hints.library_path()
    monkeypatch.setattr(hints.st, "get_option", {"server.baseUrlPath": "/team/"}.get)
    assert hints.library_path() == f"/team{found}"


def _headers(content: str, kind: str = "http") -> list[str]:
    """The values of the Link headers of an answer of this type, after the middleware."""
    sent: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content.encode())]})
        await send({"type": "http.response.body", "body": b"page"})

    async def receive() -> Any:
        raise AssertionError("nobody asks")

    async def send(message: Any) -> None:
        sent.append(message)

    finished(hints.ChartHint(application)({"type": kind}, receive, send))
    start, body = sent
    assert body == {"type": "http.response.body", "body": b"page"}
    assert (b"content-type", content.encode()) in start["headers"]
    return [value.decode() for name, value in start["headers"] if name == b"link"]
