"""Settings as numbers: sliders and imported columns that vary, in columns that a model can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from core.regressing.runs import SEED
from core.statistics.answers import Floats


@dataclass(frozen=True)
class Encoding:
    """How settings become columns, each from 0 to 1 over the settings it was made from.

    numbers: (name, low, high) of every setting that varies and is a number throughout; words: (name, value) of
    every value of the others, one column each.
    """

    numbers: tuple[tuple[str, float, float], ...]
    words: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, settings: Sequence[Mapping[str, Any]], only: Sequence[str] | None = None) -> Encoding:
        """The columns of these settings, of some names only where asked; the seed is no setting."""
        names = sorted({name for each in settings for name in each if name != SEED})
        numbers, words = [], []
        for name in names if only is None else [name for name in only if name in names]:
            values = [each.get(name) for each in settings]
            if all(isinstance(value, Real) and not isinstance(value, bool) for value in values):
                given = np.array(values, dtype=np.float64)
                low, high = float(given.min()), float(given.max())
                if high > low and np.isfinite(given).all():
                    numbers.append((name, low, high))
                continue
            seen = sorted({str(value) for value in values})
            if 1 < len(seen) < len(values):
                # Of two values one column says it all; a name that every run has for itself says nothing.
                words += [(name, value) for value in (seen if len(seen) > 2 else seen[1:])]
        return cls(tuple(numbers), tuple(words))

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.numbers) + len(self.words)

    def rows(self, settings: Sequence[Mapping[str, Any]]) -> Floats:
        """(n, k) columns of some settings; numbers outside the range fall outside 0 to 1."""
        found = np.zeros((len(settings), self.width))
        for i, each in enumerate(settings):
            for column, (name, low, high) in enumerate(self.numbers):
                found[i, column] = (float(each[name]) - low) / (high - low)
            for column, (name, value) in enumerate(self.words, len(self.numbers)):
                found[i, column] = str(each.get(name)) == value
        return found
