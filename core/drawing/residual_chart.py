"""What is left of every run's score when it is predicted without itself, sorted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.drawing.left_out_chart import card, label_of, missed
from core.drawing.map_layers import frame
from core.drawing.numbers import MINUS, counted, three
from core.drawing.palette import BASELINE, GRID, MISSED, OUTLINE, SYNTHETIC
from core.drawing.text import cut, escaped
from core.drawing.traces import Trace, segments

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.regressing.fitted import Prediction

RESIDUAL_HEIGHT = 220
NAME_CHARACTERS = 26
MARGIN = {"l": 58, "r": 10, "t": 8, "b": 38}

BAND = "rgba(59,125,216,.24)"
"""An interval about its prediction, in the synthetic blue."""


def sorted_residuals(predictions: Sequence[Prediction]) -> list[tuple[Prediction, float]]:
    """Measured minus predicted of every run with a score, from the most overrated to the most underrated."""
    found = [(one, one.score - one.predicted) for one in predictions if one.score is not None]
    return sorted(found, key=lambda pair: (pair[1], pair[0].key))


def residual_figure(
    predictions: Sequence[Prediction],
    labels: Mapping[str, str],
    *,
    name: str,
    height: int = RESIDUAL_HEIGHT,
) -> go.Figure:
    """Measured minus predicted, a stem a run from the most overrated to the most underrated, the ends named.

    Behind each stands the interval about its prediction; a stem that leaves it is red. A point's `customdata` is
    "run:" and its key. Predictions without a score are left out.
    """
    import plotly.graph_objects as go

    shown = sorted_residuals(predictions)
    at = list(range(1, len(shown) + 1))
    bands = [
        (float(i), one.low - one.predicted, float(i), one.high - one.predicted)
        for i, (one, _) in zip(at, shown, strict=True)
        if one.low is not None and one.high is not None
    ]
    wide = max(2.0, min(9.0, 260 / max(len(shown), 1)))
    traces: list[Trace] = [segments(bands, BAND, wide)] if bands else []
    for red in (False, True):
        group = [(i, one, left) for i, (one, left) in zip(at, shown, strict=True) if missed(one) == red]
        if not group:
            continue
        colour = MISSED if red else SYNTHETIC
        traces.append(segments([(float(i), 0.0, float(i), left) for i, _, left in group], colour, 1.4))
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [i for i, _, _ in group],
                "y": [left for _, _, left in group],
                "marker": {"size": 7, "color": colour, "opacity": 1, "line": {"width": 0.8, "color": OUTLINE}},
                "customdata": [f"run:{one.key}" for _, one, _ in group],
                "hovertext": [f"{card(one, labels, name)}<br>left over {three(left)}" for _, one, left in group],
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )
    reach = 1.4 * max([abs(left) for _, left in shown] + [max(-y0, y1) for _, y0, _, y1 in bands], default=1.0) or 1.0
    line: dict[str, Any] = {"ticks": "", "tickfont": {"size": 10}}
    layout = {
        "height": height,
        "margin": MARGIN,
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "shapes": [frame()],
        "annotations": _ends(shown, labels),
        "xaxis": {
            **line,
            "showgrid": False,
            "zeroline": False,
            "showticklabels": False,
            "range": [0.2, max(len(shown), 1) + 0.8],
            "title": {"text": "Runs, from overrated to underrated", "font": {"size": 12}, "standoff": 8},
        },
        "yaxis": {
            **line,
            "range": [-reach, reach],
            "gridcolor": GRID,
            "zeroline": True,
            "zerolinecolor": BASELINE,
            "zerolinewidth": 1,
            "tickformat": "+.2~g",
            "nticks": 5,
            "title": {"text": f"Measured {MINUS} predicted", "font": {"size": 12}, "standoff": 6},
        },
    }
    return go.Figure(traces, layout)


def residual_alt(predictions: Sequence[Prediction], labels: Mapping[str, str], *, name: str) -> str:
    """The takeaway in words: which runs are farthest off, either way."""
    shown = sorted_residuals(predictions)
    if not shown:
        return f"No run has a measured {name} yet."
    said = [f"What was measured minus what was predicted of {name}, for {counted(len(shown), 'run')}."]
    (over, least), (under, most) = shown[0], shown[-1]
    if least < 0:
        said.append(f"Most overrated: {label_of(over.key, labels)}, by {three(-least)}.")
    if most > 0:
        said.append(f"Most underrated: {label_of(under.key, labels)}, by {three(most)}.")
    return " ".join(said)


def _ends(shown: Sequence[tuple[Prediction, float]], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """The runs that are farthest off, by name, each in the corner that its stem leaves free."""
    if len(shown) < 2:
        return []
    found = []
    for place, (one, left) in ((1, shown[0]), (len(shown), shown[-1])):
        first = place == 1
        if (left < 0) != first:
            continue
        found.append(
            {
                "x": place,
                "y": left,
                "text": escaped(cut(label_of(one.key, labels), NAME_CHARACTERS)),
                "xanchor": "left" if first else "right",
                "xshift": -4 if first else 4,
                "yshift": -13 if first else 13,
                "showarrow": False,
                "font": {"size": 11, "color": OUTLINE},
            }
        )
    return found
