"""The sample view: single samples where only neighbours mean something, so without axes, ticks or units."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.drawing.map_layers import frame
from core.drawing.marks import hover_characters, marked
from core.drawing.traces import samples, speck_size

if TYPE_CHECKING:
    import plotly.graph_objects as go

SAMPLE_HEIGHT = 236


def sample_figure(
    points: NDArray[np.floating],
    kinds: Sequence[str],
    ids: Sequence[str],
    texts: Sequence[str],
    *,
    lit: Collection[str] | None = None,
    height: int = SAMPLE_HEIGHT,
) -> go.Figure:
    """Every sample as a point: real rows as orange diamonds, all others as blue discs.

    points: (N, 2). kinds: "real" or anything else, N; ids and texts: N each. lit: ids as a lasso on the map gave
    them (`real:…`, `sample:…`): the others fade; None where nothing is selected there. Never give `lit` to
    the chart that was lassoed. The fewer kind lies on top. Equal input gives an equal figure.
    """
    import plotly.graph_objects as go

    places = np.asarray(points, dtype=np.float32).reshape(-1, 2)
    characters = hover_characters(len(places))
    real = np.array([kind == "real" for kind in kinds], dtype=bool)
    groups = [(which, np.flatnonzero(real == which).tolist()) for which in (True, False)]
    traces = []
    for which, rows in sorted(groups, key=lambda group: -len(group[1])):
        if not len(rows):
            continue
        traces.append(
            samples(
                places[rows],
                [marked(ids[i], which) for i in rows],
                [texts[i] for i in rows] if characters else (),
                real=which,
                title="real" if which else "synthetic",
                characters=characters,
                size=speck_size(len(places)),
                opacity=0.45,
                lit=lit,
            )
        )
    bare: dict[str, Any] = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False}
    x, y = (_range(places[:, i]) for i in range(2))
    layout = {
        "height": height,
        # The room at the top is the mode bar's, which holds the lasso.
        "margin": {"l": 6, "r": 10, "t": 26, "b": 6},
        "showlegend": False,
        "dragmode": "lasso",
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "shapes": [frame()],
        "xaxis": {**bare, "range": x},
        "yaxis": {**bare, "range": y},
    }
    return go.Figure(traces, layout)


def _range(values: NDArray[np.float32]) -> list[float]:
    """The ends of an axis with a margin of 4%."""
    if not len(values):
        return [-1.0, 1.0]
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low) or 1.0
    return [low - margin, high + margin]
