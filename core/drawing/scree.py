"""How much of the spread each axis carries beside what noise alone would: the scree and its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.drawing.map_layers import frame
from core.drawing.numbers import three
from core.drawing.palette import BASELINE, GRID, OUTLINE, SYNTHETIC

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

SCREE_HEIGHT = 220
MOST = 24
"""Axes that are drawn; the table has all of them."""


def scree_figure(
    scree: Sequence[float] | NDArray[np.floating],
    noise_floor: Sequence[float] | NDArray[np.floating],
    dimension: int,
    elbow: int | None = None,
    *,
    height: int = SCREE_HEIGHT,
) -> go.Figure:
    """Debiased eigenvalues, largest first, with the line of what noise alone gives: below it an axis is noise.

    The first `dimension` are the axes of the map and blue; the others are grey. A debiased eigenvalue may be
    negative: noise took more than there was, and it is drawn as it is. elbow: where the profile likelihood
    of Zhu and Ghodsi (2006) sees the scree break off, a hint, None where it sees nothing.
    """
    import plotly.graph_objects as go

    values = [float(value) for value in scree][:MOST]
    noise = [float(value) for value in noise_floor][: len(values)]
    at = list(range(1, len(values) + 1))
    figure = go.Figure()
    figure.add_trace(
        go.Bar(
            x=at,
            y=values,
            width=0.5,
            marker={"color": [SYNTHETIC if i <= dimension else BASELINE for i in at], "line": {"width": 0}},
            hovertext=[_card(i, value, noise, dimension) for i, value in zip(at, values, strict=True)],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=at[: len(noise)],
            y=noise,
            mode="lines+markers",
            line={"width": 1.3, "color": OUTLINE, "dash": "3px,3px"},
            marker={"size": 4, "color": OUTLINE},
            hoverinfo="skip",
        )
    )
    shapes, words = [frame()], []
    if noise:
        words.append(_word(at[len(noise) - 1], noise[-1], "noise alone", "right", yshift=9))
    if elbow is not None and 0 < elbow < len(values):
        shapes.append(_upright(elbow + 0.5))
        words.append(_word(elbow + 0.5, max(values), f"elbow after {elbow}", "left", xshift=4))
    if len(scree) > MOST:
        words.append(_word(at[-1] + 0.5, max(values), f"{MOST} of {len(scree)} axes", "right"))
    low, high = min([0.0, *values, *noise]), max([0.0, *values, *noise])
    room = 0.1 * (high - low) or 1.0
    line: dict[str, Any] = {"ticks": "", "zeroline": False, "tickfont": {"size": 10}}
    figure.update_layout(
        height=height,
        margin={"l": 58, "r": 10, "t": 8, "b": 38},
        showlegend=False,
        dragmode=False,
        hovermode="closest",
        hoverlabel={"align": "left"},
        shapes=shapes,
        annotations=words,
        xaxis={
            **line,
            "showgrid": False,
            "range": [0.4, max(len(values), 4) + 0.6],
            "dtick": 1 if len(values) <= 14 else 5,
            "tick0": 0 if len(values) > 14 else 1,
            "title": {"text": "Axis", "font": {"size": 12}, "standoff": 4},
        },
        yaxis={
            **line,
            "gridcolor": GRID,
            "nticks": 5,
            "zeroline": True,
            "zerolinecolor": BASELINE,
            "zerolinewidth": 1,
            "tickformat": "~g",
            "range": [low - room if low < 0 else 0.0, high + room],
            "title": {"text": "Spread, noise subtracted", "font": {"size": 12}, "standoff": 6},
        },
    )
    return figure


def scree_table(
    scree: Sequence[float] | NDArray[np.floating],
    noise_floor: Sequence[float] | NDArray[np.floating],
    explained: Sequence[float] | NDArray[np.floating] = (),
) -> pd.DataFrame:
    """The scree's twin: one row an axis."""
    import pandas as pd

    def padded(values: Sequence[float] | NDArray[np.floating]) -> Any:
        known = [float(value) for value in values][: len(scree)]
        return pd.array(known + [None] * (len(scree) - len(known)), dtype="Float64")

    return pd.DataFrame(
        {
            "Axis": list(range(1, len(scree) + 1)),
            "Spread, noise subtracted": padded(scree),
            "Noise alone": padded(noise_floor),
            "Share of the spread": padded(explained),
        }
    )


def _card(i: int, value: float, noise: Sequence[float], dimension: int) -> str:
    lines = [f"<b>Axis {i}</b>" + (" on the map" if i <= dimension else ""), f"spread {three(value)}, noise subtracted"]
    if i <= len(noise):
        lines.append(f"noise alone {three(noise[i - 1])}")
    return "<br>".join(lines)


def _upright(x: float) -> dict[str, Any]:
    line = {"width": 1, "color": OUTLINE, "dash": "1px,3px"}
    return {"type": "line", "x0": x, "x1": x, "yref": "y domain", "y0": 0, "y1": 1, "line": line}


def _word(x: float, y: float, text: str, anchor: str, xshift: int = 0, yshift: int = 0) -> dict[str, Any]:
    return {
        "x": x,
        "y": y,
        "text": text,
        "xanchor": anchor,
        "xshift": xshift,
        "yshift": yshift,
        "showarrow": False,
        "font": {"size": 11, "color": OUTLINE},
    }
