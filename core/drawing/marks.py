"""What a map shows, as plain data: marks, clouds of samples, their hover cards and their table."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from core.drawing.numbers import interval, three

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


@dataclass(frozen=True, eq=False)
class Mark:
    """One generator on the map.

    key: the run's id, or "real", "heldout": what a click gives back.
    xy: its point. outline: its 95% ellipse as (k, 2) points, None where none is honest.
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


@dataclass(frozen=True, eq=False)
class Cloud:
    """The samples of one generator in the space of the map.

    points: (N, 2). ids and texts: N each; an id is given back by a click or a lasso, with `real:` or
    `sample:` before it, so that the two kinds never meet.
    """

    kind: Literal["real", "chosen"]
    points: NDArray[np.floating]
    ids: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def marked_ids(self) -> list[str]:
        """The ids with their kind before them."""
        prefix = "real" if self.kind == "real" else "sample"
        return [f"{prefix}:{one}" for one in self.ids]


def mark_card(mark: Mark) -> str:
    """The hover card of a mark as Plotly's markup, every text escaped: setting, distance, score, n."""
    lines = [f"<b>{html.escape(mark.settings)}</b>"]
    if mark.kind not in ("real", "run", "chosen"):
        lines[0] += f" {html.escape(WORDS[mark.kind])}"
    if mark.distance is not None and mark.kind != "real":
        lines.append(f"distance to real {three(mark.distance)}, 95% {interval(mark.low, mark.high)}")
    if mark.score:
        lines.append(html.escape(mark.score))
    lines.append(f"n = {mark.n:,}")
    return "<br>".join(lines)


def text_card(text: str, title: str) -> str:
    """The hover card of a sample: a title and at most 200 characters of its text, all literal."""
    flat = " ".join(text.split())
    if len(flat) > HOVER_CHARACTERS:
        flat = flat[: HOVER_CHARACTERS - 1] + "…"
    # Cut and wrapped before it is escaped: an entity must not be cut in two.
    lines = textwrap.wrap(flat, 70, max_lines=3, placeholder=" …") or ["(empty)"]
    return "<br>".join([f"<b>{html.escape(title)}</b>", *(html.escape(line) for line in lines)])


def marks_table(marks: tuple[Mark, ...] | list[Mark]) -> pd.DataFrame:
    """The map's twin: one row a mark, the nearest to real first, rows without a distance last."""
    import pandas as pd

    order = sorted(marks, key=lambda mark: (mark.distance is None, mark.distance or 0.0, mark.key))
    return pd.DataFrame(
        {
            "Setting": [mark.settings for mark in order],
            "Mark": [f"{SYMBOLS[mark.kind]} {WORDS[mark.kind]}" for mark in order],
            "Distance to real": pd.array([mark.distance for mark in order], dtype="Float64"),
            "95% interval": [interval(mark.low, mark.high) for mark in order],
            "Samples": [mark.n for mark in order],
            "Axis 1": [float(mark.xy[0]) for mark in order],
            "Axis 2": [float(mark.xy[1]) for mark in order],
        }
    )
