"""The energy variant: distances that see spread, against other roads to the same numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from core.errors import StatisticsError
from core.statistics import energy
from core.statistics.answers import Answers
from core.statistics.distances import distance
from core.statistics.energy import energy_distance, energy_features, fit_energy_map


def generator(key: str, counts: list[int], seed: int, p: int = 6, scale: float = 1.0) -> Answers:
    rng = np.random.default_rng(seed)
    return Answers(key, tuple((scale * rng.normal(size=(r, p))).astype(np.float32) for r in counts))


def means(answers: Answers) -> np.ndarray:
    return np.stack([array.astype(np.float64).mean(axis=0) for array in answers.vectors])


def test_features_hold_every_pair_of_answers_of_a_query() -> None:
    a, b = generator("a", [3, 5], 1), generator("b", [4, 2], 2)
    first, second = energy_features([a, b])
    for j in range(2):
        raw = np.concatenate([a.vectors[j], b.vectors[j]]).astype(np.float64)
        made = np.concatenate([first.vectors[j], second.vectors[j]])
        assert cdist(made, made, "sqeuclidean") == pytest.approx(2 * cdist(raw, raw), abs=1e-5)


def test_means_of_features_are_an_energy_distance_apart() -> None:
    # In one dimension scipy knows the energy distance, by the integral of distribution functions.
    a, b = generator("a", [7, 9], 3, p=1), generator("b", [5, 8], 4, p=1)
    first, second = energy_features([a, b])
    squared = ((means(first) - means(second)) ** 2).sum(axis=1)
    known = [stats.energy_distance(x.ravel(), y.ravel()) ** 2 for x, y in zip(a.vectors, b.vectors, strict=True)]
    assert squared == pytest.approx(known, abs=1e-5)


def test_the_debiased_distance_counts_no_answer_against_itself() -> None:
    a, b = generator("a", [6, 6], 5), generator("b", [4, 7], 6)

    def unbiased(x: np.ndarray, y: np.ndarray) -> float:
        within = [cdist(z, z).sum() / (len(z) * (len(z) - 1)) for z in (x, y)]
        return float(2 * cdist(x, y).mean() - sum(within))

    known = np.mean([unbiased(x, y) for x, y in zip(a.vectors, b.vectors, strict=True)])
    assert energy_distance(a, b).value == pytest.approx(known, abs=1e-5)


def test_it_sees_spread_where_the_distance_of_means_sees_none() -> None:
    narrow, wide = generator("narrow", [30] * 8, 7, scale=0.3), generator("wide", [30] * 8, 8, scale=1.0)
    of_means, of_energy = distance(narrow, wide), energy_distance(narrow, wide)
    assert of_means.low is not None
    assert of_means.low < 0 < (of_means.high or 0)
    assert of_energy.low is not None
    assert of_energy.low > 0.1


def test_squared_distances_on_the_map_are_energy_distances() -> None:
    a, b, c = (
        replace(generator(key, [9, 9], seed), deterministic=True) for key, seed in (("a", 1), ("b", 2), ("c", 3))
    )
    drawn = fit_energy_map([a, b, c])

    def energy_of(x: Answers, y: Answers) -> float:
        pairs = zip(x.vectors, y.vectors, strict=True)
        return float(np.mean([2 * cdist(u, v).mean() - cdist(u, u).mean() - cdist(v, v).mean() for u, v in pairs]))

    assert drawn.variant == "energy"
    # Three generators span two axes: nothing is lost.
    for i, k, pair in ((0, 1, (a, b)), (0, 2, (a, c)), (1, 2, (b, c))):
        apart = drawn.points[i] - drawn.points[k]
        assert apart @ apart == pytest.approx(energy_of(*pair), abs=1e-5)


def test_unanswered_queries_are_left_out_and_the_cloud_keeps_their_numbers() -> None:
    a, b = generator("a", [6, 0, 6], 1), generator("b", [5, 5, 5], 2)
    drawn = fit_energy_map([a, b], dimension=1)
    assert drawn.query_indices == (0, 2)
    assert set(drawn.cloud_index[1][:, 0].tolist()) == {0, 2}
    assert drawn.cloud_weights[1] @ drawn.clouds[1] == pytest.approx(drawn.points[1], abs=1e-8)


def test_identical_answers_are_one_point_without_spread() -> None:
    same = Answers("a", (np.ones((4, 3), np.float32),) * 2)
    drawn = fit_energy_map([same, replace(same, key="b")])
    assert np.abs(drawn.points).max() == 0.0
    assert energy_distance(same, replace(same, key="b")).value == 0.0


def test_too_many_answers_are_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "MOST_ANSWERS", 8)
    with pytest.raises(StatisticsError, match="a query has 9 of them; choose runs with at most 8"):
        energy_features([generator("a", [4], 1), generator("b", [5], 2)])
    with pytest.raises(StatisticsError, match="No query was answered by every generator"):
        energy_features([generator("a", [4, 0], 1), generator("b", [0, 4], 2)])
