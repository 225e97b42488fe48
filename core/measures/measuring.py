"""The metrics of a stored run: gathers vectors, perplexities and real rows, and measures them bit by bit."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.embedding import EMBEDDER, Embedder, embed
from core.generation import Plan
from core.generators import StoredGenerator
from core.measures.corpus import Corpus, drawn
from core.measures.scoring import Scored, mean_nats, reference_items
from core.metrics import Measured, measure
from core.models import ModelPair
from core.neighbours import TrainingIndex
from core.settings import settings
from core.storage.records import Run, Sample
from core.store import Store
from core.tasks import Task

MOST_ROWS = 3_000
MOST_CHARACTERS = 10_000_000
"""What is measured of generations made elsewhere, at most: some metrics compare every answer with every other."""

_REAL_NATS: dict[tuple[str, str, str], tuple[NDArray[np.float64], ...]] = {}
"""Perplexities of real rows by (task, pair, rows): they are the same for every run of a pair."""


@lru_cache(maxsize=4)
def known_words(path: Path, modified: float) -> frozenset[str]:
    """The bundled word list, one word a line."""
    return frozenset(path.read_text(encoding="utf-8").split())


def vocabulary() -> frozenset[str]:
    """Words that count as known beside those of the real rows; empty where no list is bundled."""
    path = settings().assets / "vocabulary" / "words.txt"
    return known_words(path, path.stat().st_mtime) if path.is_file() else frozenset()


def measure_run(
    store: Store, run: Run, work: Plan, pair: ModelPair, embedder: Embedder
) -> Generator[Any, None, list[Measured]]:
    """Every metric of a run, stored as it goes; yields after each small piece of work, returns them all."""
    samples = store.samples(run.id, logprobs=True)
    real = yield from real_corpus(store, work.task, pair, embedder)
    corpus = yield from _run_corpus(store, work, pair, embedder, samples)
    return (yield from _measured(store, run, work.task, corpus, real))


def measure_imported(store: Store, run: Run, task: Task, embedder: Embedder) -> Generator[Any, None, list[Measured]]:
    """The same for generations made elsewhere: what needs their model is unknown.

    Of a large run a seeded part is measured (MOST_ROWS, MOST_CHARACTERS), and every metric says so.
    """
    samples = store.texts([run.id])[run.id]
    generator = StoredGenerator(run, samples)
    corpus = Corpus(
        queries=tuple(sample.query for sample in samples),
        texts=tuple(sample.text for sample in samples),
        chains=None if generator.independent else np.array([sample.chain for sample in samples], dtype=np.int64),
    )
    part = drawn(corpus, MOST_ROWS, MOST_CHARACTERS, seed=0)
    note = f"Measured on {len(part):,} of {len(corpus):,} samples." if len(part) < len(corpus) else ""
    real = yield from real_corpus(store, task, None, embedder)
    vectors = yield from embed(part.texts, embedder, store.vectors(EMBEDDER))
    return (yield from _measured(store, run, task, replace(part, vectors=vectors), real, note))


def _measured(
    store: Store, run: Run, task: Task, corpus: Corpus, real: Corpus | None, note: str = ""
) -> Generator[None, None, list[Measured]]:
    training = TrainingIndex([reference.text for reference in task.references("train")])
    found: list[Measured] = []
    for measured in measure(corpus, real, training, vocabulary(), seed=0):
        found.append(replace(measured, note=" ".join(filter(None, (measured.note, note)))))
        store.put_metrics(run.id, found[-1:])
        yield
    return found


def real_corpus(
    store: Store, task: Task, pair: ModelPair | None, embedder: Embedder
) -> Generator[Any, None, Corpus | None]:
    """The real rows of the probe queries, embedded, with their perplexities where a pair is given."""
    references = task.references("probe")
    if not references:
        return None
    texts = tuple(reference.text for reference in references)
    vectors = yield from embed(texts, embedder, store.vectors(EMBEDDER))
    expert = base = tokens = None
    if pair is not None:
        items = reference_items(pair, task)
        key = (task.name, pair.fingerprint, str(hash(texts)))
        if key not in _REAL_NATS:
            expert = yield from _nats(pair.expert, items, pair)
            base = yield from _nats(pair.base, items, pair)
            _REAL_NATS[key] = (expert, base)
        expert, base = _REAL_NATS[key]
        tokens = np.array([len(item[1]) for item in items], dtype=np.int64)
    return Corpus(
        queries=tuple(reference.query for reference in references),
        texts=texts,
        vectors=vectors,
        tokens=tokens,
        expert_nats=expert,
        base_nats=base,
    )


def _run_corpus(
    store: Store, work: Plan, pair: ModelPair, embedder: Embedder, samples: list[Sample]
) -> Generator[Any, None, Corpus]:
    texts = tuple(sample.text for sample in samples)
    vectors = yield from embed(texts, embedder, store.vectors(EMBEDDER))
    items: list[Scored] = [
        (pair.encode(work.task.prompt(work.task.by_id[sample.query])), sample.token_ids) for sample in samples
    ]
    # What decoding did not have to compute (the base where gamma is 0) is scored now, in large batches.
    rows: list[NDArray[np.float64]] = []
    for branch, forward in enumerate((pair.expert, pair.base)):
        nats = np.array([_stored_nats(sample, branch) for sample in samples])
        unknown = [i for i in range(len(items)) if np.isnan(nats[i]) and items[i][1]]
        if unknown:
            nats[unknown] = yield from _nats(forward, [items[i] for i in unknown], pair)
        rows.append(nats)
    chained = work.settings.pool_grows
    return Corpus(
        queries=tuple(sample.query for sample in samples),
        texts=texts,
        vectors=vectors,
        chains=np.array([sample.chain for sample in samples], dtype=np.int64) if chained else None,
        tokens=np.array([len(sample.token_ids) for sample in samples], dtype=np.int64),
        expert_nats=rows[0],
        base_nats=rows[1],
        ended=np.array([sample.finish == "end" for sample in samples]),
    )


def _stored_nats(sample: Sample, branch: int) -> float:
    if sample.logprobs is None or not sample.token_ids:
        return float("nan")
    return -float(sample.logprobs[branch].mean())


def _nats(forward: object, items: list[Scored], pair: ModelPair) -> Generator[None, None, NDArray[np.float64]]:
    values: NDArray[np.float64] = np.zeros(0)
    for step in mean_nats(forward, items, pad=pair.pad, device=pair.device):  # type: ignore[arg-type]
        if step is None:
            yield
        else:
            values = step
    return values
