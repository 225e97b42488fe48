"""Rows of a text file, one at a time: CSV with a header, and JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple, Protocol

from core.errors import ImportFormatError
from core.importing.files import lines
from core.importing.limits import Limits
from core.importing.problems import cause, quoted

DELIMITERS = (",", ";", "\t")
NO_OBJECT = "no JSON object of different keys"
RAGGED = "more or fewer cells than the header"


class Row(NamedTuple):
    """One row: its number as people count, its cells in the order asked for, and what is wrong with the whole."""

    number: int
    cells: tuple[Any, ...]
    fault: str = ""


class Table(Protocol):
    """A file of rows. columns: the names it has; typed: whether cells are more than strings."""

    typed: bool

    @property
    def columns(self) -> tuple[str, ...]: ...
    def rows(self, names: Sequence[str]) -> Iterator[Row]:
        """All rows from the first on, with the cells of these columns; None for what is not there."""
        ...


class NoCsv(ImportFormatError):
    """A row is no CSV with the delimiter at hand."""


class CsvTable:
    """CSV with one header row, which is row 1, as in a spreadsheet; cells parted by commas, semicolons or tabs."""

    typed = False

    def __init__(self, file: BinaryIO, name: str, limits: Limits) -> None:
        self._file, self._name, self._limits = file, name, limits
        headers = {delimiter: self._header(delimiter) for delimiter in DELIMITERS}
        self._delimiter = max(DELIMITERS, key=lambda delimiter: len(headers[delimiter]))
        if not headers[self._delimiter]:
            next(self._records(self._delimiter))  # says what is wrong with it
        self.columns = headers[self._delimiter]
        check_columns(self.columns, name, limits)

    def rows(self, names: Sequence[str]) -> Iterator[Row]:
        """All rows after the header; blank ones are passed over."""
        places = [self.columns.index(name) for name in names]
        width = len(self.columns)
        header = True
        for number, cells in self._records(self._delimiter):
            if not cells:
                continue
            if header:
                header = False
            elif len(cells) != width:
                yield Row(number, (), RAGGED)
            else:
                yield Row(number, tuple(cells[place] for place in places))

    def _header(self, delimiter: str) -> tuple[str, ...]:
        """The first row that is not blank; nothing where it is no row with this delimiter."""
        try:
            for _, cells in self._records(delimiter):
                if cells:
                    return tuple(cell.strip() for cell in cells)
        except NoCsv:
            return ()
        raise ImportFormatError(f"{self._name} holds no rows; export the generations again.")

    def _records(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        fed = _Fed(lines(self._file, self._name, self._limits, ""), self._name, self._limits)
        reader = csv.reader(fed, delimiter=delimiter, strict=True)
        number = 0
        while True:
            number += 1
            fed.begin(number)
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise NoCsv(
                    f"Row {number:,} of {self._name} is no CSV ({cause(error)}); quote cells that hold quotes, "
                    "commas or line ends, and double the quotes inside."
                ) from error
            yield number, cells


class _Fed:
    """The lines that a CSV reader takes for one row, counted, so that a quote without end is noticed."""

    def __init__(self, source: Iterator[tuple[int, str]], name: str, limits: Limits) -> None:
        self._source, self._name, self._limit = source, name, limits.line_characters
        self._row = self._taken = 0

    def begin(self, row: int) -> None:
        self._row, self._taken = row, 0

    def __iter__(self) -> _Fed:
        return self

    def __next__(self) -> str:
        line = next(self._source)[1]
        self._taken += len(line)
        if self._taken > self._limit:
            raise ImportFormatError(
                f"Row {self._row:,} of {self._name} has more than {self._limit:,} characters; "
                "look for a quote that is not closed."
            )
        return line


class JsonLines:
    """One JSON object a line; the number of a row is that of its line, and blank lines are passed over."""

    typed = True

    def __init__(self, file: BinaryIO, name: str, limits: Limits) -> None:
        self._file, self._name, self._limits = file, name, limits
        found: dict[str, None] = {}
        for _, line in self._lines():
            if not found and line.startswith("["):
                raise ImportFormatError(f"{name} holds JSON lists; write one object a line (JSON lines).")
            known = len(found)
            found.update(dict.fromkeys(_object(line) or ()))
            if len(found) > known:
                check_columns(found, name, limits)
        self.columns = tuple(found)

    def rows(self, names: Sequence[str]) -> Iterator[Row]:
        """All objects."""
        for number, line in self._lines():
            values = _object(line)
            if values is None:
                yield Row(number, (), NO_OBJECT)
            else:
                yield Row(number, tuple(values.get(name) for name in names))

    def _lines(self) -> Iterator[tuple[int, str]]:
        for number, line in lines(self._file, self._name, self._limits, "\n"):
            if stripped := line.strip():
                yield number, stripped


def check_columns(columns: Sequence[str] | dict[str, None], name: str, limits: Limits) -> None:
    """Raise ImportFormatError for more columns than any table of generations has, or names without end."""
    if len(columns) > limits.columns:
        raise ImportFormatError(f"{name} has more than {limits.columns:,} columns; keep those that matter.")
    for column in columns:
        if len(column) > limits.name_characters:
            raise ImportFormatError(
                f"{name} has a column with a name of {len(column):,} characters ({quoted(column)}); "
                "look whether its first row is a header."
            )


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = _DECODER.decode(line)
    except (ValueError, RecursionError):  # digits without end, and lists in lists in lists
        return None
    return value if isinstance(value, dict) else None


def _different(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_different)
