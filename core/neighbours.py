"""Who is close to whom: the nearest real row, copies of training rows, near-duplicates inside a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.measures.wording import Words, WordTable, words
from core.statistics.intervals import UNKNOWN, Estimate, jackknife, with_honest_zero

Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]

GRAM = 8
"""Words in a row that count as copied."""
NEAR = 0.95
"""Cosine from which two answers are near-duplicates of each other."""
_BLOCK = 1024


@dataclass(frozen=True)
class Nearest:
    """For each sample the row number of its nearest real row (the first of equals) and their cosine."""

    rows: Ints
    cosines: NDArray[np.float32]


def nearest_real(samples: Vectors, real: Vectors) -> Nearest | None:
    """The nearest of (n_real, p) unit rows to each of (n, p) unit rows; None where there is no real row."""
    if len(real) == 0:
        return None
    rows, cosines = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.float32)]
    for start in range(0, len(samples), _BLOCK):
        table = samples[start : start + _BLOCK] @ real.T
        best = table.argmax(axis=1)
        rows.append(best.astype(np.int64))
        cosines.append(np.clip(table[np.arange(len(best)), best], -1.0, 1.0).astype(np.float32))
    return Nearest(np.concatenate(rows), np.concatenate(cosines))


@dataclass(frozen=True)
class Copies:
    """What a set of samples shares with the training rows.

    verbatim: (n,) equal to a training row after normalisation; copied, total: (n,) 8-grams of each
    sample that stand in some training row, and all of its 8-grams.
    """

    verbatim: NDArray[np.bool_]
    copied: Ints
    total: Ints

    @property
    def any_copied(self) -> NDArray[np.bool_]:
        """(n,) whether the sample holds at least one copied 8-gram."""
        return self.copied > 0


class TrainingIndex:
    """Training rows, ready to be searched for copies: exact, no hashing of n-grams.

    Built once for a training set (about a second for 40,000 rows of 13 words), then searched at a
    tenth of a millisecond a sample.
    """

    def __init__(self, texts: Sequence[str], n: int = GRAM) -> None:
        rows = [words(text) for text in texts]
        self.n = n
        self.rows = frozenset(" ".join(row) for row in rows if row)
        self._numbers: dict[str, int] = {}
        for row in rows:
            for word in row:
                self._numbers.setdefault(word, len(self._numbers))
        self._levels = self._grow(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def _encode(self, rows: Sequence[Words]) -> WordTable:
        """Rows as integers; -1 for a word that no training row holds."""
        ids = np.array([self._numbers.get(word, -1) for row in rows for word in row], dtype=np.int64)
        owners = np.repeat(np.arange(len(rows)), [len(row) for row in rows]).astype(np.int64)
        return WordTable(ids, owners, max(len(self._numbers), 1))

    def _grow(self, rows: Sequence[Words]) -> list[Ints]:
        """Sorted keys of the 2-grams, 3-grams, ...: the rank of the gram one shorter, and a word."""
        table = self._encode(rows)
        ranks, levels = table.ids, []
        for length in range(2, self.n + 1):
            size = max(len(table.ids) - length + 1, 0)
            inside = table.owners[:size] == table.owners[length - 1 :]
            keys = ranks[:size] * table.size + table.ids[length - 1 :]
            unique, inverse = np.unique(keys[inside], return_inverse=True)
            ranks = np.zeros(size, dtype=np.int64)
            ranks[inside] = inverse
            levels.append(unique)
        return levels

    def find(self, texts: Sequence[str]) -> Copies:
        """Copies of the training rows in these texts."""
        rows = [words(text) for text in texts]
        table = self._encode(rows)
        ranks = table.ids
        for length, keys in enumerate(self._levels, start=2):
            size = max(len(table.ids) - length + 1, 0)
            last = table.ids[length - 1 :]
            wanted = ranks[:size] * table.size + last
            place = np.searchsorted(keys, wanted)
            hit = (ranks[:size] >= 0) & (last >= 0) & (place < len(keys))
            hit[hit] = keys[place[hit]] == wanted[hit]
            hit &= table.owners[:size] == table.owners[length - 1 :]
            ranks = np.where(hit, place, -1)
        owners = table.owners[: len(ranks)][ranks >= 0]
        return Copies(
            verbatim=np.array([" ".join(row) in self.rows for row in rows], dtype=np.bool_),
            copied=np.bincount(owners, minlength=len(rows)).astype(np.int64),
            total=np.array([max(len(row) - self.n + 1, 0) for row in rows], dtype=np.int64),
        )


def near_pairs(vectors: Vectors, threshold: float = NEAR) -> tuple[Ints, Ints]:
    """Row numbers (i, j), i < j, of all pairs of unit rows whose cosine reaches the threshold."""
    first, second = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for start in range(0, len(vectors), _BLOCK):
        left, right = np.nonzero(vectors[start : start + _BLOCK] @ vectors[start:].T >= threshold)
        above = right > left
        first.append(left[above] + start)
        second.append(right[above] + start)
    return np.concatenate(first), np.concatenate(second)


def near_duplicates(vectors: Vectors, threshold: float = NEAR) -> Ints:
    """(n,) cluster of each row, numbered from 0: rows linked by near pairs, directly or through others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(vectors)
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    first, second = near_pairs(vectors, threshold)
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(n, n))
    labels: Ints = connected_components(links, directed=False)[1].astype(np.int64)
    return labels


def duplicate_share(vectors: Vectors, units: Ints, threshold: float = NEAR) -> Estimate:
    """Share of rows that have a near-duplicate among the other rows; the delete-one-unit jackknife.

    A row stays flagged without a unit unless all its partners belong to that unit.
    """
    n = len(vectors)
    if n < 2:
        return UNKNOWN
    first, second = near_pairs(vectors, threshold)
    rows, partners = np.concatenate([first, second]), np.concatenate([second, first])
    degree = np.bincount(rows, minlength=n)
    size = int(units.max()) + 1
    keys, counts = np.unique(rows * size + units[partners], return_counts=True)
    owner, unit = keys // size, keys % size
    loses = (counts == degree[owner]) & (units[owner] != unit)
    flagged = degree > 0
    held = np.bincount(units, minlength=size)
    left = n - held
    gone = np.bincount(units[flagged], minlength=size) + np.bincount(unit[loses], minlength=size)
    without = np.divide(flagged.sum() - gone, left, out=np.full(size, np.nan), where=left > 0)
    found = jackknife(float(flagged.mean()), without[held > 0], lowest=0.0, highest=1.0)
    return with_honest_zero(found, n)
