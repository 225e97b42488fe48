"""SIGKILL in the middle of a run with a growing pool, ten times: nothing finished is lost, and the text is the same."""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path

from core.generation import generate
from core.handlers import work_of
from core.jobs import Jobs
from core.models import ModelPair, available_pairs
from core.running import submit_run
from core.settings import settings
from core.sliders import SteerSettings
from core.store import Store
from core.tasks import Task
from core.worker import start_worker

KILLS = 10
SLIDERS = SteerSettings(gamma=0.3, eta=0.3, negatives=4, round_size=1, max_new_tokens=10, seed=11)
QUERIES, REPLICATES = 13, 2
PATIENCE = 120.0


def wait_until(true: object, store: Store, run: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"nothing happened: {store.run(run)}"
        time.sleep(0.005)


def reached(store: Store, run: str, samples: int) -> bool:
    return store.run(run).samples >= samples


def test_ten_kills_lose_no_finished_round_and_change_no_text(pair: ModelPair, task: Task, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    jobs = Jobs(store)
    job = submit_run(jobs, task, available_pairs(task.name)[0], SLIDERS, queries=QUERIES, replicates=REPLICATES)
    assert job.run is not None
    run, moment = job.run, random.Random(20)
    rounds_a_life = QUERIES // KILLS
    for _ in range(KILLS):
        before = {(s.query, s.replicate): s for s in store.samples(run)}
        worker = start_worker(store)
        try:
            wait_until(partial(reached, store, run, len(before) + rounds_a_life * REPLICATES), store, run)
            # anywhere in the next round, while it is being decoded, stored or embedded
            time.sleep(moment.uniform(0.0, 0.25))
        finally:
            worker.kill()
            worker.wait()
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
