"""The debiased squared distance: enumeration of all samples, and jackknives by recomputation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.statistics.answers import Answers, Units
from core.statistics.distances import distance, leave_one_out

P = 6


def generator(key: str, counts: Sequence[int], seed: int, chains: int | None = None) -> Answers:
    rng = np.random.default_rng(seed)
    rows = [rng.normal(size=(1, P)) + rng.normal(size=(r, P)) for r in counts]
    vectors = tuple((x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32) for x in rows)
    return Answers(key, vectors, None if chains is None else tuple(np.arange(r) % chains for r in counts))


def slow_noise(rows: NDArray[np.float64], chain: NDArray[np.int64] | None) -> float:
    """Noise of a cell's mean: variance of one answer over r, or clustered by chain."""
    if chain is None:
        return float(rows.var(axis=0, ddof=1).sum() / len(rows))
    off = rows - rows.mean(axis=0)
    names = np.unique(chain)
    sums = [off[chain == t].sum(axis=0) / len(rows) for t in names]
    return float(len(names) / (len(names) - 1) * np.sum(np.square(sums)))


def slow_terms(a: Answers, b: Answers, drop: tuple[str, int] | None = None) -> NDArray[np.float64]:
    """u_j for every query; `drop` leaves the k-th answer out of each cell, or a chain ("chain", t), of a."""
    terms = []
    for j in range(len(a.vectors)):
        x, y = a.vectors[j].astype(float), b.vectors[j].astype(float)
        tied = [None if g.chains is None else g.chains[j] for g in (a, b)]
        if drop is not None:
            keep = tied[0] != drop[1] if drop[0] == "chain" else np.arange(len(x)) != drop[1]
            x, tied[0] = x[keep], None if tied[0] is None else tied[0][keep]
        gap = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
        terms.append(gap - slow_noise(x, tied[0]) - slow_noise(y, tied[1]))
    return np.array(terms)


def slow_over_answers(a: Answers, b: Answers) -> tuple[float, float]:
    """Standard error and nu of the delete-one-answer jackknife."""
    m = len(a.vectors)
    pieces = []
    for one, other in ((a, b), (b, a)):
        for j in range(m):
            alone = [Answers(g.key, (g.vectors[j],)) for g in (one, other)]
            r = len(one.vectors[j])
            left = np.array([slow_terms(*alone, drop=("answer", k))[0] for k in range(r)])
            pieces.append(((r - 1) / r * np.sum((left - left.mean()) ** 2), r))
    v = np.array([piece for piece, _ in pieces])
    r = np.array([size for _, size in pieces])
    return float(np.sqrt(v.sum()) / m), max(1.0, float(v.sum() ** 2 / np.sum(v**2 / (r + 1)) - 2))


def test_the_mean_over_all_possible_samples_is_the_true_distance() -> None:
    rng = np.random.default_rng(1)
    atoms = rng.normal(size=(2, 3, P))
    atoms = (atoms / np.linalg.norm(atoms, axis=2, keepdims=True)).astype(np.float32)
    true = ((atoms[0].astype(float).mean(axis=0) - atoms[1].astype(float).mean(axis=0)) ** 2).sum()
    values, raw = [], []
    for first in product(range(3), repeat=2):
        for second in product(range(3), repeat=3):
            a, b = Answers("a", (atoms[0][list(first)],)), Answers("b", (atoms[1][list(second)],))
            values.append(distance(a, b).value)
            raw.append(((a.vectors[0].mean(axis=0) - b.vectors[0].mean(axis=0)) ** 2).sum())
    assert np.mean(values) == pytest.approx(true, abs=1e-12)
    assert np.mean(raw) > true + 0.1


def test_the_same_answers_twice_are_their_own_noise_below_zero() -> None:
    a = generator("a", [5, 4, 7], 1)
    noise = np.mean([slow_noise(v.astype(float), None) for v in a.vectors])
    assert distance(a, replace(a, key="b")).value == pytest.approx(-2 * noise)


@pytest.mark.parametrize("chains", [None, 4])
def test_leaving_one_out_equals_recomputing_without_it(chains: int | None) -> None:
    a, b = generator("a", [9, 6, 5], 1, chains), generator("b", [4, 4, 5], 2)
    units = Units.of(a)
    moves = leave_one_out(units, np.stack([v.astype(float).mean(axis=0) for v in b.vectors]))
    whole = slow_terms(a, b)
    for j in range(3):
        one = Answers("a", (a.vectors[j],), None if a.chains is None else (a.chains[j],))
        against = Answers("b", (b.vectors[j],))
        for u in range(int(units.per_cell[j])):
            drop = ("answer", u) if chains is None else ("chain", u)
            assert moves[j, u] == pytest.approx(slow_terms(one, against, drop)[0] - whole[j], abs=1e-10)


@pytest.mark.parametrize("m", [1, 3, 8])
def test_interval_over_independent_answers_is_the_jackknife_or_the_shorter_of_two(m: int) -> None:
    a, b = generator("a", [4, 7, 5, 6, 4, 5, 9, 4][:m], 1), generator("b", [6, 4, 4, 5, 8, 4, 4, 7][:m], 2)
    u = slow_terms(a, b)
    se, nu = slow_over_answers(a, b)
    half = se * stats.t.ppf(0.975, nu)
    method = "answers"
    if m >= 5:
        over_queries = u.std(ddof=1) / np.sqrt(m) * stats.t.ppf(0.975, m - 1)
        if over_queries < half:
            method, half, se = "queries", over_queries, u.std(ddof=1) / np.sqrt(m)
    found = distance(a, b)
    assert found.value == pytest.approx(u.mean())
    assert (found.method, found.n_queries) == (method, m)
    assert found.standard_error == pytest.approx(se)
    assert (found.low, found.high) == (pytest.approx(u.mean() - half), pytest.approx(u.mean() + half))


@pytest.mark.parametrize("other", [None, 5])
def test_interval_with_chains_is_the_jackknife_over_whole_chains(other: int | None) -> None:
    a, b = generator("a", [12, 6, 10], 1, chains=6), generator("b", [5, 5, 5], 2, chains=other)

    def over_chains(one: Answers, against: Answers, total: int) -> float:
        left = [slow_terms(one, against, ("chain", t)).mean() for t in range(total)]
        return float((total - 1) / total * np.sum((left - np.mean(left)) ** 2))

    v = over_chains(a, b, 6)
    pieces = v**2 / 7
    if other is None:
        for j in range(3):
            one = [Answers(g.key, (g.vectors[j],), None if g.chains is None else (g.chains[j],)) for g in (b, a)]
            left = np.array([slow_terms(*one, drop=("answer", k))[0] for k in range(5)])
            cell = 4 / 5 * np.sum((left - left.mean()) ** 2) / 9
            v, pieces = v + cell, pieces + cell**2 / 6
    else:
        second = over_chains(b, a, 5)
        v, pieces = v + second, pieces + second**2 / 6
    found = distance(a, b)
    assert found.method == "chains"
    assert found.standard_error == pytest.approx(np.sqrt(v))
    nu = max(1.0, v**2 / pieces - 2)
    assert found.high == pytest.approx(slow_terms(a, b).mean() + np.sqrt(v) * stats.t.ppf(0.975, nu))


def test_distance_is_symmetric() -> None:
    a, b = generator("a", [6] * 4, 1, chains=6), generator("b", [5, 4, 4, 7], 2)
    one, other = distance(a, b), distance(b, a)
    assert (one.value, one.low, one.high) == (
        pytest.approx(other.value),
        pytest.approx(other.low),
        pytest.approx(other.high),
    )


def test_a_cell_of_one_answer_borrows_the_mean_spread() -> None:
    a, b = generator("a", [1, 4, 6], 1), generator("b", [4, 4, 4], 2)
    gamma = np.mean([v.astype(float).var(axis=0, ddof=1).sum() for v in a.vectors[1:]])
    gap = ((a.vectors[0][0].astype(float) - b.vectors[0].astype(float).mean(axis=0)) ** 2).sum()
    first = gap - gamma - slow_noise(b.vectors[0].astype(float), None)
    rest = [slow_terms(Answers("a", (a.vectors[j],)), Answers("b", (b.vectors[j],)))[0] for j in (1, 2)]
    found = distance(a, b)
    assert found.value == pytest.approx(np.mean([first, *rest]))
    assert found.method == "queries"


def test_without_repeats_nothing_is_claimed() -> None:
    found = distance(generator("a", [1, 1], 1), generator("b", [4, 4], 2))
    assert (found.value, found.low, found.high, found.standard_error) == (None,) * 4
    assert found.reason == "a has no independent repeats, so noise cannot be told from distance."


def test_two_deterministic_generators_have_an_exact_distance() -> None:
    a, b = (replace(generator(key, [1] * 3, seed), deterministic=True) for key, seed in (("a", 1), ("b", 2)))
    gaps = [((x.astype(float) - y) ** 2).sum() for x, y in zip(a.vectors, b.vectors, strict=True)]
    found = distance(a, b)
    assert found.value == pytest.approx(np.mean(gaps))
    assert found.low == found.value == found.high
    assert found.method == "exact"


@pytest.mark.parametrize(
    ("a", "b", "method"),
    [
        (generator("a", [3], 1), generator("b", [9], 2), "none"),
        (generator("a", [4], 1), generator("b", [4], 2), "answers"),
        (generator("a", [4, 3], 1), generator("b", [9, 9], 2), "queries"),
        (generator("a", [3] * 6, 1), generator("b", [9] * 6, 2), "queries"),
        (generator("a", [3] * 6, 1, chains=3), generator("b", [9] * 6, 2), "none"),
        (generator("a", [4] * 6, 1, chains=4), generator("b", [9] * 6, 2), "chains"),
        (generator("a", [8] * 6, 1, chains=1), generator("b", [9] * 6, 2), "none"),
        (generator("a", [8] * 6, 1, chains=8), generator("b", [3] * 6, 2), "none"),
    ],
)
def test_the_rule_between_standard_errors(a: Answers, b: Answers, method: str) -> None:
    found = distance(a, b)
    assert found.method == method
    assert (found.reason is not None) == (method == "none") == (found.low is None)


def test_below_five_queries_the_spread_over_queries_is_never_used_for_being_short() -> None:
    shorter = 0
    for seed in range(12):
        a, b = generator("a", [4] * 4, 2 * seed), generator("b", [4] * 4, 2 * seed + 1)
        u, (se, nu) = slow_terms(a, b), slow_over_answers(a, b)
        shorter += u.std(ddof=1) / 2 * stats.t.ppf(0.975, 3) < se * stats.t.ppf(0.975, nu)
        assert distance(a, b).method == "answers"
    assert shorter > 0


def test_only_queries_that_both_answered_count() -> None:
    a, b = generator("a", [4, 4, 4], 1), generator("b", [4, 4, 4], 2)
    part = Answers("b", (b.vectors[0], b.vectors[1][:0], b.vectors[2]))
    pair = [Answers(g.key, (g.vectors[0], g.vectors[2])) for g in (a, b)]
    assert distance(a, part) == distance(*pair)
    nothing = distance(Answers("a", (a.vectors[0], a.vectors[1][:0])), Answers("b", (b.vectors[1][:0], b.vectors[0])))
    assert nothing.reason == "a and b answered no query in common; finish one of them."


def test_rounds_of_one_chain_are_left_out_one_by_one_within_their_block_of_queries() -> None:
    # Queries 0 and 1 are of the even rounds, 2 and 3 of the odd ones.
    rounds = tuple(2 * np.arange(6) + j // 2 for j in range(4))
    a = replace(generator("a", [6] * 4, 1, chains=1), rounds=rounds)
    b = generator("b", [5] * 4, 2)
    pieces = []
    for block in (slice(0, 2), slice(2, 4)):
        own = Answers("a", a.vectors[block], rounds[block])
        left = np.array(
            [
                slow_terms(own, Answers("b", b.vectors[block]), ("chain", t)).sum() / 4
                for t in np.unique(rounds[block.start])
            ]
        )
        pieces.append((5 / 6 * np.sum((left - left.mean()) ** 2), 6))
    for j in range(4):
        alone = Answers("b", (b.vectors[j],)), Answers("a", (a.vectors[j],), (rounds[j],))
        left = np.array([slow_terms(*alone, ("answer", k))[0] for k in range(5)])
        pieces.append((4 / 5 * np.sum((left - left.mean()) ** 2) / 16, 5))
    variance = np.array([v for v, _ in pieces])
    nu = variance.sum() ** 2 / np.sum(variance**2 / (np.array([size for _, size in pieces]) + 1)) - 2
    found = distance(a, b)
    assert found.method == "rounds"
    assert found.standard_error == pytest.approx(np.sqrt(variance.sum()))
    assert found.high - found.value == pytest.approx(np.sqrt(variance.sum()) * stats.t.ppf(0.975, nu))
    few = replace(generator("a", [3] * 4, 1, chains=1), rounds=tuple(r[:3] for r in rounds))
    assert "3 rounds for some query, and an interval beside answers tied in rounds needs 4" in str(
        distance(few, b).reason
    )
