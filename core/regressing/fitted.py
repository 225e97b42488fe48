"""A prediction that was fitted: one tuned model a fold, from which a new generator gets its score and interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.errors import SettingsError
from core.regressing.designs import MapDesigns, offered
from core.regressing.features import Evidence, Feature
from core.regressing.folds import Folds, folds
from core.regressing.jackknife import jackknife_plus, least_runs
from core.regressing.nested import Nested, nested
from core.regressing.runs import Runs
from core.regressing.smoothers import Candidate, Model, weights
from core.statistics.answers import Answers, Floats, Integers
from core.statistics.placement import leverages

LEVEL = 0.9


@dataclass(frozen=True)
class Prediction:
    """A score foretold for one generator, itself not learnt from.

    score: measured, with its standard error `error`; None for a new one or where unknown. low, high: the
    jackknife+ interval, None with one sentence in `reason` where there are too few runs. leverage: of its
    place among those learnt from; extrapolates: beyond the largest of theirs.
    """

    key: str
    score: float | None
    error: float | None
    predicted: float
    low: float | None
    high: float | None
    leverage: float
    extrapolates: bool
    reason: str | None


@dataclass(frozen=True, eq=False)
class Fitted:
    """Everything a new generator is predicted from: the runs' evidence, and one tuned model a fold."""

    runs: Runs
    designs: MapDesigns
    model: Model
    folds: Folds
    found: Nested
    level: float

    @property
    def chosen(self) -> Candidate:
        """Dimension and tuning of the model on all runs."""
        return self.found.candidates[self.found.tuned_whole]

    @property
    def points(self) -> Floats:
        """(n, d) coordinates of the runs on the plain map of them all, on as many axes as the model reads."""
        return self.designs.fitted(np.arange(self.runs.count)).points[:, : self.chosen.size]

    def place(self, answers: Answers) -> Floats:
        """(d,) coordinates of a new generator beside `points`; raises as `predict` does."""
        products, _ = self.designs.evidence.of_new(answers)
        return self.designs.fitted(np.arange(self.runs.count)).place(products)[0, : self.chosen.size]

    def values(self, train: Integers, number: int, products: Floats, extra: Floats, rows: Integers) -> Floats:
        """(rows,) predictions by one candidate fitted to `train`; rows from n on are the new generators."""
        tunings = len(self.found.candidates) // len(self.designs.sizes)
        one = replace(self.designs, sizes=(self.found.candidates[number].size,))
        design = one.with_new(train, products, extra)
        return np.asarray(
            weights(self.model, design[:, train], design[:, rows])[number % tunings] @ self.runs.scores[train]
        )


def fit(
    runs: Runs,
    *,
    model: Model = "ridge",
    dimension: int | None = None,
    features: Sequence[Feature] = (),
    level: float = LEVEL,
    seed: int = 0,
) -> Fitted:
    """Models for new generators. dimension: axes of the map, None to choose inside folds.

    features: "distance to real" and "spread" beside the coordinates, to be fixed beforehand. Raises
    StatisticsError where the runs cannot be learnt from, SettingsError for a model, feature, dimension or level
    that does not exist.
    """
    return fitted_to(runs, runs.scores[:, None], model, dimension, features, level, seed)


def fitted_to(
    runs: Runs,
    columns: Floats,
    model: Model,
    dimension: int | None,
    features: Sequence[Feature],
    level: float,
    seed: int,
) -> Fitted:
    """A fit whose nested pass carries columns (n, B) of scores, the real ones first."""
    least_runs(level)
    if dimension is not None and dimension < 1:
        raise SettingsError(f"A map of {dimension} dimensions has no coordinates; choose at least 1.")
    cut = folds(runs, seed)
    if dimension is not None and dimension > cut.smallest - 1:
        raise SettingsError(
            f"{runs.count} runs leave {cut.smallest} in the smallest fold, whose map has {cut.smallest - 1} axes; "
            f"choose a dimension of at most {cut.smallest - 1}."
        )
    evidence = Evidence.of(runs.answers, features, runs.real)
    designs = MapDesigns(evidence, offered(dimension, cut.smallest, len(features)))
    return Fitted(runs, designs, model, cut, nested(designs, model, columns, cut), level)


def predict(fitted: Fitted, answers: Answers) -> Prediction:
    """The score of a generator that was not learnt from, with its jackknife+ interval.

    Raises StatisticsError where it has not answered all queries of the runs.
    """
    return predict_all(fitted, [answers])[0]


def predict_all(fitted: Fitted, answers: Sequence[Answers]) -> tuple[Prediction, ...]:
    """`predict` for several generators, each as if it stood alone, every fold's map made once for all."""
    if not answers:
        return ()
    seen = [fitted.designs.evidence.of_new(each) for each in answers]
    products, extra = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    n = fitted.runs.count
    new = np.arange(n, n + len(answers))
    without, residuals = np.empty((n, len(answers))), np.abs(fitted.runs.scores - fitted.found.predictions[:, 0])
    for left, number in zip(fitted.folds.outer, fitted.found.tuned, strict=True):
        without[left] = fitted.values(fitted.folds.rest(left), number, products, extra, new)
    everyone = np.arange(n)
    predicted = fitted.values(everyone, fitted.found.tuned_whole, products, extra, new)
    placed = fitted.designs.fitted(everyone)
    levers, beyond = _leverage(placed.place(products), placed.points, fitted.chosen.size)
    found = []
    for k, each in enumerate(answers):
        low, high = jackknife_plus(without[:, k], residuals, fitted.level) or (None, None)
        found.append(
            Prediction(
                key=each.key,
                score=None,
                error=None,
                predicted=float(predicted[k]),
                low=low,
                high=high,
                leverage=float(levers[k]),
                extrapolates=bool(beyond[k]),
                reason=too_few(n, fitted.level),
            )
        )
    return tuple(found)


def too_few(n: int, level: float) -> str | None:
    """One sentence where n runs carry no interval at this level."""
    least = least_runs(level)
    if n >= least:
        return None
    return f"Too few runs: a {level:.0%} interval needs {least} to learn from, and here are {n}."


def held_out(fitted: Fitted, ends: Sequence[tuple[float, float] | None]) -> tuple[Prediction, ...]:
    """Every run as its own fold saw it, with the intervals found for it."""
    runs, found = fitted.runs, fitted.found
    made: dict[int, Prediction] = {}
    for left, number in zip(fitted.folds.outer, found.tuned, strict=True):
        train = fitted.folds.rest(left)
        placed = fitted.designs.fitted(train)
        points = placed.place(fitted.designs.evidence.gram[np.ix_(left, train)])
        levers, beyond = _leverage(points, placed.points, found.candidates[number].size)
        for i, lever, far in zip(left.tolist(), levers, beyond, strict=True):
            low, high = ends[i] or (None, None)
            error = None if runs.errors is None or not np.isfinite(runs.errors[i]) else float(runs.errors[i])
            made[i] = Prediction(
                key=runs.keys[i],
                score=float(runs.scores[i]),
                error=error,
                predicted=float(found.predictions[i, 0]),
                low=low,
                high=high,
                leverage=float(lever),
                extrapolates=bool(far),
                reason=too_few(len(train), fitted.level),
            )
    return tuple(made[i] for i in range(runs.count))


def _leverage(points: Floats, own: Floats, size: int) -> tuple[Floats, Floats]:
    """Leverages (k,) of points (k, d) on the first `size` axes, and whether beyond the largest of the own (n, d)."""
    own, points = own[:, :size], points[:, :size]
    levers = leverages(points, own)
    return levers, np.asarray(levers > leverages(own, own).max(initial=0.0) * (1 + 1e-9))
