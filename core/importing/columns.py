"""Which column of a file says what: the names that were given, or those that columns usually have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.errors import ImportFormatError, SettingsError
from core.importing.limits import Limits
from core.importing.problems import quoted
from core.storage.schema import NAME

Meaning = Literal["text", "query", "run", "context", "replicate"]
MEANINGS: tuple[Meaning, ...] = get_args(Meaning)
USUAL: tuple[Meaning, ...] = ("text", "query", "run")
"""Found by their own name where none is given; a column `context` often holds something else."""

NAMED = 12
"""Columns that a sentence names."""


@dataclass(frozen=True)
class Columns:
    """Column names by what they say; None where the file does not say it.

    text: the answer; query: id or text of what it answers; run: the key of its run; context: answers of one
    run with one value were written in one context and depend on one another; replicate: which answer to its
    query it is; settings, scores: read once a run.
    """

    text: str
    query: str | None = None
    run: str | None = None
    context: str | None = None
    replicate: str | None = None
    settings: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        there: Sequence[str],
        given: Mapping[str, str],
        settings: Sequence[str],
        scores: Sequence[str],
        file: str,
        limits: Limits,
    ) -> Columns:
        """The columns of a file that has these. ImportFormatError where one is missing or stands there twice,
        SettingsError for a meaning or a name that there is not."""
        for meaning in given:
            if meaning not in MEANINGS:
                raise SettingsError(f"A column can say {', '.join(MEANINGS)}, not {quoted(meaning)}; correct its name.")
        for name in (*settings, *scores):
            if not 0 < len(name) <= NAME:
                raise SettingsError(f"The name {quoted(name)} has not 1 to {NAME} characters; rename the column.")
        chosen: dict[str, Any] = {meaning: meaning for meaning in USUAL if meaning in there} | dict(given)
        wanted = [*chosen.values(), *settings, *scores]
        if "text" not in chosen:
            raise _missing("text", there, file, " or say which one holds the answers")
        for name in wanted:
            if name not in there:
                raise _missing(name, there, file, "")
            if there.count(name) > 1:
                raise ImportFormatError(f"{file} has {there.count(name)} columns named {quoted(name)}; rename one.")
        return cls(**chosen, settings=tuple(dict.fromkeys(settings)), scores=tuple(dict.fromkeys(scores)))

    @property
    def single(self) -> dict[Meaning, str]:
        """The column of everything that each row says itself."""
        return {meaning: column for meaning in MEANINGS if (column := getattr(self, meaning)) is not None}

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that is read, in one order."""
        return (*self.single.values(), *self.settings, *self.scores)

    def as_dict(self) -> dict[str, Any]:
        """As JSON: part of what makes two imports the same."""
        single: dict[str, Any] = {str(meaning): column for meaning, column in self.single.items()}
        return single | {"settings": list(self.settings), "scores": list(self.scores)}


def _missing(name: str, there: Sequence[str], file: str, also: str) -> ImportFormatError:
    known = ", ".join(quoted(column) for column in there[:NAMED]) or "none"
    rest = f" and {len(there) - NAMED:,} more" if len(there) > NAMED else ""
    return ImportFormatError(f"{file} has no column {quoted(name)}; its columns are {known}{rest}: name one{also}.")
