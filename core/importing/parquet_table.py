"""Rows of a Parquet file, decoded by a process of their own: whatever a damaged file does, it does it there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from core.errors import ImportFormatError
from core.importing.limits import Limits
from core.importing.parquet_reader import REFUSED
from core.importing.problems import printable
from core.importing.tables import Row, check_columns
from core.importing.unusable import Unusable
from core.settings import REPOSITORY


class ParquetTable:
    """A Parquet file; the number of a row is its place, from 1."""

    typed = True

    def __init__(self, file: BinaryIO, name: str, limits: Limits) -> None:
        self._file, self._name, self._limits = file, name, limits
        (said,) = self._ask(None)
        self.columns: tuple[str, ...] = tuple(said["columns"])
        check_columns(self.columns, name, limits)
        if said["rows"] > limits.rows:
            raise ImportFormatError(f"{name} has {said['rows']:,} rows, above the limit of {limits.rows:,}; split it.")

    def rows(self, names: Sequence[str]) -> Iterator[Row]:
        """All rows."""
        for number, cells in enumerate(self._ask(names), start=1):
            yield Row(number, tuple(cells))

    def _ask(self, names: Sequence[str] | None) -> Iterator[Any]:
        """What the reader says line by line, from the start of the file."""
        self._file.seek(0)
        request = {"columns": names, "characters": self._limits.cell_characters}
        for line in answered(self._file, json.dumps(request), self._name):
            yield json.loads(line, object_hook=_unusable)


def answered(file: BinaryIO, request: str, name: str) -> Iterator[str]:
    """The lines of a reader's answer; ImportFormatError where it refuses the file, or does not survive it."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaint:
        reader = subprocess.Popen(
            # -P: a folder named `core` where the user happens to stand is not ours.
            [sys.executable, "-P", "-m", "core.importing.parquet_reader", request],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=complaint,
            env=environment,
            encoding="utf-8",
        )
        try:
            assert reader.stdout is not None
            for line in reader.stdout:  # noqa: UP028 - `yield from` would close it where nobody reads on
                yield line
            code = reader.wait()
        finally:
            reader.kill()
            reader.communicate()
        complaint.seek(0)
        said = complaint.read(1_000) if code == REFUSED else "its reader did not survive it"
    if code:
        raise unreadable(name, said)


def unreadable(name: str, why: str) -> ImportFormatError:
    """The error for a file that is no Parquet, or not one of single values."""
    return ImportFormatError(
        f"{name} cannot be read as Parquet ({printable(why)}); write it again, with columns of text and numbers."
    )


def _unusable(value: dict[str, Any]) -> Any:
    return Unusable(value["unusable"]) if "unusable" in value else value
