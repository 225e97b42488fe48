"""Texts as words: one tokeniser for every count of words and n-grams, and how many of those are different."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.statistics.intervals import UNKNOWN, Estimate, jackknife

Ints = NDArray[np.int64]
Words = tuple[str, ...]

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"))


def words(text: str) -> Words:
    """The words of a text in lower case: letters and digits, accents composed, apostrophes kept inside.

    "Don't" is one word, "qu’on" is `qu'on`, a hyphen parts two words, punctuation is dropped.
    """
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold()))


def normalised(text: str) -> str:
    """What is compared when two texts are called equal: their words, one space apart."""
    return " ".join(words(text))


def cut_to(rows: Sequence[Words], limit: int, seed: int) -> list[Words]:
    """The rows in a seeded order, cut where `limit` words are reached; returned in their own order.

    A row that falls away wholly is returned as an empty one, so that row i stays row i.
    """
    kept: list[Words] = [()] * len(rows)
    left = limit
    for index in np.random.default_rng([seed, 1]).permutation(len(rows)):
        kept[index] = rows[index][:left]
        left -= len(kept[index])
        if left <= 0:
            break
    return kept


@dataclass(frozen=True)
class WordTable:
    """Rows of words as integers, end to end.

    ids: word id of each word, below `size`; owners: the row of each word, ascending.
    """

    ids: Ints
    owners: Ints
    size: int

    @classmethod
    def of(cls, rows: Sequence[Words]) -> WordTable:
        """Number the words in the order in which they first occur."""
        numbers: dict[str, int] = {}
        ids = [numbers.setdefault(word, len(numbers)) for row in rows for word in row]
        owners = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        return cls(np.array(ids, dtype=np.int64), owners.astype(np.int64), len(numbers))

    def grams(self, n: int) -> tuple[Ints, Ints]:
        """Ids of the n-grams that stay inside a row, equal where the words are, and the row of each."""
        ids = self.ids
        for length in range(2, n + 1):
            # A shorter gram's id and one more word: below 2**63 for any corpus that fits in memory.
            keys = ids[:-1] * self.size + self.ids[length - 1 :] if len(ids) else ids
            ids = np.unique(keys, return_inverse=True)[1].astype(np.int64)
        rows = self.owners[: len(ids)]
        inside = rows == self.owners[len(self.owners) - len(ids) :]
        return np.unique(ids[inside], return_inverse=True)[1].astype(np.int64), rows[inside]


@dataclass(frozen=True)
class _Counts:
    """Different and all n-grams of a corpus, and what falls away with each unit of it."""

    different: int
    total: int
    only_here: Ints
    total_here: Ints

    @property
    def ratio(self) -> float:
        return self.different / self.total

    def without_each(self) -> NDArray[np.float64]:
        left = self.total - self.total_here
        ratios = np.full(len(left), np.nan)
        np.divide(self.different - self.only_here, left, out=ratios, where=left > 0)
        return ratios


def _count(table: WordTable, n: int, units: Ints, size: int) -> _Counts:
    grams, rows = table.grams(n)
    owners = units[rows]
    pairs = np.unique(grams * size + owners)
    gram_of, unit_of = pairs // size, pairs % size
    alone = np.bincount(gram_of)[gram_of] == 1 if len(pairs) else np.zeros(0, dtype=bool)
    return _Counts(
        different=int(grams.max()) + 1 if len(grams) else 0,
        total=len(grams),
        only_here=np.bincount(unit_of[alone], minlength=size),
        total_here=np.bincount(owners, minlength=size),
    )


def distinct(rows: Sequence[Words], n: int, units: Ints) -> Estimate:
    """Different n-grams over all n-grams (Li et al. 2016, distinct-n), none across two rows.

    units: (rows,) the independent unit of each row, numbered from 0; the interval is the
    delete-one-unit jackknife. A bootstrap would repeat rows and so count their n-grams as repeats.
    """
    return _product(rows, (n,), units)


def diversity_product(rows: Sequence[Words], units: Ints) -> Estimate:
    """The product over n = 2, 3, 4 of different over all n-grams (Su et al. 2022); interval as `distinct`."""
    return _product(rows, (2, 3, 4), units)


def _product(rows: Sequence[Words], lengths: tuple[int, ...], units: Ints) -> Estimate:
    table = WordTable.of(rows)
    size = int(units.max()) + 1 if len(units) else 0
    counts = [_count(table, n, units, size) for n in lengths]
    if any(count.total == 0 for count in counts):
        return UNKNOWN
    value = float(np.prod([count.ratio for count in counts]))
    without = np.prod([count.without_each() for count in counts], axis=0)
    # A unit without words, because the cut took them, is no observation.
    held = np.bincount(units[table.owners], minlength=size) > 0
    return jackknife(value, without[held], lowest=0.0, highest=1.0)
