"""The process that decodes a Parquet file: `python -m core.importing.parquet_reader REQUEST`, the file on stdin.

A damaged file can make the decoder stop the process it is in, or ask for any amount of memory: so that is this
one, and it may have a fixed amount. It prints JSON lines; REQUEST is JSON: {"columns": null} for the names of
the columns and the number of rows, or the columns that are wanted, for a list of cells a row. What cannot be read
is said in one line on standard error, with exit code 3. It imports as little as it can, to start quickly.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from core.importing.unusable import Unusable

REFUSED = 3
"""Exit code where the file cannot be read and standard error says why."""

BATCH = 256
"""Rows decoded at once."""

MEMORY = 3 * 2**29
"""Bytes that the process may have, where the system can hold it to that."""


class Refused(Exception):
    """Why a file cannot be read, as a part of a sentence."""


def lines(file: BinaryIO, request: dict[str, Any]) -> Iterator[str]:
    """The answer to a request, line by line."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        whole = pq.ParquetFile(file)
        if request["columns"] is None:
            yield json.dumps({"columns": whole.schema_arrow.names, "rows": whole.metadata.num_rows})
            return
        words = _words(whole.schema_arrow, request["columns"])
        count = 0
        try:
            for row in _rows(file, request, words):
                yield json.dumps(row)
                count += 1
        except OSError as error:
            if "Not yet implemented" not in str(error):
                raise
            # One encoding, rare and with little to share, cannot be read as a dictionary.
            for row in islice(_rows(file, request, []), count, None):
                yield json.dumps(row)
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, MemoryError) as error:
        raise Refused(str(error).strip() or type(error).__name__) from error


def _rows(file: BinaryIO, request: dict[str, Any], words: list[str]) -> Iterator[list[Any]]:
    """The cells of every row; words: columns read as dictionaries, so that a million rows of one long word
    stay one word."""
    import pyarrow.parquet as pq

    names = list(dict.fromkeys(request["columns"]))
    file.seek(0)
    whole = pq.ParquetFile(file, read_dictionary=words, buffer_size=1 << 16, pre_buffer=False)
    for batch in whole.iter_batches(batch_size=BATCH, columns=names, use_threads=False):
        columns = {name: cells(batch.column(name), request["characters"]) for name in names}
        yield from ([*row] for row in zip(*(columns[name] for name in request["columns"]), strict=True))


def _words(schema: Any, names: list[str]) -> list[str]:
    """The columns that hold strings; Refused where one holds more than single values: lists, dates, bytes."""
    from pyarrow import types

    found = []
    plain = (_is_text, types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
    for name in dict.fromkeys(names):
        kind = schema.field(name).type
        inner = kind.value_type if types.is_dictionary(kind) else kind
        if not any(fits(inner) for fits in plain):
            raise Refused(f"the column {name!r} holds {kind}, which is neither text nor a number")
        found += [name] if _is_text(inner) else []
    return found


def cells(column: Any, characters: int) -> list[Any]:
    """The values of a column as JSON has them; of strings that are longer, or no UTF-8, what is wrong with them."""
    from pyarrow import types

    if not types.is_dictionary(column.type):
        return [_value(value, characters) for value in column]
    words = column.dictionary
    places = column.indices.to_pylist()
    if any(place is not None and not 0 <= place < len(words) for place in places):
        raise ValueError("a word stands in no dictionary")  # which the decoder does not check
    known = {place: _value(words[place], characters) for place in set(places) if place is not None}
    return [None if place is None else known[place] for place in places]


def _value(scalar: Any, characters: int) -> Any:
    if not scalar.is_valid:
        return None
    if _is_text(scalar.type) and len(scalar.as_buffer()) > 4 * characters:
        return {"unusable": Unusable.TOO_LONG.value}
    try:
        value = scalar.as_py()
    except UnicodeDecodeError:
        return {"unusable": Unusable.UNREADABLE.value}
    return value if value is None or isinstance(value, str | bool | int | float) else float(value)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def main() -> int:
    """Answer one request."""
    _hold_back()
    with open(0, "rb", closefd=False) as file:
        try:
            for line in lines(file, json.loads(sys.argv[1])):
                sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except Refused as why:
            sys.stderr.write(str(why))
            return REFUSED
        except BrokenPipeError:
            return 1  # nobody reads any more
    return 0


def _hold_back() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main())
