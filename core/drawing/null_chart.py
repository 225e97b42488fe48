"""What the same pipeline reaches on shuffled scores, beside what it reaches on the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.drawing.map_layers import frame
from core.drawing.numbers import fixed
from core.drawing.palette import BASELINE, OUTLINE, SYNTHETIC
from core.drawing.scales import reach

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.regression import Evaluation

NULL_HEIGHT = 190
BINS = 28
ROOM = 0.03
"""Share of the width that stays free beside the last bin, so that a line there is not taken for the frame."""


def histogram(null: NDArray[np.floating], q2: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Counts and edges over the shuffles and this fit; shuffles far out (Tukey's fences) stand in the last bin."""
    values = np.asarray(null, dtype=np.float64)
    low, high = reach(values.tolist())
    low, high = min(low, q2), max(high, q2)
    width = (high - low) / BINS
    counts, edges = np.histogram(np.clip(values, low, high), bins=BINS, range=(low - width / 2, high + width / 2))
    return counts, np.asarray(edges, dtype=np.float64)


def null_figure(evaluation: Evaluation, *, height: int = NULL_HEIGHT) -> go.Figure:
    """A grey histogram of the Q² of shuffled scores and one blue line, this fit, with its share of shuffles."""
    import plotly.graph_objects as go

    counts, edges = histogram(evaluation.null, evaluation.q2)
    top = 1.16 * max(int(counts.max()), 1)
    bars = {
        "type": "bar",
        "x": (edges[:-1] + edges[1:]) / 2,
        "y": counts,
        "width": float(edges[1] - edges[0]),
        "marker": {"color": BASELINE, "opacity": 0.6, "line": {"width": 0}},
        "hovertext": [
            f"{count} of {evaluation.permutations:,} shuffles<br>Q² {fixed(low, 2)} to {fixed(high, 2)}"
            for count, low, high in zip(counts.tolist(), edges[:-1], edges[1:], strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    upright = {
        "type": "line",
        "x0": evaluation.q2,
        "x1": evaluation.q2,
        "yref": "y domain",
        "y0": 0,
        "y1": 1,
        "line": {"width": 2.4, "color": SYNTHETIC},
    }
    middle = (edges[0] + edges[-1]) / 2
    line: dict[str, Any] = {"zeroline": False, "ticks": "", "tickfont": {"size": 10}}
    layout = {
        "height": height,
        "margin": {"l": 12, "r": 12, "t": 6, "b": 38},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "bargap": 0,
        "shapes": [frame(), upright],
        "annotations": _words(evaluation, right=evaluation.q2 <= middle),
        "xaxis": {
            **line,
            "showgrid": False,
            "range": [float(edges[0]), float(edges[-1] + ROOM * (edges[-1] - edges[0]))],
            "nticks": 5,
            "tickformat": ".2~f",
            "title": {"text": "Q² after shuffling the scores", "font": {"size": 12}, "standoff": 4},
        },
        "yaxis": {**line, "showgrid": False, "showticklabels": False, "range": [0, top]},
    }
    return go.Figure([bars], layout)


def null_alt(evaluation: Evaluation) -> str:
    """The takeaway in words: how many shuffles do as well."""
    as_well = int(np.sum(evaluation.null >= evaluation.q2 - 1e-12))
    many = "none" if as_well == 0 else f"{as_well:,}"
    return (
        f"Of {evaluation.permutations:,} shuffles of the scores {many} reach the Q² of this fit, "
        f"{fixed(evaluation.q2, 2)}; p = {evaluation.p_value:.2g}."
    )


def _words(evaluation: Evaluation, *, right: bool) -> list[dict[str, Any]]:
    """What the blue line is, beside it."""
    said = {
        "x": evaluation.q2,
        "yref": "y domain",
        "y": 1,
        "yanchor": "top",
        "xanchor": "left" if right else "right",
        "xshift": 6 if right else -6,
        "align": "left" if right else "right",
        "showarrow": False,
    }
    return [
        {**said, "yshift": -4, "text": f"<b>this fit</b> {fixed(evaluation.q2, 2)}", "font": {"size": 12}},
        {**said, "yshift": -21, "text": f"p = {evaluation.p_value:.2g}", "font": {"size": 11, "color": OUTLINE}},
    ]
