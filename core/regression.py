"""From coordinates to downstream scores: fit, judge on left-out runs, predict a new generator with its interval.

The map is refitted and the model tuned inside every fold (`dkps.md`, "Regression from coordinates to downstream
scores"). An interval is for the mean score over as many training seeds as those learnt from, of a setting drawn
like these; the error with which scores are measured is inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.errors import SettingsError
from core.regressing.baselines import Baseline, baseline_predictions, q_squared
from core.regressing.features import FEATURES, Feature
from core.regressing.fitted import LEVEL, Fitted, Prediction, fit, fitted_to, held_out, predict, predict_all, too_few
from core.regressing.folds import Folds
from core.regressing.jackknife import held_out_intervals
from core.regressing.learning import Curve, Needed, learning_curve, runs_needed
from core.regressing.lipschitz import Lipschitz, lipschitz
from core.regressing.resampling import bootstrap_means, corrected_p, orders, percentiles, permuted
from core.regressing.runs import Runs
from core.regressing.smoothers import MODELS, Candidate, Model
from core.regressing.suggestion import Span, Suggestion, metric_limit, suggest
from core.regressing.surface import Surface, surface
from core.regressing.verdict import notes, verdict
from core.statistics.answers import Floats

__all__ = [
    "FEATURES",
    "MODELS",
    "Baseline",
    "Curve",
    "Evaluation",
    "Feature",
    "Fitted",
    "Lipschitz",
    "Model",
    "Needed",
    "Prediction",
    "Runs",
    "Span",
    "Suggestion",
    "Surface",
    "evaluate",
    "fit",
    "learning_curve",
    "lipschitz",
    "metric_limit",
    "predict",
    "predict_all",
    "runs_needed",
    "suggest",
    "surface",
]

PERMUTATIONS = 199
REDRAWS = 20
"""Sets of scores drawn about the measured ones, to see what their error moves."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How well left-out runs are foretold, and by how much better than without the map.

    q2: 1 - squared error over that of the mean, from left-out predictions; q2_error: how much the measurement
    error of scores moves it (None where unknown); ceiling: the q2 that a perfect prediction of true scores
    would reach. mae with its 95% bootstrap interval over runs. p_value: share of permutations, the whole
    pipeline rerun, that reach this q2; null: (permutations,) what they reach. dimension: chosen from all
    runs (the axes asked for where fixed); dimensions: by every fold. coverage: share of runs inside their own
    intervals, whose median width is `width`; None where `reason` says there are too few runs. guaranteed: 1 - 2a,
    typical: 1 - a.
    helps: whether the map beats chance and every simpler baseline that there is; verdict: in words.
    """

    q2: float
    q2_error: float | None
    ceiling: float | None
    mae: float
    mae_low: float
    mae_high: float
    p_value: float
    null: Floats
    permutations: int
    dimension: int
    dimensions: tuple[int, ...]
    chosen: Candidate
    coverage: float | None
    width: float | None
    guaranteed: float
    typical: float
    predictions: tuple[Prediction, ...]
    baselines: tuple[Baseline, ...]
    helps: bool
    verdict: str
    notes: tuple[str, ...]
    reason: str | None
    fitted: Fitted


def evaluate(
    runs: Runs,
    *,
    model: Model = "ridge",
    dimension: int | None = None,
    features: Sequence[Feature] = (),
    level: float = LEVEL,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    name: str = "the score",
) -> Evaluation:
    """Every run foretold without it, beside baselines and the permutation null; `name` is how words call the score.

    Raises as `fit` does, and SettingsError where no permutation is asked for.
    """
    if permutations < 1:
        raise SettingsError("A p-value needs permutations; ask for at least 1.")
    rng = np.random.default_rng(seed)
    columns, redraws = _columns(runs, permutations, rng)
    fitted = fitted_to(runs, columns, model, dimension, features, level, seed)
    found, scores = fitted.found, runs.scores
    q2 = q_squared(columns, found.predictions)
    null = q2[1 : 1 + permutations]
    p_value = (1 + int(np.sum(null >= q2[0] - 1e-12))) / (1 + permutations)
    foretold = found.predictions[:, 0]
    misses = np.abs(scores - foretold)
    low, high = percentiles(bootstrap_means(misses[:, None], runs.groups(), rng))
    ends = held_out_intervals(found, scores, fitted.folds, level)
    known = [(i, end) for i, end in enumerate(ends) if end is not None]
    baselines = _baselines(runs, fitted.folds, misses, rng)
    fewest = min(len(fitted.folds.rest(left)) for left in fitted.folds.outer)
    short = too_few(fewest, level)
    result = Evaluation(
        q2=float(q2[0]),
        q2_error=float(q2[1 + permutations :].std()) if redraws else None,
        ceiling=float(1 - runs.noise.mean() / scores.var()) if redraws else None,
        mae=float(misses.mean()),
        mae_low=float(low[0]),
        mae_high=float(high[0]),
        p_value=p_value,
        null=np.asarray(null),
        permutations=permutations,
        dimension=fitted.chosen.size,
        dimensions=found.dimensions,
        chosen=fitted.chosen,
        coverage=float(np.mean([end[0] <= scores[i] <= end[1] for i, end in known])) if short is None else None,
        width=float(np.median([end[1] - end[0] for _, end in known])) if short is None else None,
        guaranteed=1 - 2 * (1 - level),
        typical=level,
        predictions=held_out(fitted, ends),
        baselines=baselines,
        helps=False,
        verdict="",
        notes=notes(runs, fitted.folds, orders(runs), fitted.chosen.size),
        reason=short,
        fitted=fitted,
    )
    helps, words = verdict(result.q2, p_value, result.mae, result.width, result.ceiling, baselines, runs.count, name)
    return replace(result, helps=helps, verdict=words)


def _columns(runs: Runs, count: int, rng: np.random.Generator) -> tuple[Floats, int]:
    """(n, 1 + count + redraws): the scores, permuted ones, and ones drawn about them within their errors."""
    columns = [runs.scores[:, None], runs.scores[permuted(runs, count, rng)]]
    redraws = REDRAWS if runs.noise.any() else 0
    if redraws:
        shifts = np.sqrt(runs.noise)[:, None] * rng.normal(size=(runs.count, redraws))
        columns.append(runs.scores[:, None] + shifts)
    return np.concatenate(columns, axis=1, dtype=np.float64), redraws


def _baselines(runs: Runs, folds: Folds, misses: Floats, rng: np.random.Generator) -> tuple[Baseline, ...]:
    """Baselines with their errors, and what the map gains on each."""
    found, groups = [], runs.groups()
    for name, given in baseline_predictions(runs, folds).items():
        if isinstance(given, str):
            found.append(Baseline(name, None, None, reason=given))
            continue
        own = np.abs(runs.scores - given)
        gains = own - misses
        low, high = percentiles(bootstrap_means(np.column_stack([gains, own]), groups, rng))
        q2, mae, gain = float(q_squared(runs.scores, given)), float(own.mean()), float(gains.mean())
        found.append(
            Baseline(
                name,
                q2,
                mae,
                gain,
                gain_low=float(low[0]),
                gain_high=float(high[0]),
                mae_low=float(low[1]),
                mae_high=float(high[1]),
                gain_p=corrected_p(gains, groups, len(folds.outer)),
            )
        )
    return tuple(found)
