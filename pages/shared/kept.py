"""What a widget holds when it is drawn: what it held before, or the usual choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st


def kept(key: str, usual: object, holds: Callable[[Any], bool]) -> None:
    """Give a widget its usual choice before it is drawn, and again where it holds one that is no more."""
    held = st.session_state.get(key)
    if held is None or not holds(held):
        st.session_state[key] = usual
