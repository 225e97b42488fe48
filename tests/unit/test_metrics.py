from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.measures.corpus import Corpus, halves, matched
from core.measures.fidelity import adversarial_auroc, query_spread, real_auroc, self_similarity
from core.metrics import METRICS, Measured, measure
from core.neighbours import TrainingIndex
from core.statistics.answers import Answers
from core.statistics.distances import distance

WORDS = (
    *("do", "does", "cats", "dogs", "sleep", "rain", "snow", "help", "people", "learn"),
    *("new", "old", "cold", "warm", "food", "bread", "sing", "walk", "more", "less"),
)
DIMENSION = 24
WORDED = {"distinct_1", "distinct_2", "distinct_3", "distinct_4", "diversity_product"}


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def rows(seed: int, queries: int = 6, replicates: int = 5, shift: float = 0.0, chains: bool = False) -> Corpus:
    """Random answers around a mean for each query (the same for every seed), moved aside by `shift`."""
    rng = np.random.default_rng([seed, 99])
    n = queries * replicates
    means = np.random.default_rng(7).normal(size=(queries, DIMENSION)).repeat(replicates, axis=0)
    aside = shift * np.eye(DIMENSION)[0]
    return Corpus(
        queries=tuple(f"q{row // replicates}" for row in range(n)),
        texts=tuple(" ".join(rng.choice(WORDS, rng.integers(6, 16))) for _ in range(n)),
        vectors=unit(means + aside + rng.normal(size=(n, DIMENSION))),
        chains=np.tile(np.arange(replicates), queries) if chains else None,
        tokens=rng.integers(5, 30, n),
        expert_nats=rng.gamma(4.0, 0.5, n),
        base_nats=rng.gamma(4.0, 0.7, n),
        ended=rng.random(n) < 0.8,
    )


def everything(
    run: Corpus,
    real: Corpus | None = None,
    training: list[str] | None = None,
    known: frozenset[str] = frozenset(),
) -> dict[str, Measured]:
    index = None if training is None else TrainingIndex(training)
    return {found.name: found for found in measure(run, real, index, known)}


def jackknifed(value: float, without: list[float]) -> tuple[float, float]:
    n = len(without)
    half = stats.t.ppf(0.975, n - 1) * ((n - 1) * np.var(without)) ** 0.5
    return value - half, value + half


def test_every_metric_has_a_definition_a_direction_and_a_way_to_its_interval_and_reference() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.label
        assert metric.better in ("higher", "lower", "nearer")
        for sentence in (metric.definition, metric.interval, metric.reference):
            assert sentence.endswith(".")
            assert len(sentence.split()) > 4


def test_every_metric_is_measured_in_the_order_of_the_registry() -> None:
    run, real = rows(1), rows(2, replicates=8)
    found = list(measure(run, real, TrainingIndex(run.texts[:3]), frozenset(WORDS)))
    assert [measured.name for measured in found] == list(METRICS)
    for measured in found:
        assert measured.better == METRICS[measured.name].better
        assert measured.n == 30
        assert measured.value is not None
        assert measured.low is not None
        assert measured.high is not None
        assert measured.reference is not None
        assert measured.low <= measured.value <= measured.high


def test_self_similarity_is_the_mean_over_all_pairs() -> None:
    run = rows(3)
    assert run.vectors is not None

    def brute(kept: NDArray[np.intp]) -> float:
        vectors = run.vectors.astype(np.float64)  # type: ignore[union-attr]
        return float(np.mean([vectors[i] @ vectors[j] for i, j in combinations(kept, 2)]))

    for units in (np.arange(30), np.arange(30) % 5):
        found = self_similarity(run.vectors, units)
        value = brute(np.arange(30))
        without = [brute(np.flatnonzero(units != left)) for left in range(units.max() + 1)]
        assert found.value == pytest.approx(value)
        assert (found.low, found.high) == pytest.approx(jackknifed(value, without))


@pytest.mark.parametrize("chains", [False, True])
def test_spread_is_the_mean_trace_of_the_covariance_of_a_query(chains: bool) -> None:
    run = rows(4, chains=chains)
    # Uneven: one query with one answer, one with two.
    run = run.take([0, *range(5, 7), *range(10, 30)])

    def brute(corpus: Corpus) -> float:
        assert corpus.vectors is not None
        cells = [corpus.vectors[index] for index in corpus.rows_of.values() if len(index) > 1]
        return float(np.mean([np.trace(np.cov(cell.astype(np.float64), rowvar=False)) for cell in cells]))

    kept = run.take([row for row in range(len(run)) if row > 0])
    without = [brute(kept.take(np.flatnonzero(kept.units != u).tolist())) for u in np.unique(kept.units)]
    found = query_spread(run)
    assert found.value == pytest.approx(brute(run), rel=1e-6)
    assert (found.low, found.high) == pytest.approx(jackknifed(brute(run), without), rel=1e-5)


def test_auroc_equals_scikit_learn_fold_by_fold() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    run, real = rows(5, queries=10, shift=3.0), rows(6, queries=10)
    found = adversarial_auroc(run, real, seed=4)
    # The folds are drawn as documented; classifier and AUROC are the peer's.
    order = np.random.default_rng([4, 3]).permutation(10)
    scores = []
    for fold in range(5):
        tested = {f"q{order[i]}" for i in range(10) if i % 5 == fold}
        left, right = (np.array([query in tested for query in side.queries]) for side in (run, real))
        assert run.vectors is not None
        assert real.vectors is not None
        model = LogisticRegression(max_iter=2000).fit(
            np.concatenate([run.vectors[~left], real.vectors[~right]]) * DIMENSION**0.5,
            [1] * int((~left).sum()) + [0] * int((~right).sum()),
        )
        test = np.concatenate([run.vectors[left], real.vectors[right]]) * DIMENSION**0.5
        scores.append(roc_auc_score([1] * int(left.sum()) + [0] * int(right.sum()), model.decision_function(test)))
    assert found.value == pytest.approx(np.mean(scores), abs=1e-3)
    assert found.value > 0.7
    assert found.low is not None
    assert found.low > 0.5


def test_auroc_sees_a_shift_fully_and_none_where_there_is_none() -> None:
    real = rows(6, queries=10, replicates=8)
    assert adversarial_auroc(rows(5, queries=10, shift=30.0), rows(8, queries=10), seed=0).value == 1.0
    same = [adversarial_auroc(rows(20 + k, queries=10), rows(60 + k, queries=10), k).value for k in range(24)]
    values = np.array(same, dtype=np.float64)
    assert abs(values.mean() - 0.5) < 3 * stats.sem(values)
    reference = real_auroc(real, seed=0)
    assert reference is not None
    assert 0.3 < reference < 0.7


def test_perplexity_is_the_exponential_of_the_mean_nats_with_unknown_samples_left_out() -> None:
    run, real = rows(7), rows(8)
    assert run.expert_nats is not None
    assert real.expert_nats is not None
    nats = run.expert_nats.copy()
    nats[[3, 9]] = np.nan, np.inf
    known = nats[np.isfinite(nats)]
    found = everything(replace(run, expert_nats=nats), real)["expert_perplexity"]
    low, high = stats.t.interval(0.95, 27, loc=known.mean(), scale=stats.sem(known))
    assert found.value == pytest.approx(math.exp(known.mean()))
    assert (found.low, found.high) == pytest.approx((math.exp(low), math.exp(high)))
    assert found.reference == pytest.approx(stats.gmean(np.exp(real.expert_nats)))
    assert found.n == 28
    assert "2 samples" in found.note


def test_copies_unknown_words_length_and_finish_equal_counts_by_hand() -> None:
    eight = "one two three four five six seven eight"
    run = Corpus(
        queries=("a", "a", "b", "b"),
        texts=(eight, f"{eight} nine", "zzyx Rain!", "rain"),
        tokens=np.array([8, 10, 4, 2]),
        ended=np.array([True, True, False, True]),
    )
    real = Corpus(("a", "a", "b", "b"), ("rain one", "snow one", "two", "three"))
    found = everything(run, real, [f"zero {eight}", "RAIN", "snow, one"], frozenset({"nine"}))
    assert found["verbatim_copies"].value == 0.25
    assert found["verbatim_copies"].reference == 0.25
    assert found["copied_8grams"].value == pytest.approx(2 / 3)
    assert found["copied_8grams"].reference is None
    # Known: rain one snow two three nine. Of 20 words 11 are unknown: four to eight twice over, and zzyx.
    assert found["unknown_words"].value == pytest.approx(11 / 20)
    # Each real row by the others: only "one" stands in two rows.
    assert found["unknown_words"].reference == pytest.approx(4 / 6)
    assert found["length"].value == 6.0
    assert found["finished"].value == 0.75
    assert found["finished"].reference is None


def test_distance_to_real_is_the_debiased_one_with_the_halves_of_the_real_rows_beside_it() -> None:
    run, real = rows(9, shift=1.0), rows(10, replicates=8)

    def answers(corpus: Corpus) -> Answers:
        assert corpus.vectors is not None
        return Answers("x", tuple(corpus.vectors[index] for index in corpus.rows_of.values()))

    def plain(a: Corpus, b: Corpus) -> float:
        total = 0.0
        for query, index in a.rows_of.items():
            assert a.vectors is not None
            assert b.vectors is not None
            left, right = (x.astype(np.float64) for x in (a.vectors[index], b.vectors[b.rows_of[query]]))
            total += ((left.mean(axis=0) - right.mean(axis=0)) ** 2).sum()
            total -= sum(np.trace(np.cov(side, rowvar=False)) / len(side) for side in (left, right))
        return total / len(a.rows_of)

    found = everything(run, real)["distance_to_real"]
    expected = distance(answers(run), answers(real))
    assert found.value == pytest.approx(plain(run, real))
    assert (found.low, found.high) == (expected.low, expected.high)
    assert found.reference == pytest.approx(plain(*halves(real, 0)))
    assert found.value is not None
    assert found.reference is not None
    assert found.value > found.reference + 0.02


def test_numbers_that_depend_on_size_are_compared_at_equal_size_and_say_so() -> None:
    run, real = rows(11, replicates=9), rows(12, replicates=4)
    found = everything(run, real)
    for name, metric in METRICS.items():
        if metric.cut:
            # The cut to equal words may take a whole row more.
            assert 20 <= found[name].n <= 24 if name in WORDED else found[name].n == 24, name
            assert "Cut to" in found[name].note, name
    for name in (
        "length",
        "finished",
        "expert_perplexity",
        "unknown_words",
        "query_spread",
        "distance_to_real",
    ):
        assert (found[name].n, found[name].note) == (54, ""), name
    cut, _ = matched(run, real, 0)
    assert cut.vectors is not None
    assert found["self_similarity"].value == pytest.approx(self_similarity(cut.vectors, cut.units).value)


def test_a_corpus_against_itself_equals_its_reference() -> None:
    run = rows(13)
    for name, measured in everything(run, run).items():
        if name not in (
            "unknown_words",
            "verbatim_copies",
            "copied_8grams",
            "adversarial_auroc",
            "distance_to_real",
        ):
            assert measured.value == pytest.approx(measured.reference), name


def test_longer_texts_do_not_look_less_diverse_for_their_length_alone() -> None:
    """Both sides draw from one word list; without the cut the longer side would repeat more."""
    rng = np.random.default_rng(14)
    queries = tuple(f"q{row % 10}" for row in range(80))
    short = Corpus(queries, tuple(" ".join(rng.choice(WORDS, 10)) for _ in queries))
    long = Corpus(queries, tuple(" ".join(rng.choice(WORDS, 40)) for _ in queries))
    found = everything(long, short)["distinct_2"]
    assert found.value is not None
    assert found.reference is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.reference < found.high
    alone = everything(long)["distinct_2"].value
    assert alone is not None
    assert alone < found.low


def test_the_seed_decides_the_cut_and_nothing_else_is_random() -> None:
    run, real = rows(15, replicates=9), rows(16, replicates=4)
    index = TrainingIndex(real.texts)
    first = list(measure(run, real, index, frozenset(), seed=1))
    assert first == list(measure(run, real, index, frozenset(), seed=1))
    other = {found.name: found.value for found in measure(run, real, index, frozenset(), seed=2)}
    changed = {found.name for found in first if found.value != other[found.name]}
    assert changed
    assert changed <= {name for name, metric in METRICS.items() if metric.cut}


@pytest.mark.parametrize(
    ("run", "real"),
    [
        (Corpus((), ()), None),
        (Corpus((), (), vectors=np.zeros((0, DIMENSION), dtype=np.float32)), rows(1)),
        (rows(1).take([0]), None),
        (rows(1).take([0]), rows(2)),
        (rows(1).take([0]), rows(2).take([0])),
        (rows(1).take([0, 1, 2]), rows(2)),
        (rows(1, chains=True).take([0, 5, 10]), rows(2)),
        (rows(1), None),
        (rows(1), rows(2, queries=1)),
        (rows(1, replicates=1), rows(2, replicates=1)),
        (Corpus(("q0",) * 4, ("", " ", "?", "")), rows(2)),
        (replace(rows(1), vectors=None), replace(rows(2), vectors=None)),
    ],
)
@pytest.mark.parametrize("training", [None, [], ["rain"]])
def test_too_little_data_gives_none_and_never_nan(run: Corpus, real: Corpus | None, training: list[str] | None) -> None:
    found = everything(run, real, training, frozenset({"rain"}))
    assert list(found) == list(METRICS)
    for measured in found.values():
        for number in (measured.value, measured.low, measured.high, measured.reference):
            assert number is None or math.isfinite(number), measured
        assert (measured.low is None) == (measured.high is None)
        if measured.value is None:
            assert measured.low is None
        if real is None:
            assert measured.reference is None
            assert measured.note


def test_what_is_unknown_says_why() -> None:
    found = everything(Corpus(("a", "a"), ("rain falls", "snow falls")))
    for name, words in {
        "expert_perplexity": "No log-probabilities are known.",
        "length": "No token counts are known.",
        "finished": "How the samples ended is not known.",
        "verbatim_copies": "No training rows are known.",
        "self_similarity": "No vectors are known.",
        "distance_to_real": "No real rows of these queries are known.",
    }.items():
        assert found[name].value is None
        assert words in found[name].note
