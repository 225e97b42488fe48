"""How far off the map is on average beside every simpler prediction: points with intervals, not bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.drawing.map_layers import frame
from core.drawing.numbers import interval, probability, three
from core.drawing.palette import BASELINE, GRID, OUTLINE, SYNTHETIC
from core.drawing.text import cut, escaped
from core.drawing.traces import Trace, segments

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.regression import Evaluation

BASELINE_HEIGHT = 190
THIS_FIT = "Map (this fit)"
NAME_CHARACTERS = 18
REASON_CHARACTERS = 38


@dataclass(frozen=True)
class Row:
    """A prediction with its mean absolute error and the 95% interval of it; None with a reason where there is none."""

    name: str
    mae: float | None
    low: float | None
    high: float | None
    reason: str | None = None


def rows_of(evaluation: Evaluation) -> list[Row]:
    """The map first, then the baselines, the smallest error first, those that could not be made last."""
    others = [
        Row(each.name[:1].upper() + each.name[1:], each.mae, each.mae_low, each.mae_high, each.reason)
        for each in evaluation.baselines
    ]
    others.sort(key=lambda row: (row.mae is None, row.mae or 0.0))
    return [Row(THIS_FIT, evaluation.mae, evaluation.mae_low, evaluation.mae_high), *others]


def baseline_figure(evaluation: Evaluation, *, name: str, height: int = BASELINE_HEIGHT) -> go.Figure:
    """A row each, the map's in blue with a dashed line through it; a baseline that could not be made says why.

    Intervals are 95% bootstrap intervals over runs, one by one: whether the map is better stands in the paired
    gain of each baseline, which the hover card says.
    """
    import plotly.graph_objects as go

    rows = rows_of(evaluation)
    known = [(i, row, row.mae) for i, row in enumerate(rows) if row.mae is not None]
    most = max([mae for _, _, mae in known] + [row.high for _, row, _ in known if row.high is not None]) or 1.0
    traces: list[Trace] = []
    gains = _gains(evaluation)
    for map_row, colour in ((False, BASELINE), (True, SYNTHETIC)):
        group = [(i, row, mae) for i, row, mae in known if (i == 0) == map_row]
        ends = [
            (row.low, float(i), row.high, float(i))
            for i, row, _ in group
            if row.low is not None and row.high is not None
        ]
        if ends:
            traces.append(segments(ends, colour, 1.5))
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [mae for _, _, mae in group],
                "y": [i for i, _, _ in group],
                "marker": {"size": 9, "color": colour, "opacity": 1, "line": {"width": 0}},
                "hovertext": [_card(row, gains) for _, row, _ in group],
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )
    across = {
        "type": "line",
        "x0": evaluation.mae,
        "x1": evaluation.mae,
        "yref": "y domain",
        "y0": 0,
        "y1": 1,
        "layer": "below",
        "line": {"width": 1.2, "color": SYNTHETIC, "dash": "3px,3px"},
    }
    layout = {
        "height": height,
        "margin": {"l": 112, "r": 10, "t": 6, "b": 38},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "shapes": [across, frame()],
        "annotations": [_reason(i, row) for i, row in enumerate(rows) if row.mae is None],
        "xaxis": {
            "range": [0, 1.06 * most],
            "zeroline": False,
            "gridcolor": GRID,
            "ticks": "",
            "nticks": 5,
            "tickformat": ".3~g",
            "tickfont": {"size": 10},
            "title": {"text": f"Mean absolute error, {escaped(cut(name, 30))}", "font": {"size": 12}, "standoff": 4},
        },
        "yaxis": {
            "range": [len(rows) - 0.4, -0.6],
            "zeroline": False,
            "showgrid": False,
            "ticks": "",
            "tickmode": "array",
            "tickvals": list(range(len(rows))),
            "ticktext": [escaped(cut(row.name, NAME_CHARACTERS)) for row in rows],
            "tickfont": {"size": 11},
        },
    }
    return go.Figure(traces, layout)


def baseline_alt(evaluation: Evaluation, *, name: str) -> str:
    """The takeaway in words: the map's error beside the best baseline's, and whether they are told apart."""
    best = min((each for each in evaluation.baselines if each.mae is not None), key=lambda each: each.mae or 0.0)
    off = f"{three(evaluation.mae)} (95% {interval(evaluation.mae_low, evaluation.mae_high)})"
    said = f"The map is off by {off} {name} on average; the best baseline, {best.name}, by {three(best.mae)}."
    if best.beaten:
        return f"{said} The map is better."
    if best.gain_high is not None and best.gain_high < 0:
        return f"{said} The baseline is better."
    return f"{said} The two are not told apart."


def _gains(evaluation: Evaluation) -> dict[str, str]:
    """The paired gain of the map on every baseline, in words, by the name of its row."""
    return {
        each.name[:1].upper() + each.name[1:]: f"map off by {three(each.gain)} less, "
        f"95% {interval(each.gain_low, each.gain_high)}, p {probability(each.gain_p)}"
        for each in evaluation.baselines
        if each.gain is not None
    }


def _card(row: Row, gains: dict[str, str]) -> str:
    lines = [f"<b>{escaped(cut(row.name, 60))}</b>", f"off by {three(row.mae)}, 95% {interval(row.low, row.high)}"]
    return "<br>".join(lines + ([gains[row.name]] if row.name in gains else []))


def _reason(i: int, row: Row) -> dict[str, Any]:
    return {
        "xref": "x domain",
        "x": 0,
        "xanchor": "left",
        "xshift": 6,
        "y": i,
        "text": escaped(cut((row.reason or "not known").rstrip("."), REASON_CHARACTERS)),
        "showarrow": False,
        "font": {"size": 10, "color": OUTLINE},
    }
