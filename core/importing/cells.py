"""What a cell says: an answer, a name, a number, a setting; and what is wrong where it says none of these."""

from __future__ import annotations

import math
import re
from typing import Any

from core.importing.problems import quoted
from core.importing.unusable import Unusable
from core.storage.rows import storable

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_EMPTY = frozenset({"nan", "NaN", "null", "NA"})
"""What writers of CSV put where there is nothing."""
_TRUTHS = {"true": True, "false": False}
_MOST = 2**53
"""Up to here every whole number is a float too, in any reader of JSON."""
_LARGEST = 1e300


class Fault(Exception):
    """A cell cannot be used. kind: what it has instead, as a noun; example: the cell as a sentence may quote it."""

    def __init__(self, kind: str, example: str = "") -> None:
        super().__init__(kind)
        self.kind, self.example = kind, example


def answer(cell: Any, column: str, most: int) -> str:
    """The text of an answer, as it is; Fault where there is none, or it is no text, or it is too long."""
    text = _text(cell, column)
    if text is None or not text.strip():
        raise Fault(f"no text in {column!r}")
    _check_length(text, column, most)
    return storable(text)


def name(cell: Any, column: str, most: int) -> str:
    """A name: of a run, a query, a context. A whole number is one too, with its digits."""
    if isinstance(cell, float) and not math.isnan(cell):
        cell = int(cell) if cell.is_integer() else repr(cell)
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) < 10**18:
        cell = str(cell)
    text = _text(cell, column)
    if text is None or not text.strip():
        raise Fault(f"no value in {column!r}")
    _check_length(text, column, most)
    return storable(text.strip())


def count(cell: Any, column: str, typed: bool) -> int:
    """A whole number from 0 on: which replicate this is."""
    value = setting(cell, column, typed, 0)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None:
        raise Fault(f"no value in {column!r}")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise Fault(f"no whole number from 0 on in {column!r}", _quote(cell))
    return value


def score(cell: Any, column: str, typed: bool) -> float | None:
    """A number, None where the cell is empty."""
    value = setting(cell, column, typed, 0)
    if value is None:
        return None
    if isinstance(value, bool | str):
        raise Fault(f"no number in {column!r}", _quote(cell))
    return float(value)


def setting(cell: Any, column: str, typed: bool, most: int) -> str | int | float | bool | None:
    """The value of a setting: a number, a truth or a word of at most `most` characters; None where it is empty.

    typed: the file knows numbers from words; where it does not, what reads like a number is one.
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, str):
        word = cell.strip()
        if not word:
            return None
        read = word if typed else _read(word)
        if not isinstance(read, str):
            return setting(read, column, True, most)
        if most:
            _check_length(word, column, most)
        return storable(word)
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, int | float) and abs(cell) < math.inf:
        if abs(cell) <= _MOST:
            return cell
        if abs(cell) < _LARGEST:
            return float(cell)
    raise Fault(f"no single value in {column!r}", _quote(cell))


def _read(word: str) -> str | int | float | bool:
    if _WHOLE.fullmatch(word):
        return int(word)
    if _NUMBER.fullmatch(word):
        return float(word)
    if word in _EMPTY:
        return math.nan
    return _TRUTHS.get(word.lower(), word)


def _text(cell: Any, column: str) -> str | None:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if cell is Unusable.UNREADABLE:
        raise Fault(f"text that is not UTF-8 in {column!r}")
    if cell is Unusable.TOO_LONG:
        raise Fault(f"a cell without end in {column!r}")
    if not isinstance(cell, str):
        raise Fault(f"something that is no text in {column!r}", _quote(cell))
    return cell


def _check_length(text: str, column: str, most: int) -> None:
    if len(text) > most:
        raise Fault(f"more than {most:,} characters in {column!r}")


def _quote(cell: Any) -> str:
    """A cell in few words; of what holds other values only what it is."""
    if isinstance(cell, list | dict):
        return "a list" if isinstance(cell, list) else "an object"
    if isinstance(cell, int) and abs(cell) > _MOST:
        return "a number of many digits"
    return quoted(cell.value if isinstance(cell, Unusable) else cell)
