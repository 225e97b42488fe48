"""What is wrong with the rows of a file, counted by kind, and the one sentence that says so."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import ImportFormatError

FIRST = 10
"""Rows of a kind that are named; the rest are counted."""

KINDS = 12
"""Kinds that one sentence names."""

EXAMPLE = 60
"""Characters of a cell that are quoted."""


@dataclass
class Kind:
    """One kind of problem: how many rows have it, the first of them, and what the first one says."""

    total: int = 0
    rows: list[int] = field(default_factory=list)
    example: str = ""

    def add(self, row: int, example: str = "") -> None:
        """Count one more row."""
        self.total += 1
        if len(self.rows) < FIRST:
            self.rows.append(row)
        self.example = self.example or example

    @property
    def where(self) -> str:
        """The rows in words: "row 7", "3 rows (2, 5 and 9)", "13 rows (2, 3, ... and 3 more)"."""
        if self.total == 1:
            return f"row {self.rows[0]}"
        named = [str(row) for row in self.rows]
        rest = self.total - len(named)
        last = f"{rest:,} more" if rest else named.pop()
        return f"{self.total:,} rows ({', '.join(named)} and {last})"


class Problems:
    """The problems found so far, in the order in which their kinds were met."""

    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {}

    def __bool__(self) -> bool:
        return bool(self.kinds)

    def add(self, kind: str, row: int, example: str = "") -> None:
        """Count a row. kind: what is wrong, as a noun: "no value in 'text'"."""
        self.kinds.setdefault(kind, Kind()).add(row, example)

    def error(self, file: str) -> ImportFormatError:
        """All of them as one sentence."""
        told = [
            f"{kind} in {found.where}{f', first {found.example}' if found.example else ''}"
            for kind, found in list(self.kinds.items())[:KINDS]
        ]
        if len(self.kinds) > KINDS:
            told.append(f"{len(self.kinds) - KINDS:,} more kinds of problem")
        return ImportFormatError(
            f"{file} was not imported, for it has {'; '.join(told)}; correct these rows or drop them, and import again."
        )


def quoted(value: object) -> str:
    """A cell as a sentence may quote it: one line, escaped and short."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= EXAMPLE else text[: EXAMPLE - 1] + "…")


def cause(error: BaseException) -> str:
    """What a library says went wrong, as a part of our own sentence."""
    return printable(str(getattr(error, "strerror", None) or error).strip() or type(error).__name__)


def printable(words: str) -> str:
    """The first line of what a library says, without control characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in words.strip().partition("\n")[0])[:200]
