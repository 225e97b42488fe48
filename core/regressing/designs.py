"""Columns that a model learns from, made anew for every training set: a refitted map, or settings.

Nothing here sees a score, so a design serves every model and every permutation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from core.regressing.features import Evidence
from core.statistics.answers import Floats, Integers
from core.statistics.gram import TINY, double_centred, leading_eigenpairs

MOST_AXES = 8
"""Axes offered to the choice inside folds."""


class Designs(Protocol):
    """A family of designs, one of each of `sizes`."""

    @property
    def sizes(self) -> tuple[int, ...]: ...
    def columns(self, train: Integers) -> Floats:
        """(S, n, K) columns of all n runs as the training set sees them; unused columns are 0."""
        ...


@dataclass(frozen=True, eq=False)
class Axes:
    """The plain map of some runs, bare: `core.statistics.plain.fit_gram` says more and takes seven times as long.

    train: (n,) places of the runs; points: (n, d), columns of 0 where there is no axis; centre: (n,) mean inner
    products; projector: (n, d) from inner products less the centre to coordinates (Gower 1968).
    """

    train: Integers
    points: Floats
    centre: Floats
    projector: Floats

    @classmethod
    def of(cls, gram: Floats, train: Integers, dimension: int) -> Axes:
        """The first `dimension` principal axes of the runs with inner products `gram` (n, n), noise left in."""
        values, vectors = leading_eigenpairs(double_centred(gram), dimension)
        root = np.sqrt(np.where(values > TINY * max(1.0, float(values[0])), values, 0.0))
        missing = ((0, 0), (0, dimension - len(values)))
        projector = vectors / np.where(root > 0, root, np.inf)
        return cls(train, np.pad(vectors * root, missing), gram.mean(axis=0), np.pad(projector, missing))

    def place(self, products: Floats) -> Floats:
        """(k, d) coordinates of generators with inner products (k, n) with these."""
        return np.asarray((products - self.centre) @ self.projector)


@dataclass(frozen=True, eq=False)
class MapDesigns:
    """The first d coordinates on the map of the training runs, d in `sizes`, with the features beside them.

    Every other run is projected on that map like a new one. Coordinates keep their scale (PCA, then the model);
    a feature is brought to the mean square of the first axis within the training set.
    """

    evidence: Evidence
    sizes: tuple[int, ...]

    def fitted(self, train: Integers) -> Axes:
        """The plain map of the training runs, with as many axes as the largest design."""
        return Axes.of(self.evidence.gram[np.ix_(train, train)], train, max(self.sizes))

    def columns(self, train: Integers) -> Floats:
        """See `Designs`."""
        return self._stacked(self.fitted(train), self.evidence.gram[:, train], self.evidence.extra)

    def with_new(self, train: Integers, products: Floats, extra: Floats) -> Floats:
        """(S, n + t, K) columns of all runs and of t new ones, products (t, n) and features (t, f)."""
        gram = np.concatenate([self.evidence.gram, products])[:, train]
        return self._stacked(self.fitted(train), gram, np.concatenate([self.evidence.extra, extra]))

    def _stacked(self, axes: Axes, products: Floats, extra: Floats) -> Floats:
        """(S, k, K) columns of k generators, products (k, n_train), features (k, f) with the runs' rows first."""
        widest = max(self.sizes)
        coordinates = np.empty((len(products), widest + extra.shape[1]))
        coordinates[:, :widest] = axes.place(products)
        if extra.shape[1]:
            own = extra[axes.train]
            spread = own.std(axis=0)
            unit = np.sqrt((axes.points[:, 0] ** 2).mean())
            scaled = (extra - own.mean(axis=0)) / np.where(spread > 0, spread, 1.0) * (unit if unit > 0 else 1.0)
            coordinates[:, widest:] = np.where(spread > 0, scaled, 0.0)
        used = np.arange(coordinates.shape[1]) >= widest
        kept = used | (np.arange(coordinates.shape[1]) < np.array(self.sizes)[:, None])
        return np.asarray(coordinates * kept[:, None])


@dataclass(frozen=True, eq=False)
class ColumnDesigns:
    """Given columns (n, K_s), one array a size, each column standardised within the training set."""

    given: tuple[Floats, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of columns of every design."""
        return tuple(columns.shape[1] for columns in self.given)

    def columns(self, train: Integers) -> Floats:
        """See `Designs`; a column that does not vary in the training set is 0."""
        found = np.zeros((len(self.given), len(self.given[0]), max(self.sizes)))
        for design, columns in zip(found, self.given, strict=True):
            own = columns[train]
            spread = own.std(axis=0)
            varies = spread > 1e-12 * np.maximum(1.0, np.abs(own).max(axis=0))
            design[:, : columns.shape[1]] = (columns - own.mean(axis=0)) / np.where(varies, spread, 1.0) * varies
        return found


def offered(dimension: int | None, smallest: int, features: int) -> tuple[int, ...]:
    """Dimensions to choose from where the smallest training set has so many runs: the one asked for, or all."""
    most = max(1, min(MOST_AXES, smallest - 2 - features))
    return tuple(range(1, most + 1)) if dimension is None else (dimension,)


def squares_too(columns: Floats) -> Sequence[Floats]:
    """The columns (n, k), and the columns with the squares of those that take more than two values."""
    bent = np.array([len(np.unique(column)) > 2 for column in columns.T], dtype=bool)
    centred = columns - columns.mean(axis=0)
    return (columns, np.hstack([columns, centred[:, bent] ** 2])) if bent.any() else (columns,)
