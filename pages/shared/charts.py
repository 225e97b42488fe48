"""Charts on the page: quiet mode bar, words for those who cannot see them, and a table twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.drawing.marks import SYMBOLS, Kind

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

QUIET: dict[str, Any] = {"displayModeBar": False, "displaylogo": False, "showTips": False}

KEY_WORDS: dict[Kind, str] = {
    "real": "real",
    "heldout": "held out",
    "chosen": "this run",
    "run": "other runs",
    "control": "control",
    "few": "too few replicates",
}
KEY_COLORS: dict[Kind, str] = {
    "real": "orange",
    "heldout": "orange",
    "chosen": "blue",
    "run": "gray",
    "control": "blue",
    "few": "gray",
}


def chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """A figure at its own height, without a selection. alt states its takeaway."""
    st.plotly_chart(figure, key=key, config=QUIET, alt=alt, theme="streamlit")


def table_twin(table: pd.DataFrame, *, key: str, label: str = "Table", config: Any = None) -> None:
    """A small button that opens the numbers of a chart; drawn beside its section head."""
    with st.popover(label, icon=":material/table:", type="tertiary", key=key):
        st.dataframe(table, hide_index=True, column_config=config, key=f"{key}-rows")


def map_key(kinds: list[Kind], rings: bool) -> None:
    """One line that says what the signs of a map mean."""
    parts = [f":{KEY_COLORS[kind]}[{SYMBOLS[kind]}] {KEY_WORDS[kind]}" for kind in kinds]
    tail = ["ellipse: the mean, 95%"] + (["rings: on-map distance, a guide"] if rings else [])
    st.caption(" ".join(parts) + " · " + " · ".join(tail))
