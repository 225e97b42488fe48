"""Answers to be measured: texts by query with what is known of each, and two such sets cut to equal size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.errors import StatisticsError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Answers to queries, one row each; an optional column is None where nothing is known of it.

    queries: query id of each row; texts: the answers; vectors: (n, p) unit rows.
    chains: (n,) chain of each answer where samples read earlier ones; None where answers are independent.
    tokens: (n,) tokens of each answer in the model's tokenizer.
    expert_nats, base_nats: (n,) mean of -log p per token under that model, NaN where unknown.
    ended: (n,) whether the answer ended by itself.

    Raises StatisticsError where a column has another length than the texts.
    """

    queries: tuple[str, ...]
    texts: tuple[str, ...]
    vectors: Vectors | None = None
    chains: Ints | None = None
    tokens: Ints | None = None
    expert_nats: Floats | None = None
    base_nats: Floats | None = None
    ended: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            column = getattr(self, field.name)
            if column is not None and len(column) != len(self.texts):
                raise StatisticsError(
                    f"The column {field.name} has {len(column)} rows and there are {len(self.texts)} texts; "
                    "give one value a text."
                )

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def rows_of(self) -> dict[str, list[int]]:
        """Row numbers by query, queries in the order in which they first occur."""
        found: dict[str, list[int]] = defaultdict(list)
        for row, query in enumerate(self.queries):
            found[query].append(row)
        return dict(found)

    @cached_property
    def units(self) -> Ints:
        """(n,) the independent unit of each row, numbered from 0: its chain, or the row itself."""
        if self.chains is None:
            return np.arange(len(self), dtype=np.int64)
        return np.unique(self.chains, return_inverse=True)[1].astype(np.int64)

    def take(self, rows: Sequence[int]) -> Corpus:
        """These rows, in this order."""
        index = np.asarray(rows, dtype=np.int64)
        columns = {
            field.name: column[index] if (column := getattr(self, field.name)) is not None else None
            for field in fields(self)
            if field.name not in ("queries", "texts")
        }
        return Corpus(
            queries=tuple(self.queries[row] for row in index),
            texts=tuple(self.texts[row] for row in index),
            **columns,
        )


def matched(first: Corpus, second: Corpus, seed: int) -> tuple[Corpus, Corpus]:
    """Both cut to the queries they share and, for each, to the smaller number of rows.

    Which rows stay is drawn by the seed. Where rows have chains, whole chains go first, so that the
    cut leaves as few broken ones as it can. Row order is kept. No shared query: two empty sets.
    """
    rng = np.random.default_rng([seed, 0])
    orders = [_order(corpus, rng) for corpus in (first, second)]
    kept: tuple[list[int], list[int]] = ([], [])
    for query, rows in first.rows_of.items():
        others = second.rows_of.get(query, [])
        count = min(len(rows), len(others))
        for rows_here, order, target in zip((rows, others), orders, kept, strict=True):
            target.extend(sorted(rows_here, key=lambda row, order=order: order[row])[:count])  # type: ignore[misc]
    return first.take(sorted(kept[0])), second.take(sorted(kept[1]))


def drawn(corpus: Corpus, rows: int, characters: int, seed: int) -> Corpus:
    """At most so many rows and characters of a corpus, drawn by the seed, whole chains first; row order is kept."""
    if len(corpus) <= rows and sum(map(len, corpus.texts)) <= characters:
        return corpus
    ranks = _order(corpus, np.random.default_rng([seed, 4]))
    kept: list[int] = []
    for row in np.argsort(ranks, kind="stable").tolist():
        characters -= len(corpus.texts[row])
        if len(kept) == rows or (kept and characters < 0):
            break
        kept.append(row)
    return corpus.take(sorted(kept))


def halves(corpus: Corpus, seed: int) -> tuple[Corpus, Corpus]:
    """A seeded split of every query's rows in two equal halves; an odd row is dropped."""
    rng = np.random.default_rng([seed, 2])
    left: list[int] = []
    right: list[int] = []
    for rows in corpus.rows_of.values():
        order = rng.permutation(rows).tolist()
        half = len(order) // 2
        left += order[:half]
        right += order[half : 2 * half]
    return corpus.take(sorted(left)), corpus.take(sorted(right))


def _order(corpus: Corpus, rng: np.random.Generator) -> Ints:
    ranks = rng.permutation(len(corpus)).astype(np.int64)
    if corpus.chains is None or len(corpus) == 0:
        return ranks
    chain_ranks = rng.permutation(int(corpus.units.max()) + 1)
    return chain_ranks[corpus.units] * len(corpus) + ranks
