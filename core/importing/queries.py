"""Which query an answer answers: one of a task, named by its id or its text, or one of a task that is made here."""

from __future__ import annotations

from typing import Protocol

from core.errors import ImportFormatError
from core.importing.cells import Fault
from core.importing.limits import Limits
from core.importing.problems import quoted
from core.tasks import Role, Task, text_key

ONE = "all texts"
"""The query of a new task whose file has none."""


class Queries(Protocol):
    """Queries by what a file calls them."""

    def find(self, said: str | None) -> tuple[str, Role]:
        """The id and the role of a query; said: id or text, None where the file has no queries.

        Raises Fault where no generator may answer it, ImportFormatError where the whole file is at odds.
        """
        ...


class KnownQueries:
    """The queries of a task that exists."""

    def __init__(self, task: Task, file: str) -> None:
        self._task, self._file = task, file
        self._by_text = {text_key(query.text): query for query in task.queries}

    def find(self, said: str | None) -> tuple[str, Role]:
        """By id, else by text, apart from case and spaces."""
        if said is None:
            probe = self._task.with_role("probe")
            if len(probe) != 1:
                raise ImportFormatError(
                    f"{self._file} has no column of queries and the task {self._task.name!r} has {len(probe)}; "
                    "say which column holds them (query=NAME)."
                )
            return probe[0].id, "probe"
        query = self._task.by_id.get(said) or self._by_text.get(text_key(said))
        if query is None:
            raise Fault(f"a query that the task {self._task.name!r} does not have", quoted(said))
        if query.role == "test":
            raise Fault("a test query, which no generator answers", quoted(said))
        return query.id, query.role


class NewQueries:
    """The queries of a task that is made from a file: every different one, in the order of the file."""

    def __init__(self, file: str, limits: Limits) -> None:
        self._file, self._most = file, limits.queries
        self._ids: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        """Text of each query by its id."""

    def find(self, said: str | None) -> tuple[str, Role]:
        """The query of this text, made where it is new."""
        text = ONE if said is None else said
        key = text_key(text)
        if key not in self._ids:
            if len(self.texts) >= self._most:
                raise ImportFormatError(
                    f"{self._file} has more than {self._most:,} different queries; a map needs few queries with "
                    "several answers each, so name a column of fewer, or leave the queries out."
                )
            self._ids[key] = f"query-{len(self._ids) + 1:04}"
            self.texts[self._ids[key]] = text
        return self._ids[key], "probe"
