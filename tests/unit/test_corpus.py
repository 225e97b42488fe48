from __future__ import annotations

import numpy as np
import pytest

from core.errors import StatisticsError
from core.measures.corpus import Corpus, halves, matched


def corpus(counts: dict[str, int], chained: bool = False) -> Corpus:
    queries = tuple(query for query, count in counts.items() for _ in range(count))
    chains = np.array([k for count in counts.values() for k in range(count)]) if chained else None
    return Corpus(queries, tuple(f"{query} {row}" for row, query in enumerate(queries)), chains=chains)


def counts_of(rows: Corpus) -> dict[str, int]:
    return {query: len(found) for query, found in rows.rows_of.items()}


def test_both_sides_keep_the_smaller_number_of_rows_of_each_shared_query() -> None:
    run, real = corpus({"a": 8, "b": 2, "c": 5}), corpus({"b": 4, "a": 3, "d": 9})
    left, right = matched(run, real, seed=0)
    assert counts_of(left) == counts_of(right) == {"a": 3, "b": 2}
    assert set(left.texts) < set(run.texts)
    assert set(right.texts) < set(real.texts)


def test_the_seed_draws_which_rows_stay() -> None:
    run, real = corpus({"a": 50}), corpus({"a": 5})
    drawn = {matched(run, real, seed)[0].texts for seed in range(6)}
    assert len(drawn) == 6
    assert matched(run, real, 3)[0].texts == matched(run, real, 3)[0].texts


def test_equal_sides_are_not_touched() -> None:
    run = corpus({"a": 3, "b": 3}, chained=True)
    left, right = matched(run, run, seed=1)
    assert left.texts == right.texts == run.texts


def test_a_cut_takes_whole_chains() -> None:
    run, real = corpus(dict.fromkeys("abcdef", 8), chained=True), corpus(dict.fromkeys("abcdef", 3))
    left, _ = matched(run, real, seed=2)
    assert left.chains is not None
    assert len(set(left.chains.tolist())) == 3
    assert len(left) == 18


def test_nothing_shared_leaves_nothing() -> None:
    left, right = matched(corpus({"a": 2}), corpus({"b": 2}), seed=0)
    assert len(left) == len(right) == 0


def test_halves_are_disjoint_and_equal_within_each_query() -> None:
    rows = corpus({"a": 5, "b": 4, "c": 1})
    left, right = halves(rows, seed=0)
    assert counts_of(left) == counts_of(right) == {"a": 2, "b": 2}
    assert not set(left.texts) & set(right.texts)


def test_taking_rows_takes_every_column() -> None:
    rows = Corpus(
        queries=("a", "b", "b"),
        texts=("x", "y", "z"),
        vectors=np.eye(3, dtype=np.float32),
        chains=np.array([7, 7, 9]),
        tokens=np.array([1, 2, 3]),
        expert_nats=np.array([0.1, 0.2, np.nan]),
        ended=np.array([True, False, True]),
    ).take([2, 0])
    assert (rows.queries, rows.texts) == (("b", "a"), ("z", "x"))
    assert rows.vectors is not None
    assert rows.tokens is not None
    assert rows.ended is not None
    assert rows.vectors.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert rows.tokens.tolist() == [3, 1]
    assert rows.ended.tolist() == [True, True]
    assert rows.units.tolist() == [1, 0]
    assert rows.base_nats is None


def test_a_column_of_another_length_is_refused_by_name() -> None:
    with pytest.raises(StatisticsError, match="column tokens has 2 rows and there are 1 texts; give one value a text"):
        Corpus(("a",), ("x",), tokens=np.array([1, 2]))
