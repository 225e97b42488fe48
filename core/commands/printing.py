"""JSON on standard output: one document a command, null for what is unknown, and errors in one line."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import typer
from typer.core import TyperGroup

from core.errors import SteerscopeError

_LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""Characters that JSON may hold as they are and that many readers take for the end of a line."""


class Commands(TyperGroup):
    """Commands whose explained errors are one line on standard error, and never a traceback."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command; exit 1 for an explained error, 130 for Ctrl-C, 0 where the reader went away."""
        try:
            return super().invoke(ctx)
        except SteerscopeError as error:
            say(str(error))
            raise typer.Exit(1) from error
        except KeyboardInterrupt as stop:
            say(str(stop) or "Interrupted.")
            raise typer.Exit(130) from stop
        except BrokenPipeError:
            # `steerscope samples RUN | head`: the reader has what it wanted. Python flushes once more as it
            # ends, into nothing now.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None


def print_document(document: Any) -> None:
    """Print a dataclass as one JSON document."""
    _write([_json(document, indent=2)])


def print_lines(documents: Iterable[Any]) -> None:
    """Print dataclasses as JSON lines."""
    _write(_json(document, indent=None) for document in documents)


def say(sentence: str) -> None:
    """One line on standard error, whatever the sentence holds."""
    typer.echo(" ".join(sentence.split()), err=True)


def plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses as objects, numbers that are not finite as null.

    Raises TypeError where a value has no place in JSON.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):  # numpy's float64 is one
        return float(value) if math.isfinite(value) else None
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _json(document: Any, indent: int | None) -> str:
    text = json.dumps(plain(document), ensure_ascii=False, allow_nan=False, indent=indent)
    for character, escape in _LINE_ENDS.items():
        text = text.replace(character, escape)
    return text


def _write(texts: Iterable[str]) -> None:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # JSON is UTF-8 in any locale
    for text in texts:
        sys.stdout.write(text + "\n")
    sys.stdout.flush()  # here, where a broken pipe is caught
