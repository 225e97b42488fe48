"""Which settings to try next, from the store: where the sliders may go, which limits hold, and writing the runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from core.errors import NotFoundError, SettingsError, StatisticsError
from core.jobs import Jobs
from core.models import PairSpec
from core.regressing.encoding import Encoding
from core.regressing.fitted import Fitted
from core.regressing.runs import Runs
from core.regressing.suggestion import Constraint, Limit, Space, Span, Suggestion, metric_limit, suggest
from core.sliders import SteerSettings
from core.statistics.answers import Floats
from core.storage.records import Job
from core.store import Store
from core.sweep import Sweep, steps
from core.tasks import Task

STEPS: dict[str, float] = {
    "gamma": 0.05,
    "eta": 0.05,
    "temperature": 0.05,
    "alpha": 0.05,
    "top_p": 0.05,
    "min_p": 0.01,
}
"""Steps in which sliders move on the page, so that a suggestion can be set there; whole numbers move by 1."""

PERPLEXITY, COPIES = "base_perplexity", "verbatim_copies"
"""Metrics that a suggestion may be limited by."""


def spans(runs: Runs) -> Space:
    """The settings that the runs vary, each from its least to its greatest value; of words, the values seen.

    A setting that some runs do not have is left where the best run has it.
    """
    encoding, found = Encoding.of(runs.settings), dict[str, Span | Sequence[Any]]()
    for name, low, high in encoding.numbers:
        whole = all(isinstance(each[name], int) for each in runs.settings)
        step = 1.0 if whole else STEPS.get(name)
        found[name] = Span(low, high, step if step is not None and step <= high - low else None)
    for name in dict.fromkeys(name for name, _ in encoding.words):
        if all(name in each for each in runs.settings):
            seen = {str(each[name]): each[name] for each in runs.settings}
            found[name] = tuple(seen[word] for word in sorted(seen))
    return found


def next_settings(
    store: Store,
    fitted: Fitted,
    *,
    better: Literal["higher", "lower"],
    count: int = 3,
    max_perplexity: float | None = None,
    max_copies: float | None = None,
    seed: int = 0,
) -> tuple[Suggestion, ...]:
    """`count` settings by expected improvement and `count` that would teach most, within the sliders' spans.

    max_perplexity: of texts under the base model, and max_copies: share of texts that are verbatim copies; a setting
    is kept where the runs make it likelier than not that it stays below. Raises SettingsError where the runs do
    not vary anything or a limit is out of range, NotFoundError where runs lack the metric of a limit, StatisticsError
    where no untried setting is left.
    """
    runs = fitted.runs
    if count < 1:
        raise SettingsError(f"count is {count}; ask for at least one setting.")
    limits: list[Limit] = []
    seen: list[str] = []
    if max_perplexity is not None:
        if not (math.isfinite(max_perplexity) and max_perplexity > 0):
            raise SettingsError(f"max-perplexity is {max_perplexity:g}; give a positive number.")
        measured = _measured(store, runs, PERPLEXITY)
        # The log: a perplexity grows by factors over the sliders.
        limits.append(metric_limit(runs.settings, np.log(measured), at_most=math.log(max_perplexity)))
        seen.append(f"a perplexity of {measured.min():.3g} to {measured.max():.3g}")
    if max_copies is not None:
        if not 0 <= max_copies <= 1:
            raise SettingsError(f"max-copies is {max_copies:g}; give a share from 0 to 1.")
        measured = _measured(store, runs, COPIES)
        limits.append(metric_limit(runs.settings, measured, at_most=max_copies))
        seen.append(f"a share of copies of {measured.min():.3g} to {measured.max():.3g}")
    constraints: list[Constraint] = [_writable] if any(_steered(each) for each in runs.settings) else []
    try:
        return suggest(fitted, spans(runs), count=count, better=better, constraints=[*constraints, *limits], seed=seed)
    except StatisticsError as error:
        if not seen:
            raise
        raise StatisticsError(f"{str(error).removesuffix('.')} (the runs have {' and '.join(seen)}).") from error


def sweep_of(task: Task, pair: PairSpec, suggestions: Sequence[Suggestion], *, replicates: int = 8) -> Sweep:
    """The suggestions as runs over all probe queries, each setting once.

    Raises SettingsError where a suggestion has settings that no slider has, as those of imported runs have.
    """
    grid = dict.fromkeys(SteerSettings.from_mapping(one.settings) for one in suggestions)
    queries = tuple(query.id for query in task.with_role("probe"))
    return Sweep(task, pair, tuple(grid), queries, replicates, "probe")


def submit_suggestions(
    jobs: Jobs, task: Task, pair: PairSpec, suggestions: Sequence[Suggestion], *, replicates: int = 8
) -> tuple[Job, ...]:
    """Queue the suggestions as runs and return the jobs that write them, those under way already among them.

    What the store has is not written again and has no job here. Raises as `sweep_of` and `submit_run` do.
    """
    found: list[Job] = []
    for step in steps(jobs, sweep_of(task, pair, suggestions, replicates=replicates), owner=None):
        job = jobs.of_run(step.run) if step.kind == "elsewhere" else step.job
        if job is not None:
            found.append(job)
    return tuple(found)


def _measured(store: Store, runs: Runs, name: str) -> Floats:
    """(n,) a metric of all runs; NotFoundError where one lacks it."""
    known = {key: metric.value for key, metric in store.metric(name).items() if metric.value is not None}
    lacking = [key for key in runs.keys if key not in known]
    if lacking:
        those = ", ".join(lacking[:3]) + (f" and {len(lacking) - 3} more" if len(lacking) > 3 else "")
        raise NotFoundError(
            f"The metric {name} is unknown for {those}, so it cannot be limited; measure these runs again, "
            "leave them out, or leave the limit away."
        )
    return np.array([known[key] for key in runs.keys], dtype=np.float64)


def _steered(settings: Mapping[str, Any]) -> bool:
    """Whether the settings are those of a steered run."""
    return set(settings) >= {"gamma", "eta", "temperature"}


def _writable(settings: Mapping[str, Any]) -> bool:
    """Whether sliders may stand like this together."""
    try:
        SteerSettings.from_mapping(settings)
    except SettingsError:
        return False
    return True
