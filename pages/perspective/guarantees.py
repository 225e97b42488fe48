"""The tab of guarantees: what holds with a stated probability, whatever the answers look like, and what may be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from core.drawing.numbers import three
from core.guarantees import ASSUMPTIONS, Box, WorstCase, boxes, worst_case
from core.statistics.answers import Answers
from pages.perspective.finding import apart
from pages.perspective.places import PANEL_HEIGHT
from pages.perspective.shown import Shown
from pages.shared.plain import literal, readable

DELTA = 0.05


def guarantees(shown: Shown, everyone: bool) -> None:
    """A box for every point, the worst case, and the legend; it scrolls within the height of the tabs."""
    with st.container(height=PANEL_HEIGHT, border=False, gap="small"):
        if shown.atlas.map.variant == "energy":
            st.caption("Boxes are known for the map of means alone: the energy map bends distances.")
        elif shown.atlas.answers is not None:
            found = _boxes(shown.atlas.id, everyone, shown.atlas.answers, shown.atlas.map.dimension)
            _table(shown, found, everyone)
            st.markdown(
                f":small[{_worst(_worst_case(shown.atlas.id, shown.atlas.answers, shown.atlas.map.dimension))}]"
            )
        st.markdown("\n".join(f"- :small[:gray[{literal(line)}]]" for line in ASSUMPTIONS))


@st.cache_resource(max_entries=8, show_spinner=False)
def _boxes(key: str, everyone: bool, _answers: Sequence[Answers], dimension: int) -> tuple[Box, ...]:
    return boxes(_answers, dimension=dimension, delta=DELTA, everyone=everyone)


@st.cache_resource(max_entries=8, show_spinner=False)
def _worst_case(key: str, _answers: Sequence[Answers], dimension: int) -> WorstCase:
    return worst_case(_answers, dimension, delta=DELTA)


def _table(shown: Shown, found: Sequence[Box], everyone: bool) -> None:
    rank = {one.key: place for place, one in enumerate(apart(shown.atlas, {}))}
    keys = [one.key for one in shown.atlas.generators]
    # The real data first, then as the table of distances has them.
    order = sorted(range(len(found)), key=lambda i: (rank.get(keys[i], -1), i))
    names = [shown.name_of(shown.atlas.generators[i].key) for i in order]
    columns: dict[str, list[Any]] = {"Generator": [readable(name) for name in names]}
    for axis in range(shown.atlas.map.dimension):
        columns[f"± axis {axis + 1}"] = [_half(found[i].smaller, axis) for i in order]
    columns["Hoeffding"] = [_halves(found[i].hoeffding) for i in order]
    columns["Bernstein"] = [_halves(found[i].bernstein) for i in order]
    columns["Why not"] = [readable(found[i].reason or "") for i in order]
    number = st.column_config.NumberColumn(format="%.3f", width=72)
    st.dataframe(
        columns,
        hide_index=True,
        height=176,
        placeholder="",
        column_config={
            "Generator": st.column_config.TextColumn(width=140),
            **{f"± axis {axis + 1}": number for axis in range(shown.atlas.map.dimension)},
            "Hoeffding": st.column_config.TextColumn(width=104, help="From the number of answers alone"),
            "Bernstein": st.column_config.TextColumn(width=104, help="From how much the answers vary"),
            "Why not": st.column_config.TextColumn(width=340),
        },
        alt="The box of every point: half-widths on each axis that hold whatever the answers look like.",
        key="perspective-boxes",
    )
    whom = "All boxes together hold" if everyone else "Each box holds"
    st.caption(
        f"{whom} the true mean with probability {1 - DELTA:.0%}, for any number of answers and any distribution, "
        "on axes fitted to the other half of the answers."
    )


def _worst(worst: WorstCase) -> str:
    if worst.total is not None:
        return (
            f"Worst case from the literature, all points together: no more than **{three(worst.total)}** off, "
            f"with probability {1 - worst.delta:.0%}."
        )
    return f"Worst case from the literature: {literal(worst.reason or 'unknown')}"


def _half(half: np.ndarray[Any, Any] | None, axis: int) -> float | None:
    return None if half is None else float(half[axis])


def _halves(half: np.ndarray[Any, Any] | None) -> str:
    return "none" if half is None else " · ".join(three(float(value)) for value in half)
