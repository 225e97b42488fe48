"""The layers of a map, each one trace or one list of shapes; all points are WebGL, which covers SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.drawing.leaders import Window
from core.drawing.marks import Cloud, Kind, Mark, mark_card, text_card
from core.drawing.palette import BASELINE, FRAME, INK, OUTLINE, REAL, SYNTHETIC

if TYPE_CHECKING:
    import plotly.graph_objects as go

MARKERS: dict[Kind, dict[str, Any]] = {
    "run": {"symbol": "circle", "size": 8, "color": OUTLINE},
    "few": {"symbol": "circle-open", "size": 9, "color": BASELINE, "line": {"width": 1.6}},
    "control": {"symbol": "circle-open", "size": 11, "color": SYNTHETIC, "line": {"width": 2.6}},
    "heldout": {"symbol": "diamond-open", "size": 12, "color": REAL, "line": {"width": 2.4}},
    "real": {"symbol": "diamond", "size": 13, "color": REAL, "line": {"width": 1.3, "color": INK}},
    "chosen": {"symbol": "circle", "size": 12, "color": SYNTHETIC, "line": {"width": 1.3, "color": INK}},
}


def frame() -> dict[str, Any]:
    """A thin line around the plot: axis lines with `mirror` are lost at small margins, a shape is not."""
    return {
        "type": "rect",
        "xref": "x domain",
        "yref": "y domain",
        "x0": 0,
        "x1": 1,
        "y0": 0,
        "y1": 1,
        "line": {"width": 1, "color": FRAME},
        "layer": "above",
    }


def cloud(cloud: Cloud) -> go.Scattergl:
    """The samples of one generator."""
    import plotly.graph_objects as go

    real = cloud.kind == "real"
    points = np.asarray(cloud.points, dtype=np.float32).reshape(-1, 2)
    title = "real" if real else "sample"
    return go.Scattergl(
        x=points[:, 0],
        y=points[:, 1],
        mode="markers",
        marker={
            "size": 4,
            "symbol": "diamond" if real else "circle",
            "color": REAL if real else SYNTHETIC,
            "opacity": 0.34 if real else 0.38,
        },
        unselected={"marker": {"opacity": 0.08}},
        customdata=cloud.marked_ids,
        hovertext=[text_card(text, title) for text in cloud.texts],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def ellipses(outlines: Sequence[NDArray[np.floating] | None], colour: str) -> go.Scattergl:
    """All ellipses of one colour as one unfilled line, separated by gaps."""
    import plotly.graph_objects as go

    x: list[float | None] = []
    y: list[float | None] = []
    for outline in outlines:
        closed = np.asarray(outline, dtype=float)
        closed = np.vstack([closed, closed[:1]])
        x += [*(round(float(value), 6) for value in closed[:, 0]), None]
        y += [*(round(float(value), 6) for value in closed[:, 1]), None]
    return go.Scattergl(
        x=x,
        y=y,
        mode="lines",
        line={"width": 1.2, "color": colour},
        hoverinfo="skip",
        connectgaps=False,
    )


def points(group: Sequence[Mark], kind: Kind, small: bool = False) -> go.Scattergl:
    """The marks of one kind; on a small map the many are smaller, so that their ellipses show."""
    import plotly.graph_objects as go

    marker = MARKERS[kind] | ({"size": 6} if small and kind in ("run", "few") else {})
    return go.Scattergl(
        x=[float(mark.xy[0]) for mark in group],
        y=[float(mark.xy[1]) for mark in group],
        mode="markers",
        marker={**marker, "opacity": 1},
        # A lasso over samples must not fade the generators.
        unselected={"marker": {"opacity": 1}},
        customdata=[f"run:{mark.key}" for mark in group],
        hovertext=[mark_card(mark) for mark in group],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def rings(marks: Sequence[Mark], view: Window, small: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Circles of on-map distance around the real data, and their radii as words; nothing without real data."""
    centre = next((mark.xy for mark in marks if mark.kind == "real"), None)
    if centre is None:
        return [], []
    reach = max(view.right - view.left, view.top - view.bottom) / 2
    step = next(
        size
        for power in range(-8, 9)
        for size in (10.0**power, 2 * 10.0**power, 5 * 10.0**power)
        if reach / size <= (3.5 if small else 4.5)
    )
    shapes, words = [], []
    for i in range(1, int(reach / step) + 1):
        radius = i * step
        shapes.append(
            {
                "type": "circle",
                "x0": centre[0] - radius,
                "x1": centre[0] + radius,
                "y0": centre[1] - radius,
                "y1": centre[1] + radius,
                "line": {"width": 1, "color": FRAME, "dash": "3px,3px"},
                "layer": "below",
            }
        )
        words.append(
            {
                "x": centre[0] + radius * math.cos(-0.7),
                "y": centre[1] + radius * math.sin(-0.7),
                "text": f"{radius:g}",
                "showarrow": False,
                "font": {"size": 9 if small else 10, "family": "Source Code, monospace", "color": OUTLINE},
            }
        )
    return shapes, words
