"""From the store to a map: which generators stand on it, over which queries, and how far each is from real."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.embedding import EMBEDDER
from core.errors import StatisticsError
from core.generators import REAL, Answered, Generator, RealGenerator, StoredGenerator, embedded
from core.perspective import PerspectiveMap, fit_map
from core.statistics.answers import Answers, shared_queries
from core.statistics.distances import Distance, distance
from core.storage.records import Run
from core.store import Store
from core.tasks import Task


@dataclass(frozen=True)
class Atlas:
    """A map with what it shows. All sequences run over `generators`.

    queries: ids of the queries it stands on; answers: vectors over them; samples: the answers behind the
    rows of `map.clouds`; to_real: debiased squared distance to the real data, None for the real data
    themselves and where there are none; left_out: (run id, one sentence why).
    """

    task: str
    queries: tuple[str, ...]
    generators: tuple[Generator, ...]
    answers: tuple[Answers, ...]
    samples: tuple[tuple[Answered, ...], ...]
    map: PerspectiveMap
    to_real: tuple[Distance | None, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def id(self) -> str:
        """A digest of what the map was made from: equal maps have equal ids."""
        digest = hashlib.sha256(f"{self.task}\0{self.map.dimension}\0{','.join(self.queries)}".encode())
        for generator, samples in zip(self.generators, self.samples, strict=True):
            digest.update(f"\0{generator.key}:{','.join(sample.id for sample in samples)}".encode())
        return "m-" + digest.hexdigest()[:10]

    def as_dict(self) -> dict[str, Any]:
        """What the `map` command prints; null for what is unknown."""
        whole = self.map.as_dict()
        points = [
            {
                "run": None if generator.key == REAL else generator.key,
                "kind": generator.kind,
                "settings": generator.settings,
                **{name: value for name, value in point.items() if name != "key"},
                "distance_to_real": None
                if apart is None
                else {"value": apart.value, "low": apart.low, "high": apart.high},
            }
            for generator, point, apart in zip(self.generators, whole["points"], self.to_real, strict=True)
        ]
        left_out = [{"run": run, "reason": reason} for run, reason in self.left_out]
        return {"id": self.id, "task": self.task, **whole, "points": points, "left_out": left_out}


def draw_atlas(
    store: Store,
    task: Task,
    runs: Sequence[Run],
    *,
    focus: str | None = None,
    dimension: int = 2,
    seed: int = 0,
    align_to: PerspectiveMap | None = None,
) -> Atlas:
    """The map of the real data and these runs, from what is stored and embedded.

    focus: a run in progress: the map then stands on the queries that it has answered so far, so that its
    ellipse is honest at every moment and shrinks as answers arrive. A generator that left one of the
    map's queries unanswered is left out, and `left_out` says so.
    Raises StatisticsError where fewer than two generators can stand on a map.
    """
    probe = [query.id for query in task.with_role("probe")]
    cache = store.vectors(EMBEDDER)
    candidates: list[Generator] = [RealGenerator(task), *(StoredGenerator(store, run) for run in runs)]
    found = [(one, *made) for one in candidates if (made := embedded(one, probe, cache)) is not None]
    answered = {one.key: frozenset(np.flatnonzero(answers.counts).tolist()) for one, answers, _ in found}
    asked = sorted(answered[focus] if focus in answered else _widest(list(answered.values())))
    kept, left_out = [], []
    for generator, answers, samples in found:
        missing = sum(answers.counts[j] == 0 for j in asked)
        if missing:
            left_out.append((generator.key, f"it has not answered {missing} of the map's {len(asked)} queries"))
        else:
            kept.append((generator, answers, samples))
    if len(kept) < 2 or not asked:
        raise StatisticsError(
            f"A map of the task {task.name!r} needs at least two generators that answered the same queries, "
            f"and {len(kept)} did; write a run first."
        )
    parts = [_part(answers, samples, asked, probe) for _, answers, samples in kept]
    answers_kept = tuple(answers for answers, _ in parts)
    assert shared_queries(answers_kept) == tuple(range(len(asked)))
    fitted = fit_map(answers_kept, dimension=dimension, seed=seed, align_to=align_to)
    real = next((answers for answers in answers_kept if answers.key == REAL), None)
    to_real = tuple(None if real is None or one.key == REAL else distance(one, real) for one in answers_kept)
    return Atlas(
        task=task.name,
        queries=tuple(probe[j] for j in asked),
        generators=tuple(generator for generator, _, _ in kept),
        answers=answers_kept,
        samples=tuple(samples for _, samples in parts),
        map=fitted,
        to_real=to_real,
        left_out=tuple(left_out),
    )


def _widest(answered: Sequence[frozenset[int]]) -> frozenset[int]:
    """The queries of the map that shows most: generators times queries, with two generators at least.

    So one short run shrinks nobody's map, and runs that were all asked a few queries still have one.
    """

    def shown(asked: frozenset[int]) -> tuple[bool, int]:
        generators = sum(asked <= other for other in answered)
        return generators >= 2, generators * len(asked)

    return max(answered, key=shown, default=frozenset())


def _part(
    answers: Answers, samples: Sequence[Answered], asked: Sequence[int], probe: Sequence[str]
) -> tuple[Answers, tuple[Answered, ...]]:
    """Answers and samples over the asked queries only, in the order of the map's clouds."""
    from core.statistics.answers import restrict

    wanted = {probe[j] for j in asked}
    return restrict(answers, asked), tuple(sample for sample in samples if sample.query in wanted)
