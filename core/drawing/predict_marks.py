"""What stands on a score surface: scored and unscored runs, real data, the slider point, what to try next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.drawing.marks import SETTINGS_CHARACTERS
from core.drawing.numbers import interval, three
from core.drawing.palette import BASELINE, INK, REAL, SYNTHETIC
from core.drawing.text import cut, escaped
from core.drawing.traces import Trace

MarkKind = Literal["run", "waiting", "real", "point", "next"]

PAPER = "#FFFFFF"
"""Between a mark and the colours under it, in light and dark alike."""

HALO = "rgba(255,255,255,.55)"

LEVEL = "90%"
ORDER: tuple[MarkKind, ...] = ("waiting", "run", "real", "next", "point")


@dataclass(frozen=True)
class PredictMark:
    """One sign on the surface.

    key: the run's id, or any name of its own. label: the setting in words. kind: a run with a score, a run that
    waits for one, the real data, the slider point, or a setting to try next, whose number stands in its square.
    score: measured. predicted with its 90% interval low to high: of a run with a score, without it; None where unknown.
    """

    key: str
    label: str
    x: float
    y: float
    kind: MarkKind
    score: float | None = None
    predicted: float | None = None
    low: float | None = None
    high: float | None = None
    number: int | None = None


def card(mark: PredictMark, name: str) -> str:
    """The hover card, every text escaped: setting, measured, predicted with its interval."""
    title = f"<b>{escaped(cut(mark.label, SETTINGS_CHARACTERS))}</b>"
    if mark.kind == "next" and mark.number is not None:
        title = f"<b>{mark.number}</b> · {title}"
    lines = [title]
    if mark.score is not None:
        lines.append(f"{escaped(name)} {three(mark.score)}, measured")
    elif mark.kind == "waiting":
        lines.append("no score yet")
    if mark.predicted is not None:
        without = " without it" if mark.score is not None and mark.kind == "run" else ""
        lines.append(f"predicted{without} {three(mark.predicted)}{_ends(mark)}")
    return "<br>".join(lines)


def _ends(mark: PredictMark) -> str:
    return "" if mark.low is None or mark.high is None else f", {LEVEL} {interval(mark.low, mark.high)}"


def mark_traces(marks: Sequence[PredictMark], name: str, coloured: bool) -> list[Trace]:
    """The signs in the order of drawing. coloured: runs are filled by their score on the figure's colour axis."""
    groups = {
        kind: [mark for mark in marks if mark.kind == kind] for kind in ("waiting", "run", "real", "next", "point")
    }
    found = []
    if groups["waiting"]:
        ring = {"symbol": "circle-open", "size": 9, "color": BASELINE, "line": {"width": 1.6}}
        found.append(_casing(groups["waiting"], {**ring, "color": HALO, "line": {"width": 4}}))
        found.append(_signs(groups["waiting"], ring, name))
    if runs := groups["run"]:
        found.append(_casing(runs, {"symbol": "circle", "size": 13.4, "color": INK}))
        shade: dict[str, Any] = {"color": BASELINE}
        if coloured:
            shade = {"color": [mark.score for mark in runs], "coloraxis": "coloraxis"}
        disc = {"symbol": "circle", "size": 10.5, "line": {"width": 1.5, "color": PAPER}, **shade}
        found.append(_signs(runs, disc, name))
    if groups["real"]:
        sign = {"symbol": "diamond", "size": 13, "color": REAL, "line": {"width": 1.3, "color": INK}}
        found.append(_signs(groups["real"], sign, name))
    if groups["next"]:
        square = {"symbol": "square", "size": 15, "color": PAPER, "line": {"width": 1.6, "color": SYNTHETIC}}
        numbers = ["" if mark.number is None else f"<b>{mark.number}</b>" for mark in groups["next"]]
        words = {"mode": "markers+text", "text": numbers, "textfont": {"size": 10, "color": INK}}
        found.append(_signs(groups["next"], square, name) | words)
    if groups["point"]:
        cross = {"symbol": "cross-thin", "size": 22, "color": INK, "line": {"width": 2.6, "color": INK}}
        found.append(_casing(groups["point"], {**cross, "size": 25, "line": {"width": 6, "color": PAPER}}))
        found.append(_signs(groups["point"], cross, name))
    return found


def _signs(marks: Sequence[PredictMark], marker: dict[str, Any], name: str) -> Trace:
    return _at(marks) | {
        "marker": {**marker, "opacity": 1},
        "customdata": [
            f"run:{mark.key}" if mark.kind in ("run", "waiting") else f"{mark.kind}:{mark.key}" for mark in marks
        ],
        "hovertext": [card(mark, name) for mark in marks],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _casing(marks: Sequence[PredictMark], marker: dict[str, Any]) -> Trace:
    """Under signs, so that they stand out from any colour of the surface."""
    return _at(marks) | {"marker": {**marker, "opacity": 1}, "hoverinfo": "skip"}


def _at(marks: Sequence[PredictMark]) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [mark.x for mark in marks],
        "y": [mark.y for mark in marks],
        "cliponaxis": True,
    }
