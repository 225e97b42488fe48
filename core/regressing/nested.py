"""The nested pass: every run foretold by a model, tuned and fitted, map and all, without it.

For an outer fold o and an inner fold b of the rest, maps and models are refitted without both; the inner
errors choose the candidate, which then foretells o from everything but o. Scores come as columns, the real ones
first: what does not depend on scores (maps, weights) is made once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.regressing.designs import Designs
from core.regressing.folds import EACH_INNER, Folds
from core.regressing.smoothers import Candidate, Model, candidates, weights
from core.statistics.answers import Floats, Integers

MOST_NUMBERS = 20_000_000
"""Floats that a batch of inner folds may take, about."""


@dataclass(frozen=True, eq=False)
class Nested:
    """What a nested pass found. C candidates, n runs, B columns of scores.

    predictions: (n, B) of every run without its fold. tuned: for every outer fold the number of the candidate
    that the first column chose; tuned_whole: for all runs together. candidates: what the numbers
    mean. inner: (O, n, C) of the first column, prediction of a run without outer fold o and its
    inner fold, NaN for the runs of o; across: for each outer fold (blocks, runs of o, C), predictions of its runs
    without o and that block; block: (O, n) number of a run's inner fold, -1 for the runs of o.
    """

    candidates: tuple[Candidate, ...]
    predictions: Floats
    tuned: tuple[int, ...]
    tuned_whole: int
    inner: Floats
    across: tuple[Floats, ...]
    block: Integers

    @property
    def dimensions(self) -> tuple[int, ...]:
        """Size of the design that every outer fold chose."""
        return tuple(self.candidates[number].size for number in self.tuned)


def nested(designs: Designs, model: Model, columns: Floats, folds: Folds) -> Nested:
    """The nested pass over columns (n, B) of scores. Raises SettingsError for a model that does not exist."""
    choices = candidates(model, designs.sizes)
    n, count = columns.shape
    made: dict[bytes, Floats] = {}
    predictions = np.empty((n, count))
    outer_errors = np.zeros(len(choices))
    inner = np.full((len(folds.outer), n, len(choices)), np.nan)
    block = np.full((len(folds.outer), n), -1, dtype=np.int64)
    across, tuned = [], []

    def seen(train: Integers) -> Floats:
        if len(folds.outer) > EACH_INNER + 1:
            return designs.columns(train)
        # Leaving out o then b is leaving out b then o: every map is made once and used twice.
        key = train.tobytes()
        if key in made:
            return made.pop(key)
        return made.setdefault(key, designs.columns(train))

    for o, (left, parts) in enumerate(zip(folds.outer, folds.inner, strict=True)):
        errors = np.zeros((len(choices), count))
        crossed = np.empty((len(parts), len(left), len(choices)))
        trains = [folds.rest(left, part) for part in parts]
        for some in _together(trains, parts, len(choices) * (len(left) + count)):
            train, part = (np.stack([each[b] for b in some]) for each in (trains, parts))
            target = np.concatenate([part, np.broadcast_to(left, (len(some), len(left)))], axis=1)
            design = np.stack([seen(trains[b]) for b in some])
            rows = np.arange(len(some))[:, None]
            own, wanted = (design.swapaxes(1, 2)[rows, places].swapaxes(1, 2) for places in (train, target))
            w = weights(model, own.reshape(-1, *own.shape[2:]), wanted.reshape(-1, *wanted.shape[2:]))
            w = w.reshape(len(some), len(choices), *w.shape[1:])
            foretold = w[:, :, : part.shape[1]] @ columns[train][:, None]
            errors += ((foretold - columns[part][:, None]) ** 2).sum(axis=(0, 2))
            inner[o, part] = foretold[..., 0].swapaxes(1, 2)
            crossed[some] = (w[:, :, part.shape[1] :] @ columns[train, 0][:, None, :, None])[..., 0].swapaxes(1, 2)
            block[o, part] = np.array(some)[:, None]
        across.append(crossed)
        train = folds.rest(left)
        design = designs.columns(train)
        foretold = weights(model, design[:, train], design[:, left]) @ columns[train]
        best = steady_argmin(errors)
        predictions[left] = np.take_along_axis(foretold, best[None, None], axis=0)[0]
        outer_errors += ((foretold[:, :, 0] - columns[left, 0]) ** 2).sum(axis=1)
        tuned.append(int(best[0]))
    whole = int(steady_argmin(outer_errors[:, None])[0])
    return Nested(choices, predictions, tuple(tuned), whole, inner, tuple(across), block)


def _together(trains: Sequence[Integers], parts: Sequence[Integers], each: int) -> list[list[int]]:
    """Numbers of inner folds that go through the algebra at once: of one size, and not more than memory likes.

    Small matrices cost their overhead: one by one a pass takes twice as long. each: numbers an answer of theirs takes.
    """
    alike: dict[tuple[int, int], list[int]] = {}
    for b, (train, part) in enumerate(zip(trains, parts, strict=True)):
        alike.setdefault((len(train), len(part)), []).append(b)
    found = []
    for (learnt, asked), some in alike.items():
        most = max(1, MOST_NUMBERS // (learnt * asked * each))
        found += [some[start : start + most] for start in range(0, len(some), most)]
    return found


def steady_argmin(errors: Floats) -> Integers:
    """(B,) the first candidate of (C, B) whose error is the smallest but for round-off: the simplest of equals."""
    least = errors.min(axis=0)
    return np.asarray(np.argmax(errors <= least * (1 + 1e-9) + 1e-300, axis=0))
