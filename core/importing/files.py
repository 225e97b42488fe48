"""A file as it lies on disk: opened only where it is one, recognised by its first bytes, unpacked within bounds."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import ImportFormatError
from core.importing.limits import Limits
from core.importing.problems import cause

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
FOREIGN = {
    PARQUET: "a Parquet file inside a gzip file",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\xfd7zXZ": "packed by xz",
    b"\x28\xb5\x2f\xfd": "packed by Zstandard",
    b"ARROW1\0\0": "an Arrow file",
    b"SQLite format 3\0": "an SQLite database",
    b"%PDF-": "a PDF",
}
"""First bytes of what people have and the readers of text cannot read."""

BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_WIDE = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_BLOCK = 1 << 16


def shown(path: Path) -> str:
    """A path as a sentence may say it, whatever its characters."""
    text = str(path)
    return text if text.isprintable() else repr(text)


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[io.FileIO]:
    """The file, open for reading; ImportFormatError where it is no plain file, empty, too large or unreadable.

    It is opened before it is looked at and never waits, so that a pipe put in its place hangs nobody. It has no
    buffer, since the reader of Parquet, another process, moves in it too.
    """
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise ImportFormatError(
            f"The file {shown(path)} cannot be read ({cause(error)}); check its name and rights."
        ) from error
    _check_plain(number, path)
    with os.fdopen(number, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise ImportFormatError(f"The file {shown(path)} is empty; export the generations again.")
        if size > limits.file_bytes:
            raise ImportFormatError(
                f"The file {shown(path)} has {size:,} bytes, above the limit of {limits.file_bytes:,}; split it."
            )
        yield file


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Around every read: what a disk or an unpacker says becomes an ImportFormatError."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise ImportFormatError(
            f"{name} cannot be read to its end ({cause(error)}); it is cut off or damaged, so export it again."
        ) from error


def digest(file: io.FileIO, name: str) -> str:
    """sha256 of the whole file, in hexadecimal; the place in it is lost."""
    with reading(name):
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def first_bytes(file: BinaryIO, name: str, count: int) -> bytes:
    """The first bytes of an open file, which stands at its start afterwards."""
    with reading(name):
        file.seek(0)
        found = file.read(count)
        file.seek(0)
        return found


class Content(io.RawIOBase):
    """The bytes of a text file from its start, unpacked where it is packed, and never more than the limit."""

    def __init__(self, file: BinaryIO, name: str, limits: Limits) -> None:
        self._name = name
        self._limit = limits.content_bytes
        self._taken = 0
        packed = first_bytes(file, name, len(GZIP)) == GZIP
        self._unpacker = gzip.GzipFile(fileobj=file, mode="rb") if packed else None
        self._source: Any = self._unpacker or file

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; ImportFormatError where the content grows past the limit."""
        view = memoryview(buffer)
        with reading(self._name):
            data = self._source.read(len(view))
        view[: len(data)] = data
        self._taken += len(data)
        if self._taken > self._limit:
            raise ImportFormatError(
                f"{self._name} holds more than {self._limit:,} bytes of text; split it into smaller files."
            )
        return len(data)

    def close(self) -> None:
        """Let go of the unpacker; the file stays open, it is its opener's."""
        if self._unpacker is not None:
            self._unpacker.close()
        super().close()


@contextmanager
def text(file: BinaryIO, name: str, limits: Limits, newline: str) -> Iterator[io.TextIOWrapper]:
    """The file as text, UTF-8 unless its first bytes say UTF-16; bytes that are neither come as lone surrogates.

    newline: as `open` takes it.
    """
    with io.BufferedReader(Content(file, name, limits), _BLOCK) as content:
        start = content.peek(_BLOCK)[:32]
        for mark, what in FOREIGN.items():
            if start.startswith(mark):
                raise ImportFormatError(f"{name} is {what}; save the generations as CSV, JSON lines or Parquet.")
        if start.startswith(_WIDE):
            raise ImportFormatError(f"{name} is written in UTF-32; save it as UTF-8.")
        encoding = next((code for mark, code in BYTE_ORDER_MARKS.items() if start.startswith(mark)), "utf-8")
        with io.TextIOWrapper(content, encoding=encoding, errors="surrogateescape", newline=newline) as wrapped:
            try:
                yield wrapped
            except UnicodeError as error:
                raise ImportFormatError(f"{name} is no text in UTF-8; save it as UTF-8.") from error


def lines(file: BinaryIO, name: str, limits: Limits, newline: str) -> Iterator[tuple[int, str]]:
    """The lines of a text file with their numbers from 1; ImportFormatError for a line that is no text."""
    with text(file, name, limits, newline) as content:
        number = 0
        while True:
            number += 1
            try:
                line = content.readline(limits.line_characters + 1)
            except UnicodeError as error:
                raise _no_text(name, number) from error
            if not line:
                return
            if len(line) > limits.line_characters:
                raise ImportFormatError(
                    f"Line {number:,} of {name} has more than {limits.line_characters:,} characters; "
                    "write one row a line and shorten its cells."
                )
            if _NO_TEXT.search(line):
                raise _no_text(name, number)
            yield number, line


def _no_text(name: str, line: int) -> ImportFormatError:
    return ImportFormatError(f"Line {line:,} of {name} is no text in UTF-8; save the file as UTF-8.")


def _check_plain(number: int, path: Path) -> None:
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return
    os.close(number)
    what = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
    raise ImportFormatError(f"{shown(path)} is {what}; name a CSV, JSON lines or Parquet file.")
