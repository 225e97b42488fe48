"""The most characteristic phrase of a text: the query that a real row would have answered.

Rule. Stop words, words without letters and punctuation cut the text into runs of content words (RAKE,
Rose et al. 2010); runs longer than the limit give every piece of that length. A run scores the sum of
its words' log(N / df), where df is the number of the N texts of the same source that hold the word;
words held by one text alone are names and misprints more often than subjects and count for nothing.
The best run is the phrase; ties go to the one that stands first.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

STOP_WORDS = frozenset(Path(__file__).with_name("stop_words.txt").read_text(encoding="utf-8").split())
_PIECE = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\S")


def runs(text: str, longest: int) -> list[tuple[str, ...]]:
    """Runs of content words in text order, each at most `longest` words, in lower case."""
    found: list[tuple[str, ...]] = []
    run: list[str] = []
    for piece in [*_PIECE.findall(text.lower().replace("’", "'")), "."]:
        if piece[0].isalpha() and len(piece) > 1 and piece not in STOP_WORDS:
            run.append(piece)
            continue
        found += [tuple(run[i : i + longest]) for i in range(max(len(run) - longest, 0) + 1)] if run else []
        run = []
    return found


class Phrases:
    """The characteristic phrases of the texts of one source."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = 0
        self._held: Counter[str] = Counter()
        for text in texts:
            self._texts += 1
            self._held.update({word for run in runs(text, 1) for word in run})

    def best(self, text: str, longest: int = 3, count: int = 1) -> str | None:
        """The best run of the text, or its `count` best without a shared word, joined by "and" in text order.

        None where no word of the text stands in another text of the source.
        """
        candidates = runs(text, longest)
        order = sorted(range(len(candidates)), key=lambda i: (-self._score(candidates[i]), i))
        chosen: list[int] = []
        for i in order:
            taken = {word for j in chosen for word in candidates[j]}
            if self._score(candidates[i]) > 0 and not taken & set(candidates[i]):
                chosen.append(i)
            if len(chosen) == count:
                break
        return " and ".join(" ".join(candidates[i]) for i in sorted(chosen)) or None

    def _score(self, run: tuple[str, ...]) -> float:
        held = [self._held[word] for word in run]
        return sum(math.log(self._texts / n) for n in held if n > 1)
