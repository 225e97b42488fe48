"""What a student may learn from and what it is judged on; the one place where leaks are stopped.

A student learns answers to `train` queries and is judged on the real rows of `test` queries. Nothing of a `probe`
query comes near it, so that coordinates on the map and scores never share a text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from core.errors import StatisticsError
from core.neighbours import TrainingIndex
from core.tasks import Query, Role, Task


@dataclass(frozen=True)
class Row:
    """One text with the query that it answers."""

    query: Query
    text: str


@dataclass(frozen=True)
class Copies:
    """Texts that a generator wrote and that stand elsewhere too, compared word by word.

    test, probe: equal to a test or a probe text; they were left out. overlapping: share eight words in a row
    with a test row; they were kept and are only counted.
    """

    test: int = 0
    probe: int = 0
    overlapping: int = 0


@dataclass(frozen=True)
class Material:
    """rows: answers to train queries, in the order of queries and replicates; test: real rows of test queries."""

    task: Task
    rows: tuple[Row, ...]
    test: tuple[Row, ...]
    copies: Copies

    @cached_property
    def digest(self) -> str:
        """Changes with every text that is learned or judged on, and with every label."""
        parts = [[[row.query.text, row.query.label, row.text] for row in rows] for rows in (self.rows, self.test)]
        return hashlib.sha256(json.dumps([self.task.template, *parts]).encode()).hexdigest()[:16]

    def prompt(self, row: Row) -> str:
        """The prompt that the row answers."""
        return self.task.prompt(row.query)


def material_of(task: Task, answers: Iterable[tuple[str, str]]) -> Material:
    """The material of (query id, text) pairs, which must all answer train queries.

    Texts equal to a probe or test text are left out, and counted. Raises StatisticsError where an answer is to
    another role's query, where nothing is left, or where the task has no real test row.
    """
    rows = []
    for query, text in answers:
        asked = task.by_id.get(query)
        if asked is None or asked.role != "train":
            role = "no query" if asked is None else f"a {asked.role} query"
            raise StatisticsError(
                f"An answer to {query!r}, {role} of the task {task.name!r}, was about to train a student; "
                "give answers to train queries only."
            )
        rows.append(Row(asked, text))
    test = tuple(Row(query, text) for query in task.with_role("test") for text in query.references)
    if not test:
        raise StatisticsError(
            f"The task {task.name!r} has no real row for a test query, so no student can be judged; "
            "add references to queries with role 'test'."
        )
    texts = [row.text for row in rows]
    of_test, of_probe = (TrainingIndex(_texts(task, role)).find(texts) for role in _HELD_OUT)
    kept = [i for i in range(len(rows)) if not of_test.verbatim[i] and not of_probe.verbatim[i]]
    if not kept:
        raise StatisticsError(
            f"No answer to a train query of {task.name!r} is left to learn from; ask for answers to its train queries."
        )
    copies = Copies(
        int(of_test.verbatim.sum()),
        int((of_probe.verbatim & ~of_test.verbatim).sum()),
        int(of_test.any_copied[kept].sum()),
    )
    return Material(task, tuple(rows[i] for i in kept), test, copies)


def real_material(task: Task) -> Material | None:
    """The real rows of the train queries in a generator's place: the reference line; None where there are none."""
    answers = [(reference.query, reference.text) for reference in task.references("train")]
    return material_of(task, answers) if answers else None


def written(rows: Sequence[Row]) -> list[Row]:
    """The rows that hold a text at all: a language student cannot learn an empty answer."""
    return [row for row in rows if row.text.strip()]


_HELD_OUT: tuple[Role, Role] = ("test", "probe")


def _texts(task: Task, role: Role) -> list[str]:
    return [text for query in task.with_role(role) for text in (query.text, *query.references)]
