"""Scores of runs over their seeds: the mean, its standard error, and the lines that they are read against."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from core.downstream.scoring import note_of
from core.storage.records import StoredScore
from core.store import Store


@dataclass(frozen=True)
class Scored:
    """A run's score under one name.

    value: the mean over seeds, None where it is unknown; standard_error: of that mean, None below two seeds; seeds:
    trainings behind it, 0 where the score came with an import; real, start: means of the same measure for students
    of the real rows and for students that learned nothing, None where there are none; rows: that were learned;
    left_out: of the rows that stand among held-out ones; said: signatures and the like.
    """

    run: str
    scorer: str
    value: float | None
    standard_error: float | None
    seeds: int
    real: float | None = None
    start: float | None = None
    rows: int | None = None
    left_out: Mapping[str, int] | None = None
    said: tuple[str, ...] = ()


def scored(store: Store, task: str, name: str, runs: Sequence[str] | None = None) -> list[Scored]:
    """The score of that name of every run of a task that has it, or of these runs only, in the store's order."""
    cells: dict[str, list[StoredScore]] = defaultdict(list)
    for score in store.stored_scores(name=name, task=task):
        if runs is None or score.run in runs:
            cells[score.run].append(score)
    return [_summed(run, name, scores) for run, scores in cells.items()]


def _summed(run: str, name: str, scores: Sequence[StoredScore]) -> Scored:
    trained = [score for score in scores if score.seed >= 0]
    known = [score for score in trained or scores if score.value is not None]
    values = [float(score.value) for score in known if score.value is not None]
    notes = [note_of(score.note) for score in known]
    last = notes[-1] if notes else {}
    return Scored(
        run=run,
        scorer=name,
        value=fmean(values) if values else None,
        standard_error=stdev(values) / math.sqrt(len(values)) if trained and len(values) > 1 else None,
        seeds=len(values) if trained else 0,
        real=_mean(notes, "real", name),
        start=_mean(notes, "start", name),
        rows=last.get("rows"),
        left_out=last.get("left out"),
        said=tuple(last.get("said", ())),
    )


def _mean(notes: Sequence[Mapping[str, object]], line: str, name: str) -> float | None:
    values = [told[name] for note in notes if isinstance(told := note.get(line), dict) and told.get(name) is not None]
    return fmean(values) if values else None
