"""Rows of a table as answers: every cell read for what it should say, every fault counted with its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from core.errors import ImportFormatError
from core.importing import cells
from core.importing.columns import Columns, Meaning
from core.importing.limits import Limits
from core.importing.problems import Problems
from core.importing.tables import Table

Reader = Callable[[Any], Any]


class Answer(NamedTuple):
    """One generation. query, run, context, replicate: None where the file has no such column; settings and
    scores in the order of the columns, None where a cell is empty."""

    row: int
    text: str
    query: str | None
    run: str | None
    context: str | None
    replicate: int | None
    settings: tuple[Any, ...]
    scores: tuple[float | None, ...]


def answers(table: Table, columns: Columns, file: str, limits: Limits, problems: Problems) -> Iterator[Answer]:
    """Every answer whose cells can be used; of the others `problems` knows the rows.

    Raises ImportFormatError where the file cannot be read on, or has more rows than the limit.
    """
    single = columns.single
    typed, most = table.typed, limits.name_characters
    readers = [_reader(meaning, column, typed, limits) for meaning, column in single.items()]
    readers += [partial(cells.setting, column=column, typed=typed, most=most) for column in columns.settings]
    readers += [partial(cells.score, column=column, typed=typed) for column in columns.scores]
    scores_from = len(single) + len(columns.settings)
    for number, row in enumerate(table.rows(columns.names), start=1):
        if number > limits.rows:
            raise ImportFormatError(f"{file} has more than {limits.rows:,} rows; split it into smaller files.")
        if row.fault:
            problems.add(row.fault, row.number)
            continue
        found = _read(row.number, row.cells, readers, problems)
        if found is None:
            continue
        said = dict(zip(single, found, strict=False))
        yield Answer(
            row=row.number,
            text=said["text"],
            query=said.get("query"),
            run=said.get("run"),
            context=said.get("context"),
            replicate=said.get("replicate"),
            settings=tuple(found[len(single) : scores_from]),
            scores=tuple(found[scores_from:]),
        )


def _reader(meaning: Meaning, column: str, typed: bool, limits: Limits) -> Reader:
    if meaning == "text":
        return partial(cells.answer, column=column, most=limits.cell_characters)
    if meaning == "replicate":
        return partial(cells.count, column=column, typed=typed)
    most = limits.query_characters if meaning == "query" else limits.name_characters
    return partial(cells.name, column=column, most=most)


def _read(row: int, values: tuple[Any, ...], readers: list[Reader], problems: Problems) -> list[Any] | None:
    """What the cells say; None where one of them says nothing that can be used."""
    found: list[Any] = []
    for read, cell in zip(readers, values, strict=True):
        try:
            found.append(read(cell))
        except cells.Fault as fault:
            problems.add(fault.kind, row, fault.example)
    return found if len(found) == len(readers) else None
