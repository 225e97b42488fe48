"""Numbers as a person reads them."""

from __future__ import annotations

import math

import pytest

from core.drawing.numbers import counted, decimals_for, duration, fixed, interval, three, with_spread

MINUS = "\u2212"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0213456, "0.0213"),
        (24.6123, "24.6"),
        (9.996, "10.0"),
        (99.96, "100"),
        (0.9996, "1.00"),
        (0, "0.00"),
        (1234.4, "1,234"),
        (-0.24, f"{MINUS}0.240"),
        (0.0000213, f"2.1e{MINUS}5"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_three_significant_figures(value: float | None, text: str) -> None:
    assert three(value) == text


@pytest.mark.parametrize("value", [1.234, 0.0456, 0.99951, 712.3, 0.0999])
def test_decimals_agree_with_the_general_format(value: float) -> None:
    # "%#.3g" keeps three figures by another road.
    assert f"{value:.{decimals_for(value)}f}" == (f"{value:#.3g}").rstrip(".")


@pytest.mark.parametrize(
    ("value", "half", "percent", "texts"),
    [
        (0.0213, 0.018, False, ("0.021", "± .018")),
        (41.83, 1.9, False, ("41.8", "± 1.9")),
        (24.61, 0.83, False, ("24.6", "± 0.8")),
        (0.012, 0.003, True, ("1.20%", "± .30")),
        (0.712, 0.0123, False, ("0.712", "± .012")),
        (-0.003, 0.02, False, (f"{MINUS}0.003", "± .020")),
        (5.0, None, False, ("5.00", "")),
        (5.0, 0.0, False, ("5.00", "± .00")),
        (None, 0.1, False, ("–", "")),
    ],
)
def test_a_value_carries_no_more_figures_than_its_spread(
    value: float | None, half: float | None, percent: bool, texts: tuple[str, str]
) -> None:
    assert with_spread(value, half, percent) == texts


def test_a_rounded_zero_has_no_sign() -> None:
    assert fixed(-0.0004, 2) == "0.00"
    assert fixed(-0.004, 3) == f"{MINUS}0.004"


def test_intervals_keep_one_number_of_decimals() -> None:
    assert interval(0.003, 0.0391) == "0.0030 to 0.0391"
    assert interval(-1.25, 12.5) == f"{MINUS}1.2 to 12.5"
    assert interval(None, 1.0) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0 s"),
        (0.42, "0.4 s"),
        (3, "3 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (110, "1 min 50 s"),
        (120, "2 min"),
        (7500, "2 h 5 min"),
        (3599.7, "1 h"),
        (None, "–"),
        (-1, "–"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_counts_agree_with_their_noun() -> None:
    assert counted(1, "sample") == "1 sample"
    assert counted(1200, "sample") == "1,200 samples"
    assert counted(2, "query", "queries") == "2 queries"
