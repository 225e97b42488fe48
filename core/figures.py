"""Plotly figures from plain data. Fonts, paper and hover cards follow the theme; only marks have colours."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.drawing import map_layers as layers
from core.drawing.leaders import Window, place
from core.drawing.marks import Cloud, Kind, Mark
from core.drawing.palette import BASELINE, GRID, REAL, SYNTHETIC

if TYPE_CHECKING:
    import plotly.graph_objects as go

MAP_HEIGHT = 570
SMALL_MAP_HEIGHT = 290
LABELS = 6
RINGS_FROM = 0.60
"""Rings of on-map distance are drawn only where the shown axes carry this share of the spread."""

ORDER: tuple[Kind, ...] = ("real", "chosen", "control", "heldout", "few", "run")
"""Which labels come first where there are more than six."""


def map_window(marks: Sequence[Mark], clouds: Sequence[Cloud] = ()) -> tuple[float, float, float, float]:
    """(left, right, bottom, top): every mark and ellipse, and as much of the clouds as leaves them legible.

    A page that redraws a map keeps the first window, so that nothing jumps.
    """
    solid = [np.array([mark.xy], dtype=float) for mark in marks]
    solid += [np.asarray(mark.outline, dtype=float) for mark in marks if mark.outline is not None]
    dust = [np.asarray(cloud.points, dtype=float) for cloud in clouds if len(cloud.points)]
    if not solid and not dust:
        return (-1.0, 1.0, -1.0, 1.0)
    core = np.concatenate(solid or dust)
    low, high = core.min(axis=0), core.max(axis=0)
    if solid and dust:
        inner = np.quantile(np.concatenate(dust), [0.02, 0.98], axis=0)
        # Single answers scatter far more than means: beyond four times the marks they would hide them.
        reach = 1.5 * float(max(high - low)) if len(marks) > 2 else math.inf
        low = np.maximum(np.minimum(low, inner[0]), low - reach)
        high = np.minimum(np.maximum(high, inner[1]), high + reach)
    margin = 0.12 * (float(max(high - low)) or 1.0)
    return (
        float(low[0] - margin),
        float(high[0] + margin),
        float(low[1] - margin),
        float(high[1] + margin),
    )


def map_figure(
    marks: Sequence[Mark],
    clouds: Sequence[Cloud] = (),
    *,
    explained: tuple[float, float] | None = None,
    window: tuple[float, float, float, float] | None = None,
    rings: bool = True,
    small: bool = False,
    height: int | None = None,
    width: int = 360,
) -> go.Figure:
    """The perspective map: equal units, clouds under ellipses under marks, leaders instead of a legend.

    explained: share of the spread on each shown axis. window: from `map_window`, else it is found here.
    rings: circles of on-map distance around the real data, a guide that is left out where the shown axes
    carry less than 60% of the spread. small: without ticks, for a place beside a run.
    width: of the column in pixels at its narrowest; only leaders depend on it.
    Equal input gives an equal figure. A point's `customdata` is its id.
    """
    import plotly.graph_objects as go

    height = height or (SMALL_MAP_HEIGHT if small else MAP_HEIGHT)
    margin = {"l": 36, "r": 14, "t": 10, "b": 26} if small else {"l": 52, "r": 10, "t": 8, "b": 42}
    left, right, bottom, top = window or map_window(marks, clouds)
    figure = go.Figure()
    for cloud in sorted(clouds, key=lambda one: one.kind != "real"):
        figure.add_trace(layers.cloud(cloud))
    for colour, kinds in ((REAL, ("real", "heldout")), (SYNTHETIC, ("run", "few", "control", "chosen"))):
        outlines = [mark.outline for mark in marks if mark.kind in kinds and mark.outline is not None]
        if outlines:
            figure.add_trace(layers.ellipses(outlines, colour))
    for kind in ("heldout", "real", "run", "few", "chosen", "control"):
        group = [mark for mark in marks if mark.kind == kind]
        if group:
            figure.add_trace(layers.points(group, kind, small))
    view = Window(left, right, bottom, top, width - margin["l"] - margin["r"], height - margin["t"] - margin["b"])
    shapes = [layers.frame()]
    if rings and explained is not None and sum(explained) >= RINGS_FROM:
        ring_shapes, ring_words = layers.rings(marks, view, small)
        shapes = ring_shapes + shapes
    else:
        ring_words = []
    names = [f"Axis {i + 1}" + (f" · {explained[i]:.0%}" if explained else "") for i in range(2)]
    if not small and explained:
        names = [name + " of the spread" if i == 0 else name for i, name in enumerate(names)]
    axis: dict[str, Any] = {"zeroline": False, "showgrid": not small, "gridcolor": GRID}
    axis |= {"showticklabels": not small, "ticks": "", "tickformat": "+.2~f", "nticks": 7}
    figure.update_layout(
        height=height,
        margin=margin,
        showlegend=False,
        dragmode="pan" if small else "lasso",
        hovermode="closest",
        hoverlabel={"align": "left"},
        shapes=shapes,
        annotations=ring_words + _labels(marks, clouds, view),
        xaxis={**axis, "range": [left, right], "constrain": "range", "title": _axis_title(names[0], small)},
        yaxis={
            **axis,
            "range": [bottom, top],
            "scaleanchor": "x",
            "constrain": "range",
            "title": _axis_title(names[1], small),
        },
    )
    return figure


def _axis_title(text: str, small: bool) -> dict[str, Any]:
    return {"text": text, "font": {"size": 11 if small else 12}, "standoff": 6}


def _labels(marks: Sequence[Mark], clouds: Sequence[Cloud], view: Window) -> list[dict[str, Any]]:
    named = sorted((mark for mark in marks if mark.label), key=lambda mark: ORDER.index(mark.kind))[:LABELS]
    specks = [np.asarray(cloud.points, dtype=float)[:: max(len(cloud.points) // 400, 1)] for cloud in clouds]
    specks += [np.asarray(mark.outline, dtype=float) for mark in marks if mark.outline is not None]
    places = place(
        [(mark.xy, mark.label) for mark in named],
        np.array([mark.xy for mark in marks], dtype=float).reshape(-1, 2),
        np.concatenate([speck.reshape(-1, 2) for speck in specks]) if specks else np.empty((0, 2)),
        view,
    )
    labels = []
    for mark, (x, y) in zip(named, places, strict=True):
        bold = mark.kind in ("real", "chosen")
        words = html.escape(mark.label)
        label: dict[str, Any] = {
            "x": float(mark.xy[0]),
            "y": float(mark.xy[1]),
            "ax": x,
            "ay": y,
            "axref": "x",
            "ayref": "y",
            "text": f"<b>{words}</b>" if bold else words,
            "font": {"size": 12},
            "showarrow": True,
            "arrowhead": 0,
            "arrowwidth": 1,
            "arrowcolor": BASELINE,
            "standoff": 8,
        }
        if mark.kind in ("real", "heldout"):
            label["font"] = {"size": 12, "color": REAL}
        elif mark.kind == "chosen":
            label["font"] = {"size": 12, "color": SYNTHETIC}
        labels.append(label)
    return labels
