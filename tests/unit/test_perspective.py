"""The map against slow readings of its definition: double-centring, Gower's formula, SciPy."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import NotFoundError, StatisticsError
from core.perspective import PerspectiveMap, fit_map
from core.statistics.answers import Answers, restrict, shared_queries
from tests.unit.made_answers import fixed, generator, ragged, same_up_to_signs


def double_centred(generators: Sequence[Answers]) -> NDArray[np.float64]:
    """-1/2 H D^2 H, from the distances between matrices of means."""
    means = [np.stack([v.astype(float).mean(axis=0) for v in g.vectors]) for g in generators]
    squared = np.array([[((a - b) ** 2).sum() / len(a) for b in means] for a in means])
    h = np.eye(len(means)) - 1 / len(means)
    return -0.5 * h @ squared @ h


def slow_tau(answers: Answers) -> float:
    return float(np.mean([v.astype(float).var(axis=0, ddof=1).sum() / len(v) for v in answers.vectors]))


def test_without_noise_the_map_is_classical_mds_of_the_distances() -> None:
    generators = [fixed(f"g{i}", 5, i) for i in range(6)]
    values, vectors = np.linalg.eigh(double_centred(generators))
    expected = vectors[:, ::-1][:, :3] * np.sqrt(values[::-1][:3])
    fitted = fit_map(generators, dimension=3)
    assert same_up_to_signs(fitted.points, expected)
    assert fitted.scree == pytest.approx(values[::-1][:5], abs=1e-12)
    assert fitted.explained == pytest.approx(values[::-1][:3] / values.sum())


def test_placing_a_new_generator_is_gowers_formula() -> None:
    generators = [fixed(f"g{i}", 5, i) for i in range(6)]
    new = generator("new", [3, 1, 2, 4, 2], 40)
    b = double_centred(generators)
    values, vectors = np.linalg.eigh(b)
    psi = vectors[:, ::-1][:, :2] * np.sqrt(values[::-1][:2])
    mean = np.stack([v.astype(float).mean(axis=0) for v in new.vectors])
    squared = np.array([((mean - np.concatenate(g.vectors)) ** 2).sum() / 5 for g in generators])
    gower = 0.5 * (np.diag(b) - squared) @ psi / values[::-1][:2]
    fitted = fit_map(generators)
    placed = fitted.place(new)
    assert same_up_to_signs(np.vstack([fitted.points, placed.point]), np.vstack([psi, gower]))
    weights = np.concatenate([np.full(r, 1 / (5 * r)) for r in new.counts])
    assert weights @ placed.cloud == pytest.approx(placed.point, abs=1e-12)


def test_scree_is_that_of_the_debiased_double_centred_distances() -> None:
    generators = ragged(6)
    h = np.eye(6) - 1 / 6
    tau = np.array([slow_tau(g) for g in generators])
    values = np.linalg.eigvalsh(double_centred(generators) - h @ np.diag(tau) @ h)
    fitted = fit_map(generators)
    with_ones = np.sort(np.append(fitted.scree, 0.0))
    assert with_ones == pytest.approx(values, abs=1e-9)
    assert fitted.noise_ratio == pytest.approx(tau.mean() / np.sort(values)[-2], rel=1e-6)


def test_queries_that_someone_left_out_are_dropped_and_named() -> None:
    generators = ragged(4, m=5)
    cut = generators[1]
    generators[1] = Answers(cut.key, (*cut.vectors[:2], cut.vectors[2][:0], *cut.vectors[3:]))
    fitted = fit_map(generators)
    kept = [0, 1, 3, 4]
    assert shared_queries(generators) == tuple(kept)
    assert fitted.query_indices == tuple(kept)
    assert np.array_equal(fitted.points, fit_map([restrict(g, kept) for g in generators]).points)
    assert "1 of 5 queries are left out" in fitted.warnings[0]


def test_the_same_answers_and_seed_give_the_same_map_in_any_order() -> None:
    generators = ragged(5)
    fitted, again, turned = fit_map(generators), fit_map(generators), fit_map(generators[::-1])
    assert np.array_equal(fitted.points, again.points)
    assert same_up_to_signs(fitted.points, turned.points[::-1])


def test_the_map_is_json_with_null_for_the_unknown() -> None:
    fitted = fit_map([*ragged(3), generator("once", [1] * 4, 30)])
    told = json.loads(json.dumps(fitted.as_dict(), allow_nan=False))
    assert {"dimension", "queries", "noise_ratio", "scree", "points"} <= set(told)
    assert told["points"][3]["covariance"] is None
    assert told["points"][0]["coordinates"] == fitted.points[0].tolist()
    assert told["points"][3]["replicates"] == [1, 1]


def fitted_five() -> PerspectiveMap:
    return fit_map(ragged(5))


def test_what_cannot_be_mapped_is_said_in_one_sentence() -> None:
    good = ragged(2)
    with pytest.raises(StatisticsError, match="at least one generator"):
        fit_map([])
    with pytest.raises(StatisticsError, match="stands twice"):
        fit_map([good[0], good[0]])
    with pytest.raises(StatisticsError, match="0 dimensions"):
        fit_map(good, dimension=0)
    with pytest.raises(StatisticsError, match="differ in their queries"):
        fit_map([good[0], generator("b", [4] * 5, 1)])
    with pytest.raises(StatisticsError, match="No query was answered by every generator"):
        fit_map([generator("a", [4, 0], 1), generator("b", [0, 4], 2)])
    with pytest.raises(StatisticsError, match="not answered every query of the map"):
        fitted_five().place(generator("new", [4, 4, 0, 4], 3))
    with pytest.raises(NotFoundError, match="nobody is not on this map"):
        fitted_five().index("nobody")


def test_answers_that_do_not_fit_together_are_refused() -> None:
    row = np.ones((2, 3), dtype=np.float32)
    with pytest.raises(StatisticsError, match="has no queries"):
        Answers("a", ())
    with pytest.raises(StatisticsError, match="one length"):
        Answers("a", (row, row[:, :2]))
    with pytest.raises(StatisticsError, match="not finite"):
        Answers("a", (row * np.nan,))
    with pytest.raises(StatisticsError, match="one chain for every answer"):
        Answers("a", (row,), (np.zeros(3, dtype=int),))
