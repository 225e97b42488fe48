"""The "same generator?" test for many pairs, as a job: thousands of permutations take longer than a page may wait."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from core.errors import NotFoundError, StatisticsError
from core.generators import REAL
from core.guarantees import Sameness, permutations_for, same
from core.jobs import Jobs
from core.placing import answers_of
from core.scheduling.context import JobContext
from core.statistics.answers import Answers
from core.statistics.sameness import Statistic
from core.storage.records import Job, JobStatus, Priority
from core.store import Store
from core.tasks import Task, load_task

KIND = "same"
LEAST, MOST = 999, 9_999
"""Permutations a pair: as many as the correction over all pairs asks for, between these."""

REMEMBERED = 200
"""Jobs that are looked through for one that tested the same pairs."""

Pair = tuple[str, str]


def submit_tests(
    jobs: Jobs, task: Task, pairs: Sequence[Pair], statistics: Sequence[Statistic], *, samples: int
) -> Job:
    """Ask for the test of these pairs of keys (a run's id, or "real"); the job that did so already, if there is one.

    samples: how many the runs have together, so that runs that grew are tested again. A job that failed or was
    cancelled is asked for anew.
    """
    payload = {
        "task": task.name,
        "pairs": [list(pair) for pair in pairs],
        "statistics": list(statistics),
        "samples": samples,
    }
    known: tuple[JobStatus, ...] = ("queued", "running", "done")
    return jobs.submit_once(KIND, payload, priority=Priority.VIEW, status=known, limit=REMEMBERED)


def outcomes_of(job: Job) -> dict[tuple[Pair, Statistic], Sameness]:
    """What a job has found; nothing while it is not done."""
    if job.status != "done" or not job.result:
        return {}
    return {
        ((str(each["pair"][0]), str(each["pair"][1])), each["test"]["statistic"]): Sameness(**each["test"])
        for each in job.result["tests"]
    }


def run_same(ctx: JobContext) -> Generator[Any]:
    """Test pair after pair, each in a thread beside the steps of other jobs."""
    task = load_task(ctx.payload["task"])
    pairs = [(str(a), str(b)) for a, b in ctx.payload["pairs"]]
    statistics: list[Statistic] = list(ctx.payload["statistics"])
    permutations = min(max(permutations_for(max(len(pairs), 1)), LEAST), MOST)
    found: list[dict[str, Any]] = []
    real: Answers | None = None
    for number, pair in enumerate(pairs):
        ctx.progress(number, len(pairs), "comparing")
        try:
            sides = []
            for key in pair:
                if key == REAL and real is not None:
                    sides.append(real)
                    continue
                answers = _answers(ctx.store, task, key)
                real = answers if key == REAL else real
                sides.append(answers)
                yield
        except (NotFoundError, StatisticsError) as error:
            tests = [Sameness(None, statistic, None, 0, 1.0, False, str(error)) for statistic in statistics]
        else:
            tests = []
            for statistic in statistics:
                work = partial(same, sides[0], sides[1], permutations=permutations, statistic=statistic)
                tests.append((yield from ctx.beside(work)))
        found += [{"pair": list(pair), "test": asdict(test)} for test in tests]
        yield
    ctx.progress(len(pairs), len(pairs), "comparing")
    ctx.result = {"tests": found}


def _answers(store: Store, task: Task, key: str) -> Answers:
    return answers_of(store, task, key, [] if key == REAL else [store.run(key)])
