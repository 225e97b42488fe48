"""Which kind of table a file is: its first bytes say it, else its name, else its first sign."""

from __future__ import annotations

from pathlib import PurePath
from typing import BinaryIO

from core.errors import ImportFormatError
from core.importing.files import PARQUET, first_bytes, text
from core.importing.limits import Limits
from core.importing.parquet_table import ParquetTable
from core.importing.tables import CsvTable, JsonLines, Table

JSON_ENDINGS = frozenset({".jsonl", ".ndjson", ".json"})
CSV_ENDINGS = frozenset({".csv", ".tsv"})


def table_of(file: BinaryIO, name: str, limits: Limits) -> Table:
    """The table in an open file, whatever it is called: by its first bytes, then its name, then its first sign.

    Raises ImportFormatError where it is none, or its header cannot be used.
    """
    if first_bytes(file, name, len(PARQUET)) == PARQUET:
        return ParquetTable(file, name, limits)
    endings = [ending.lower() for ending in PurePath(name).suffixes[-2:]]
    if endings[-1:] == [".parquet"]:
        raise ImportFormatError(f"{name} is no Parquet file: it does not begin as one; export it again.")
    if JSON_ENDINGS.intersection(endings):
        return JsonLines(file, name, limits)
    if CSV_ENDINGS.intersection(endings):
        return CsvTable(file, name, limits)
    with text(file, name, limits, "\n") as content:
        sign = content.read(4096).lstrip()[:1]
    return (JsonLines if sign in ("{", "[") else CsvTable)(file, name, limits)
