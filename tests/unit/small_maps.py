"""Runs and real rows of a small task with vectors made by hand, so that maps need neither a model nor an embedder."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.embedding import DIMENSION, EMBEDDER, content_key
from core.sliders import SteerSettings
from core.storage.records import NewRun, NewSample, Run
from core.store import Store
from core.tasks import Query, Task

QUERIES = ("q0", "q1", "q2")
PLAIN = SteerSettings(gamma=0.4, eta=0.0)
GROWING = SteerSettings(gamma=0.4, eta=0.4)


def small_task(rows: int = 8, *, name: str = "small", queries: tuple[str, ...] = QUERIES) -> Task:
    """A task with so many real rows to each probe query, and one query of another role."""
    probe = tuple(Query(q, "probe", f"what of {q}", None, tuple(f"real {q} {r}" for r in range(rows))) for q in queries)
    train = Query("t0", "train", "what of t0", None, ("real t0 0",))
    return Task(name, "Small", "", "{query}", "answer", "answers", 16, (*probe, train))


@cache
def vector(text: str, spread: float = 0.5) -> NDArray[np.float32]:
    """A unit vector near the one of the text's first two words: texts of one run and query lie together."""

    def drawn(words: str) -> NDArray[np.float64]:
        seed = int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(DIMENSION) / np.sqrt(DIMENSION)

    made = drawn(" ".join(text.split()[:2])) + spread * drawn(text)
    return (made / np.linalg.norm(made)).astype(np.float32)


def embed(store: Store, texts: list[str]) -> None:
    """Their vectors, into the store."""
    store.vectors(EMBEDDER).put({content_key(text): vector(text) for text in texts})


def embed_real(store: Store, task: Task) -> None:
    """Vectors of the real rows of the probe queries."""
    embed(store, [row.text for row in task.references("probe")])


def write(
    store: Store,
    name: str,
    *,
    settings: SteerSettings | None = PLAIN,
    queries: tuple[str, ...] = QUERIES,
    replicates: int = 6,
    task: str = "small",
    embedded: bool = True,
    **changes: object,
) -> Run:
    """A finished run, steered or (without settings) imported; its texts begin with its name and the query."""
    new: dict[str, object] = {
        "kind": "imported" if settings is None else "steer",
        "task": task,
        "settings": {} if settings is None else settings.as_dict(),
        "queries": queries,
        "replicates": replicates,
        "expected": replicates * len(queries),
    }
    run = store.create_run(NewRun(**{**new, **changes}), status="done")  # type: ignore[arg-type]
    # Replicate by replicate: the order of arrival is not that of the map.
    samples = [
        NewSample(query=query, replicate=r, chain=r, round=j, text=f"{name} {query} {r}")
        for r in range(replicates)
        for j, query in enumerate(queries)
    ]
    store.add_round(run.id, samples, seconds=2.0)
    if embedded:
        embed(store, [sample.text for sample in samples])
    return store.run(run.id)


def stacked(texts: list[list[str]]) -> list[NDArray[np.float64]]:
    """The vectors of texts by query, for working a number out by hand."""
    return [np.stack([vector(text) for text in cell]).astype(np.float64) for cell in texts]


def squared_distance(a: list[NDArray[np.float64]], b: list[NDArray[np.float64]]) -> float:
    """The debiased D^2 by its definition: squared gaps of the means less the noise of both, averaged over queries."""
    gaps = []
    for x, y in zip(a, b, strict=True):
        noise = sum(float(np.trace(np.cov(z.T))) / len(z) for z in (x, y))
        gaps.append(float(np.sum((x.mean(axis=0) - y.mean(axis=0)) ** 2)) - noise)
    return float(np.mean(gaps))
