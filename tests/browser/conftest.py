"""A fresh server of the real app, and a real browser that can reach nothing else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, expect, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[2]
ARTEFACTS = REPOSITORY / "artefacts"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
)
# For pages; on a busy machine the usual five seconds are few.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)


@dataclass(frozen=True)
class Server:
    """A running server; log is what it printed, store the URL of its store."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    store: str

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Send a signal and wait for the end."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(script: Path, folder: Path, **environment: str) -> Iterator[Server]:
    """Serve a script until the block ends; its store lies in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / "server.log"
    store = environment.get("STEERSCOPE_STORE", f"sqlite:///{folder / 'store.db'}")
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--server.headless=true", f"--server.port={port}"],
            cwd=REPOSITORY,
            env={**os.environ, "STEERSCOPE_STORE": store, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(f"http://localhost:{port}", process, log, store)
    try:
        _wait_until_healthy(server)
        yield server
    finally:
        server.stop()


def _wait_until_healthy(server: Server) -> None:
    for _ in range(120):
        if server.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    raise RuntimeError(f"the server did not start:\n{server.log.read_text()}")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start fresh servers: `serve()` is the app, `serve(script)` another script, keywords the environment."""
    with ExitStack() as stack:

        def start(script: Path = REPOSITORY / "app.py", name: str = "server", **environment: str) -> Server:
            return stack.enter_context(serving(script, tmp_path / name, **environment))

        yield start


@pytest.fixture(scope="module", autouse=True)
def _data_of_the_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tasks that a test imports are there for its servers, and gone for the tests after it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEERSCOPE_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server of the app with its worker for all tests of a module; loading the models takes seconds."""
    # Small batches, so that a short run too arrives in parts.
    with serving(REPOSITORY / "app.py", tmp_path_factory.mktemp("server"), STEERSCOPE_BATCH_SIZE="20") as started:
        yield started


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for all tests; each takes a context of its own."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def abroad() -> list[str]:
    """The addresses outside this computer that any page of the test asked for; a test asserts it is empty."""
    return []


@pytest.fixture
def context(browser: Browser, abroad: list[str]) -> Iterator[BrowserContext]:
    """A fresh browser profile at 1440 x 900 that reaches this computer only."""
    opened = browser.new_context(viewport={"width": 1440, "height": 900})
    opened.set_default_timeout(PATIENCE)

    def guard(route: Route) -> None:
        if route.request.url.startswith(("http://localhost:", "http://127.0.0.1:")):
            route.continue_()
        else:
            abroad.append(route.request.url)
            route.abort()

    opened.route("http*://**/*", guard)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab."""
    return context.new_page()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """A test that fails leaves a picture of what it saw."""
    report = yield
    tab = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and isinstance(tab, Page):
        ARTEFACTS.mkdir(exist_ok=True)
        with suppress(Error):
            tab.screenshot(path=ARTEFACTS / f"failed-{item.name}.png")
    return report
