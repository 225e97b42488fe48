"""Runs with the scores of the students they trained: what a prediction learns from, checked once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.errors import StatisticsError
from core.statistics.answers import Answers, Floats, Integers

LEAST_RUNS = 5
"""Runs below which nothing is fitted: two are left out at a time, and a line needs points to miss."""

MOST_RUNS = 500

SEED = "seed"
"""The setting that does not make a setting another one."""


@dataclass(frozen=True, eq=False)
class Runs:
    """n generators that answered the same queries, and the score of the student that each one's data trained.

    settings: sliders or imported columns; scores: (n,) means over training seeds; errors: (n,) their standard
    errors, NaN where unknown; families: model family of each, None where all are of one. real: the
    real data's answers, for the distance to them. estimates: (n,) student-free quality estimates by name;
    lengths: (n,) mean length of an answer.

    Raises StatisticsError where lengths differ, a key stands twice, a score is not finite, scores are
    constant, or there are fewer than LEAST_RUNS or more than MOST_RUNS runs.
    """

    keys: tuple[str, ...]
    answers: tuple[Answers, ...]
    settings: tuple[Mapping[str, Any], ...]
    scores: Floats
    errors: Floats | None = None
    families: tuple[str, ...] | None = None
    real: Answers | None = None
    estimates: Mapping[str, Floats] = field(default_factory=dict)
    lengths: Floats | None = None

    def __post_init__(self) -> None:
        n = len(self.keys)
        if n < LEAST_RUNS:
            raise StatisticsError(
                f"{_counted(n)} with a score {'is' if n == 1 else 'are'} too few to predict from; "
                f"score at least {LEAST_RUNS} runs."
            )
        if n > MOST_RUNS:
            raise StatisticsError(f"{n:,} runs are too many to refit a map for each; choose at most {MOST_RUNS}.")
        columns: dict[str, Sequence[Any] | Floats | None] = {
            "answers": self.answers,
            "settings": self.settings,
            "scores": self.scores,
            "errors": self.errors,
            "families": self.families,
            "lengths": self.lengths,
            **self.estimates,
        }
        for name, column in columns.items():
            if column is not None and len(column) != n:
                raise StatisticsError(f"There are {n} runs and {len(column)} {name}; give one for every run.")
        if len(set(self.keys)) < n:
            twice = next(key for key in self.keys if self.keys.count(key) > 1)
            raise StatisticsError(f"{twice} stands twice among the runs; give every run a key of its own.")
        self._check_numbers()

    def _check_numbers(self) -> None:
        """Every number that is learnt from is finite, and there is something to learn."""
        for name, column in {"score": self.scores, "length": self.lengths, **self.estimates}.items():
            if column is None:
                continue
            wrong = [key for key, value in zip(self.keys, column, strict=True) if not math.isfinite(value)]
            if wrong:
                raise StatisticsError(
                    f"The {name} of {_listed(wrong)} is not a finite number; score again or leave the run out."
                )
        if self.errors is not None and np.any(self.errors < 0):
            raise StatisticsError("A standard error of a score is negative; score the runs again.")
        low, high = float(np.min(self.scores)), float(np.max(self.scores))
        if high - low <= 1e-12 * max(1.0, abs(low), abs(high)):
            raise StatisticsError(
                f"All {len(self.keys)} runs score {low:g}, so there is nothing to predict; add runs at other settings."
            )

    @property
    def count(self) -> int:
        """Runs n."""
        return len(self.keys)

    @property
    def has_families(self) -> bool:
        """Whether there is more than one model family."""
        return self.families is not None and len(set(self.families)) > 1

    @property
    def noise(self) -> Floats:
        """(n,) squared standard errors of the scores; 0 where unknown."""
        if self.errors is None:
            return np.zeros(self.count)
        return np.where(np.isfinite(self.errors), np.nan_to_num(self.errors), 0.0) ** 2

    def same_setting(self) -> Integers:
        """(n,) numbers of the settings: runs that differ in their seed alone share one.

        A run without settings is a setting of its own.
        """
        names: dict[str, int] = {}
        found = []
        for key, family, settings in zip(self.keys, self.families or ("",) * self.count, self.settings, strict=True):
            known = {name: value for name, value in settings.items() if name != SEED}
            own = json.dumps([family, known], sort_keys=True, default=str) if known else f"\0{key}"
            found.append(names.setdefault(own, len(names)))
        return np.array(found, dtype=np.int64)

    def groups(self) -> Integers:
        """(n,) what is left out together: a model family where there are several, else runs of one setting."""
        if self.has_families and self.families is not None:
            return np.unique(np.array(self.families), return_inverse=True)[1].astype(np.int64)
        return self.same_setting()

    def chosen(self, places: Sequence[int] | Integers) -> Runs:
        """Some of the runs, in the order given."""
        index = np.asarray(places, dtype=np.int64)
        return Runs(
            keys=tuple(self.keys[i] for i in index),
            answers=tuple(self.answers[i] for i in index),
            settings=tuple(self.settings[i] for i in index),
            scores=self.scores[index],
            errors=None if self.errors is None else self.errors[index],
            families=None if self.families is None else tuple(self.families[i] for i in index),
            real=self.real,
            estimates={name: column[index] for name, column in self.estimates.items()},
            lengths=None if self.lengths is None else self.lengths[index],
        )


def _counted(n: int) -> str:
    return "1 run" if n == 1 else f"{n} runs"


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
