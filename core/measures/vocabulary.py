"""Which words are known, and the share of a text's words that are not: a measure of gibberish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.measures.wording import words
from core.statistics.intervals import Estimate, ratio, with_honest_zero


def word_list(texts: Iterable[str]) -> frozenset[str]:
    """Every word of the texts, and the parts of those that an apostrophe joins."""
    return frozenset(word for text in texts for word in _with_parts(text))


def _with_parts(text: str) -> set[str]:
    found = set(words(text))
    return found.union(*(word.split("'") for word in found))


def is_known(word: str, *lists: Container[str]) -> bool:
    """Whether a word stands in one of the lists, or every part that its apostrophes join does."""
    return any(word in known for known in lists) or (
        "'" in word and all(part.isdigit() or any(part in known for known in lists) for part in word.split("'"))
    )


class RealWords:
    """The words of the real rows: what a sample may use, and what one real row may owe to the others."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts = Counter(word for text in texts for word in _with_parts(text))
        self.any = frozenset(counts)
        self.of_others = frozenset(word for word, rows in counts.items() if rows > 1)
        """Words of two rows or more: for any one of these rows, another one knows them."""


def unknown_share(texts: Sequence[str], units: NDArray[np.int64], *lists: Container[str]) -> Estimate:
    """Words in no list over all words that hold a letter; numbers do not count.

    units: (n,) the unit of each text, numbered from 0, left out one by one for the interval.
    """
    unknown, total = np.zeros(len(texts)), np.zeros(len(texts))
    for row, text in enumerate(texts):
        found = [word for word in words(text) if not word.isdigit()]
        total[row] = len(found)
        unknown[row] = sum(not is_known(word, *lists) for word in found)
    # None of n texts holds an unknown word: at most Wilson's share of texts do, and so of words.
    return with_honest_zero(ratio(unknown, total, units, 1.0), int((total > 0).sum()))
