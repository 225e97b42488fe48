"""Traces as plain data, of two columns in WebGL and of three in space: samples, lines and marks.

WebGL covers SVG whatever the order, so everything that overlaps is of one sort. Long lists are arrays of
objects: Plotly looks at every element of a list, and twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drawing.mark_styles import Dots
from core.drawing.marks import mark_card, text_card
from core.drawing.palette import REAL, SYNTHETIC
from core.drawing.scales import Colour

Trace = dict[str, Any]

FADED = 0.08
"""Opacity of samples that are not selected while others are."""

LIT = 0.8


def samples(
    points: NDArray[np.floating],
    ids: Sequence[str],
    texts: Sequence[str],
    *,
    real: bool,
    title: str,
    characters: int,
    size: float,
    opacity: float,
    lit: Collection[str] | None = None,
) -> Trace:
    """Samples (N, 2) or (N, 3) with their marked ids: real ones as orange diamonds, others as blue discs.

    characters: of each text in its hover card, 0 for no card; the points are given back by a lasso all the
    same. lit: marked ids that stay bright while the others fade, None where nothing is selected elsewhere.
    """
    flat = points.shape[1] == 2
    trace = _at(points) | {
        "mode": "markers",
        "marker": {
            "size": size,
            "symbol": "diamond" if real else "circle",
            "color": REAL if real else SYNTHETIC,
            "opacity": opacity,
        },
        "customdata": _objects(ids),
        **_cards([text_card(text, title, characters) for text in texts] if characters else None),
    }
    if not flat:
        trace["marker"]["line"] = {"width": 0}
        return trace
    trace["unselected"] = {"marker": {"opacity": FADED}}
    if lit is not None:
        chosen = lit if isinstance(lit, Set) else frozenset(lit)
        trace["selectedpoints"] = [i for i, one in enumerate(ids) if one in chosen]
        trace["selected"] = {"marker": {"opacity": LIT}}
    return trace


def speck_size(samples: int) -> float:
    """Pixels of a sample: smaller where there are very many."""
    return 4 if samples <= 10_000 else 3 if samples <= 25_000 else 2.5


def signs(dots: Dots, points: NDArray[np.floating], colour: Colour | None = None) -> Trace:
    """Marks that are drawn alike, at (n, 2) or (n, 3) points."""
    trace = _at(np.asarray(points, dtype=float)) | {
        "mode": "markers",
        # Plotly makes markers of many sizes see-through unless it is told not to.
        "marker": {**dots.marker, "opacity": 1},
        "customdata": [f"run:{mark.key}" for mark in dots.marks],
        **_cards([mark_card(mark, colour.line(mark) if colour else "") for mark in dots.marks]),
    }
    if points.shape[1] == 2:
        # A lasso over samples must not fade the generators.
        trace["unselected"] = {"marker": {"opacity": 1}}
    return trace


def strokes(pieces: Sequence[NDArray[np.floating]], colour: str, width: float, opacity: float = 1.0) -> Trace:
    """Lines of (k, 2) or (k, 3) points each as one trace, parted by gaps: rows that are not numbers."""
    gap = np.full((1, pieces[0].shape[1]), np.nan)
    points = np.concatenate([part for piece in pieces for part in (piece, gap)]).astype(np.float32)
    return _at(points) | {
        "mode": "lines",
        "line": {"width": width, "color": colour},
        "opacity": opacity,
        "hoverinfo": "skip",
        "connectgaps": False,
    }


def segments(
    ends: Sequence[tuple[float, float, float, float]], colour: str, width: float, opacity: float = 1.0
) -> Trace:
    """Straight pieces (x0, y0, x1, y1) as one trace in SVG, which figures of a few dozen marks are made of."""
    x: list[float | None] = []
    y: list[float | None] = []
    for x0, y0, x1, y1 in ends:
        x += [x0, x1, None]
        y += [y0, y1, None]
    line = {"width": width, "color": colour}
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": line,
        "opacity": opacity,
        "hoverinfo": "skip",
        "connectgaps": False,
    }


def _at(points: NDArray[np.floating]) -> Trace:
    kind = "scattergl" if points.shape[1] == 2 else "scatter3d"
    return {"type": kind} | {name: points[:, i] for i, name in enumerate("xyz"[: points.shape[1]])}


def _cards(texts: Sequence[str] | None) -> Trace:
    if texts is None:
        return {"hoverinfo": "none"}
    return {"hovertext": _objects(texts), "hovertemplate": "%{hovertext}<extra></extra>"}


def _objects(values: Sequence[str]) -> NDArray[np.object_]:
    return np.array(values, dtype=object)
