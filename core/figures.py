"""Plotly figures from plain data. Fonts, paper and hover cards follow the theme; only marks have colours."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.drawing import map_layers as layers
from core.drawing.baseline_chart import BASELINE_HEIGHT, baseline_alt, baseline_figure
from core.drawing.kind_key import LINE, kind_key
from core.drawing.labels import LABELS, axis_title, labels
from core.drawing.leaders import Box, Window
from core.drawing.left_out_chart import LEFT_OUT_HEIGHT, left_out_alt, left_out_figure
from core.drawing.mark_styles import dots
from core.drawing.marks import Cloud, Mark, hover_characters
from core.drawing.null_chart import NULL_HEIGHT, null_alt, null_figure
from core.drawing.palette import GRID, REAL, SYNTHETIC
from core.drawing.predict_marks import PredictMark
from core.drawing.residual_chart import RESIDUAL_HEIGHT, residual_alt, residual_figure
from core.drawing.sample_layers import SAMPLE_HEIGHT, sample_figure
from core.drawing.scales import BAR, Colour, axis
from core.drawing.score_surface import SURFACE_HEIGHT, surface_alt, surface_figure, surface_window
from core.drawing.scree import SCREE_HEIGHT, scree_figure, scree_table
from core.drawing.solid import SOLID_HEIGHT, solid_figure
from core.drawing.traces import Trace, signs
from core.drawing.trails import trail_pairs

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = [
    "BASELINE_HEIGHT",
    "LABELS",
    "LEFT_OUT_HEIGHT",
    "MAP_HEIGHT",
    "NULL_HEIGHT",
    "RESIDUAL_HEIGHT",
    "RINGS_FROM",
    "SAMPLE_HEIGHT",
    "SCREE_HEIGHT",
    "SMALL_MAP_HEIGHT",
    "SOLID_HEIGHT",
    "SURFACE_HEIGHT",
    "Colour",
    "PredictMark",
    "baseline_alt",
    "baseline_figure",
    "left_out_alt",
    "left_out_figure",
    "map_figure",
    "map_window",
    "null_alt",
    "null_figure",
    "residual_alt",
    "residual_figure",
    "sample_figure",
    "scree_figure",
    "scree_table",
    "solid_figure",
    "surface_alt",
    "surface_figure",
    "surface_window",
    "trail_pairs",
]

MAP_HEIGHT = 570
SMALL_MAP_HEIGHT = 290
RINGS_FROM = 0.60
"""Rings of on-map distance are drawn only where the shown axes carry this share of the spread."""

BAR_ROOM = 0.14
"""Share of a window's height that is added above the marks, so that a colour bar covers none of them."""


def map_window(
    marks: Sequence[Mark], clouds: Sequence[Cloud] = (), *, bar: bool = False
) -> tuple[float, float, float, float]:
    """(left, right, bottom, top): every mark and ellipse, and as much of the clouds as leaves them legible.

    bar: with room at the top for the colour bar or the key of kinds.
    A page that redraws a map keeps the first window, so that nothing jumps.
    """
    solid = [np.array([mark.xy], dtype=float) for mark in marks]
    solid += [np.asarray(mark.outline, dtype=float)[:, :2] for mark in marks if mark.outline is not None]
    dust = [cloud.on_axes(2).astype(float) for cloud in clouds if cloud.ids]
    if not solid and not dust:
        return (-1.0, 1.0, -1.0, 1.0)
    core = np.concatenate(solid or dust)
    low, high = core.min(axis=0), core.max(axis=0)
    if solid and dust:
        inner = np.quantile(np.concatenate(dust), [0.02, 0.98], axis=0)
        # Single answers scatter far more than means: a window that held them all would hide how these differ.
        reach = 0.5 * float(max(high - low)) if len(marks) > 2 else math.inf
        low = np.maximum(np.minimum(low, inner[0]), low - reach)
        high = np.minimum(np.maximum(high, inner[1]), high + reach)
    margin = 0.12 * (float(max(high - low)) or 1.0)
    return (
        float(low[0] - margin),
        float(high[0] + margin),
        float(low[1] - margin),
        float(high[1] + margin + (BAR_ROOM * (high[1] - low[1] + 2 * margin) if bar else 0.0)),
    )


def map_figure(
    marks: Sequence[Mark],
    clouds: Sequence[Cloud] = (),
    *,
    explained: Sequence[float] | None = None,
    window: tuple[float, float, float, float] | None = None,
    rings: bool = True,
    small: bool = False,
    height: int | None = None,
    width: int = 360,
    colour: Colour | None = None,
    trails: Sequence[tuple[str, str]] = (),
    ellipses: bool = True,
    size_by_n: bool = False,
    lit: Collection[str] | None = None,
) -> go.Figure:
    """The perspective map: equal units, clouds under ellipses under marks, leaders instead of a legend.

    explained: share of the spread on each axis, the shown two first. window: from `map_window`, else it is
    found here. rings: circles of on-map distance around the real data, a guide that is left out where the
    shown axes carry less than 60% of the spread. small: without ticks, for a place beside a run.
    width: of the column in pixels at its narrowest; only leaders depend on it. colour: fills the runs, with
    a bar or a key in the frame. trails: pairs of keys, from `trail_pairs`. size_by_n: areas that grow with n.
    lit: ids of samples as a lasso elsewhere gave them (`real:…`, `sample:…`): the others fade; never give it
    to the chart that was lassoed. Equal input gives an equal figure. A point's `customdata` is its id.
    """
    import plotly.graph_objects as go

    height = height or (SMALL_MAP_HEIGHT if small else MAP_HEIGHT)
    # Above a map with a lasso stands its mode bar.
    margin = {"l": 36, "r": 14, "t": 10, "b": 26} if small else {"l": 52, "r": 10, "t": 26, "b": 42}
    left, right, bottom, top = window or map_window(marks, clouds, bar=colour is not None)
    view = Window(left, right, bottom, top, width - margin["l"] - margin["r"], height - margin["t"] - margin["b"])
    shown = tuple(explained[:2]) if explained is not None else None
    shapes = [layers.frame()]
    words: list[dict[str, Any]] = []
    if rings and shown is not None and sum(shown) >= RINGS_FROM:
        ring_shapes, words = layers.rings(marks, view, small)
        shapes = ring_shapes + shapes
    bar = None if colour is None else axis(colour, marks, small)
    if colour is not None and colour.scale == "kind":
        signs, names = kind_key(colour, marks, small)
        shapes, words = shapes + signs, words + names
    titles = [axis_title(i, explained) for i in range(2)]
    if not small and shown:
        titles[0] += " of the spread"
    line: dict[str, Any] = {"zeroline": False, "showgrid": not small, "gridcolor": GRID, "constrain": "range"}
    line |= {"showticklabels": not small, "ticks": "", "tickformat": "+.2~f", "nticks": 7}
    across = {**line, "range": [left, right], "title": _axis_title(titles[0], small)}
    upwards = {**line, "range": [bottom, top], "scaleanchor": "x", "title": _axis_title(titles[1], small)}
    layout = {
        "height": height,
        "margin": margin,
        "showlegend": False,
        "dragmode": "pan" if small else "lasso",
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "shapes": shapes,
        "annotations": words + labels(marks, clouds, view, _reserved(colour, marks, view)),
        "xaxis": across,
        "yaxis": upwards,
        **({} if bar is None else {"coloraxis": bar}),
    }
    return go.Figure(_traces(marks, clouds, colour, trails, ellipses, small, size_by_n, lit), layout)


def _traces(
    marks: Sequence[Mark],
    clouds: Sequence[Cloud],
    colour: Colour | None,
    trails: Sequence[tuple[str, str]],
    ellipses: bool,
    small: bool,
    size_by_n: bool,
    lit: Collection[str] | None,
) -> list[Trace]:
    """Every trace in the order of drawing."""
    characters = hover_characters(sum(len(cloud.ids) for cloud in clouds))
    traces = [layers.cloud(each, characters, lit) for each in sorted(clouds, key=lambda one: one.kind != "real")]
    if line := layers.trails(marks, trails):
        traces.append(line)
    for shade, real in ((REAL, True), (SYNTHETIC, False)) if ellipses else ():
        kinds = [mark for mark in marks if (mark.kind in ("real", "heldout")) == real]
        if outlines := [mark.outline for mark in kinds if mark.outline is not None]:
            traces.append(layers.ellipses(outlines, shade))
    for each in dots(marks, colour, small=small, size_by_n=size_by_n):
        traces.append(signs(each, np.array([mark.xy for mark in each.marks]), colour))
    return traces


def _reserved(colour: Colour | None, marks: Sequence[Mark], view: Window) -> list[Box]:
    """Where the bar or key stands: no label goes there."""
    if colour is None or not colour.known(marks):
        return []
    corner, top = -view.width / 2, view.height / 2
    down = 30 + LINE * len(colour.kinds(marks)) if colour.scale == "kind" else 48
    return [(corner, top - down, corner + BAR + 36, top)]


def _axis_title(text: str, small: bool) -> dict[str, Any]:
    return {"text": text, "font": {"size": 11 if small else 12}, "standoff": 6}
