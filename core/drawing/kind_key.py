"""The key of a map that is coloured by kind: each sign as it is drawn, with its word, inside the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.drawing.mark_styles import EDGE
from core.drawing.marks import Mark
from core.drawing.numbers import three
from core.drawing.scales import Colour, title
from core.drawing.text import cut, escaped

LINE = 15
"""Pixels from one line of the key to the next."""

WORD_CHARACTERS = 22


def kind_key(
    colour: Colour, marks: Sequence[Mark], small: bool = False
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Shapes and annotations at the top left of the paper, one line a kind that is on the map."""
    font = 9 if small else 10
    shapes: list[dict[str, Any]] = []
    words = [_word(title(colour), 14, 8, font + 1)]
    for row, (value, (symbol, shade)) in enumerate(colour.kinds(marks).items()):
        down = 30 + LINE * row
        shapes.append(_sign(symbol, shade, 19, -down))
        words.append(_word(escaped(cut(colour.words.get(value, three(value)), WORD_CHARACTERS)), 29, down - 7, font))
    return shapes, words


def _word(text: str, right: float, down: float, size: int) -> dict[str, Any]:
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "top",
        "xshift": right,
        "yshift": -down,
        "align": "left",
        "borderpad": 0,
        "showarrow": False,
        "font": {"size": size},
    }


def _sign(symbol: str, shade: str, x: float, y: float) -> dict[str, Any]:
    """A sign of about nine pixels around (x, y) from the corner, drawn as Plotly draws the marker."""
    anchor = {
        "xref": "paper",
        "yref": "paper",
        "xsizemode": "pixel",
        "ysizemode": "pixel",
        "xanchor": 0,
        "yanchor": 1,
        "fillcolor": shade,
        "line": dict(EDGE),
        "layer": "above",
    }
    if symbol in ("circle", "square"):
        r = 4.5 if symbol == "circle" else 4.0
        return {**anchor, "type": symbol.replace("square", "rect"), "x0": x - r, "x1": x + r, "y0": y - r, "y1": y + r}
    a, b = 1.8, 5.0
    cross = [(-a, b), (a, b), (a, a), (b, a), (b, -a), (a, -a), (a, -b), (-a, -b), (-a, -a), (-b, -a), (-b, a), (-a, a)]
    if symbol == "x":
        cross = [((u - v) * 0.7071, (u + v) * 0.7071) for u, v in cross]
    corners = " L".join(f"{x + u:.2f},{y + v:.2f}" for u, v in cross)
    return {**anchor, "type": "path", "path": f"M{corners} Z"}
