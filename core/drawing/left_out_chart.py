"""Every run as it is predicted without itself: predicted against measured, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.drawing.leaders import Window, place
from core.drawing.map_layers import frame
from core.drawing.marks import SETTINGS_CHARACTERS
from core.drawing.numbers import counted, interval, three
from core.drawing.palette import BASELINE, GRID, MISSED, OUTLINE, SYNTHETIC
from core.drawing.surface_picture import round_step
from core.drawing.text import cut, escaped
from core.drawing.traces import Trace, segments

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.regressing.fitted import Prediction

LEFT_OUT_HEIGHT = 376

NAMED = 2
"""Misses that are named on the figure: those farthest outside."""

NAME_CHARACTERS = 26
ALT_NAMES = 5
MARGIN = {"l": 56, "r": 10, "t": 8, "b": 42}

MANY = 20
BEYOND = 0.5
"""How far the axes follow long intervals beyond the points, as a share of the points' span."""


def missed(one: Prediction) -> bool:
    """Whether the measured score lies outside the interval; never where there is no interval."""
    if one.score is None or one.low is None or one.high is None:
        return False
    return not one.low <= one.score <= one.high


def misses(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Those that miss, the one that is farthest outside first."""
    return sorted((one for one in predictions if missed(one)), key=_outside, reverse=True)


def left_out_figure(
    predictions: Sequence[Prediction],
    labels: Mapping[str, str],
    *,
    name: str,
    height: int = LEFT_OUT_HEIGHT,
    width: int = 480,
) -> go.Figure:
    """Predicted on x with its interval, measured on y with its standard error; on the dashed line they are equal.

    labels: the setting in words by key, the key itself where there is none. name: of the score. A run without an
    interval is a hollow point; one whose interval misses what was measured is red, at most two are named. Both axes
    have one range. A point's `customdata` is "run:" and its key. Predictions without a score are left out.
    """
    import plotly.graph_objects as go

    shown = [one for one in predictions if one.score is not None]
    low, high = limits(shown)
    view = Window(low, high, low, high, width - MARGIN["l"] - MARGIN["r"], height - MARGIN["t"] - MARGIN["b"])
    diagonal = {
        "type": "line",
        "x0": low,
        "y0": low,
        "x1": high,
        "y1": high,
        "layer": "below",
        "line": {"width": 1, "color": OUTLINE, "dash": "7px,5px"},
    }
    traces: list[Trace] = []
    for red in (False, True):
        group = [one for one in shown if missed(one) == red]
        if group:
            traces += _runs(group, labels, name, MISSED if red else SYNTHETIC)
    line: dict[str, Any] = {
        "range": [low, high],
        "zeroline": False,
        "gridcolor": GRID,
        "ticks": "",
        "tickformat": ".3~g",
        "tick0": 0,
        "dtick": round_step(high - low, 7),
        "tickfont": {"size": 10},
    }
    said = escaped(cut(name, 40))
    layout = {
        "height": height,
        "margin": MARGIN,
        "showlegend": False,
        "dragmode": "pan",
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "shapes": [diagonal, frame()],
        "annotations": _names(shown, labels, view),
        "xaxis": {**line, "title": {"text": f"Predicted {said}", "font": {"size": 12}, "standoff": 6}},
        "yaxis": {**line, "title": {"text": f"Measured {said}", "font": {"size": 12}, "standoff": 6}},
    }
    return go.Figure(traces, layout)


def left_out_alt(predictions: Sequence[Prediction], labels: Mapping[str, str], *, name: str) -> str:
    """The takeaway in words: the mean error, how many intervals hold, and which runs they miss."""
    scored = [(one, one.score) for one in predictions if one.score is not None]
    if not scored:
        return f"No run has a measured {name} yet."
    off = float(np.mean([abs(score - one.predicted) for one, score in scored]))
    said = [f"{counted(len(scored), 'run')}, each predicted without itself: off by {three(off)} {name} on average."]
    judged = [one for one, _ in scored if one.low is not None and one.high is not None]
    if not judged:
        return f"{said[0]} There are too few runs for intervals."
    out = misses(judged)
    said.append(f"{len(judged) - len(out)} of {len(judged)} intervals hold what was measured.")
    if out:
        names = ", ".join(label_of(one.key, labels) for one in out[:ALT_NAMES])
        more = f" and {len(out) - ALT_NAMES} more" if len(out) > ALT_NAMES else ""
        said.append(f"Missed: {names}{more}.")
    return " ".join(said)


def limits(predictions: Sequence[Prediction]) -> tuple[float, float]:
    """One range for both axes: all points, and as much of long intervals as leaves the points legible."""
    points = [value for one in predictions if one.score is not None for value in (one.predicted, one.score)]
    if not points:
        return (0.0, 1.0)
    low, high = min(points), max(points)
    span = (high - low) or abs(high) or 1.0
    ends = [end for one in predictions for end in (one.low, one.high) if end is not None]
    errors = [(one.score, one.error or 0.0) for one in predictions if one.score is not None]
    ends += [score + side * error for score, error in errors for side in (-1, 1)]
    least, most = max(min([low, *ends]), low - BEYOND * span), min(max([high, *ends]), high + BEYOND * span)
    room = 0.04 * (most - least)
    return least - room, most + room


def label_of(key: str, labels: Mapping[str, str]) -> str:
    """The setting of a run in words."""
    return labels.get(key) or key


def card(one: Prediction, labels: Mapping[str, str], name: str) -> str:
    """The hover card: setting, measured, predicted with its interval, and what is unusual about it."""
    lines = [f"<b>{escaped(cut(label_of(one.key, labels), SETTINGS_CHARACTERS))}</b>"]
    if one.score is not None:
        error = "" if one.error is None else f" ± {three(one.error)}"
        lines.append(f"measured {escaped(cut(name, 40))} {three(one.score)}{error}")
    ends = "" if one.low is None else f", interval {interval(one.low, one.high)}"
    lines.append(f"predicted without it {three(one.predicted)}{ends}")
    if missed(one):
        lines.append("outside its interval")
    elif one.extrapolates:
        lines.append("farther out than every other run")
    return "<br>".join(lines)


def _outside(one: Prediction) -> float:
    if one.score is None or one.low is None or one.high is None:
        return 0.0
    return max(one.low - one.score, one.score - one.high)


def _runs(group: Sequence[Prediction], labels: Mapping[str, str], name: str, colour: str) -> list[Trace]:
    """Intervals, errors and points of runs of one colour."""
    known = [(one, one.score or 0.0) for one in group]
    across = [(one.low, y, one.high, y) for one, y in known if one.low is not None and one.high is not None]
    up = [(one.predicted, y - one.error, one.predicted, y + one.error) for one, y in known if one.error]
    # Many long intervals would hide the points that they belong to.
    traces = [
        segments(ends, colour, width, 0.6 if len(group) > MANY else 1.0)
        for ends, width in ((up, 0.8), (across, 1.4))
        if ends
    ]
    hollow = [one.low is None for one, _ in known]
    marker = {
        "symbol": ["circle-open" if each else "circle" for each in hollow],
        "size": 8,
        "color": colour,
        "opacity": 1,
        "line": {
            "width": [1.6 if each else 0.8 for each in hollow],
            "color": [colour if each else OUTLINE for each in hollow],
        },
    }
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": [one.predicted for one, _ in known],
        "y": [y for _, y in known],
        "marker": marker,
        "customdata": [f"run:{one.key}" for one, _ in known],
        "hovertext": [card(one, labels, name) for one, _ in known],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    return [*traces, points]


def _names(shown: Sequence[Prediction], labels: Mapping[str, str], view: Window) -> list[dict[str, Any]]:
    """The worst misses by name, in empty places."""
    worst = misses(shown)[:NAMED]
    words = [f"{cut(label_of(one.key, labels), NAME_CHARACTERS)} misses" for one in worst]
    points = np.array([(one.predicted, one.score) for one in shown], dtype=float).reshape(-1, 2)
    bars = [
        np.column_stack([np.linspace(one.low, one.high, 24), np.full(24, one.score)])
        for one in shown
        if one.low is not None and one.high is not None
    ]
    dust = np.concatenate(bars) if bars else np.empty((0, 2))
    scale = view.width / view.height
    targets = [((one.predicted * scale, float(one.score or 0.0)), said) for one, said in zip(worst, words, strict=True)]
    # The axes are not of equal units: places are found where they are.
    wide = Window(view.left * scale, view.right * scale, view.bottom, view.top, view.width, view.height)
    stretched = np.array([scale, 1.0])
    places = place(targets, points * stretched, dust * stretched, wide)
    return [
        {
            "x": one.predicted,
            "y": one.score,
            "ax": x / scale,
            "ay": y,
            "axref": "x",
            "ayref": "y",
            "text": escaped(said),
            "font": {"size": 11},
            "showarrow": True,
            "arrowhead": 0,
            "arrowwidth": 1,
            "arrowcolor": BASELINE,
            "standoff": 7,
        }
        for one, said, (x, y) in zip(worst, words, places, strict=True)
    ]
