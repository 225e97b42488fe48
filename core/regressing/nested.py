"""The nested pass: every run foretold by a model, tuned and fitted, map and all, without it.

For an outer fold o and an inner fold b of the rest, maps and models are refitted without both; the inner
errors choose the candidate, which then foretells o from everything but o. Scores come as columns, the real ones
first: what does not depend on scores (maps, weights) is made once for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.regressing.designs import Designs
from core.regressing.folds import EACH_INNER, Folds
from core.regressing.smoothers import Candidate, Model, candidates, weights
from core.statistics.answers import Floats, Integers


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
        for b, part in enumerate(parts):
            train = folds.rest(left, part)
            design = seen(train)
            w = weights(model, design[:, train], design[:, np.concatenate([part, left])])
            foretold = w[:, : len(part)] @ columns[train]
            errors += ((foretold - columns[part]) ** 2).sum(axis=1)
            inner[o, part] = foretold[:, :, 0].T
            crossed[b] = (w[:, len(part) :] @ columns[train, 0]).T
            block[o, part] = b
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


def steady_argmin(errors: Floats) -> Integers:
    """(B,) the first candidate of (C, B) whose error is the smallest but for round-off: the simplest of equals."""
    least = errors.min(axis=0)
    return np.asarray(np.argmax(errors <= least * (1 + 1e-9) + 1e-300, axis=0))
