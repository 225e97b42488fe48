"""The bootstrap over queries: what it says when queries agree, when they do not, and when they are too few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from core.errors import StatisticsError
from core.statistics.answers import Answers
from core.statistics.query_bootstrap import bootstrap_queries


def exact(key: str, rows: np.ndarray) -> Answers:
    """A generator without noise: one answer a query is its mean."""
    return Answers(key, tuple(row[None].astype(np.float32) for row in rows), deterministic=True)


def placed(n: int, m: int, apart: float, seed: int = 0) -> list[Answers]:
    """Generators that stand alike in every query but for `apart`."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1, 4))
    rows = common + apart * rng.normal(size=(n, m, 4))
    return [exact(f"g{i}", rows[i]) for i in range(n)]


def test_queries_that_agree_leave_nothing_to_move() -> None:
    found = bootstrap_queries(placed(5, 12, 0.0), draws=40)
    assert found.covariances is not None
    assert np.abs(found.covariances).max() < 1e-12


def test_spread_falls_with_the_number_of_queries() -> None:
    few, many = (bootstrap_queries(placed(6, m, 0.5), draws=150) for m in (10, 160))
    assert few.covariances is not None
    assert many.covariances is not None
    ratio = np.trace(few.covariances, axis1=1, axis2=2).mean() / np.trace(many.covariances, axis1=1, axis2=2).mean()
    assert 8 < ratio < 32  # 16 times as many queries: a sixteenth of the variance


def test_points_are_the_classical_scaling_of_the_distances() -> None:
    generators = placed(4, 9, 0.7)
    found = bootstrap_queries(generators, dimension=3, draws=2)
    stacked = np.array([np.concatenate([v[0] for v in g.vectors]) for g in generators], dtype=np.float64) / 3
    assert pdist(found.points) == pytest.approx(pdist(stacked), abs=1e-9)


def test_it_turns_towards_the_map_at_hand_and_is_steady_by_seed() -> None:
    generators = placed(5, 8, 0.5)
    plain = bootstrap_queries(generators, draws=20, seed=4)
    turned = bootstrap_queries(generators, draws=20, seed=4, towards=-plain.points)
    assert turned.points == pytest.approx(-plain.points, abs=1e-6)
    again = bootstrap_queries(generators, draws=20, seed=4)
    assert plain.covariances is not None
    assert again.covariances is not None
    assert (again.covariances == plain.covariances).all()
    outline = plain.ellipse(0)
    assert outline is not None
    assert outline.shape == (72, 2)


def test_few_queries_stand_for_no_population() -> None:
    found = bootstrap_queries(placed(5, 4, 0.5))
    assert found.covariances is None
    assert found.ellipse(0) is None
    assert found.reason == "4 queries are too few to stand for others; ask at least 5."
    with pytest.raises(StatisticsError, match="No query was answered by every generator"):
        bootstrap_queries([Answers("a", (np.zeros((0, 3), np.float32),))])
