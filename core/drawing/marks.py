"""What a map shows, as plain data: marks, clouds of samples, their hover cards and their table."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from core.drawing.numbers import interval, three
from core.drawing.text import cut, escaped, readable

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["real", "heldout", "run", "chosen", "control", "few"]

WORDS: dict[Kind, str] = {
    "real": "real data",
    "heldout": "held-out real data",
    "run": "run",
    "chosen": "chosen run",
    "control": "matched-temperature control",
    "few": "run with too few replicates for an ellipse",
}
SYMBOLS: dict[Kind, str] = {
    "real": "◆",
    "heldout": "◇",
    "run": "●",
    "chosen": "●",
    "control": "○",
    "few": "○",
}

HOVER_CHARACTERS = 200
"""Generated text longer than this is cut in a hover card."""

HOVER_BUDGET = 1_000_000
"""Characters of generated text that one figure carries for all its hover cards together."""

HOVER_LEAST = 40
"""Fewer characters of a text than this say nothing: then a card says none, and the table is the place to read."""

LINE_CHARACTERS = 70
SETTINGS_CHARACTERS = 120


@dataclass(frozen=True, eq=False)
class Mark:
    """One generator on the map.

    key: the run's id, or "real", "heldout": what a click gives back.
    xy: its point; z: its place on a third axis, None on a map of two. outline: its 95% ellipse as (k, 2)
    points, None where none is honest.
    settings: the badge text ("γ 0.2 · η 0.4 · T 1"). label: words at the end of a leader, "" for none.
    distance, low, high: debiased squared distance to real and its 95% interval, None where unknown.
    score: one more line of the hover card, "" for none. n: samples that the point stands on.
    """

    key: str
    kind: Kind
    xy: tuple[float, float]
    settings: str
    n: int
    label: str = ""
    outline: NDArray[np.floating] | None = None
    distance: float | None = None
    low: float | None = None
    high: float | None = None
    score: str = ""
    z: float | None = None


@dataclass(frozen=True, eq=False)
class Cloud:
    """The samples of one generator in the space of the map.

    points: (N, 2), or (N, d) on a map of d axes. ids and texts: N each; an id is given back by a click or a
    lasso, with `real:` or `sample:` before it, so that the two kinds never meet.
    """

    kind: Literal["real", "chosen"]
    points: NDArray[np.floating]
    ids: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def marked_ids(self) -> list[str]:
        """The ids with their kind before them."""
        return [marked(one, self.kind == "real") for one in self.ids]

    def on_axes(self, axes: int) -> NDArray[np.float32]:
        """(N, axes): the first of its axes, and 0 on those that the map does not have."""
        points = np.zeros((len(self.ids), axes), dtype=np.float32)
        if points.size:
            known = np.asarray(self.points)[:, :axes]
            points[:, : known.shape[1]] = known
        return points


def marked(sample: str, real: bool) -> str:
    """A sample's id with its kind before it, as every chart gives it back."""
    return f"{'real' if real else 'sample'}:{sample}"


def mark_card(mark: Mark, more: str = "") -> str:
    """The hover card of a mark as Plotly's markup, every text escaped: setting, distance, score, n.

    more: the line of the score where the mark brings none, such as what the map is coloured by.
    """
    lines = [f"<b>{escaped(cut(mark.settings, SETTINGS_CHARACTERS))}</b>"]
    if mark.kind not in ("real", "run", "chosen"):
        lines[0] += f" {WORDS[mark.kind]}"
    if mark.distance is not None and mark.kind != "real":
        lines.append(f"distance to real {three(mark.distance)}, 95% {interval(mark.low, mark.high)}")
    if score := mark.score or more:
        lines.append(escaped(cut(score, SETTINGS_CHARACTERS)))
    lines.append(f"n = {mark.n:,}")
    return "<br>".join(lines)


def hover_characters(samples: int) -> int:
    """Characters of each text that a figure of so many samples can carry: 200, fewer from 5,000, none from 25,000."""
    each = HOVER_BUDGET // max(samples, 1)
    return min(each, HOVER_CHARACTERS) if each > HOVER_LEAST else 0


def text_card(text: str, title: str, characters: int = HOVER_CHARACTERS) -> str:
    """The hover card of a sample: a title and at most so many characters of its text, all literal."""
    # A text may be a megabyte: what is not shown is not looked at.
    shown = readable(cut(" ".join(text.lstrip()[: 4 * characters + 4].split()), characters))
    lines = _wrapped(shown, LINE_CHARACTERS, 3) or ["(empty)"]
    return f"<b>{escaped(title)}</b><br>" + html.escape("\n".join(lines), quote=False).replace("\n", "<br>")


def _wrapped(text: str, width: int, most: int) -> list[str]:
    """Lines of at most `width` characters, broken at spaces where there are any; what is beyond `most` is cut."""
    lines: list[str] = []
    while len(text) > width and len(lines) < most - 1:
        end = text.rfind(" ", 1, width + 1)
        end = end if end > 0 else width
        lines.append(text[:end])
        text = text[end:].lstrip()
    return [*lines, cut(text, width)] if text else lines


def marks_table(marks: Sequence[Mark]) -> pd.DataFrame:
    """The map's twin: one row a mark, the nearest to real first, rows without a distance last."""
    import pandas as pd

    order = sorted(marks, key=lambda mark: (mark.distance is None, mark.distance or 0.0, mark.key))
    columns = {
        "Setting": [mark.settings for mark in order],
        "Mark": [f"{SYMBOLS[mark.kind]} {WORDS[mark.kind]}" for mark in order],
        "Distance to real": pd.array([mark.distance for mark in order], dtype="Float64"),
        "95% interval": [interval(mark.low, mark.high) for mark in order],
        "Samples": [mark.n for mark in order],
        "Axis 1": [float(mark.xy[0]) for mark in order],
        "Axis 2": [float(mark.xy[1]) for mark in order],
    }
    if any(mark.z is not None for mark in order):
        columns["Axis 3"] = pd.array([mark.z for mark in order], dtype="Float64")
    return pd.DataFrame(columns)
