"""Numbers as a person reads them: three significant figures, a true minus sign, a spaced plus-minus."""

from __future__ import annotations

import math

MINUS = "\u2212"
DASH = "\u2013"


def decimals_for(value: float, figures: int = 3) -> int:
    """Decimals that show `figures` significant figures of a finite value; never below 0."""
    if value == 0:
        return figures - 1
    # Rounding first: 9.996 has one digit before the point, but three figures of it have two.
    magnitude = math.floor(math.log10(abs(float(f"{value:.{figures - 1}e}"))))
    return max(figures - 1 - magnitude, 0)


def fixed(value: float | None, decimals: int) -> str:
    """A value at a given number of decimals, so that a column keeps the same; a dash where it is unknown."""
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        # "-0.00" says less than nothing.
        return MINUS + text[1:] if text.strip("-0.,") else text[1:]
    return text


def three(value: float | None) -> str:
    """Three significant figures: 0.0213, 24.6, 1,234, 2.1e−5."""
    if value is None or not math.isfinite(value):
        return DASH
    if value != 0 and abs(value) < 0.0005:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", MINUS)
    return fixed(value, decimals_for(value))


def with_spread(value: float | None, half_width: float | None, percent: bool = False) -> tuple[str, str]:
    """A value and its spread at the same decimals: ("0.021", "± .018"), ("1.2%", "± 0.3").

    No more figures than the spread carries (two of it), and never more than three of the value.
    The spread is empty where there is none.
    """
    if value is None or not math.isfinite(value):
        return DASH, ""
    scale = 100.0 if percent else 1.0
    value = value * scale
    unit = "%" if percent else ""
    if half_width is None or not math.isfinite(half_width):
        return three(value) + unit, ""
    half_width = abs(half_width) * scale
    decimals = decimals_for(value)
    if half_width > 0:
        decimals = min(decimals, decimals_for(half_width, 2))
    spread = fixed(half_width, decimals)
    if decimals > 1:
        spread = spread.removeprefix("0")
    return fixed(value, decimals) + unit, f"± {spread}"


def interval(low: float | None, high: float | None) -> str:
    """Two ends at the decimals of the larger: "0.003 to 0.039"; a dash where there is no interval."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return DASH
    decimals = decimals_for(max(abs(low), abs(high)))
    return f"{fixed(low, decimals)} to {fixed(high, decimals)}"


def duration(seconds: float | None) -> str:
    """A time span in the two largest units that matter: "0.4 s", "3 s", "1 min 50 s", "2 h 5 min"."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return DASH
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def counted(number: int, one: str, many: str | None = None) -> str:
    """A count with its noun: "1 sample", "1,200 samples"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def probability(p: float | None) -> str:
    """A p- or q-value as a person reads it: ".034", "below .001"."""
    if p is None:
        return DASH
    if p < 0.001:
        return "below .001"
    return f"{p:.3f}".removeprefix("0") if p < 0.9995 else "1"
