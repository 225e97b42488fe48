"""Words beside the points that matter, at the ends of leaders: at most six, the most important first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.drawing.leaders import Box, Window, place
from core.drawing.marks import Cloud, Kind, Mark
from core.drawing.palette import BASELINE, REAL, SYNTHETIC
from core.drawing.text import cut, escaped

LABELS = 6
LABEL_CHARACTERS = 32

FIRST: tuple[Kind, ...] = ("real", "chosen", "control", "heldout", "few", "run")
"""Which labels come first where there are more than six."""

SPECKS = 1_500
"""Cloud and ellipse points that a label tries not to cover: more would cost time and change nothing."""


def axis_title(i: int, explained: Sequence[float] | None) -> str:
    """Such as "Axis 1 · 46%": its share of the spread where that is known."""
    return f"Axis {i + 1}" + (f" · {explained[i]:.0%}" if explained is not None and i < len(explained) else "")


def named(marks: Sequence[Mark]) -> list[Mark]:
    """The marks that get a label."""
    return sorted((mark for mark in marks if mark.label), key=lambda mark: FIRST.index(mark.kind))[:LABELS]


def words_of(mark: Mark) -> dict[str, Any]:
    """Text and font of a label: real and the chosen run in their colours and bold."""
    text = escaped(cut(mark.label, LABEL_CHARACTERS))
    font: dict[str, Any] = {"size": 12}
    if mark.kind in ("real", "heldout"):
        font["color"] = REAL
    elif mark.kind == "chosen":
        font["color"] = SYNTHETIC
    return {"text": f"<b>{text}</b>" if mark.kind in ("real", "chosen") else text, "font": font}


def labels(
    marks: Sequence[Mark], clouds: Sequence[Cloud], view: Window, reserved: Sequence[Box] = ()
) -> list[dict[str, Any]]:
    """Annotations whose leaders end in data coordinates, in empty places of the window."""
    chosen = named(marks)
    specks = [cloud.on_axes(2)[:: max(len(cloud.ids) // 400, 1)] for cloud in clouds]
    specks += [np.asarray(mark.outline, dtype=float)[:, :2] for mark in marks if mark.outline is not None]
    dust = np.concatenate([speck.reshape(-1, 2) for speck in specks]) if specks else np.empty((0, 2))
    places = place(
        [(mark.xy, cut(mark.label, LABEL_CHARACTERS)) for mark in chosen],
        np.array([mark.xy for mark in marks], dtype=float).reshape(-1, 2),
        dust[:: max(len(dust) // SPECKS, 1)],
        view,
        reserved,
    )
    return [
        {
            "x": float(mark.xy[0]),
            "y": float(mark.xy[1]),
            "ax": x,
            "ay": y,
            "axref": "x",
            "ayref": "y",
            **words_of(mark),
            "showarrow": True,
            "arrowhead": 0,
            "arrowwidth": 1,
            "arrowcolor": BASELINE,
            "standoff": 8,
        }
        for mark, (x, y) in zip(chosen, places, strict=True)
    ]
