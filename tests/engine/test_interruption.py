"""SIGKILL in the middle of a run with a growing pool, ten times: nothing finished is lost, and the text is the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from core.generation import generate
from core.handlers import work_of
from core.jobs import Jobs
from core.models import ModelPair, available_pairs
from core.running import submit_run
from core.scheduling.processes import is_alive, python_environment
from core.settings import settings
from core.sliders import SteerSettings
from core.store import Store
from core.tasks import Task
from core.worker import start_worker

KILLS = 10
SLIDERS = SteerSettings(gamma=0.3, eta=0.3, negatives=4, round_size=1, max_new_tokens=10, seed=11)
QUERIES, REPLICATES = 13, 2
PATIENCE = 120.0

LIVES = """
import os, sys
from core.threads import share_cores
share_cores()
import peft, sentence_transformers, torch, transformers
import core.handlers
from core.worker import main
for _ in sys.stdin:
    worker = os.fork()
    if worker == 0:
        os._exit(main())
    print(worker, flush=True)
    os.waitpid(worker, 0)
"""
"""Workers as `python -m core.worker` runs them, one after the other, whose libraries are imported once for all."""


class Lives:
    """A process from which workers of a store fork, before any of them computes anything."""

    def __init__(self, store: Store) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LIVES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=python_environment(STEERSCOPE_STORE=store.url),
            text=True,
        )

    def next(self) -> int:
        """Start another worker, and return its process id."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print("next", file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """End the process, whose workers have ended."""
        self.process.communicate()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


@pytest.fixture
def lives(store: Store) -> Iterator[Lives]:
    started = Lives(store)
    yield started
    started.close()


def wait_until(true: object, store: Store, run: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"nothing happened: {store.run(run)}"
        time.sleep(0.01)


def reached(store: Store, run: str, samples: int) -> bool:
    return store.run(run).samples >= samples


def test_ten_kills_lose_no_finished_round_and_change_no_text(
    pair: ModelPair, task: Task, store: Store, lives: Lives
) -> None:
    jobs = Jobs(store)
    job = submit_run(jobs, task, available_pairs(task.name)[0], SLIDERS, queries=QUERIES, replicates=REPLICATES)
    assert job.run is not None
    run, moment = job.run, random.Random(20)
    rounds_a_life = QUERIES // KILLS
    for _ in range(KILLS):
        before = {(s.query, s.replicate): s for s in store.samples(run)}
        worker = lives.next()
        try:
            wait_until(partial(reached, store, run, len(before) + rounds_a_life * REPLICATES), store, run)
            # anywhere in the next round, while it is being decoded, stored or embedded
            time.sleep(moment.uniform(0.0, 0.25))
        finally:
            os.kill(worker, signal.SIGKILL)
            wait_until(lambda worker=worker: not is_alive(worker), store, run)
        with Store(store.url) as reopened:
            Jobs(reopened).recover()
            kept = {(s.query, s.replicate): s for s in reopened.samples(run)}
            if reopened.run(run).status == "done":
                break
            assert reopened.run(run).status == "interrupted"
            assert {key: kept[key].text for key in before} == {key: s.text for key, s in before.items()}
            assert len(kept) == reopened.run(run).samples > len(before)
            assert len(kept) % REPLICATES == 0
        jobs.resume(run)
    # The last one is a process of its own, as the server starts it.
    worker = start_worker(store)
    try:
        wait_until(lambda: store.run(run).status == "done", store, run)
    finally:
        worker.terminate()
        worker.wait()
    resumed = {(s.query, s.replicate): (s.token_ids, s.negatives) for s in store.samples(run)}
    whole = {
        (s.query, s.replicate): (s.token_ids, s.negatives)
        for finished in generate(pair, work_of(store.run(run)), batch_size=settings().batch_size)
        for s in finished or ()
    }
    assert resumed == whole
    assert {metric.name for metric in store.metrics(run)} >= {"distance_to_real", "expert_perplexity"}
