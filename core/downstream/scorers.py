"""The scorers by name."""

from __future__ import annotations

from collections.abc import Callable

from core.downstream.classifier import NAME as CLASSIFIER
from core.downstream.classifier import Classifier
from core.downstream.language_model import NAME as LANGUAGE_MODEL
from core.downstream.language_model import LanguageModel
from core.downstream.preference import NAME as PREFERENCE
from core.downstream.preference import Preference
from core.downstream.scorer import Measure, Scorer
from core.downstream.student import bundled_base
from core.downstream.translation import BACK, FORWARD, Translation
from core.errors import NotFoundError
from core.tasks import Task

_MAKERS: dict[str, Callable[[str], Scorer]] = {
    CLASSIFIER: lambda base: Classifier(),
    LANGUAGE_MODEL: lambda base: LanguageModel(base),
    BACK: lambda base: Translation("back", base),
    FORWARD: lambda base: Translation("forward", base),
    PREFERENCE: lambda base: Preference(base),
}
SCORERS: tuple[str, ...] = tuple(_MAKERS)


def scorer_of(name: str, base: str | None = None) -> Scorer:
    """A scorer by its name; base: what its students start from, the bundled base unless given. NotFoundError."""
    if name not in _MAKERS:
        raise NotFoundError(f"There is no scorer named {name!r}; the scorers are {', '.join(SCORERS)}.")
    return _MAKERS[name](base or bundled_base())


def fitting(task: Task) -> list[Scorer]:
    """The scorers that a task can be scored by."""
    return [scorer for scorer in map(scorer_of, SCORERS) if scorer.fits(task) is None]


def measure_of(name: str) -> Measure | None:
    """What a score in the store measures; None where it is no scorer's, such as one that came with an import."""
    measures = (measure for scorer in map(scorer_of, SCORERS) for measure in scorer.measures)
    return next((measure for measure in measures if measure.name == name), None)
