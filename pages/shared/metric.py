"""A number with its spread and its reference: never one without the others where they exist."""

from __future__ import annotations

import streamlit as st

from core.drawing.numbers import fixed, three, with_spread
from pages.shared.plain import literal

CARD_HEIGHT = 102


def metric_card(
    label: str,
    value: float | None,
    half_width: float | None = None,
    reference: float | None = None,
    *,
    reference_word: str = "real",
    percent: bool = False,
    help: str | None = None,
    note: str = "",
) -> None:
    """A card of fixed height: value large, spread small and grey, reference in an orange chip.

    value None shows a dash and the note ("from 20 samples"), so that nothing jumps when it arrives.
    percent: value, half_width and reference are shares, shown times one hundred.
    help: the definition, the direction that is better, and n.
    """
    shown, spread = with_spread(value, half_width, percent)
    chip = literal(note) or "no reference"
    color = "gray"
    if reference is not None:
        # The same decimals as the value beside it.
        digits = shown.rstrip("%").partition(".")[2]
        scaled = reference * (100 if percent else 1)
        text = fixed(scaled, len(digits)) if value is not None else three(scaled)
        chip, color = f"{reference_word} {text}{'%' if percent else ''}", "orange"
    st.metric(
        label,
        shown + (f" :small[:gray[{spread}]]" if spread else ""),
        chip,
        delta_color=color,
        delta_arrow="off",
        help=help,
        border=True,
        height=CARD_HEIGHT,
    )
