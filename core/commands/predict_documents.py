"""What `predict` and `next` print; every key is documented where it is declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

from core.commands.documents import same_names

if TYPE_CHECKING:
    from core.predicting import Gathered
    from core.regression import Baseline, Evaluation, Lipschitz, Prediction, Suggestion
    from core.storage.records import Run


@dataclass(frozen=True)
class BaselineEntry:
    """A prediction without the map, over the same left-out runs."""

    name: Annotated[str, "what it reads instead of the map"]
    q2: Annotated[float | None, "its share of the differences in score, as q2 of the map; null where it cannot be made"]
    mae: Annotated[float | None, "its mean absolute error"]
    gain: Annotated[float | None, "how much smaller the map's mean absolute error is; negative where it is larger"]
    gain_low: Annotated[float | None, "lower end of the 95% interval of the gain"]
    gain_high: Annotated[float | None, "upper end of the 95% interval of the gain"]
    gain_p: Annotated[float | None, "one-sided p-value of the gain, by the corrected paired t-test"]
    reason: Annotated[str | None, "why it cannot be made"]

    @classmethod
    def of(cls, baseline: Baseline) -> BaselineEntry:
        """The entry of a baseline."""
        return same_names(cls, baseline)


@dataclass(frozen=True)
class PredictedRun:
    """One run on the map, foretold without its own score."""

    run: Annotated[str, "id of the run"]
    settings: Annotated[Mapping[str, Any], "the sliders, or whatever settings came with an import"]
    score: Annotated[float | None, "the measured score; null for a run without one"]
    error: Annotated[float | None, "standard error of the score over training seeds"]
    predicted: Annotated[float, "the score that the other runs foretell"]
    low: Annotated[float | None, "lower end of its interval; null for too few runs"]
    high: Annotated[float | None, "upper end of its interval; null for too few runs"]
    leverage: Annotated[float, "how far out it lies among the runs that were learnt from"]
    extrapolates: Annotated[bool, "whether that is farther than any of them"]
    reason: Annotated[str | None, "why it has no interval"]

    @classmethod
    def of(cls, prediction: Prediction, run: Run) -> PredictedRun:
        """The entry of a run with what is foretold for it."""
        own = {field.name: getattr(prediction, field.name) for field in fields(cls)[2:]}
        return cls(run=run.id, settings=run.settings, **own)


@dataclass(frozen=True)
class NotLearnt:
    """One run with the score that takes no part."""

    run: Annotated[str, "id of the run"]
    reason: Annotated[str, "why it takes no part"]


@dataclass(frozen=True)
class Steepness:
    """How fast the score changes over the map."""

    constant: Annotated[float | None, "largest change of score per map distance; null where runs share a place"]
    held: Annotated[float | None, "share of runs within the bound that the nearest other run then gives"]
    label: Annotated[str, "what must be said with it"]


@dataclass(frozen=True)
class Predicted:
    """How well left-out runs are foretold from the map: `predict`."""

    scorer: Annotated[str, "name of the score"]
    better: Annotated[str | None, "higher or lower; null where the score does not say"]
    model: Annotated[str, "the model from coordinates to scores"]
    n: Annotated[int, "number of runs that were learnt from"]
    seeds: Annotated[int, "training seeds behind the score that has fewest; 0 where scores were imported"]
    q2: Annotated[float, "share of the differences in score that is foretold for left-out runs; may be negative"]
    q2_error: Annotated[float | None, "how much the measurement error of the scores moves q2"]
    ceiling: Annotated[float | None, "the q2 that a perfect prediction of the true scores would reach"]
    mae: Annotated[float, "mean absolute error for left-out runs"]
    mae_low: Annotated[float, "lower end of its 95% interval"]
    mae_high: Annotated[float, "upper end of its 95% interval"]
    p_value: Annotated[float, "share of shuffled scores, the whole pipeline rerun, that reach this q2"]
    dimension: Annotated[int, "axes of the map that the model reads"]
    coverage: Annotated[float | None, "share of runs inside their own intervals; null for too few runs"]
    width: Annotated[float | None, "median width of these intervals"]
    guaranteed: Annotated[float, "least share of new runs that intervals hold, by a proof"]
    typical: Annotated[float, "share of new runs that they usually hold"]
    verdict: Annotated[str, "whether the map helps, in words"]
    helps: Annotated[bool, "whether it beats chance and every baseline"]
    reason: Annotated[str | None, "why there are no intervals"]
    notes: Annotated[list[str], "what to know before reading the numbers"]
    baselines: Annotated[list[BaselineEntry], "predictions without the map"]
    lipschitz: Annotated[Steepness | None, "a heuristic check; null where all runs are of one setting"]
    runs: Annotated[list[PredictedRun], "those with a score, then the others on the map"]
    left_out: Annotated[list[NotLearnt], "runs with a score that could not be learnt from"]

    @classmethod
    def of(
        cls,
        gathered: Gathered,
        evaluation: Evaluation,
        waiting: Sequence[PredictedRun],
        steepest: Lipschitz | None,
        records: Mapping[str, Run],
    ) -> Predicted:
        """The document of an evaluation; waiting: the entries of runs without a score."""
        named = {field.name for field in fields(cls)}
        own = {field.name: getattr(evaluation, field.name) for field in fields(evaluation) if field.name in named}
        known = [PredictedRun.of(each, records[each.key]) for each in evaluation.predictions]
        values = {
            **own,
            "scorer": gathered.name,
            "better": gathered.better,
            "model": evaluation.fitted.model,
            "n": gathered.runs.count,
            "seeds": gathered.seeds,
            "notes": list(evaluation.notes),
            "baselines": [BaselineEntry.of(each) for each in evaluation.baselines],
            "lipschitz": None if steepest is None else Steepness(steepest.constant, steepest.held, steepest.label),
            "runs": [*known, *waiting],
            "left_out": [NotLearnt(run, reason) for run, reason in gathered.left_out],
        }
        return cls(**values)


@dataclass(frozen=True)
class Suggested:
    """One setting to try."""

    settings: Annotated[Mapping[str, Any], "every setting, by name"]
    kind: Annotated[str, "best, or informative: tried for what it teaches"]
    expected: Annotated[float, "the score that is expected"]
    low: Annotated[float, "lower end of its 90% interval, which is approximate"]
    high: Annotated[float, "upper end of its 90% interval, which is approximate"]
    improvement: Annotated[float, "expected gain over the best run"]
    gain: Annotated[float, "share of what is unsure over all settings that trying it would settle"]
    extrapolates: Annotated[bool, "whether it is expected to lie farther out than every run"]
    why: Annotated[str, "why it is suggested"]

    @classmethod
    def of(cls, suggestion: Suggestion) -> Suggested:
        """The entry of a suggestion."""
        return same_names(cls, suggestion)


@dataclass(frozen=True)
class NextSettings:
    """Settings to try next: `next`."""

    scorer: Annotated[str, "name of the score"]
    better: Annotated[str, "higher or lower"]
    n: Annotated[int, "number of runs that were learnt from"]
    suggestions: Annotated[list[Suggested], "those expected to score best, then those that would teach most"]
    runs: Annotated[list[str], "ids of the runs that were written now; none without --write"]
    skipped: Annotated[list[str], "ids of the runs that were there already"]
    left_out: Annotated[list[NotLearnt], "runs with a score that could not be learnt from"]
