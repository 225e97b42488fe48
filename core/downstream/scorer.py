"""What a scorer is: a name, a definition, a direction, a student, and how it is judged on held-out real rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.downstream.material import Material
from core.tasks import Task

T = TypeVar("T")
Vectors = NDArray[np.float32]
Steps = Generator[float, None, T]
"""Work in small steps: yields the share that is done, from 0 to 1, and returns its result."""


@dataclass(frozen=True)
class Measure:
    """One number of a student. name: in the store; definition: one sentence; better: which direction is."""

    name: str
    definition: str
    better: Literal["higher", "lower"]


@dataclass(frozen=True)
class Judged:
    """A student's measures by name, and what belongs beside them in words: signatures, rows that were left out."""

    values: Mapping[str, float]
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workshop:
    """What a scorer works with.

    vectors: texts to (n, p) unit vectors, in steps; beside: does blocking work without holding up other jobs,
    as `JobContext.beside` does; device: of the students.
    """

    vectors: Callable[[Sequence[str]], Generator[Any, None, Vectors]]
    beside: Callable[[Callable[[], Any]], Generator[None, None, Any]]
    device: str = "cpu"


class Scorer(Protocol):
    """A kind of student and how it is judged.

    The first of `measures` is the score that the scorer's own name stands for; its name is the scorer's.
    """

    @property
    def name(self) -> str: ...

    @property
    def measures(self) -> tuple[Measure, ...]: ...

    def fits(self, task: Task) -> str | None:
        """Why the task cannot be scored so, in one sentence; None where it can."""
        ...

    def recipe(self) -> Mapping[str, Any]:
        """Everything but the rows and the seed that decides a score, as JSON."""
        ...

    def score(self, material: Material, seed: int, shop: Workshop) -> Steps[Judged]:
        """Train a student with this seed and judge it; StatisticsError where the rows cannot carry it."""
        ...

    def start(self, material: Material, shop: Workshop) -> Steps[Judged]:
        """The same measures of the student before it learned; empty where that means nothing."""
        ...


def at_once(work: Callable[[], T]) -> Generator[None, None, T]:
    """`Workshop.beside` where nobody else waits: the work is done here and now."""
    return work()
    yield


def finished(steps: Generator[Any, None, T]) -> T:
    """Take all steps and return the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def part(steps: Steps[T], begin: float, end: float) -> Steps[T]:
    """The steps as a part of larger work, from share `begin` of it to share `end`."""
    while True:
        try:
            share = next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
        yield begin + (end - begin) * share


def told(steps: Generator[Any, None, T], share: float) -> Steps[T]:
    """Steps that say nothing of how far they are, as a piece of work that stands at this share."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        yield share
