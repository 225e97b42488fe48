"""Small job kinds that the worker's tests run, in this process and in others."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

from core.scheduling.context import Handler, JobContext
from core.storage.records import NewRun, NewSample

QUERIES = ("a", "b", "c")
REPLICATES = 30
RUN = NewRun(kind="steer", task="t", queries=QUERIES, replicates=REPLICATES, expected=len(QUERIES) * REPLICATES)


def growing(context: JobContext) -> Iterator[None]:
    """Writes samples whose text depends on everything written before, as a growing pool's does."""
    run = context.store.run(context.run)
    kept = {(each.query, each.replicate): each.text for each in context.store.samples(run.id)}
    pool = ""
    for replicate in range(run.replicates):
        texts = {}
        for query in run.queries:
            texts[query] = hashlib.sha256(f"{pool}|{query}|{replicate}".encode()).hexdigest()
            time.sleep(0.001)
            yield
        if any((query, replicate) not in kept for query in run.queries):
            context.store.add_round(
                run.id,
                [NewSample(query=q, replicate=replicate, chain=0, round=replicate, text=t) for q, t in texts.items()],
            )
        pool = hashlib.sha256((pool + "".join(texts.values())).encode()).hexdigest()
        context.progress((replicate + 1) * len(run.queries), run.expected)


def once(context: JobContext) -> Iterator[None]:
    """Leaves one event a run, so that running twice shows."""
    context._claims.add_event(context.job.id, "ran", context.job.owner)
    yield


def endless(context: JobContext) -> Iterator[None]:
    """Works until it is stopped."""
    while True:
        time.sleep(0.005)
        yield


HANDLERS: dict[str, Handler] = {"growing": growing, "once": once, "endless": endless}
