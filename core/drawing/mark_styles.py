"""How a mark is drawn, on a map of two or three axes alike: its shape says its kind, its fill a value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.drawing.marks import Kind, Mark
from core.drawing.palette import BASELINE, INK, OUTLINE, REAL, SYNTHETIC
from core.drawing.scales import Colour

MARKERS: dict[Kind, dict[str, Any]] = {
    "run": {"symbol": "circle", "size": 8, "color": OUTLINE, "line": {"width": 0}},
    "few": {"symbol": "circle-open", "size": 9, "color": BASELINE, "line": {"width": 1.6}},
    "control": {"symbol": "circle-open", "size": 11, "color": SYNTHETIC, "line": {"width": 2.6}},
    "heldout": {"symbol": "diamond-open", "size": 12, "color": REAL, "line": {"width": 2.4}},
    "real": {"symbol": "diamond", "size": 13, "color": REAL, "line": {"width": 1.3, "color": INK}},
    "chosen": {"symbol": "circle", "size": 12, "color": SYNTHETIC, "line": {"width": 1.3, "color": INK}},
}
RING: dict[str, Any] = {"symbol": "circle-open", "size": 20, "color": SYNTHETIC, "line": {"width": 2.6}}
"""Around the chosen run where its fill says a value."""

EDGE = {"width": 1.2, "color": OUTLINE}
ORDER: tuple[Kind, ...] = ("heldout", "real", "run", "few", "chosen", "control")
"""The order of drawing: what a headline speaks about lies on top."""

CROWD = 60
CROWDED: tuple[Kind, ...] = ("run", "few", "heldout", "real", "chosen", "control")
"""Among more marks than `CROWD` the real data would be buried."""

LARGEST, SMALLEST = 14.0, 7.0


@dataclass(frozen=True)
class Dots:
    """Marks that are drawn alike: one trace. marker: Plotly's, its colour one or one a mark."""

    kind: Kind
    marks: tuple[Mark, ...]
    marker: dict[str, Any]


def dots(
    marks: Sequence[Mark], colour: Colour | None = None, *, small: bool = False, size_by_n: bool = False
) -> list[Dots]:
    """Every mark in the order of drawing.

    Without a colour each kind has its sign. With one, runs are filled by their value and bordered so that
    both ends of a scale stay visible; signs that are open rings keep their ring and hold the value inside.
    """
    crowd = 8.0 if len(marks) <= CROWD else 6.5 if len(marks) <= 300 else 5.0
    largest = max((mark.n for mark in marks if mark.kind not in ("real", "heldout")), default=1)
    found: list[Dots] = []
    for kind in ORDER if len(marks) <= CROWD else CROWDED:
        group = tuple(mark for mark in marks if mark.kind == kind)
        if not group:
            continue
        sign = dict(MARKERS[kind])
        if kind in ("run", "few"):
            sign["size"] = min(sign["size"], 6.0 if small else crowd)
        if kind in ("real", "heldout") or colour is None:
            if size_by_n and kind == "run":
                sign["size"] = [_size(mark.n, largest) for mark in group]
            found.append(Dots(kind, group, sign))
            continue
        inner = {"run": None, "chosen": 12.0}.get(kind, 4.5)
        if kind == "chosen":
            sign = dict(RING)
        if kind != "run":
            found.append(Dots(kind, group, sign))
        elif unknown := tuple(mark for mark in group if colour.of(mark) is None):
            found.append(Dots(kind, unknown, sign))
        size = inner or (6.0 if small else crowd + 3)
        found += _filled(kind, tuple(mark for mark in group if colour.of(mark) is not None), colour, marks, size)
        if size_by_n and kind == "run":
            for one in found:
                if one.kind == "run":
                    one.marker["size"] = [_size(mark.n, largest) for mark in one.marks]
    return found


def _filled(kind: Kind, group: tuple[Mark, ...], colour: Colour, every: Sequence[Mark], size: float) -> list[Dots]:
    edge = EDGE if size > 5 else {**EDGE, "width": 0.6}
    values = [colour.of(mark) for mark in group]
    if not group:
        return []
    if colour.scale != "kind":
        marker = {"symbol": "circle", "size": size, "color": values, "coloraxis": "coloraxis", "line": dict(edge)}
        return [Dots(kind, group, marker)]
    found = []
    for value, (symbol, shade) in colour.kinds(every).items():
        alike = tuple(mark for mark, own in zip(group, values, strict=True) if own == value)
        if alike:
            found.append(Dots(kind, alike, {"symbol": symbol, "size": size, "color": shade, "line": dict(edge)}))
    return found


def _size(n: int, largest: int) -> float:
    """An area that grows with the samples a point stands on, and never too small to see its colour."""
    return round(max(SMALLEST, LARGEST * math.sqrt(n / max(largest, 1))), 1)
