"""The predicted score over the map: colours that fade where the map knows little, and the runs it was learnt from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core.drawing.labels import axis_title
from core.drawing.leaders import Box, Window, place
from core.drawing.map_layers import frame
from core.drawing.numbers import counted, interval, three
from core.drawing.palette import GRID, INK
from core.drawing.predict_marks import PAPER, PredictMark, mark_traces
from core.drawing.scales import BAR, Colour, value_axis
from core.drawing.surface_picture import Picture
from core.drawing.text import escaped
from core.drawing.traces import Trace, segments

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.regressing.surface import Surface

SURFACE_HEIGHT = 376

Better = Literal["higher", "lower"] | None
Limits = tuple[float, float, float, float]

CHIP = "rgba(255,255,255,.92)"
"""Under a label, so that it is read on any colour of the surface, in light and dark alike."""

REAL_INK = "#A34F08"
"""Orange for words on paper."""

MARGIN = {"l": 52, "r": 10, "t": 8, "b": 42}

BAR_ROOM = 0.12
"""Share of the window's height above the marks for the colour bar."""


def surface_window(surface: Surface | None, marks: Sequence[PredictMark]) -> Limits:
    """(left, right, bottom, top): every mark, and what the surface shows around them, with room for the bar.

    A page that redraws the surface keeps the first window, so that nothing jumps.
    """
    points = np.array([(mark.x, mark.y) for mark in marks], dtype=float).reshape(-1, 2)
    if not len(points):
        return (-1.0, 1.0, -1.0, 1.0)
    low, high = points.min(axis=0), points.max(axis=0)
    room = 0.12 * (float(max(high - low)) or 1.0)
    tall = float(high[1] - low[1]) + 2 * room
    left, right, bottom, top = low[0] - room, high[0] + room, low[1] - room, high[1] + room + BAR_ROOM * tall
    return float(left), float(right), float(bottom), float(top)


def surface_figure(
    surface: Surface | None,
    marks: Sequence[PredictMark],
    *,
    name: str,
    better: Better = None,
    explained: Sequence[float] | None = None,
    window: Limits | None = None,
    height: int = SURFACE_HEIGHT,
    width: int = 480,
) -> go.Figure:
    """The surface under its marks, equal units, the colour bar in the frame; None draws the marks alone.

    Opacity is the share of the variance of the scores that is settled at a place, 1 - error² / variance, and falls
    off beyond the runs. name: of the score, better: which end of it is bright. explained: share of the spread on each
    axis. width: of the column in pixels at its narrowest; only leaders depend on it. A point's `customdata` is
    "run:" and its key for runs, else its kind and its key. Equal input gives an equal figure.
    """
    import plotly.graph_objects as go

    left, right, bottom, top = window or surface_window(surface, marks)
    view = Window(left, right, bottom, top, width - MARGIN["l"] - MARGIN["r"], height - MARGIN["t"] - MARGIN["b"])
    values = coloured_values(surface, marks)
    bar = value_axis(Colour(name, {}, "score", better), values)
    traces: list[Trace] = []
    images: list[dict[str, Any]] = []
    if surface is not None and bar is not None:
        runs = [mark for mark in marks if mark.kind == "run" and mark.score is not None]
        points = np.array([(mark.x, mark.y) for mark in runs], dtype=float).reshape(-1, 2)
        picture = Picture.of(surface, points, np.array([mark.score for mark in runs], dtype=float), bar)
        images.append(picture.image())
        traces += [*picture.lines(), picture.readings(name)]
    leaders, words = _labels(marks, view, bar is not None)
    traces += [*leaders, *mark_traces(marks, name, bar is not None)]
    line: dict[str, Any] = {
        "zeroline": False,
        "gridcolor": GRID,
        "constrain": "range",
        "ticks": "",
        "tickformat": "+.2~f",
        "nticks": 7,
        "tickfont": {"size": 10},
    }
    titles = [{"text": axis_title(i, explained), "font": {"size": 12}, "standoff": 6} for i in range(2)]
    layout = {
        "height": height,
        "margin": MARGIN,
        "showlegend": False,
        "dragmode": "pan",
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "shapes": [frame()],
        "images": images,
        "annotations": words,
        "xaxis": {**line, "range": [left, right], "title": titles[0]},
        "yaxis": {**line, "range": [bottom, top], "scaleanchor": "x", "title": titles[1]},
        **({} if bar is None else {"coloraxis": bar}),
    }
    return go.Figure(traces, layout)


def surface_alt(surface: Surface | None, marks: Sequence[PredictMark], *, name: str, better: Better = None) -> str:
    """The takeaway of the surface in words."""
    runs = [mark for mark in marks if mark.kind == "run"]
    said = [f"Map of {counted(len(runs), 'run')} with a score, coloured by predicted {name}."]
    if surface is not None and surface.known.any():
        known = surface.values[surface.known]
        ends = interval(float(known.min()), float(known.max()))
        bright = {"higher": "; higher is better and brighter", "lower": "; lower is better and brighter"}
        said.append(
            f"Among the runs it predicts {ends}{bright.get(better or '', '')}, and fades where it knows little."
        )
    if best := _best(runs, better):
        said.append(f"The best run so far is {best.label}, at {three(best.score)}.")
    for mark in marks:
        if mark.kind == "point" and mark.predicted is not None:
            sure = "" if mark.low is None else f", 90% interval {interval(mark.low, mark.high)}"
            said.append(f"The slider point is predicted to reach {three(mark.predicted)}{sure}.")
    if waiting := sum(mark.kind == "waiting" for mark in marks):
        said.append(f"{counted(waiting, 'run')} {'has' if waiting == 1 else 'have'} no score yet.")
    if wanted := [mark for mark in marks if mark.kind == "next"]:
        said.append(f"{counted(len(wanted), 'numbered square')} to try next.")
    return " ".join(said)


def coloured_values(surface: Surface | None, marks: Sequence[PredictMark]) -> list[float]:
    """Everything that the scale is stretched over: measured scores, and what is predicted among the runs."""
    values = [float(mark.score) for mark in marks if mark.kind == "run" and mark.score is not None]
    values = [value for value in values if math.isfinite(value)]
    if surface is not None and surface.known.any():
        known = surface.values[surface.known]
        values += [float(known.min()), float(known.max())]
    return values


def _labels(marks: Sequence[PredictMark], view: Window, bar: bool) -> tuple[list[Trace], list[dict[str, Any]]]:
    """Leaders to the slider point and the real data, and their words, legible on any colour."""
    named = [mark for kind in ("point", "real") for mark in marks if mark.kind == kind]
    words = ["real" if mark.kind == "real" else _point_words(mark) for mark in named]
    points = np.array([(mark.x, mark.y) for mark in marks], dtype=float).reshape(-1, 2)
    corner, top = -view.width / 2, view.height / 2
    reserved: list[Box] = [(corner, top - 48, corner + BAR + 36, top)] if bar else []
    targets = [((mark.x, mark.y), said) for mark, said in zip(named, words, strict=True)]
    places = place(targets, points, np.empty((0, 2)), view, reserved)
    pieces = [(mark.x, mark.y, x, y) for mark, (x, y) in zip(named, places, strict=True)]
    leaders = [segments(pieces, colour, width) for colour, width in ((PAPER, 3.0), (INK, 1.0)) if pieces]
    return leaders, [
        {
            "x": x,
            "y": y,
            "text": f"<b>{escaped(said)}</b>",
            "font": {"size": 12, "color": REAL_INK if mark.kind == "real" else INK},
            "bgcolor": CHIP,
            "borderpad": 2,
            "showarrow": False,
        }
        for mark, said, (x, y) in zip(named, words, places, strict=True)
    ]


def _point_words(mark: PredictMark) -> str:
    return "slider point" + ("" if mark.predicted is None else f" {three(mark.predicted)}")


def _best(runs: Sequence[PredictMark], better: Better) -> PredictMark | None:
    scored = [(mark.score, mark) for mark in runs if mark.score is not None]
    if not scored or better is None:
        return None
    return (max if better == "higher" else min)(scored, key=lambda pair: pair[0])[1]
