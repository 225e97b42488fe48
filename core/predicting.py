"""From the store to a prediction: the scored runs of a map with everything a regression reads, and what it foretells.

One place for the page, the command line and the README's table, so that they never say different things.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.atlas import Atlas
from core.downstream.scorers import measure_of
from core.downstream.summary import Scored, scored
from core.errors import NotFoundError
from core.generators import REAL
from core.regressing.runs import Runs
from core.statistics.answers import Answers, Floats
from core.storage.records import Run
from core.store import Store

QUALITY = "quality estimate"
"""Judges the texts without a student: the log of the expert's perplexity, or the base's where there is no expert."""

_PERPLEXITIES = ("expert_perplexity", "base_perplexity")


@dataclass(frozen=True, eq=False)
class Gathered:
    """What a score is learnt from and foretold for.

    name: of the score; better: which direction is, None where a score that came with an import does not say;
    runs: those with a score; scored: the same, with seeds and the lines they are read against;
    points: (n, d) their places as the map draws them; waiting: answers of the runs on the map without a score;
    left_out: (run, one sentence why) of the runs with a score that take no part.
    """

    name: str
    better: Literal["higher", "lower"] | None
    runs: Runs
    scored: tuple[Scored, ...]
    points: Floats
    waiting: tuple[Answers, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def seeds(self) -> int:
        """Training seeds behind the score that has fewest; 0 for scores that came with an import."""
        return min(one.seeds for one in self.scored)

    @property
    def real(self) -> float | None:
        """The score of students that learned the real rows; None where unknown."""
        return _mean([one.real for one in self.scored])

    @property
    def start(self) -> float | None:
        """The score of a student that learned nothing; None where that means nothing."""
        return _mean([one.start for one in self.scored])

    @property
    def digest(self) -> str:
        """Changes with every answer, score and error that the regression reads."""
        parts = [self.name, self.runs.keys, self.runs.scores.tobytes()]
        parts.append(b"" if self.runs.errors is None else self.runs.errors.tobytes())
        digest = hashlib.sha256(repr(parts).encode())
        for one in (*self.runs.answers, *self.waiting):
            digest.update(one.key.encode())
            for vectors in one.vectors:
                digest.update(np.ascontiguousarray(vectors).tobytes())
        return digest.hexdigest()[:16]


def score_names(store: Store, task: str) -> list[str]:
    """The names of the scores that some run of the task has: of scorers first, then of imports."""
    return sorted(store.score_names(task), key=lambda name: measure_of(name) is None)


def gather(store: Store, atlas: Atlas, name: str, runs: Sequence[Run]) -> Gathered:
    """The scored runs of a map that was drawn with all real rows on it (`held_out=False`), newest state of the store.

    runs: records of the runs on the map; those without a record take no part. Raises NotFoundError where no run has
    the score, StatisticsError where what there is cannot be learnt from (`Runs`).
    """
    records = {run.id: run for run in runs}
    known = {one.run: one for one in scored(store, atlas.task, name) if one.run in records}
    if not known:
        raise NotFoundError(
            f"No run of the task {atlas.task!r} on this map has the score {name!r}; compute it with `steerscope score`."
        )
    assert atlas.answers is not None, "a map that was drawn has its answers"
    answers = {one.key: one for one in atlas.answers}
    learnt: list[Scored] = []
    left_out: list[tuple[str, str]] = [(key, why) for key, why in atlas.left_out if key in known]
    for key, one in known.items():
        if one.value is None or not math.isfinite(one.value):
            left_out.append((key, f"its {name} is not a number"))
        elif key in answers:
            learnt.append(one)
    order = {key: place for place, key in enumerate(atlas.map.keys)}
    learnt.sort(key=lambda one: order[one.run])
    keys = [one.run for one in learnt]
    measure = measure_of(name)
    return Gathered(
        name=name,
        better=None if measure is None else measure.better,
        runs=Runs(
            keys=tuple(keys),
            answers=tuple(answers[key] for key in keys),
            settings=tuple(records[key].settings for key in keys),
            scores=np.array([one.value for one in learnt], dtype=np.float64),
            errors=_errors(learnt),
            families=tuple(family(records[key]) for key in keys),
            real=answers.get(REAL),
            estimates=_estimates(store, keys),
            lengths=_metric(store, "length", keys),
        ),
        scored=tuple(learnt),
        points=np.array([atlas.map.points[order[key]] for key in keys], dtype=np.float64),
        waiting=tuple(one for one in atlas.answers if one.key in records and one.key not in known),
        left_out=tuple(left_out),
    )


def family(run: Run) -> str:
    """The model family that is left out as one: the pair of a steered run, the named model of an imported one."""
    if run.kind == "steer":
        return (run.pair or "").split("-")[0]
    return f"{run.kind}:{run.settings.get('model', '')}"


def _errors(learnt: Sequence[Scored]) -> Floats | None:
    """Standard errors, NaN where unknown; None where all are."""
    found = np.array([np.nan if one.standard_error is None else one.standard_error for one in learnt])
    return None if np.isnan(found).all() else found


def _estimates(store: Store, keys: Sequence[str]) -> dict[str, Floats]:
    """The quality estimate of every run, where all have it."""
    for name in _PERPLEXITIES:
        values = _metric(store, name, keys)
        if values is not None and (values > 0).all():
            return {QUALITY: np.log(values)}
    return {}


def _metric(store: Store, name: str, keys: Sequence[str]) -> Floats | None:
    """(n,) a metric of the runs; None unless all have it."""
    found = store.metric(name)
    values = [found[key].value if key in found else None for key in keys]
    return None if any(value is None for value in values) else np.array(values, dtype=np.float64)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
