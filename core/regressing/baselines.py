"""What the map has to beat: predictions without it, by the same folds and the same ridge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.regressing.designs import ColumnDesigns, squares_too
from core.regressing.encoding import Encoding
from core.regressing.folds import Folds
from core.regressing.nested import nested
from core.regressing.runs import Runs
from core.statistics.answers import Floats

SIGNIFICANT = 0.05

MEAN, SETTINGS, TEMPERATURE, LENGTH = "mean", "settings only", "temperature only", "length only"


@dataclass(frozen=True)
class Baseline:
    """A prediction without the map, over the same left-out runs.

    q2, mae: None with one sentence in `reason` where it cannot be made; mae_low, mae_high: the 95% bootstrap interval
    of the mean absolute error over runs. gain: how much smaller the map's is, with its interval, paired: the same
    runs drawn for both; gain_p: one-sided p-value of a gain. Filled in by `evaluate`.
    """

    name: str
    q2: float | None
    mae: float | None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    reason: str | None = None
    mae_low: float | None = None
    mae_high: float | None = None
    gain_p: float | None = None

    @property
    def beaten(self) -> bool:
        """Whether the map's error is smaller by more than chance."""
        return self.gain_p is not None and self.gain_p <= SIGNIFICANT


def baseline_predictions(runs: Runs, folds: Folds) -> dict[str, Floats | str]:
    """Left-out predictions (n,) of every baseline by name, or one sentence why it cannot be made.

    Beside the mean: all settings, the temperature alone, every student-free estimate, the length of answers. Each
    may bend: the inner folds choose between the columns alone and with their squares, and the penalty.
    """
    found: dict[str, Floats | str] = {MEAN: _means(runs, folds)}
    columns: dict[str, Floats | str] = {
        SETTINGS: _settings(runs, None),
        TEMPERATURE: _settings(runs, ["temperature"]),
        **{name: np.asarray(column, dtype=np.float64)[:, None] for name, column in runs.estimates.items()},
        LENGTH: "The lengths of the answers were not given." if runs.lengths is None else runs.lengths[:, None],
    }
    for name, given in columns.items():
        if isinstance(given, str):
            found[name] = given
        elif np.ptp(given, axis=0).max() == 0:
            found[name] = "It is the same for every run."
        else:
            designs = ColumnDesigns(tuple(squares_too(given)))
            found[name] = nested(designs, "ridge", runs.scores[:, None], folds).predictions[:, 0]
    return found


def _settings(runs: Runs, only: list[str] | None) -> Floats | str:
    encoding = Encoding.of(runs.settings, only)
    if encoding.width:
        return encoding.rows(runs.settings)
    return "No setting differs between the runs." if only is None else f"The runs do not differ in {only[0]}."


def _means(runs: Runs, folds: Folds) -> Floats:
    """The mean score of the other folds."""
    found = np.empty(runs.count)
    for left in folds.outer:
        found[left] = runs.scores[folds.rest(left)].mean()
    return found


def q_squared(scores: Floats, predictions: Floats) -> Floats:
    """(B,) 1 - squared errors of left-out predictions (n, B) over those of the mean of all; may be negative."""
    away = ((scores - scores.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(1 - ((scores - predictions) ** 2).sum(axis=0) / away)
