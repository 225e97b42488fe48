"""A generator is anything that answers queries: a model pair with its sliders, the real data, an imported run.

This is the seam between the store and the statistics: texts come out as embedded `Answers`, one array a query.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.embedding import DIMENSION, VectorCache, content_key
from core.errors import SettingsError
from core.sliders import SteerSettings
from core.statistics.answers import Answers
from core.storage.records import Run, Sample
from core.store import Store
from core.tasks import Task

REAL = "real"


@dataclass(frozen=True)
class Answered:
    """One answer: its id on the page, the query it answers, its text, and the chain that wrote it (None: alone)."""

    id: str
    query: str
    text: str
    chain: int | None = None


class Generator(Protocol):
    """Something that has answered queries. key: its name on maps; independent: answers do not depend on one another."""

    @property
    def key(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def settings(self) -> dict[str, Any]: ...
    @property
    def independent(self) -> bool: ...
    def answers(self) -> Sequence[Answered]:
        """All answers so far."""
        ...


@dataclass(frozen=True)
class RealGenerator:
    """The real rows of a task's probe queries: replicates like any other generator's."""

    task: Task
    key: str = REAL
    kind: str = REAL
    independent: bool = True

    @property
    def label(self) -> str:
        """What maps write beside its mark."""
        return "real"

    @property
    def settings(self) -> dict[str, Any]:
        """Real data have no sliders."""
        return {}

    def answers(self) -> list[Answered]:
        """The references of the probe queries, in file order."""
        return [
            Answered(f"{query.id}/{number}", query.id, text)
            for query in self.task.with_role("probe")
            for number, text in enumerate(query.references)
        ]


@dataclass(frozen=True)
class StoredGenerator:
    """A run in the store: one that was steered here, or generations made elsewhere."""

    store: Store
    run: Run

    @property
    def key(self) -> str:
        """The run's id."""
        return self.run.id

    @property
    def kind(self) -> str:
        """steer, imported or endpoint."""
        return self.run.kind

    @property
    def settings(self) -> dict[str, Any]:
        """The sliders, or whatever settings came with an import."""
        return dict(self.run.settings)

    @property
    def label(self) -> str:
        """The three sliders everyone compares, or the run's id."""
        steered = self.steered
        return steered.short() if steered else self.run.id

    @property
    def steered(self) -> SteerSettings | None:
        """The sliders of a steered run; None for other kinds and for sliders of a newer version."""
        if self.run.kind != "steer":
            return None
        try:
            return SteerSettings.from_mapping(self.run.settings)
        except SettingsError:
            return None

    @property
    def independent(self) -> bool:
        """False where later answers read earlier ones: then the chain is the independent unit."""
        steered = self.steered
        return steered is None or not steered.pool_grows

    def answers(self) -> list[Answered]:
        """The stored samples, in the order of arrival."""
        return [self.answered(sample) for sample in self.store.samples(self.run.id)]

    def answered(self, sample: Sample) -> Answered:
        """One sample as an answer."""
        return Answered(str(sample.id), sample.query, sample.text, None if self.independent else sample.chain)


def embedded(generator: Generator, queries: Sequence[str], cache: VectorCache) -> tuple[Answers, list[Answered]] | None:
    """The generator's answers to `queries` as vectors from the cache, and the answers in the same order.

    Answers whose vector is not known yet are left out: they join once the worker has embedded them.
    None where nothing is left.
    """
    place = {query: number for number, query in enumerate(queries)}
    asked = [one for one in generator.answers() if one.query in place]
    keys = {one.id: content_key(one.text) for one in asked}
    vectors = cache.get(list(dict.fromkeys(keys.values())))
    kept: list[list[Answered]] = [[] for _ in queries]
    for one in asked:
        if keys[one.id] in vectors:
            kept[place[one.query]].append(one)
    if not any(kept):
        return None
    chains = None if generator.independent else tuple(_chains(cell) for cell in kept)
    arrays = tuple(_stack(vectors[keys[one.id]] for one in cell) for cell in kept)
    return Answers(generator.key, arrays, chains), [one for cell in kept for one in cell]


def _stack(vectors: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    rows = list(vectors)
    return np.stack(rows) if rows else np.zeros((0, DIMENSION), np.float32)


def _chains(cell: Sequence[Answered]) -> NDArray[np.int64]:
    return np.array([one.chain for one in cell], dtype=np.int64)
