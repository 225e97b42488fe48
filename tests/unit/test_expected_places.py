"""Where untried settings are expected on a drawn map: against points that follow the sliders by a known rule."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import StatisticsError
from core.regressing.expecting import expected_places

SETTINGS = [{"gamma": g, "temperature": t} for g in (0.0, 0.2, 0.4) for t in (0.5, 1.0, 1.5)]


def rule(gamma: float, temperature: float) -> tuple[float, float]:
    return 0.5 * gamma - 0.2 * temperature, 0.3 * temperature


def test_an_untried_setting_lies_between_its_neighbours_as_the_rule_has_it() -> None:
    points = np.array([rule(**each) for each in SETTINGS])
    wanted = [{"gamma": 0.1, "temperature": 0.75}, {"gamma": 0.3, "temperature": 1.25}]
    found = expected_places(SETTINGS, points, wanted)
    assert found == pytest.approx(np.array([rule(**each) for each in wanted]), abs=0.01)


def test_a_tried_setting_lies_where_its_run_does() -> None:
    points = np.array([rule(**each) for each in SETTINGS])
    assert expected_places(SETTINGS, points, SETTINGS) == pytest.approx(points, abs=0.005)


def test_settings_that_do_not_differ_expect_nothing() -> None:
    with pytest.raises(StatisticsError, match="do not differ"):
        expected_places([{"gamma": 0.1}] * 3, np.zeros((3, 2)), [{"gamma": 0.2}])
