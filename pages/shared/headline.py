"""The top of every page: the question small, one sentence that answers it large, one line of evidence."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def headline(page: str, question: str, title: str, detail: str, icon: str = "") -> None:
    """Overline, headline and detail, as Markdown.

    title: 14 words at most, one or two spans in `:blue[...]` (synthetic) or `:orange[...]` (real).
    detail: estimate, interval, n, method, assumption. Escape data with `literal`.
    """
    mark = f"{icon} " if icon else ""
    with st.container(gap="xxsmall"):
        st.caption(f"{mark}**{page}** — {question}")
        st.markdown(f"# {title}", anchors=False)
        st.caption(detail)


HEAD_HEIGHT = 40
"""Of the heads above charts and tables, so that what stands under them begins on one line."""


def head_row() -> DeltaGenerator:
    """A head with something at its right end, such as the button of a table: fill it by `with`."""
    return st.container(
        horizontal=True,
        vertical_alignment="center",
        horizontal_alignment="distribute",
        height=HEAD_HEIGHT,
        border=False,
    )


def section(title: str, gloss: str = "") -> None:
    """The head of a part of a page: a bold line and a small grey gloss."""
    st.markdown(f"**{title}**" + (f" :gray[:small[{gloss}]]" if gloss else ""))
