"""The server's worker: one, started again where it died, and not in a frenzy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.store import Store
from pages.shared import engine


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes that were started in place of workers; all are ended after the test."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(store: Store) -> subprocess.Popen[bytes]:
        processes.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
        return processes[-1]

    monkeypatch.setattr(engine, "start_worker", start)
    yield processes
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[engine.KeptWorker]:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        yield engine.KeptWorker(store)


def test_asking_twice_starts_one_worker(kept: engine.KeptWorker, started: list[subprocess.Popen[bytes]]) -> None:
    kept.keep()
    kept.keep()
    assert len(started) == 1


def test_a_dead_worker_is_started_again_but_not_at_once(
    kept: engine.KeptWorker, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.keep()
    started[0].kill()
    started[0].wait()
    kept.keep()
    assert len(started) == 1
    monkeypatch.setattr(engine, "RESTART_SECONDS", 0.0)
    kept.keep()
    assert len(started) == 2


def test_no_worker_is_started_where_workers_are_elsewhere(
    started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STEERSCOPE_STORE", f"sqlite:///{tmp_path / 'store.db'}")
    monkeypatch.setenv("STEERSCOPE_WORKERS", "0")
    engine.keep_worker()
    assert started == []
