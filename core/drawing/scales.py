"""What the colours of points mean: a score, a setting or a kind, and the bar or key that says so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from core.drawing.marks import Mark
from core.drawing.numbers import decimals_for, fixed, three
from core.drawing.palette import OUTLINE, SCORE_SCALE, SETTING_SCALE
from core.drawing.text import cut, escaped

BAR, SMALL_BAR = 108, 84
"""Length of the colour bar in pixels."""

PAD = 14
"""Pixels between the frame and the bar."""

NAME_CHARACTERS = 26
FENCE = 3.0
"""Values beyond this many interquartile ranges outside the quartiles do not stretch the scale (Tukey 1977)."""

FENCE_FROM = 8

KIND_STYLES = (
    ("circle", SETTING_SCALE[3]),
    ("square", SETTING_SCALE[0]),
    ("cross", SETTING_SCALE[5]),
    ("x", SETTING_SCALE[2]),
    ("square", SETTING_SCALE[4]),
    ("circle", SETTING_SCALE[1]),
)
"""Symbol and colour of each kind in order: shades of the synthetic blue that differ in lightness, told apart
by their symbol where colours are not; every symbol exists in two and in three dimensions."""


@dataclass(frozen=True, eq=False)
class Colour:
    """What a map's points are coloured by.

    name: words above the bar ("Accuracy of a student"). values: of a mark's key; None or no entry where
    unknown, and such a mark stays grey. scale: a score and its bright end are better; a setting has its
    own blues; kinds are numbers that `words` names, each with a symbol and a colour. better: which end of
    a score is, None where neither. words: of a value, written in place of the number.
    """

    name: str
    values: Mapping[str, float | None]
    scale: Literal["score", "setting", "kind"] = "score"
    better: Literal["higher", "lower"] | None = None
    words: Mapping[float, str] = field(default_factory=dict)

    def of(self, mark: Mark) -> float | None:
        """The finite value of a mark; None for real data, which keep their colour, and where it is unknown."""
        value = None if mark.kind in ("real", "heldout") else self.values.get(mark.key)
        return None if value is None or not math.isfinite(value) else float(value)

    def known(self, marks: Iterable[Mark]) -> list[float]:
        """The values of those marks that have one."""
        return [value for mark in marks if (value := self.of(mark)) is not None]

    def line(self, mark: Mark) -> str:
        """A line of the hover card: "accuracy 0.771"; empty where the card says it anyway."""
        value = self.of(mark)
        if value is None or value == mark.distance or self.scale == "setting":
            return ""
        return f"{self.name}: {self.words[value]}" if value in self.words else f"{self.name}: {three(value)}"

    def kinds(self, marks: Iterable[Mark]) -> dict[float, tuple[str, str]]:
        """Symbol and colour of every kind on the map; a kind keeps its own whichever others are shown."""
        every = sorted(set(self.words) | set(self.known(marks)))
        shown = set(self.known(marks))
        styles = {value: KIND_STYLES[i] for i, value in enumerate(every[: len(KIND_STYLES)])}
        return {value: styles.get(value, ("circle", OUTLINE)) for value in every if value in shown}


def reach(values: list[float], fenced: bool = True) -> tuple[float, float]:
    """The ends of a scale: of the values, or of those within Tukey's outer fences where some lie far out."""
    low, high = min(values), max(values)
    if fenced and len(values) >= FENCE_FROM:
        first, third = np.quantile(values, [0.25, 0.75])
        width = FENCE * float(third - first)
        if width > 0:
            low, high = max(low, float(first) - width), min(high, float(third) + width)
    if low == high:
        room = abs(low) / 2 or 0.5
        low, high = low - room, high + room
    return low, high


def ticks(low: float, high: float) -> list[float]:
    """Three round numbers between the ends, as far apart on either side of the middle one."""
    span = high - low
    power = math.floor(math.log10(span)) - 1
    for grain in (10.0**power * step for step in (1, 2, 5, 10)):
        if span / grain <= 12:
            break
    middle = round((low + high) / 2 / grain)
    away = math.floor(min(0.4 * span, high - middle * grain, middle * grain - low) / grain + 1e-9)
    return [float(f"{(middle + i * away) * grain:.12g}") for i in (-1, 0, 1)]


def settings_shown(values: list[float]) -> list[float]:
    """Three of the settings that are on the map, in order: the ends and what is nearest to their middle."""
    distinct = sorted(set(values))
    middle = min(distinct, key=lambda value: abs(value - (distinct[0] + distinct[-1]) / 2))
    return sorted({distinct[0], middle, distinct[-1]})


def axis(colour: Colour, marks: Iterable[Mark], small: bool = False) -> dict[str, Any] | None:
    """Plotly's colour axis with its bar at the top left inside the frame; None where there is nothing to show."""
    return value_axis(colour, colour.known(marks), small)


def value_axis(colour: Colour, values: list[float], small: bool = False) -> dict[str, Any] | None:
    """`axis` for the values themselves, where more than marks is coloured by them."""
    if not values or colour.scale == "kind":
        return None
    low, high = reach(values, fenced=colour.scale == "score")
    at, words = _ticks(colour, values, low, high)
    scale = SETTING_SCALE if colour.scale == "setting" else SCORE_SCALE
    font = 9 if small else 10
    return {
        "cmin": low,
        "cmax": high,
        "colorscale": [[i / (len(scale) - 1), shade] for i, shade in enumerate(scale)],
        "reversescale": colour.scale == "score" and colour.better == "lower",
        "colorbar": {
            "orientation": "h",
            "thicknessmode": "pixels",
            "thickness": 7,
            "lenmode": "pixels",
            "len": (SMALL_BAR if small else BAR) + 2 * PAD,
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "xpad": PAD,
            "y": 1,
            "yref": "paper",
            "yanchor": "top",
            "ypad": 8,
            "outlinewidth": 0,
            "borderwidth": 0,
            "bgcolor": "rgba(0,0,0,0)",
            "ticks": "",
            "ticklabelposition": "outside",
            "tickmode": "array",
            "tickvals": at,
            "ticktext": words,
            "tickangle": 0,
            "tickfont": {"size": font},
            "title": {"text": title(colour), "side": "top", "font": {"size": font + 1}},
        },
    }


def _ticks(colour: Colour, values: list[float], low: float, high: float) -> tuple[list[float], list[str]]:
    """Places and words under the bar: the settings themselves where they are few, an end that is beyond as such."""
    at = settings_shown(values) if colour.scale == "setting" else ticks(low, high)
    decimals = max(_decimals(value) for value in at)
    words = [escaped(cut(colour.words[value], 8)) if value in colour.words else fixed(value, decimals) for value in at]
    marks = list(zip(at, words, strict=True))
    near = 0.3 * (high - low)
    if min(values) < low:
        marks = [(low, f"≤ {three(low)}"), *(mark for mark in marks if mark[0] > low + near)]
    if max(values) > high:
        marks = [*(mark for mark in marks if mark[0] < high - near), (high, f"≥ {three(high)}")]
    return [value for value, _ in marks], [word for _, word in marks]


def title(colour: Colour) -> str:
    """The name above the bar or key, short and escaped."""
    return escaped(cut(colour.name, NAME_CHARACTERS))


def _decimals(value: float) -> int:
    """Decimals that a round number needs: 0.75 two, 20 none."""
    for decimals in range(7):
        if math.isclose(value, round(value, decimals), rel_tol=1e-9, abs_tol=1e-12):
            return decimals
    return min(decimals_for(value), 7)
