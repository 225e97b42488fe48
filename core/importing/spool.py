"""What a file holds between its check and the store: answers on disk, so that the store is locked for a moment only."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self

from core.errors import ImportFormatError

IN_MEMORY = 2**24
"""Bytes up to which nothing is written to disk."""


class Kept(NamedTuple):
    """One answer as it will be stored: the key of its run, and the columns of its row."""

    key: str
    query: str
    replicate: int
    chain: int
    text: str


class Spool:
    """A file without a name, which is gone with the process, however that ends."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115

    def add(self, answer: Kept) -> None:
        """Keep one more answer; ImportFormatError where the disk is full."""
        with _room():
            self._file.write(json.dumps(answer).encode() + b"\n")

    def __iter__(self) -> Iterator[Kept]:
        """The answers from the first on."""
        with _room():
            self._file.seek(0)
        for line in self._file:
            yield Kept(*json.loads(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImportFormatError(
            f"There is no room for the answers in the folder {tempfile.gettempdir()} ({error.strerror}); free some, "
            "or name another folder in TMPDIR."
        ) from error
