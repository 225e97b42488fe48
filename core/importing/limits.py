"""How much of a file is read: every number that keeps a hostile or mistaken file from filling memory or pages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The largest file that is imported.

    file_bytes: of the file as it lies on disk; content_bytes: of its text once unpacked; line_characters: of
    one line of JSON or one row of CSV; cell_characters: of an answer; query_characters: of a query;
    name_characters: of a run's key, a context, a setting's name or word, a column's name; columns, rows, runs,
    queries: how many, rows such that no other writer waits as long as it may while they are stored.
    """

    file_bytes: int = 2**31
    content_bytes: int = 2**30
    line_characters: int = 4_000_000
    cell_characters: int = 100_000
    query_characters: int = 10_000
    name_characters: int = 200
    columns: int = 1_000
    rows: int = 250_000
    runs: int = 1_000
    queries: int = 10_000


LIMITS = Limits()
