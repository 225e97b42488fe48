"""What a fitted prediction is asked next: surfaces, the steepest change, how many runs, which settings."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import SettingsError, StatisticsError
from core.regressing.encoding import Encoding
from core.regressing.learning import Curve
from core.regression import Fitted, Span, fit, learning_curve, lipschitz, metric_limit, runs_needed, suggest, surface
from tests.unit.scored_runs import scored


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(scored(16), dimension=2)


def plane(points: np.ndarray) -> np.ndarray:
    return np.asarray(1 + 0.5 * points[:, 0] - 0.2 * points[:, 1])


@pytest.mark.parametrize("model", ["gaussian process", "ridge"])
def test_a_surface_follows_a_plane_and_is_surer_among_the_runs(model: str) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(30, 3))
    drawn = surface(points, plane(points) + 0.02 * rng.normal(size=30), np.full(30, 0.02**2), model=model, size=15)  # type: ignore[arg-type]
    x, y = np.meshgrid(drawn.x, drawn.y)
    truth = plane(np.column_stack([x.ravel(), y.ravel()])).reshape(15, 15)
    # Row by y, column by x: the transposed plane is far off.
    assert np.abs(drawn.values - truth)[drawn.known].max() < 0.06
    assert np.abs(drawn.values.T - truth).max() > 0.3
    assert drawn.errors[~drawn.known].mean() > 1.3 * drawn.errors[drawn.known].mean()
    assert np.all(drawn.errors > 0)


def test_errors_of_a_surface_cover_the_truth() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(12):
        points = rng.uniform(-1, 1, size=(20, 2))
        truth = np.sin(2 * points[:, 0])
        drawn = surface(points, truth + 0.1 * rng.normal(size=20), np.full(20, 0.01), size=10)
        there = np.broadcast_to(np.sin(2 * drawn.x), (10, 10))
        inside.append(np.mean((np.abs(drawn.values - there) < 1.96 * drawn.errors)[drawn.known]))
    assert np.mean(inside) > 0.8


def test_a_surface_that_cannot_be_drawn_says_why() -> None:
    points = np.random.default_rng(0).normal(size=(8, 2))
    with pytest.raises(StatisticsError, match="needs 5 runs"):
        surface(points[:4], np.arange(4.0))
    with pytest.raises(StatisticsError, match="not a finite number"):
        surface(points, np.r_[np.nan, np.arange(7.0)])
    with pytest.raises(SettingsError, match="choose gaussian process or ridge"):
        surface(points, np.arange(8.0), model="nearest neighbours")  # type: ignore[arg-type]


def test_the_steepest_change_bounds_the_nearest_run() -> None:
    points = np.array([[0.0, 0], [1, 0], [3, 0], [3, 4]])
    found = lipschitz(points, np.array([0.0, 2, 3, 3]))
    assert found.constant == 2
    assert found.pair == (0, 1)
    # Without run 0 the steepest is 1/2, and it is 2 from run 1 by a distance of 1; so for run 1.
    assert found.held == 0.5
    assert found.bound(np.array([3.0, 3.5])) == (3, 2.0, 4.0)
    assert "heuristic" in found.label


def test_runs_on_one_point_leave_no_constant_unless_they_are_of_one_setting() -> None:
    points = np.array([[0.0, 0], [0, 0], [1, 0]])
    scores = np.array([0.0, 1, 1])
    assert lipschitz(points, scores).constant is None
    assert lipschitz(points, scores).bound(points[0]) is None
    assert lipschitz(points, scores, np.array([0, 0, 1])).constant == 1
    with pytest.raises(StatisticsError, match="One setting alone"):
        lipschitz(points, scores, np.zeros(3, dtype=np.int64))


def test_a_curve_tells_how_many_runs_a_width_takes() -> None:
    curve = Curve(np.array([10, 20]), np.array([0.2, 0.15]), 0.1, 1.0, 2.0, 0.9)
    needed = runs_needed(curve, 1.6).runs
    assert needed is not None
    # (1.6 / 4)^2 = .16 = .1 + 1/n from n = 16.7 on.
    assert needed == 17
    assert curve.width(17) <= 1.6 < curve.width(16)
    assert runs_needed(curve, 10.0).runs == 9
    never = runs_needed(curve, 1.0)
    assert never.runs is None
    assert "No number of runs in sight reaches ±0.5" in str(never.reason)
    with pytest.raises(SettingsError, match="positive"):
        runs_needed(curve, 0.0)


def test_the_curve_of_runs_ends_at_what_was_measured(fitted: Fitted) -> None:
    curve = learning_curve(fitted, draws=2)
    assert curve.sizes[-1] == 16
    misses = fitted.runs.scores - fitted.found.predictions[:, 0]
    assert curve.squared[-1] == pytest.approx(np.mean(misses**2))
    assert curve.remaining >= 0
    assert curve.falling >= 0
    again = learning_curve(fitted, draws=2)
    assert np.array_equal(curve.squared, again.squared)
    with pytest.raises(StatisticsError, match="too few to see"):
        learning_curve(fit(scored(5)), draws=1)


def test_settings_become_columns() -> None:
    settings = [{"eta": 0.5, "policy": p, "seed": i, "same": 1, "id": f"x{i}"} for i, p in enumerate("aabc")]
    settings[0]["eta"] = 0.0
    encoding = Encoding.of(settings)
    assert encoding.numbers == (("eta", 0.0, 0.5),)
    assert encoding.words == (("policy", "a"), ("policy", "b"), ("policy", "c"))
    assert encoding.rows(settings).tolist() == [[0, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]]
    assert Encoding.of(settings, ["eta"]).width == 1
    assert Encoding.of([{"a": True}, {"a": False}, {"a": True}]).words == (("a", "True"),)


def test_the_best_setting_is_looked_for_where_the_score_rises(fitted: Fitted) -> None:
    space = {"temperature": Span(-1, 1), "gamma": [0.2, 0.8]}
    found = suggest(fitted, space, count=2)
    assert [each.kind for each in found] == ["best", "best", "informative", "informative"]
    assert found[0].settings["temperature"] > 0.7
    lowest = suggest(fitted, space, count=1, better="lower")[0]
    assert lowest.settings["temperature"] < -0.7
    assert lowest.low < lowest.expected < lowest.high
    assert lowest.expected == pytest.approx(0.5 + 0.2 * lowest.settings["temperature"], abs=0.06)
    for each in found:
        assert each.improvement >= 0
        assert 0 < each.gain <= 1
        assert each.settings["gamma"] in (0.2, 0.8)


def test_what_teaches_most_lies_where_no_run_is() -> None:
    runs = scored(24)
    # No run between -.3 and .6 of temperature is learnt from.
    kept = [i for i, each in enumerate(runs.settings) if not -0.3 < each["temperature"] < 0.6]
    fitted = fit(runs.chosen(kept), dimension=1)
    lows = min(runs.settings[i]["temperature"] for i in kept), max(runs.settings[i]["temperature"] for i in kept)
    found = suggest(fitted, {"temperature": Span(lows[0], lows[1])}, count=1)
    assert -0.3 < found[1].settings["temperature"] < 0.6
    assert "would settle" in found[1].why


def test_constraints_and_steps_are_kept(fitted: Fitted) -> None:
    space = {"temperature": Span(-1, 1, 0.25)}
    found = suggest(fitted, space, count=3, constraints=[lambda settings: settings["temperature"] <= 0.25])
    for each in found:
        assert each.settings["temperature"] <= 0.25
        assert each.settings["temperature"] % 0.25 == pytest.approx(0)
    copies = np.array([max(0.0, each["temperature"]) for each in fitted.runs.settings])
    limit = metric_limit(fitted.runs.settings, copies, at_most=0.4)
    assert limit({"temperature": -0.5, "gamma": 0.5})
    assert not limit({"temperature": 0.8, "gamma": 0.5})
    assert suggest(fitted, space, count=1, constraints=[limit])[0].settings["temperature"] <= 0.5
    with pytest.raises(StatisticsError, match="No untried setting"):
        suggest(fitted, space, constraints=[lambda _: False])
    with pytest.raises(SettingsError, match="names eta"):
        suggest(fitted, {"eta": Span(0, 1)})
    with pytest.raises(SettingsError, match="names nothing"):
        suggest(fitted, {})
