"""Samples arranged in the sample view: what is known of it in the store, and the job that computes the rest."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from core.arranger import Arranger
from core.embedding import EMBEDDER, content_key, vectors_of
from core.generators import Answered, RealGenerator, stored_generators
from core.generators import Generator as Answering
from core.jobs import Jobs
from core.sample_basis import Basis, basis_of
from core.sample_view import Floats, SampleView
from core.scheduling.context import JobContext
from core.storage.caches import StoredCoordinates
from core.storage.records import Job, Priority, Run
from core.store import Store
from core.tasks import Task, load_task

KIND = "arrange"
AT_ONCE = 512
"""Texts that are embedded, placed and stored together: what an interruption can lose."""


@dataclass(frozen=True, eq=False)
class Arranged:
    """The samples whose place is known; sequences run over them, real rows first, then run by run.

    view: its name in the store; points: (n, 2); keys: of the generators, "real" or a run's id; samples: the
    answers, with ids as on the map; waiting: samples without a place yet; said: one sentence about what
    the picture is made from.
    """

    view: str
    points: Floats
    keys: tuple[str, ...]
    samples: tuple[Answered, ...]
    waiting: int
    said: str


def arranged(store: Store, task: Task, runs: Sequence[Run], *, seed: int = 0) -> Arranged:
    """What is known of the sample view of the real rows and these runs; `submit_arrange` brings the rest."""
    basis = basis_of(store, task)
    view = basis.view(seed)
    generators: list[Answering] = [RealGenerator(task), *stored_generators(store, runs)]
    answers = [(generator.key, one) for generator in generators for one in generator.answers()]
    names = [content_key(one.text) for _, one in answers]
    places = store.coordinates(view).get(names)
    known = [i for i, name in enumerate(names) if name in places]
    return Arranged(
        view=view,
        points=np.array([places[names[i]] for i in known], dtype=np.float32).reshape(-1, 2),
        keys=tuple(answers[i][0] for i in known),
        samples=tuple(answers[i][1] for i in known),
        waiting=len(names) - len(known),
        said=basis.said(seed),
    )


def submit_arrange(jobs: Jobs, task: Task, runs: Sequence[Run], *, seed: int = 0) -> Job:
    """Ask for the places of the real rows and of these runs' samples; the job that does so already, if there is one."""
    payload = {"task": task.name, "runs": sorted(run.id for run in runs), "seed": seed}
    return jobs.submit_once(KIND, payload, priority=Priority.VIEW)


def run_arrange(ctx: JobContext) -> Generator[Any]:
    """Lay the basis out, then place every other text, and keep each part as soon as it is done."""
    store, task, seed = ctx.store, load_task(ctx.payload["task"]), int(ctx.payload["seed"])
    basis = basis_of(store, task)
    view = basis.view(seed)
    places = store.coordinates(view)
    yield
    texts = yield from _texts(store, task, ctx.payload["runs"])
    missing = yield from _missing(places, texts)
    total, done = len(texts), len(texts) - len(missing)
    ctx.progress(done, total, "arranging")
    if not missing:
        ctx.result = {"view": view, "placed": 0, "texts": total}
        return
    laid_out = yield from _laid_out(ctx, basis, view, seed)
    left = list((yield from _missing(places, missing)).items())
    for start in range(0, len(left), AT_ONCE):
        part = dict(left[start : start + AT_ONCE])
        ctx.progress(total - len(left) + start, total, "arranging")
        vectors = yield from vectors_of(list(part.values()), store.vectors(EMBEDDER))
        points = yield from ctx.beside(partial(arranger().place, view, laid_out, vectors))
        places.put(_pairs(part, points))
        yield
    ctx.progress(total, total, "arranging")
    ctx.result = {"view": view, "placed": total - done, "texts": total}


@lru_cache(maxsize=1)
def arranger() -> Arranger:
    """The one process that arranges for this one."""
    return Arranger()


def _laid_out(ctx: JobContext, basis: Basis, view: str, seed: int) -> Generator[Any, None, SampleView]:
    """The basis with its places: those in the store, so that every worker, today and later, adds to one picture."""
    places = ctx.store.coordinates(view)
    known = places.get(basis.keys)
    yield
    vectors = yield from vectors_of(list(basis.texts.values()), ctx.store.vectors(EMBEDDER))
    if len(known) < len(basis.keys):
        ctx.progress(ctx.done, ctx.total, "laying out")
        points = yield from ctx.beside(partial(arranger().lay_out, vectors, seed))
        places.put(_pairs(basis.keys, points))
        ctx.progress(ctx.done, ctx.total, "arranging")  # the time that is left is reckoned from here
        known = places.get(basis.keys)  # where two did this at once, the first one's stay
    points = np.array([known[key] for key in basis.keys], dtype=np.float32).reshape(-1, 2)
    return SampleView(vectors, points, seed)


def _texts(store: Store, task: Task, runs: Sequence[str]) -> Generator[None, None, dict[str, str]]:
    """The texts to be arranged by content key, each once; a run that was deleted meanwhile is passed over."""
    found = {content_key(row.text): row.text for row in task.references("probe")}
    for run in runs:
        for sample in store.texts([run])[run]:
            found.setdefault(content_key(sample.text), sample.text)
        yield
    return found


def _missing(places: StoredCoordinates, texts: dict[str, str]) -> Generator[None, None, dict[str, str]]:
    """Those of the texts that have no place yet."""
    keys = list(texts)
    missing: dict[str, str] = {}
    for start in range(0, len(keys), 10 * AT_ONCE):
        part = keys[start : start + 10 * AT_ONCE]
        known = places.get(part)
        missing |= {key: texts[key] for key in part if key not in known}
        yield
    return missing


def _pairs(keys: Iterable[str], points: Floats) -> dict[str, tuple[float, float]]:
    return {key: (float(x), float(y)) for key, (x, y) in zip(keys, points, strict=True)}
