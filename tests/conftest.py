"""What all tests share: no test touches the user's own store, and a CI skips nothing that it must run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from core.threads import share_cores

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
# Before any test imports torch: engine and browser tests want the same cores.
share_cores()

CI = os.environ.get("CI", "").lower() in ("1", "true")


@pytest.fixture(autouse=True, scope="session")
def _no_store_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever opens the default store opens an empty one."""
    os.environ["STEERSCOPE_DATA"] = str(tmp_path_factory.mktemp("data"))
    os.environ.pop("STEERSCOPE_STORE", None)
    # Tests of the demo ask for it.
    os.environ["STEERSCOPE_DEMO"] = "0"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of base models and corpora beside the checkout; a test that needs it is skipped without."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared")
    return SHARED


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's executable; STEERSCOPE_CHROMIUM names another one."""
    names = [os.environ.get("STEERSCOPE_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("needs chromium; install it or name one in STEERSCOPE_CHROMIUM")
    return found


FOLDERS = ("browser", "engine", "statistics", "app", "unit")
"""The order under `pytest -n 2`: what takes longest first, so that both processes end together."""


def _folder(nodeid: str) -> str:
    return next((folder for folder in FOLDERS if nodeid.startswith(f"tests/{folder}/")), "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests where several processes share them."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (*FOLDERS, "").index(_folder(item.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Under `pytest -n 2` one process walks the browser, from the start, and the other runs everything else.

    The first to be done helps the other with what is left. Files whose tests share what is dear to make stay whole.
    """
    from xdist.scheduler import LoadScopeScheduling

    class OneBrowser(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            folder = _folder(nodeid)
            if folder == "browser":
                return folder
            return nodeid.partition("::")[0] if folder in ("engine", "statistics") else nodeid

    # As they come, and not the largest number of tests first.
    config.option.loadscopereorder = False
    return OneBrowser(config, log)


def must_run(path: Path, reason: str) -> bool:
    """Whether a skip hides what a CI is there to see: a browser test, or one that needs the shared data."""
    return "browser" in path.parts or "../shared" in reason


def _skip_fails(path: Path, report: pytest.TestReport | pytest.CollectReport) -> None:
    if not CI or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if must_run(path, reason):
        report.outcome = "failed"
        report.longrepr = f"skipped where it must run ({reason})"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    report = yield
    _skip_fails(item.path, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    report = yield
    _skip_fails(collector.path, report)
    return report
