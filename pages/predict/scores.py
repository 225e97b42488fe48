"""What scores are called on the page, which of them a task can have, and what one of them means."""

from __future__ import annotations

from dataclasses import dataclass

from core.downstream.scorers import SCORERS, fitting, measure_of, scorer_of
from core.predicting import score_names
from core.store import Store
from core.tasks import Task

STUDENTS = {
    "classifier": "Classifier",
    "language-model": "Language model",
    "translation": "Translation",
    "translation-forward": "Forward translation",
    "preference": "Preference",
}
"""What learns from a run's answers, by the name of its scorer."""

UNITS = {
    "classifier": "macro-F1",
    "classifier.accuracy": "accuracy",
    "classifier.auroc": "AUROC",
    "language-model": "bits per byte",
    **dict.fromkeys(("translation", "translation-forward", "preference"), "chrF"),
}
ENDINGS = {"bleu": "BLEU", "bits": "bits per byte"}
"""Of the scores of all students that translate."""


@dataclass(frozen=True)
class Score:
    """A score by its name in the store. unit: what its values are, as axes and sentences say it."""

    name: str

    @property
    def scorer(self) -> str | None:
        """The scorer that computes it; None where it came with an import."""
        first = self.name.partition(".")[0]
        return first if measure_of(self.name) is not None else None

    @property
    def unit(self) -> str:
        """Of its values; an imported score goes by its own name."""
        if self.scorer is None:
            return self.name
        return UNITS.get(self.name) or ENDINGS.get(self.name.partition(".")[2], self.name)

    @property
    def title(self) -> str:
        """In the list of scores."""
        return self.name if self.scorer is None else f"{STUDENTS.get(self.scorer, self.scorer)} · {self.unit}"

    @property
    def definition(self) -> str:
        """What it is, and which direction is better."""
        measure = measure_of(self.name)
        if measure is None:
            return "A score that came with imported runs; it does not say which direction is better."
        return f"{measure.definition} {measure.better.capitalize()} is better."


def offered(store: Store, task: Task) -> list[str]:
    """The scores that some run of the task has, then those that could be computed for it."""
    known = score_names(store, task.name)
    return known + [scorer.name for scorer in fitting(task) if scorer.name not in known]


def why_not(task: Task, name: str) -> str:
    """One sentence on why a score that an address asked for cannot be shown for this task."""
    first = name.partition(".")[0]
    reason = scorer_of(first).fits(task) if first in SCORERS else None
    return reason or f"No run of {task.title} has a score named {name!r}."
