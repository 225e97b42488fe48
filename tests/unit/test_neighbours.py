from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core import neighbours
from core.measures.wording import words
from core.neighbours import (
    TrainingIndex,
    duplicate_share,
    near_duplicates,
    near_pairs,
    nearest_real,
)


def unit_rows(seed: int, n: int, p: int = 6) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(n, p))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clumped_rows(seed: int, n: int) -> NDArray[np.float32]:
    """Rows in a few tight clumps, some linked only through others."""
    rng = np.random.default_rng(seed)
    rows = unit_rows(seed, 7)[rng.integers(0, 7, n)] + rng.normal(scale=0.09, size=(n, 6))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_nearest_real_row_is_the_one_of_smallest_euclidean_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_BLOCK", 7)
    samples, real = unit_rows(1, 40), unit_rows(2, 25)
    found = nearest_real(samples, real)
    assert found is not None
    distances = np.linalg.norm(samples[:, None] - real[None], axis=2)
    assert found.rows.tolist() == distances.argmin(axis=1).tolist()
    # For unit rows d^2 = 2 - 2 cos.
    np.testing.assert_allclose(found.cosines, 1 - distances.min(axis=1) ** 2 / 2, atol=1e-5)


def test_without_real_rows_nothing_is_nearest_and_without_samples_nothing_is_found() -> None:
    assert nearest_real(unit_rows(1, 3), np.zeros((0, 6), dtype=np.float32)) is None
    found = nearest_real(np.zeros((0, 6), dtype=np.float32), unit_rows(1, 3))
    assert found is not None
    assert len(found.rows) == len(found.cosines) == 0


def test_verbatim_copies_are_found_through_case_spaces_and_punctuation() -> None:
    index = TrainingIndex(["Do cats dream of mice?", "", "Rain is wet."])
    found = index.find(["do cats  dream, of MICE", "do cats dream of mice today", "", "rain is wet"])
    assert found.verbatim.tolist() == [True, False, False, True]


@pytest.mark.parametrize("n", [2, 3, 8])
def test_copied_grams_equal_brute_force(n: int) -> None:
    rng = np.random.default_rng(n)

    def texts(count: int, alphabet: str) -> list[str]:
        return [
            " ".join(alphabet[i] for i in rng.integers(0, len(alphabet), rng.integers(0, 25))) for _ in range(count)
        ]

    training, samples = texts(60, "ab"), texts(40, "abz")
    grams = {row[i : i + n] for row in map(words, training) for i in range(len(row) - n + 1)}
    found = TrainingIndex(training, n).find(samples)
    rows = [words(text) for text in samples]
    copied = [sum(row[i : i + n] in grams for i in range(len(row) - n + 1)) for row in rows]
    assert 0 < sum(copied) < sum(max(len(row) - n + 1, 0) for row in rows)
    assert found.copied.tolist() == copied
    assert found.total.tolist() == [max(len(row) - n + 1, 0) for row in rows]
    assert found.any_copied.tolist() == [count > 0 for count in copied]


def test_a_gram_that_would_cross_two_training_rows_is_no_copy() -> None:
    index = TrainingIndex(["one two three four", "five six seven eight"])
    found = index.find(["one two three four five six seven eight"])
    assert (found.copied.tolist(), found.total.tolist()) == ([0], [1])


def test_an_empty_training_set_has_no_copies() -> None:
    found = TrainingIndex([]).find(["one two three four five six seven eight nine"])
    assert (found.verbatim.tolist(), found.copied.tolist(), found.total.tolist()) == ([False], [0], [2])


def brute_clusters(vectors: NDArray[np.float32], threshold: float) -> list[set[int]]:
    table = vectors @ vectors.T >= threshold
    left, clusters = set(range(len(vectors))), []
    while left:
        cluster, edge = set(), {left.pop()}
        while edge:
            cluster |= edge
            edge = {j for i in edge for j in range(len(vectors)) if table[i, j]} - cluster
        left -= cluster
        clusters.append(cluster)
    return clusters


def test_near_duplicate_clusters_equal_a_flood_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_BLOCK", 11)
    vectors = clumped_rows(3, 60)
    labels = near_duplicates(vectors, 0.97)
    found = {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}
    expected = brute_clusters(vectors, 0.97)
    assert found == set(map(frozenset, expected))
    assert 5 < len(expected) < 60
    first, second = near_pairs(vectors, 0.97)
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == [
        (i, j) for i in range(60) for j in range(i + 1, 60) if vectors[i] @ vectors[j] >= 0.97
    ]


@pytest.mark.parametrize("unit_count", [60, 6])
def test_duplicate_share_and_its_interval_equal_brute_force(unit_count: int) -> None:
    vectors, units = clumped_rows(4, 60), np.arange(60) % unit_count

    def share(rows: NDArray[np.intp]) -> float:
        table = vectors[rows] @ vectors[rows].T >= 0.97
        return float((table.sum(axis=1) > 1).mean())

    found = duplicate_share(vectors, units, 0.97)
    without = [share(np.flatnonzero(units != left)) for left in range(unit_count)]
    half = stats.t.ppf(0.975, unit_count - 1) * ((unit_count - 1) * np.var(without)) ** 0.5
    value = share(np.arange(60))
    assert 0.2 < value < 0.95
    assert found.value == pytest.approx(value)
    assert found.low == pytest.approx(max(0.0, value - half))
    assert found.high == pytest.approx(min(1.0, value + half))


def test_no_or_one_row_has_no_duplicates_to_speak_of() -> None:
    assert duplicate_share(unit_rows(1, 1), np.zeros(1, dtype=np.int64)).value is None
    assert near_duplicates(np.zeros((0, 6), dtype=np.float32)).tolist() == []
