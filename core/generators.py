"""A generator is anything that answers queries: a model pair with its sliders, the real data, an imported run.

This is the seam between the store and the statistics: texts come out as embedded `Answers`, one array a query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from core.embedding import VectorCache, content_key
from core.errors import SettingsError
from core.importing.origin import Origin
from core.sliders import SteerSettings
from core.statistics.answers import Answers
from core.storage.records import Run, StoredText
from core.store import Store
from core.tasks import Task

REAL = "real"
HELD_OUT = "heldout"
"""Keys of the real data and of the half of them that stands on the map as a second point."""


@dataclass(frozen=True)
class Answered:
    """One answer: its id on the page, the query it answers, its text.

    chain: that wrote it, and round: of that chain, None where answers do not depend on one another or a
    chain has no rounds.
    """

    id: str
    query: str
    text: str
    chain: int | None = None
    round: int | None = None


class Generator(Protocol):
    """Something that has answered queries.

    key: its name on maps; independent: answers do not depend on one another; deterministic: it always
    gives the same answer to a query.
    """

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
    @property
    def deterministic(self) -> bool: ...
    def answers(self) -> Sequence[Answered]:
        """All answers so far."""
        ...


@dataclass(frozen=True)
class Placed:
    """A generator as a map remembers it, without its answers: what can be stored and reopened."""

    key: str
    kind: str
    label: str
    settings: dict[str, Any]
    independent: bool
    deterministic: bool = False

    @classmethod
    def of(cls, generator: Generator) -> Placed:
        """What a map keeps of a generator."""
        return cls(
            generator.key,
            generator.kind,
            generator.label,
            generator.settings,
            generator.independent,
            generator.deterministic,
        )


@dataclass(frozen=True)
class RealGenerator:
    """The real rows of a task's probe queries: replicates like any other generator's.

    half: 0 or 1 for the even or odd rows of every query alone, None for all of them.
    """

    task: Task
    half: int | None = None
    kind: str = REAL
    independent: bool = True
    deterministic: bool = False

    @property
    def key(self) -> str:
        """The odd rows are those held out."""
        return HELD_OUT if self.half == 1 else REAL

    @property
    def label(self) -> str:
        """What maps write beside its mark."""
        return "held-out real" if self.half == 1 else "real"

    @property
    def settings(self) -> dict[str, Any]:
        """Real data have no sliders."""
        return {}

    def answers(self) -> list[Answered]:
        """The references of the probe queries, in file order; a row keeps its id in either half."""
        return [
            Answered(f"{query.id}/{number}", query.id, text)
            for query in self.task.with_role("probe")
            for number, text in enumerate(query.references)
            if self.half is None or number % 2 == self.half
        ]


@dataclass(frozen=True)
class StoredGenerator:
    """A run in the store with its texts: one that was steered here, or generations made elsewhere."""

    run: Run
    texts: Sequence[StoredText]

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
        """The three sliders everyone compares, the settings that came with an import, or the run's id."""
        if self.steered:
            return self.steered.short()
        given = {} if self.run.kind == "steer" else self.run.settings
        return " · ".join(f"{name} {_short(value)}" for name, value in given.items()) or self._name

    @property
    def _name(self) -> str:
        origin = Origin.of(self.run)
        return self.run.id if origin is None else origin.key or self.run.id

    @cached_property
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
        """False where answers read earlier ones, or share a context: then the chain is the independent unit.

        Generations made elsewhere are taken as independent unless a column names the context they share.
        """
        origin = Origin.of(self.run)
        if origin is not None:
            return origin.context is None
        return self.steered is None or not self.steered.pool_grows

    @property
    def deterministic(self) -> bool:
        """Whether the sliders leave nothing to chance; other kinds of runs do not say."""
        return self.steered is not None and self.steered.deterministic

    def answers(self) -> list[Answered]:
        """The texts in the order of arrival."""
        if self.independent:
            return [Answered(str(one.id), one.query, one.text) for one in self.texts]
        if self.steered is None:
            return [Answered(str(one.id), one.query, one.text, one.chain) for one in self.texts]
        return [Answered(str(one.id), one.query, one.text, one.chain, one.round) for one in self.texts]


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def stored_generators(store: Store, runs: Sequence[Run]) -> list[StoredGenerator]:
    """The generators of these runs, their texts read at once."""
    texts = store.texts([run.id for run in runs])
    return [StoredGenerator(run, texts[run.id]) for run in runs]


@dataclass(frozen=True, eq=False)
class Embedded:
    """A generator with its answers to some queries as vectors; samples: the same answers in the same order."""

    generator: Generator
    answers: Answers
    samples: tuple[Answered, ...]


def embedded(generators: Sequence[Generator], queries: Sequence[str], cache: VectorCache) -> list[Embedded]:
    """The generators' answers to `queries` as vectors from the cache, in the order of the queries.

    Answers whose vector is not known yet are left out: they join once the worker has embedded them.
    A generator of whom nothing is left is left out too.
    """
    place = {query: number for number, query in enumerate(queries)}
    asked = [[one for one in generator.answers() if one.query in place] for generator in generators]
    keys = [[content_key(one.text) for one in each] for each in asked]
    vectors = cache.get(list(dict.fromkeys(key for each in keys for key in each)))
    found = []
    for generator, given, names in zip(generators, asked, keys, strict=True):
        known = [i for i, key in enumerate(names) if key in vectors]
        if not known:
            continue
        cells = np.array([place[given[i].query] for i in known])
        order = np.argsort(cells, kind="stable").tolist()
        samples = tuple(given[known[i]] for i in order)
        rows = np.stack([vectors[names[known[i]]] for i in order])
        ends = np.cumsum(np.bincount(cells, minlength=len(queries)))[:-1]
        chains = rounds = None
        if not generator.independent:
            chains = tuple(np.split(np.array([one.chain for one in samples]), ends))
            if samples[0].round is not None:
                rounds = tuple(np.split(np.array([one.round for one in samples]), ends))
        answers = Answers(generator.key, tuple(np.split(rows, ends)), chains, generator.deterministic, rounds)
        found.append(Embedded(generator, answers, samples))
    return found
