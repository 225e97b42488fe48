"""Boxes, budgets, permutation tests and the worst case, each against its formula written out or all cases counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.errors import SettingsError, StatisticsError
from core.guarantees import (
    axes_of,
    benjamini_hochberg,
    benjamini_yekutieli,
    bernstein_box,
    boxes,
    delta_of_look,
    hoeffding_box,
    permutations_for,
    placed_box,
    plan_budget,
    same,
    worst_case,
)
from core.perspective import fit_map
from core.statistics.answers import Answers, Units, cell_noise
from core.statistics.axes import gram, stacked
from core.statistics.distances import distance
from core.statistics.halves import B, halve

P = 6


def generator(key: str, counts: Sequence[int], seed: int, chains: int | None = None, spread: float = 0.5) -> Answers:
    rng = np.random.default_rng(seed)
    rows = [rng.normal(size=(1, P)) + spread * rng.normal(size=(r, P)) for r in counts]
    vectors = tuple((x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32) for x in rows)
    return Answers(key, vectors, None if chains is None else tuple(np.arange(r) % chains for r in counts))


def some_axes(m: int, d: int = 2, seed: int = 0) -> NDArray[np.float64]:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(m * P, d)))[0].reshape(m, P, d)


def bernstein_by_hand(blocks: NDArray[np.float64], answers: Answers, delta: float) -> list[float]:
    m, _, d = blocks.shape
    log = math.log(3 * d / delta)
    widths = []
    for axis in range(d):
        v, reach, a = 0.0, 0.0, 0.0
        for j, x in enumerate(answers.vectors):
            along = [float(row.astype(float) @ blocks[j, :, axis]) for row in x]
            v += float(np.var(along, ddof=1)) / len(along) / m
            reach = max(reach, 2 / math.sqrt(m) * float(np.linalg.norm(blocks[j, :, axis])) / len(along))
            a = max(a, len(along) / (len(along) - 1))
        root = math.sqrt(v + a * reach**2 * log / 2) + reach * math.sqrt(a * log / 2)
        widths.append(math.sqrt(2 * log) * root + reach * log / 3)
        assert widths[-1] <= math.sqrt(2 * log * v) + (2 * math.sqrt(a) + 1 / 3) * reach * log + 1e-12
    return widths


def test_the_hoeffding_box_of_equal_replicates_depends_on_their_number_alone() -> None:
    width = hoeffding_box(some_axes(7), np.full(7, 5), 0.05)
    assert width == pytest.approx([math.sqrt(2 * math.log(4 / 0.05) / 35)] * 2)


def test_unequal_replicates_weigh_with_their_blocks() -> None:
    blocks, counts = some_axes(3, 1), np.array([2, 5, 9])
    share = sum(float(np.sum(block**2)) / r for block, r in zip(blocks, counts, strict=True)) / 3
    assert hoeffding_box(blocks, counts, 0.1) == pytest.approx([math.sqrt(2 * math.log(2 / 0.1) * share)])


def test_the_bernstein_box_is_its_formula() -> None:
    blocks, answers = some_axes(4), generator("a", [3, 4, 7, 5], 1)
    assert bernstein_box(blocks, answers, 0.05) == pytest.approx(bernstein_by_hand(blocks, answers, 0.05))
    assert bernstein_box(blocks, generator("a", [1] * 4, 1), 0.05) is None


def test_chains_are_one_term_each() -> None:
    """Eight chains over four queries are eight answers to one query whose block is all four together."""
    blocks, chained = some_axes(4), generator("a", [8] * 4, 2, chains=8)
    log = math.log(6 / 0.05)
    found = bernstein_box(blocks, chained, 0.05)
    assert found is not None
    for axis in range(2):
        sums = [sum(float(chained.vectors[j][t] @ blocks[j, :, axis]) for j in range(4)) / 2 for t in range(8)]
        reach = 2 * float(np.linalg.norm(blocks[:, :, axis], axis=1).sum()) / 2 / 8
        root = math.sqrt(np.var(sums, ddof=1) / 8 + 8 / 7 * reach**2 * log / 2) + reach * math.sqrt(8 / 7 * log / 2)
        assert found[axis] == pytest.approx(math.sqrt(2 * log) * root + reach * log / 3)


def test_the_box_to_read_splits_delta_only_where_bernstein_could_win() -> None:
    generators = [generator(f"g{i}", [60] * 3, i) for i in range(5)]
    fitted = fit_map(generators)
    few = placed_box(fitted, generator("few", [4] * 3, 9), 0.05)
    assert few.smaller == pytest.approx(hoeffding_box(axes_of(fitted), np.full(3, 4), 0.05))
    narrow = generator("many", [400] * 3, 9, spread=0.05)
    many = placed_box(fitted, narrow, 0.05)
    half = np.minimum(
        hoeffding_box(axes_of(fitted), np.full(3, 400), 0.025),
        bernstein_by_hand(axes_of(fitted), narrow, 0.025),
    )
    assert many.hoeffding is not None
    assert many.smaller == pytest.approx(half)
    assert np.all(half < many.hoeffding)


def test_a_placed_box_stands_around_the_placed_point_or_says_why_not() -> None:
    generators = [generator(f"g{i}", [6] * 3, i) for i in range(5)]
    fitted, new = fit_map(generators), generator("new", [6] * 3, 9)
    found = placed_box(fitted, new)
    assert found.reason is None
    assert found.point == pytest.approx(fitted.place(new).point)
    unfinished = replace(new, vectors=(*new.vectors[:2], new.vectors[2][:0]))
    energetic = replace(fitted, variant="energy")
    for one, answers, word in [
        (fitted, generators[0], "helped to fit"),
        (fitted, unfinished, "has not answered"),
        (fitted, generator("new", [6] * 3, 9, chains=1), "one chain"),
        (energetic, new, "energy"),
    ]:
        none = placed_box(one, answers)
        assert none.hoeffding is none.bernstein is none.smaller is None
        assert none.reason is not None
        assert word in none.reason


def test_boxes_of_a_map_carry_the_noise_of_its_centre() -> None:
    counts = [[4, 8, 6], [6, 4, 9], [5, 5, 12], [8, 8, 8]]
    generators = [generator(f"g{i}", row, i) for i, row in enumerate(counts)]
    found = boxes(generators, dimension=2, seed=3)
    second = np.stack([halve(one, 3).counts[B] for one in generators])
    # ||V_jl||^2 is not shown; with one query it is 1 on every axis.
    alone = boxes([Answers(g.key, g.vectors[:1]) for g in generators], dimension=2, seed=3)
    r = np.stack([halve(Answers(g.key, g.vectors[:1]), 3).counts[B] for g in generators])[:, 0]
    for i, box in enumerate(alone):
        share = (1 - 1 / 4) ** 2 / r[i] + sum(1 / 16 / r[k] for k in range(4) if k != i)
        assert box.hoeffding == pytest.approx([math.sqrt(2 * math.log(4 / 0.05) * share)] * 2)
    for i, box in enumerate(found):
        share = (1 - 1 / 4) ** 2 / second[i] + sum(1 / 16 / second[k] for k in range(4) if k != i)
        bound = math.sqrt(2 * math.log(4 / 0.05) * float(share.max()) / 3)
        assert box.hoeffding is not None
        assert np.all(box.hoeffding <= bound * (1 + 1e-9))
    together = boxes(generators, dimension=2, seed=3, everyone=True)
    widened = math.sqrt(math.log(4 * 4 / 0.05) / math.log(4 / 0.05))
    assert together[0].delta == pytest.approx(0.05 / 4)
    assert together[0].hoeffding == pytest.approx(np.asarray(found[0].hoeffding) * widened)


def test_generators_that_cannot_carry_a_box_say_so() -> None:
    able = [generator(f"g{i}", [6] * 3, i) for i in range(3)]
    single = generator("one chain", [6] * 3, 7, chains=1)
    plain, beside = boxes(able), boxes([*able, single])
    assert "one chain" in str(beside[3].reason)
    # It neither fits the axes nor moves the centre of the others.
    assert beside[0].point == pytest.approx(plain[0].point)
    same_answers = [replace(able[0], key=key) for key in "abc"]
    assert all(box.hoeffding is None and "same answers" in str(box.reason) for box in boxes(same_answers))
    few = [generator(f"g{i}", [1] * 3, i) for i in range(4)]
    assert all("Too few" in str(box.reason) for box in boxes(few))
    assert boxes([]) == ()


def test_a_generator_of_one_answer_a_query_stands_outside_the_centre() -> None:
    able = [generator(f"g{i}", [6], i) for i in range(3)]
    box = boxes([*able, generator("single", [1], 9)])[3]
    share = 1 + sum(1 / 9 / halve(one, 0).counts[B, 0] for one in able)
    assert box.hoeffding == pytest.approx([math.sqrt(2 * math.log(4 / 0.05) * share)] * 2)


def test_a_deterministic_generator_adds_nothing_but_the_others_noise() -> None:
    able = [generator(f"g{i}", [6], i) for i in range(3)]
    fixed = replace(generator("fixed", [1], 9), deterministic=True)
    box = boxes([*able, fixed])[3]
    share = sum(1 / 16 / halve(one, 0).counts[B, 0] for one in able)
    assert box.hoeffding == pytest.approx([math.sqrt(2 * math.log(4 / 0.05) * share)] * 2)
    placed = placed_box(fit_map(able), fixed)
    assert placed.smaller == pytest.approx([0, 0])


def test_vectors_longer_than_one_void_the_bounds() -> None:
    long = Answers("long", (np.full((4, P), 2, np.float32),))
    with pytest.raises(StatisticsError, match="length"):
        bernstein_box(some_axes(1), long, 0.05)


def test_looks_at_a_live_box_spend_delta_together() -> None:
    assert sum(delta_of_look(0.05, t) for t in range(1, 20_000)) == pytest.approx(0.05, rel=1e-4)


def test_the_planner_knows_hoeffdings_number_without_a_pilot() -> None:
    plan = plan_budget(0.1, 0.05)
    assert (plan.hoeffding, plan.bernstein, plan.expected) == (877, None, None)
    assert plan.reason is not None
    assert plan_budget(0.1, 0.05, blocks=some_axes(20)).per_query["hoeffding"] == 44


def test_the_planner_finds_the_least_number_within_epsilon() -> None:
    m, epsilon, delta = 5, 0.05, 0.05
    blocks, pilot = some_axes(m), generator("pilot", [6] * m, 1, spread=0.1)
    plan = plan_budget(epsilon, delta, pilot=pilot, blocks=blocks, seconds_per_answer=0.5)
    assert plan.bernstein is not None
    along = [x.astype(float) @ v for x, v in zip(pilot.vectors, blocks, strict=True)]
    w2 = np.sum([z.var(axis=0, ddof=1) for z in along], axis=0)
    rho, log = math.sqrt(m) * np.linalg.norm(blocks, axis=1).max(axis=0), math.log(6 / delta)

    def width(number: int) -> float:
        a = number / (number - m)
        v, reach = w2 / number, 2 * rho / number
        root = np.sqrt(v + a * reach**2 * log / 2) + reach * math.sqrt(a * log / 2)
        return float(np.max(math.sqrt(2 * log) * root + reach * log / 3))

    assert width(plan.bernstein) <= epsilon < width(plan.bernstein - 1)
    a, q = plan.bernstein / (plan.bernstein - m), np.sqrt(2 * w2 * log)
    bound = ((q + np.sqrt(q**2 + 8 * epsilon * (2 * math.sqrt(a) + 1 / 3) * rho * log)) / (2 * epsilon)) ** 2
    assert 0.8 * bound.max() < plan.bernstein <= bound.max() + 1
    z = stats.norm.ppf(1 - delta / 4)
    assert plan.expected == math.ceil(z**2 * float(w2.max()) / epsilon**2)
    assert plan.per_query["bernstein"] == math.ceil(plan.bernstein / m)
    assert plan.seconds["bernstein"] == plan.bernstein * 0.5
    assert plan.expected < plan.bernstein < plan.hoeffding


def test_chains_are_planned_whole() -> None:
    m, blocks = 4, some_axes(4)
    plan = plan_budget(0.2, pilot=generator("pilot", [6] * m, 1, chains=6), blocks=blocks)
    together = np.linalg.norm(blocks, axis=1).sum(axis=0) / math.sqrt(m)
    least = 2 * math.log(4 / 0.05) * float((together**2).max()) / 0.2**2
    assert plan.chained
    assert plan.hoeffding == m * math.ceil(least)
    assert plan.per_query["hoeffding"] == math.ceil(least)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: plan_budget(0.0),
        lambda: plan_budget(-0.1),
        lambda: plan_budget(2.5),
        lambda: plan_budget(math.nan),
        lambda: plan_budget(1e-9),
        lambda: plan_budget(0.1, 0.0),
        lambda: plan_budget(0.1, 1.0),
        lambda: plan_budget(0.1, math.nan),
        lambda: plan_budget(0.1, dimension=0),
        lambda: plan_budget(0.1, seconds_per_answer=-1),
        lambda: boxes([generator("a", [4], 1)], delta=1.5),
        lambda: delta_of_look(0.05, 0),
        lambda: same(generator("a", [4], 1), generator("b", [4], 2), permutations=0),
        lambda: same(generator("a", [4], 1), generator("b", [4], 2), statistic="median"),  # type: ignore[arg-type]
        lambda: worst_case([generator("a", [4], 1)], 0),
        lambda: benjamini_hochberg([0.5, 1.2]),
        lambda: permutations_for(0),
    ],
)
def test_settings_that_make_no_sense_get_one_sentence(ask: Callable[[], object]) -> None:
    with pytest.raises(SettingsError) as raised:
        ask()
    text = str(raised.value)
    assert text.endswith(".")
    assert text.count(". ") == 0


def energy_by_hand(a: Answers, b: Answers) -> float:
    """Debiased energy distance, pair by pair, averaged over queries."""
    terms = []
    for x, y in zip(a.vectors, b.vectors, strict=True):
        x, y = x.astype(float), y.astype(float)
        between = np.mean([np.linalg.norm(u - v) for u in x for v in y])
        within = [np.mean([np.linalg.norm(u - v) for u, v in combinations(z, 2)]) for z in (x, y)]
        terms.append(2 * between - sum(within))
    return float(np.mean(terms))


def relabelled(a: Answers, b: Answers) -> list[tuple[Answers, Answers]]:
    """Every way to hand the pooled answers of each query out again."""
    cells = []
    for x, y in zip(a.vectors, b.vectors, strict=True):
        pooled, rows = np.concatenate([x, y]), range(len(x) + len(y))
        chosen = [list(c) for c in combinations(rows, len(x))]
        cells.append([(pooled[c], pooled[[k for k in rows if k not in c]]) for c in chosen])
    found = []
    for picked in product(*cells):
        found.append((Answers("a", tuple(x for x, _ in picked)), Answers("b", tuple(y for _, y in picked))))
    return found


@pytest.mark.parametrize("statistic", ["mean", "energy"])
def test_few_labellings_are_all_counted(statistic: str) -> None:
    a, b = generator("a", [2, 3], 1), generator("b", [3, 2], 2)
    value = (lambda x, y: distance(x, y).value) if statistic == "mean" else energy_by_hand
    values = [value(x, y) for x, y in relabelled(a, b)]
    assert len(values) == 100
    found = same(a, b, statistic=statistic)  # type: ignore[arg-type]
    assert found.observed == pytest.approx(values[0], abs=1e-6)
    assert found.p == pytest.approx(np.mean(np.array(values) >= values[0] - 1e-7))
    assert (found.permutations, found.exact, found.smallest) == (100, True, 0.01)
    # Too many to count for 99 permutations: drawn at random instead, and near the count.
    drawn = [same(a, b, permutations=98, statistic=statistic, seed=s).p for s in range(60)]  # type: ignore[arg-type]
    assert np.mean([p for p in drawn if p is not None]) == pytest.approx(found.p, abs=0.03)


def test_two_answers_to_three_queries_reach_one_in_twenty_seven() -> None:
    a, b = generator("a", [2] * 3, 1, spread=0.01), generator("b", [2] * 3, 2, spread=0.01)
    found = same(a, b)
    assert found.p == found.smallest == pytest.approx(1 / 27)


def test_whole_chains_are_the_labels_where_both_are_chained() -> None:
    a, b = generator("a", [4] * 3, 1, chains=4), generator("b", [3] * 3, 2, chains=3)
    values = []
    for chosen in combinations(range(7), 4):
        pooled = [np.concatenate([x, y]) for x, y in zip(a.vectors, b.vectors, strict=True)]
        rest = [k for k in range(7) if k not in chosen]
        pair = [
            Answers(key, tuple(x[list(rows)] for x in pooled), tuple(np.arange(len(rows)) for _ in pooled))
            for key, rows in (("a", chosen), ("b", rest))
        ]
        values.append(distance(*pair).value)
    found = same(a, b)
    assert (found.design, found.permutations, found.exact) == ("chains", 35, True)
    assert found.observed == pytest.approx(distance(a, b).value)
    assert found.p == pytest.approx(np.mean(np.array(values) >= values[0] - 1e-9))


def test_chains_that_answer_a_query_twice_stay_whole() -> None:
    a, b = generator("a", [6] * 3, 1, chains=3), generator("b", [8] * 3, 2, chains=4)
    found = same(a, b)
    assert (found.design, found.permutations) == ("chains", 35)
    assert found.observed == pytest.approx(distance(a, b).value)


def test_a_query_that_some_chain_left_out_is_not_shuffled() -> None:
    a, b = generator("a", [4] * 3, 1, chains=4), generator("b", [4] * 3, 2, chains=4)
    short = replace(b, vectors=(*b.vectors[:2], b.vectors[2][:3]), chains=(*b.chains[:2], b.chains[2][:3]))
    found = same(a, short)
    assert (found.design, found.queries) == ("chains", 2)


def test_tied_answers_beside_independent_ones_are_tested_query_by_query() -> None:
    a, b = generator("a", [4] * 3, 1, chains=4), generator("b", [3] * 3, 2)
    found = same(a, b)
    loose = replace(a, chains=None)
    each = [same(Answers("a", (x,)), Answers("b", (y,))).p for x, y in zip(loose.vectors, b.vectors, strict=True)]
    assert (found.design, found.exact) == ("by query", False)
    assert found.p == pytest.approx(min(1, math.e * stats.gmean([p for p in each if p is not None])))
    assert "tested alone" in str(found.reason)
    one = same(Answers("a", a.vectors[:1], a.chains[:1] if a.chains else None), Answers("b", b.vectors[:1]))
    assert (one.p, one.exact, one.reason) == (each[0], True, None)


@pytest.mark.parametrize(
    ("a", "b", "word"),
    [
        (generator("a", [4] * 2, 1, chains=1), generator("b", [4] * 2, 2), "one chain"),
        (generator("a", [1] * 2, 1), generator("b", [1] * 2, 2), "swap changes nothing"),
        (generator("a", [6] * 2, 1, chains=3), generator("b", [6] * 2, 2), "more than once"),
        (generator("a", [6] * 2, 1, chains=3), generator("b", [6] * 2, 2, chains=2), "more than once"),
        (
            replace(generator("a", [1] * 2, 1), deterministic=True),
            generator("b", [6] * 2, 2),
            "always answers the same",
        ),
        (generator("a", [0, 4], 1), generator("b", [4, 0], 2), "no query in common"),
    ],
)
def test_no_p_where_no_shuffle_holds(a: Answers, b: Answers, word: str) -> None:
    found = same(a, b)
    assert found.p is None
    assert not found.exact
    assert word in str(found.reason)


def test_p_follows_from_its_seed_alone() -> None:
    pool = generator("a", [16] * 4, 1).vectors
    a, b = Answers("a", tuple(x[:8] for x in pool)), Answers("b", tuple(x[8:] for x in pool))
    assert same(a, b, seed=4) == same(a, b, seed=4)
    assert same(a, b, seed=4).p != same(a, b, seed=5).p
    assert same(replace(a, key="other"), b, seed=4).p == same(a, b, seed=4).p


def test_many_permutations_come_in_pieces_of_one_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = generator("a", [8], 1), generator("b", [8], 3)
    whole = same(a, b, permutations=500)
    monkeypatch.setattr("core.statistics.sameness.AT_ONCE", 400)
    assert same(a, b, permutations=500) == whole


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_q_values_are_scipys(count: int) -> None:
    ps = np.random.default_rng(count).beta(0.4, 1, size=count).round(2)
    for ours, method in ((benjamini_hochberg, "bh"), (benjamini_yekutieli, "by")):
        assert ours(list(ps)) == pytest.approx(stats.false_discovery_control(ps, method=method))


def test_unknown_p_values_pass_through_and_count_for_nothing() -> None:
    assert benjamini_hochberg([0.02, None, 0.04, None]) == (0.04, None, 0.04, None)
    assert benjamini_yekutieli([None]) == (None,)
    assert benjamini_hochberg([]) == ()


def test_enough_permutations_let_one_pair_of_many_pass() -> None:
    count = permutations_for(40)
    assert benjamini_hochberg([1 / (1 + count)] + [1.0] * 39)[0] == pytest.approx(0.05 / 10)


def debiased(generators: Sequence[Answers]) -> NDArray[np.float64]:
    cells = [cell_noise(one, Units.of(one)) for one in generators]
    tau = np.array([0.0 if cell.tau is None else cell.tau for cell in cells])
    return gram(stacked(np.stack([cell.means for cell in cells])), tau)


def without(answers: Answers, j: int | None, k: int) -> Answers:
    """Without answer k of query j, or without chain k."""
    keep = [
        np.arange(len(x)) != k if chain is None and query == j else chain != k if chain is not None else slice(None)
        for query, (x, chain) in enumerate(
            zip(answers.vectors, answers.chains or [None] * len(answers.vectors), strict=True)
        )
    ]
    chains = None if answers.chains is None else tuple(c[kept] for c, kept in zip(answers.chains, keep, strict=True))
    return Answers(answers.key, tuple(x[kept] for x, kept in zip(answers.vectors, keep, strict=True)), chains)


def test_the_worst_case_is_a_jackknife_of_the_whole_gram() -> None:
    generators = [
        generator("a", [3, 5], 1, spread=0.02),
        generator("b", [4, 4], 2, chains=4, spread=0.02),
        generator("c", [3, 3], 3, spread=0.02),
        generator("d", [6, 6], 4, chains=3, spread=0.02),
    ]
    squared = 0.0
    for i, one in enumerate(generators):
        groups = (
            [(None, range(len(np.unique(one.chains[0]))))]
            if one.chains
            else [(j, range(len(x))) for j, x in enumerate(one.vectors)]
        )
        for j, units in groups:
            left = [debiased([*generators[:i], without(one, j, k), *generators[i + 1 :]]) for k in units]
            r = len(left)
            squared += (r - 1) / r * sum(float(np.sum((g - np.mean(left, axis=0)) ** 2)) for g in left)
    epsilon = math.sqrt(squared / 0.05)
    smallest = np.sort(np.linalg.eigvalsh(debiased(generators)))[-2]
    found = worst_case(generators, 2)
    assert found.epsilon == pytest.approx(epsilon)
    assert found.smallest == pytest.approx(smallest)
    assert found.total == pytest.approx(2 * epsilon / math.sqrt(2 * (math.sqrt(2) - 1) * (smallest - epsilon)))


def test_the_worst_case_says_where_it_says_nothing() -> None:
    noisy = worst_case([generator(f"g{i}", [3], i, spread=3) for i in range(4)], 2)
    assert (noisy.total, noisy.vacuous) == (None, True)
    for generators, word in [
        ([generator(f"g{i}", [2], i) for i in range(4)], "needs 3"),
        ([generator(f"g{i}", [4], i) for i in range(2)], "span no 2 axes"),
        ([generator(f"g{i}", [4], i, chains=1) for i in range(4)], "one chain"),
    ]:
        found = worst_case(generators, 2)
        assert (found.total, found.vacuous) == (None, False)
        assert word in str(found.reason)
