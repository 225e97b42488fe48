"""What the worker can do: one generator function a kind of job, each yielding after every small piece of work."""

from __future__ import annotations

from collections.abc import Generator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.arranging import run_arrange
from core.decoding import Written, collect, decode
from core.downstream.scoring import run_score
from core.embedding import EMBEDDER, Embedder, embed, load_embedder
from core.errors import ModelError, NotFoundError
from core.explaining import explain
from core.generation import Plan, generate, preview_rows
from core.importing.embedded import embed_run
from core.map_job import run_map
from core.measures.measuring import measure_imported, measure_run
from core.models import Layout, ModelPair, PairSpec, available_pairs, layout_of, load_pair, preferred_layout
from core.negatives import PoolRow, real_rows
from core.pair_tests import run_same
from core.scheduling.context import Handler, JobContext
from core.searching import run_embed
from core.settings import settings
from core.slider_point import write_point
from core.sliders import SteerSettings
from core.storage.records import Run, Sample
from core.store import Store
from core.tasks import Task, load_task
from core.threads import limit_threads

LOADED_PAIRS = 2
"""Pairs that stay in memory: the one in use and the one before it."""


def handlers() -> dict[str, Handler]:
    """Handlers by kind of job."""
    return {
        "generate": run_generate,
        "preview": run_preview,
        "point": run_point,
        "explain": run_explain,
        "measure": run_measure,
        "arrange": run_arrange,
        "embed": run_embed,
        "same": run_same,
        "map": run_map,
        "score": run_score,
    }


def warm_up() -> None:
    """Load what the first preview and run need, and let torch build its kernels on a first small batch."""
    limit_threads()
    load_embedder().encode(["warm"])
    pairs = available_pairs("hypotheses")
    if pairs:
        pair = loaded(pairs[0])
        work = Plan(load_task("hypotheses"), SteerSettings(max_new_tokens=2), load_task("hypotheses").queries[:1], 1)
        for _ in decode(pair, work.settings, preview_rows(pair, work)):
            pass


def loaded(spec: PairSpec, layout: Layout | None = None) -> ModelPair:
    """The pair, loaded once and again only when its files changed."""
    return _loaded(spec, layout or preferred_layout(spec), spec.fingerprint)


@lru_cache(maxsize=LOADED_PAIRS)
def _loaded(spec: PairSpec, layout: Layout, fingerprint: str) -> ModelPair:
    return load_pair(spec, layout=layout)


def pair_of(run: Run) -> ModelPair:
    """The pair that writes, or wrote, a run, applied as it was when the run began.

    Raises ModelError where samples exist and the models have changed since.
    """
    pair = loaded(PairSpec(**dict(run.pair_spec or {})), layout_of(run.pair))
    if run.samples and run.pair != pair.fingerprint:
        raise ModelError(
            f"Run {run.id} was written with the models {run.pair}, which are {pair.fingerprint} now, so "
            "they can neither go on with it nor explain it; restore their files or start a new run."
        )
    return pair


def work_of(run: Run) -> Plan:
    """What a stored run set out to write. NotFoundError where its task or one of its queries is gone."""
    task = load_task(run.task)
    missing = [query for query in run.queries if query not in task.by_id]
    if missing:
        raise NotFoundError(
            f"Run {run.id} answers the query {missing[0]!r}, which the task {run.task!r} no longer has; "
            "restore the task's files."
        )
    queries = tuple(task.by_id[query] for query in run.queries)
    return Plan(task, SteerSettings.from_mapping(run.settings), queries, run.replicates)


def run_generate(ctx: JobContext) -> Generator[Any]:
    """Write, embed and measure a run; goes on from whatever is stored of it."""
    store, run = ctx.store, ctx.store.run(ctx.run)
    work = work_of(run)
    ctx.progress(run.samples, work.samples, "loading the models")
    yield
    pair = pair_of(run)
    embedder = load_embedder()
    stored = store.samples(run.id)
    if run.pair != pair.fingerprint:
        # how LoRA is applied is known only now; it belongs to the fingerprint because it rounds differently
        store.update_run(run.id, pair=pair.fingerprint)
    ctx.progress(len(stored), work.samples, "writing")
    yield
    counted = ctx.worked  # the models are loaded for many runs; what comes now is this one's time
    yield from embed([r.text for r in work.task.references("probe")], embedder, store.vectors(EMBEDDER))
    done = len(stored)
    steps = generate(
        pair,
        work,
        batch_size=int(ctx.payload.get("batch_size") or settings().batch_size),
        stored=stored,
        embed=_embedding(store, embedder),
        cancelled=ctx.cancelled,
    )
    for finished in steps:
        if finished:
            store.add_round(run.id, finished, ctx.worked - counted)
            counted = ctx.worked
            done += len(finished)
            ctx.progress(done, work.samples, "writing")
            yield from embed([sample.text for sample in finished], embedder, store.vectors(EMBEDDER))
        yield
    ctx.progress(done, work.samples, "measuring")
    yield
    yield from measure_run(store, store.run(run.id), work, pair, embedder)
    store.add_round(run.id, (), ctx.worked - counted)
    ctx.result = {"run": run.id, "samples": done}


def run_measure(ctx: JobContext) -> Generator[Any]:
    """Measure a stored run again, without writing anything; generations made elsewhere are embedded first."""
    run = ctx.store.run(ctx.payload["run"])
    if run.kind == "imported":
        for done in embed_run(ctx.store, run):
            ctx.progress(done, run.samples, "embedding")
            yield
        yield from measure_imported(ctx.store, run, load_task(run.task), load_embedder())
        return
    work = work_of(run)
    yield
    pair = pair_of(run)
    yield
    yield from measure_run(ctx.store, run, work, pair, load_embedder())


def run_preview(ctx: JobContext) -> Generator[Any]:
    """Write one answer to each of a few queries and say after every step how far they are."""
    asked = ctx.payload
    task = load_task(asked["task"])
    queries = tuple(task.by_id[query] for query in asked["queries"])
    work = Plan(task, SteerSettings.from_mapping(asked["settings"]), queries, 1)
    pair = loaded(PairSpec(**asked["pair_spec"]))
    rows = preview_rows(pair, work)
    written = [Written() for _ in rows]
    ended = [False] * len(rows)
    for column in decode(pair, work.settings, rows, ctx.cancelled):
        if column is not None:
            collect(written, column)
            for place, end in zip(column.rows, column.ended, strict=True):
                ended[place] = ended[place] or bool(end)
            ctx.progress(column.step + 1, work.settings.max_new_tokens)
            ctx.emit("text", {"rows": _streamed(pair, work, written, ended)})
        yield
    # what the length limit cut has ended too
    ctx.result = {"rows": _streamed(pair, work, written, [True] * len(rows))}
    ctx.emit("text", ctx.result)


def run_point(ctx: JobContext) -> Generator[Any]:
    """Write a few answers with the sliders as they stand, for a point on the map and not for a run."""
    ctx.progress(0, 0, "loading the models")
    yield
    pair, embedder = loaded(PairSpec(**ctx.payload["pair_spec"])), load_embedder()
    yield from write_point(ctx, pair, embedder, _embedding(ctx.store, embedder))


def run_explain(ctx: JobContext) -> Generator[Any]:
    """Why each token of a stored sample was written."""
    sample = ctx.store.sample(int(ctx.payload["sample"]))
    run = ctx.store.run(sample.run)
    work = work_of(run)
    yield
    pair = pair_of(run)
    yield
    tokens = explain(pair, work, sample, negatives_of(ctx.store, work.task, sample))
    ctx.result = {"sample": sample.id, "tokens": [token.as_dict() for token in tokens]}


def negatives_of(store: Store, task: Task, sample: Sample) -> list[PoolRow]:
    """The pool rows that a sample's negative context was made of, in their order."""
    known: dict[str, PoolRow] = {row.key: row for row in real_rows(task)}
    if any(str(key).startswith("written/") for key in sample.negatives):
        for other in store.samples(sample.run):
            key = f"written/{other.query}/{other.replicate}"
            known[key] = PoolRow(key, other.text, other.query)
    return [known[key] for key in sample.negatives if key in known]


def _streamed(pair: ModelPair, work: Plan, written: list[Written], ended: list[bool]) -> list[dict[str, Any]]:
    return [
        {"query": query.id, "text": pair.decode(one.tokens), "tokens": len(one.tokens), "ended": end}
        for query, one, end in zip(work.queries, written, ended, strict=True)
    ]


def _embedding(store: Store, embedder: Embedder) -> Any:
    """Texts -> vectors through the store's cache, for the policy that looks for near examples."""

    def vectors(texts: list[str]) -> NDArray[np.float32]:
        steps = embed(texts, embedder, store.vectors(EMBEDDER))
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return np.asarray(end.value, dtype=np.float32)

    return vectors
