from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from core.measures.vocabulary import RealWords, is_known, unknown_share, word_list
from core.measures.wording import WordTable, cut_to, distinct, diversity_product, normalised, words


def ngrams(row: tuple[str, ...], n: int) -> list[tuple[str, ...]]:
    return [row[i : i + n] for i in range(len(row) - n + 1)]


def ratio(rows: list[tuple[str, ...]], n: int) -> float:
    grams = [gram for row in rows for gram in ngrams(row, n)]
    return len(set(grams)) / len(grams)


def random_rows(seed: int, count: int = 12, size: int = 6) -> list[tuple[str, ...]]:
    rng = np.random.default_rng(seed)
    return [tuple("abcdefghij"[i] for i in rng.integers(0, size, rng.integers(4, 15))) for _ in range(count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop — it's 9 o’clock!", ("don't", "stop", "it's", "9", "o'clock")),
        ("L'élève qu’on a vu là-bas", ("l'élève", "qu'on", "a", "vu", "là", "bas")),
        ("E\u0301te\u0301 ÉTÉ été", ("été", "été", "été")),
        ("'quoted' dogs' snake_case", ("quoted", "dogs", "snake", "case")),
        ("Œuvre, ﬁn… n°5", ("œuvre", "fin", "n", "5")),
        ("  \n?!", ()),
    ],
)
def test_words_keep_apostrophes_inside_and_compose_accents(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


def test_texts_are_equal_apart_from_case_spaces_and_punctuation() -> None:
    assert normalised("Do  Cats\ndream?") == normalised("do cats dream") != normalised("do cats dreams")


@pytest.mark.parametrize("n", [1, 2, 3, 4, 8])
def test_grams_are_those_of_brute_force_and_never_cross_rows(n: int) -> None:
    rows = [*random_rows(1), (), ("a",), ("b", "a")]
    ids, owners = WordTable.of(rows).grams(n)
    expected = [(gram, owner) for owner, row in enumerate(rows) for gram in ngrams(row, n)]
    assert owners.tolist() == [owner for _, owner in expected]
    first: dict[tuple[str, ...], int] = {}
    for (gram, _), identity in zip(expected, ids.tolist(), strict=True):
        assert first.setdefault(gram, identity) == identity
    assert len(set(first.values())) == len(first)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("unit_count", [12, 4])
def test_distinct_n_and_its_interval_equal_brute_force(n: int, unit_count: int) -> None:
    rows = random_rows(2)
    units = np.arange(len(rows)) % unit_count
    found = distinct(rows, n, units)
    without = [
        ratio([row for row, unit in zip(rows, units, strict=True) if unit != left], n) for left in range(unit_count)
    ]
    error = ((unit_count - 1) * np.var(without)) ** 0.5
    half = stats.t.ppf(0.975, unit_count - 1) * error
    assert found.value == pytest.approx(ratio(rows, n))
    assert found.low == pytest.approx(max(0.0, ratio(rows, n) - half))
    assert found.high == pytest.approx(min(1.0, ratio(rows, n) + half))


def test_diversity_product_multiplies_the_shares_of_different_2_3_and_4_grams() -> None:
    rows = random_rows(3)
    found = diversity_product(rows, np.arange(len(rows)))
    assert found.value == pytest.approx(ratio(rows, 2) * ratio(rows, 3) * ratio(rows, 4))


def test_a_loop_has_the_diversity_worked_out_by_hand() -> None:
    # "a b" eight times: 15 bigrams of 2 kinds, 14 trigrams of 2, 13 four-grams of 2.
    rows = [("a", "b") * 8]
    assert diversity_product(rows, np.zeros(1, dtype=np.int64)).value == pytest.approx(2 / 15 * 2 / 14 * 2 / 13)


@pytest.mark.parametrize("rows", [[], [()], [("a",)], [("a", "b", "c")]])
def test_too_few_words_leave_the_diversity_product_unknown(rows: list[tuple[str, ...]]) -> None:
    found = diversity_product(rows, np.arange(len(rows)))
    assert (found.value, found.low, found.high) == (None, None, None)


def test_one_row_has_a_value_and_no_interval() -> None:
    found = distinct([("a", "a", "b")], 1, np.zeros(1, dtype=np.int64))
    assert (found.value, found.low, found.high) == (pytest.approx(2 / 3), None, None)


def test_a_cut_keeps_exactly_that_many_words_from_the_front_of_rows() -> None:
    rows = random_rows(4)
    total = sum(map(len, rows))
    kept = cut_to(rows, total - 20, seed=5)
    assert sum(map(len, kept)) == total - 20
    assert all(row[: len(part)] == part for row, part in zip(rows, kept, strict=True))
    assert kept == cut_to(rows, total - 20, seed=5)
    assert kept != cut_to(rows, total - 20, seed=6)
    assert cut_to(rows, total, seed=5) == rows


def test_a_word_is_known_whole_or_by_the_parts_that_an_apostrophe_joins() -> None:
    known = word_list(["L'école est là, don't you see"])
    assert {"l'école", "l", "école", "don't"} <= known
    assert is_known("l'est", known)
    assert not is_known("d'école", known)
    assert is_known("d'école", known, {"d"})


def test_unknown_share_counts_words_with_letters_only() -> None:
    texts = ["the cat 1984 zzyx", "zzyx the", "12 34"]
    found = unknown_share(texts, np.arange(3), frozenset({"the", "cat"}))
    assert found.value == pytest.approx(2 / 5)


def test_no_unknown_word_still_has_an_upper_end_above_zero() -> None:
    found = unknown_share(["the cat"] * 20, np.arange(20), frozenset({"the", "cat"}))
    z2 = stats.norm.ppf(0.975) ** 2
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(z2 / (20 + z2))


def test_a_real_row_does_not_vouch_for_its_own_words() -> None:
    texts = ["cats purr", "cats sleep sleep", "dogs sleep"]
    seen = RealWords(texts)
    rows = Counter(word for text in texts for word in set(text.split()))
    assert seen.any == set(rows)
    assert seen.of_others == {word for word, count in rows.items() if count > 1} == {"cats", "sleep"}
