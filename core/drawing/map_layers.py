"""The layers of the flat map, each one trace or one list of shapes; only rings are SVG, which lies below."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drawing.leaders import Window
from core.drawing.marks import HOVER_CHARACTERS, Cloud, Mark
from core.drawing.palette import BASELINE, FRAME, OUTLINE
from core.drawing.traces import Trace, samples, speck_size, strokes

MANY = 20
"""More ellipses than this are drawn finer, so that the marks stay legible among them."""

CORNERS_UP_TO = 200
"""More ellipses than this are so small that a third of their corners does."""


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


def cloud(cloud: Cloud, characters: int = HOVER_CHARACTERS, lit: Collection[str] | None = None) -> Trace:
    """The samples of one generator."""
    real = cloud.kind == "real"
    return samples(
        cloud.on_axes(2),
        cloud.marked_ids,
        cloud.texts,
        real=real,
        title="real" if real else "sample",
        characters=characters,
        size=speck_size(len(cloud.ids)),
        opacity=0.34 if real else 0.38,
        lit=lit,
    )


def ellipses(outlines: Sequence[NDArray[np.floating]], colour: str) -> Trace:
    """All ellipses of one colour as one unfilled line, separated by gaps."""
    step = 1 if len(outlines) <= CORNERS_UP_TO else 3
    rounds = [np.asarray(outline, dtype=float)[::step, :2] for outline in outlines]
    many = len(rounds) > MANY
    return strokes([np.vstack([each, each[:1]]) for each in rounds], colour, 0.9 if many else 1.2, 0.7 if many else 1.0)


def trails(marks: Sequence[Mark], pairs: Sequence[tuple[str, str]]) -> Trace | None:
    """Thin lines between neighbouring settings; None where no pair is on the map."""
    lines = [np.array([one.xy, other.xy], dtype=float) for one, other in ends(marks, pairs)]
    return strokes(lines, BASELINE, 1.0) if lines else None


def ends(marks: Sequence[Mark], pairs: Sequence[tuple[str, str]]) -> list[tuple[Mark, Mark]]:
    """The marks of those pairs that are both on the map."""
    at = {mark.key: mark for mark in marks}
    return [(at[one], at[other]) for one, other in pairs if one in at and other in at]


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
