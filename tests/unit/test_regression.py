"""Prediction of scores: nested passes against brute force, leakage, intervals, nulls and sentences."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.errors import SettingsError, StatisticsError
from core.regressing.baselines import Baseline, q_squared
from core.regressing.folds import folds
from core.regressing.jackknife import jackknife_plus, least_runs
from core.regressing.nested import nested
from core.regressing.resampling import corrected_p, orders, permuted
from core.regressing.smoothers import candidates
from core.regressing.verdict import verdict
from core.regression import evaluate, fit, predict
from core.statistics.answers import Answers
from tests.unit.scored_runs import answered, scored, stacked_means

FAMILIES = ["a"] * 4 + ["b"] * 4 + ["c"] * 4


def naive(
    rows: NDArray[np.float64], scores: NDArray[np.float64], train: list[int], x: int, size: int, c: float
) -> float:
    """Ridge on a refitted map: axes by singular values, slopes by least squares on rows that hold the penalty."""
    centre, middle = rows[train].mean(axis=0), scores[train].mean()
    _, values, axes = np.linalg.svd(rows[train] - centre, full_matrices=False)
    own = (rows[train] - centre) @ axes[:size].T
    stacked = np.vstack([own, np.sqrt(c) * values[0] * np.eye(size)])
    slopes = np.linalg.lstsq(stacked, np.r_[scores[train] - middle, np.zeros(size)])[0]
    return float(middle + (rows[x] - centre) @ axes[:size].T @ slopes)


def tuned(rows: NDArray[np.float64], scores: NDArray[np.float64], train: list[int], sizes: range) -> tuple[int, float]:
    """The candidate with the smallest leave-one-out error within the training runs."""
    best, least = (0, 0.0), math.inf
    for one in candidates("ridge", tuple(sizes)):
        assert one.penalty is not None
        errors = [
            scores[j] - naive(rows, scores, [k for k in train if k != j], j, one.size, one.penalty) for j in train
        ]
        if (total := float(np.sum(np.square(errors)))) < least * (1 - 1e-9):
            best, least = (one.size, one.penalty), total
    return best


def test_predictions_and_intervals_equal_brute_force() -> None:
    runs = scored(7)
    new = answered(["new"], np.array([0.4]), seed=0)[0]
    rows = np.vstack([stacked_means(runs), stacked_means(replace(runs, answers=(new,) * 7))[:1]])
    n, y, sizes = 7, np.r_[runs.scores, np.nan], range(1, 4)
    left_out, without = [], []
    for i in range(n):
        train = [k for k in range(n) if k != i]
        size, c = tuned(rows, y, train, sizes)
        left_out.append(naive(rows, y, train, i, size, c))
        without.append(naive(rows, y, train, n, size, c))
    fitted = fit(runs, level=0.8)
    assert fitted.designs.sizes == tuple(sizes)
    assert np.allclose(fitted.found.predictions[:, 0], left_out, atol=1e-8)
    found = predict(fitted, new)
    residuals = np.abs(runs.scores - left_out)
    # The definition: floor(.2 * 8) = 1st smallest and ceil(.8 * 8) = 7th smallest.
    assert found.low == pytest.approx(sorted(np.array(without) - residuals)[0], abs=1e-8)
    assert found.high == pytest.approx(sorted(np.array(without) + residuals)[6], abs=1e-8)
    errors = [
        sum(
            (y[i] - naive(rows, y, [k for k in range(n) if k != i], i, one.size, one.penalty or 0)) ** 2
            for i in range(n)
        )
        for one in fitted.found.candidates
    ]
    chosen = fitted.found.candidates[int(np.argmin(errors))]
    assert fitted.chosen == chosen
    assert found.predicted == pytest.approx(
        naive(rows, y, list(range(n)), n, chosen.size, chosen.penalty or 0), abs=1e-8
    )


def test_an_interval_of_a_left_out_run_equals_brute_force() -> None:
    runs = scored(6)
    rows, y, n = stacked_means(runs), runs.scores, 6
    result = evaluate(runs, dimension=1, level=0.75, permutations=1)
    choices = candidates("ridge", (1,))
    for i in (0, 3):
        others = [j for j in range(n) if j != i]
        inner = np.array(
            [[naive(rows, y, [k for k in others if k != j], j, 1, one.penalty or 0) for one in choices] for j in others]
        )
        errors = (inner - y[others, None]) ** 2
        low, high = [], []
        for place, j in enumerate(others):
            best = int(np.argmin(errors.sum(axis=0) - errors[place]))
            at = naive(rows, y, [k for k in others if k != j], i, 1, choices[best].penalty or 0)
            miss = abs(y[j] - inner[place, best])
            low.append(at - miss)
            high.append(at + miss)
        # Level .75 of 5: floor(.25 * 6) = 1st and ceil(.75 * 6) = 5th.
        assert result.predictions[i].low == pytest.approx(sorted(low)[0], abs=1e-8)
        assert result.predictions[i].high == pytest.approx(sorted(high)[4], abs=1e-8)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_jackknife_plus_equals_its_definition_and_is_finite_from_the_least_number(level: float) -> None:
    rng = np.random.default_rng(3)
    alpha = 1 - level
    for n in range(1, 45):
        at, residuals = rng.normal(size=n), np.abs(rng.normal(size=n))
        found = jackknife_plus(at, residuals, level)
        # Padded with infinities, the definition always has an answer; it is finite from 1/a - 1 on.
        low = sorted([*(at - residuals), -math.inf])[round(math.floor(alpha * (n + 1) + 1e-9))]
        high = sorted([*(at + residuals), math.inf])[round(math.ceil((1 - alpha) * (n + 1) - 1e-9)) - 1]
        assert (found is None) == math.isinf(low) == math.isinf(high) == (n < least_runs(level))
        if found is not None:
            assert found == (low, high)


def test_least_numbers_of_runs() -> None:
    assert [least_runs(level) for level in (0.8, 0.9, 0.95)] == [4, 9, 19]
    with pytest.raises(SettingsError, match="no share"):
        least_runs(1.0)


@pytest.mark.parametrize("model", ["ridge", "gaussian process", "nearest neighbours"])
def test_the_score_of_a_run_changes_nothing_in_its_own_prediction(model: str) -> None:
    runs = scored(12)
    spoiled = replace(runs, scores=np.r_[1e6, runs.scores[1:]])
    one, other = (evaluate(each, model=model, permutations=1) for each in (runs, spoiled))  # type: ignore[arg-type]
    same = [replace(each.predictions[0], score=None) for each in (one, other)]
    assert same[0] == same[1]
    assert same[0].low is not None
    assert one.predictions[1].predicted != other.predictions[1].predicted


@pytest.mark.parametrize("by_family", [True, False])
def test_runs_that_are_left_out_together_share_no_score(by_family: bool) -> None:
    runs = scored(12, families=FAMILIES if by_family else None)
    if not by_family:
        settings = tuple({**runs.settings[i // 2], "seed": i} for i in range(12))
        runs = replace(runs, settings=settings)
    together = runs.groups() == runs.groups()[0]
    assert together.sum() == (4 if by_family else 2)
    spoiled = replace(runs, scores=np.where(together, [1e6, -1e6] * 6, runs.scores))
    one, other = (evaluate(each, permutations=1) for each in (runs, spoiled))
    for i in np.flatnonzero(together):
        assert replace(one.predictions[i], score=None) == replace(other.predictions[i], score=None)


def test_many_groups_are_dealt_into_folds_that_cover_every_run_once() -> None:
    runs = scored(70)
    cut = folds(runs)
    assert len(cut.outer) == 60
    assert cut.together
    assert sorted(np.concatenate(cut.outer)) == list(range(70))
    for left, inner in zip(cut.outer, cut.inner, strict=True):
        assert len(inner) == 10
        assert sorted(np.concatenate([left, *inner])) == list(range(70))


def test_two_families_are_judged_by_each_other_and_tuned_by_settings() -> None:
    cut = folds(scored(12, families=["a"] * 6 + ["b"] * 6))
    assert [len(left) for left in cut.outer] == [6, 6]
    assert [len(inner) for inner in cut.inner] == [6, 6]


def test_permutations_stay_in_families_and_keep_settings_together() -> None:
    runs = scored(12, families=FAMILIES)
    runs = replace(runs, settings=(runs.settings[0], *runs.settings[:-1]))  # runs 0 and 1 are of one setting
    found = permuted(runs, 300, np.random.default_rng(0))
    for column in found.T:
        assert sorted(column) == list(range(12))
        assert all(runs.families[i] == runs.families[j] for i, j in enumerate(column))  # type: ignore[index]
        assert list(column[:2]) == [0, 1]  # no other setting has two runs
    assert orders(runs) == 2 * 24 * 24
    assert len({tuple(column[2:4]) for column in found.T}) == 2


def test_p_counts_the_permutations_that_do_as_well() -> None:
    runs = scored(5, noise=0.3)
    result = evaluate(runs, dimension=1, permutations=2000)
    # All 120 orders at once, the order of the runs itself first.
    columns = runs.scores[np.array(list(permutations(range(5)))).T]
    q2 = q_squared(columns, nested(result.fitted.designs, "ridge", columns, result.fitted.folds).predictions)
    assert q2[0] == pytest.approx(result.q2)
    share = float(np.mean(q2 >= q2[0] - 1e-12))
    assert result.p_value == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 2000) + 1 / 2000)


def test_a_map_that_tells_is_believed_and_one_that_does_not_is_not() -> None:
    good = evaluate(scored(20, errors=0.02), name="F1")
    assert good.q2 > 0.8
    assert good.p_value == 1 / 200
    assert good.coverage is not None
    assert good.coverage > 0.75
    assert good.mae_low < good.mae < good.mae_high
    assert good.ceiling == pytest.approx(1 - 0.02**2 / good.fitted.runs.scores.var())
    assert good.q2_error is not None
    assert 0 < good.q2_error < 0.1
    assert "F1" in good.verdict
    runs = scored(20)
    bad = evaluate(replace(runs, scores=np.random.default_rng(1).normal(size=20)))
    assert bad.p_value > 0.05
    assert not bad.helps
    assert "does not help" in bad.verdict


def test_baselines_are_worked_out_over_the_same_runs() -> None:
    runs = scored(15)
    runs = replace(runs, estimates={"coherence": runs.scores * 2 - 1}, lengths=np.random.default_rng(5).random(15))
    result = evaluate(runs, permutations=1)
    named = {each.name: each for each in result.baselines}
    assert list(named) == ["mean", "settings only", "temperature only", "coherence", "length only"]
    # The mean of the others is farther off than the mean of all by n/(n-1).
    assert named["mean"].q2 == pytest.approx(1 - (15 / 14) ** 2)
    assert named["mean"].mae == pytest.approx(np.abs(runs.scores - runs.scores.mean()).mean() * 15 / 14)
    assert named["coherence"].q2 == pytest.approx(1, abs=0.01)
    for each in result.baselines:
        assert each.gain == pytest.approx((each.mae or 0) - result.mae)
        assert (each.gain_low or 0) <= (each.gain or 0) <= (each.gain_high or 0)
    # What knows the score beats the map, and surely; what knows nothing of it does not.
    assert named["coherence"].gain_p == pytest.approx(1, abs=0.01)
    assert (named["length only"].gain_p or 1) < 0.01
    bare = evaluate(replace(scored(15), settings=({},) * 15), permutations=1)
    missing = {each.name: each.reason for each in bare.baselines if each.mae is None}
    assert missing["settings only"] == "No setting differs between the runs."
    assert missing["temperature only"] == "The runs do not differ in temperature."


def test_the_p_value_of_a_gain_is_the_corrected_t_test_over_groups() -> None:
    gains = np.random.default_rng(2).normal(0.3, 1.0, size=9)
    plain = stats.ttest_1samp(gains, 0.0, alternative="greater")
    # Nadeau and Bengio: the variance of the mean is 1/n + (share left out)/(share learnt from) of one's own, not 1/n.
    expected = stats.t.sf(plain.statistic / math.sqrt(1 + 9 / 8), df=8)
    assert corrected_p(gains, np.arange(9), 9) == pytest.approx(expected)
    assert corrected_p(gains, np.arange(9), 9) > plain.pvalue
    twice = corrected_p(np.repeat(gains, 2), np.repeat(np.arange(9), 2), 9)
    assert twice == pytest.approx(expected), "runs that are left out together are one piece of evidence"
    assert corrected_p(-gains, np.arange(9), 9) == pytest.approx(1 - expected)
    assert corrected_p(np.full(5, 0.1), np.arange(5), 5) == 0
    assert corrected_p(np.zeros(5), np.arange(5), 5) == 1
    assert corrected_p(gains[:2], np.zeros(2, dtype=int), 2) == 1, "one group says nothing"


def test_words_follow_the_numbers() -> None:
    mean, warm = Baseline("mean", -0.1, 0.1), Baseline("temperature only", 0.3, 0.06, gain_low=0.01, gain_p=0.02)
    helps, words = verdict(0.8, 0.004, 0.02, 0.06, 0.95, [mean, warm], 30, "F1")
    assert helps
    assert words == (
        "The map predicts F1 to ±0.03 (p = 0.004 against chance), better than temperature alone: p = 0.02 "
        "(a mean error of 0.02 against 0.06)."
    )
    helps, words = verdict(0.8, 0.004, 0.02, 0.06, 0.95, [mean, replace(warm, mae=0.01)], 30, "F1")
    assert not helps
    assert "no better than temperature alone" in words
    assert "may be chance" in verdict(0.8, 0.01, 0.02, None, None, [mean, replace(warm, gain_p=0.2)], 30, "F1")[1]
    assert "measurement error" in verdict(-0.1, 0.5, 0.1, None, 0.2, [mean], 30, "F1")[1]
    assert "12 runs are few" in verdict(-0.1, 0.5, 0.1, None, None, [mean], 12, "F1")[1]
    assert "By temperature alone" in verdict(0.1, 0.2, 0.1, None, None, [mean, warm], 12, "F1")[1]


def test_too_few_runs_for_an_interval_say_so() -> None:
    result = evaluate(scored(8), permutations=1)
    assert result.coverage is None
    assert result.width is None
    assert result.reason == "Too few runs: a 90% interval needs 9 to learn from, and here are 7."
    assert predict(result.fitted, scored(8).answers[0]).reason == (
        "Too few runs: a 90% interval needs 9 to learn from, and here are 8."
    )
    at_ten = evaluate(scored(10), permutations=1)
    assert at_ten.reason is None
    assert predict(fit(scored(9)), scored(9).answers[0]).low is not None


def test_a_place_beyond_all_runs_is_flagged() -> None:
    fitted = fit(scored(12), dimension=1)
    near, far = answered(["near", "far"], np.array([0.0, -6.0]), seed=0)
    assert not predict(fitted, near).extrapolates
    assert predict(fitted, far).extrapolates
    flags = [each.extrapolates for each in evaluate(scored(12), dimension=1, permutations=1).predictions]
    places = fitted.points[:, 0]
    assert flags[int(np.abs(places).argmax())]
    assert sum(flags) <= 2


def test_features_can_stand_beside_coordinates() -> None:
    runs = scored(12)
    runs = replace(runs, real=runs.answers[0])
    features = ("distance to real", "spread")
    result = evaluate(runs, features=features, permutations=1)
    assert math.isfinite(result.q2)
    assert predict(result.fitted, runs.answers[3]).low is not None
    with pytest.raises(StatisticsError, match="no real rows"):
        fit(scored(12), features=("distance to real",))
    with pytest.raises(SettingsError, match="no feature named"):
        fit(runs, features=("length",))  # type: ignore[arg-type]
    single = tuple(Answers(each.key, tuple(v[:1] for v in each.vectors)) for each in runs.answers)
    with pytest.raises(StatisticsError, match="no independent repeats"):
        fit(replace(runs, answers=single), features=("spread",))


def test_equal_generators_and_twins_do_not_break_a_fit() -> None:
    runs = scored(10)
    alike = replace(runs, answers=tuple(replace(runs.answers[0], key=key) for key in runs.keys))
    result = evaluate(alike, permutations=5)
    assert result.q2 == pytest.approx(1 - (10 / 9) ** 2)
    twins = replace(runs, answers=(runs.answers[0], *runs.answers[:-1]))
    assert math.isfinite(evaluate(twins, model="least squares", permutations=1).q2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scores": np.full(8, 0.5)}, "All 8 runs score 0.5, so there is nothing to predict"),
        ({"scores": np.r_[np.nan, np.arange(7.0)]}, "The score of run-0 is not a finite number"),
        ({"scores": np.arange(7.0)}, "There are 8 runs and 7 scores"),
        ({"keys": ("x",) * 8}, "x stands twice"),
        ({"errors": np.full(8, -1.0)}, "negative"),
        ({"estimates": {"coherence": np.r_[np.arange(7.0), np.inf]}}, "The coherence of run-7"),
        ({"settings": ({"eta": 1},) * 8}, "8 runs have 1 different settings"),
        ({"settings": ({"eta": 1},) * 4 + ({"eta": 0},) * 4}, "8 runs have 2 different settings"),
    ],
)
def test_runs_that_cannot_be_learnt_from_are_refused_in_a_sentence(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(StatisticsError, match=sentence):
        fit(replace(scored(8), **change))  # type: ignore[arg-type]


def test_two_runs_are_too_few() -> None:
    with pytest.raises(StatisticsError, match="2 runs with a score are too few to predict from; score at least 5 runs"):
        scored(2)


def test_one_family_is_no_reason_to_group() -> None:
    runs = scored(8, families=["a"] * 8)
    assert len(folds(runs).outer) == 8


def test_what_cannot_be_asked_is_refused() -> None:
    runs = scored(8)
    with pytest.raises(SettingsError, match="at most 5"):
        fit(runs, dimension=6)
    with pytest.raises(SettingsError, match="at least 1"):
        fit(runs, dimension=0)
    with pytest.raises(SettingsError, match="permutations"):
        evaluate(runs, permutations=0)
    fitted = fit(runs)
    empty = Answers("new", (runs.answers[0].vectors[0][:0], *runs.answers[0].vectors[1:]))
    with pytest.raises(StatisticsError, match="new has not answered 1 of the 4 queries"):
        predict(fitted, empty)
    with pytest.raises(StatisticsError, match="differs in its queries or embedder"):
        predict(fitted, Answers("new", runs.answers[0].vectors[:2]))
