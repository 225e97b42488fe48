"""What a page says when it has no answer yet; each panel keeps the height of what will stand there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.drawing.numbers import duration
from pages.shared.plain import literal

HEIGHT = 232


@contextmanager
def _panel(height: int) -> Iterator[None]:
    with st.container(border=True, height=height, vertical_alignment="center", horizontal_alignment="center"):
        yield


@contextmanager
def _actions() -> Iterator[None]:
    with st.container(horizontal=True, horizontal_alignment="center"):
        yield


def _middle(title: str, body: str) -> None:
    st.markdown(f"##### {title}", text_alignment="center", anchors=False)
    st.markdown(f":small[:gray[{body}]]", text_alignment="center")


def empty(
    title: str,
    when: str,
    primary: tuple[str, str] | None = None,
    secondary: tuple[str, str] | None = None,
    height: int = HEIGHT,
) -> str | None:
    """Nothing here yet: a serif line, when it will fill, one primary button and at most one beside it.

    A button is (words, key). Returns the key of the one that was clicked.
    """
    clicked = None
    with _panel(height):
        _middle(title, when)
        if primary or secondary:
            with _actions():
                if primary and st.button(primary[0], key=primary[1], type="primary"):
                    clicked = primary[1]
                if secondary and st.button(secondary[0], key=secondary[1]):
                    clicked = secondary[1]
    return clicked


def loading(what: str, elapsed: float, usual: float | None = None, height: int = HEIGHT) -> None:
    """A shimmer line, a skeleton of the final height, elapsed and usual time."""
    with st.container(border=True, height=height):
        st.markdown(f":small[:shimmer[{what}]]")
        st.skeleton(max(height - 104, 24))
        tail = f"; usually {duration(usual)}" if usual is not None else ""
        st.markdown(f":small[:gray[{duration(elapsed)} so far{tail}]]")


def failed(
    title: str,
    why: str,
    action: tuple[str, str] | None = None,
    height: int | None = HEIGHT,
) -> bool:
    """An error: what happened, then where, why and what to do; one button does it. True when it is clicked.

    why: the text of a SteerscopeError, shown literally. height None: without a panel around it.
    """
    if height is None:
        st.error(literal(why), title=title, icon=":material/error:")
        return bool(action and st.button(action[0], key=action[1]))
    with _panel(height):
        st.error(literal(why), title=title, icon=":material/error:")
        if action is None:
            return False
        with _actions():
            return bool(st.button(action[0], key=action[1]))


def interrupted(
    name: str,
    done: int,
    wanted: int,
    rest_seconds: float | None,
    resume_key: str,
    keep_key: str | None = None,
    height: int = HEIGHT,
    word: str = "interrupted",
) -> str | None:
    """A run that stopped in the middle: what is kept, Resume or Keep. Returns the key of what was clicked.

    word: "interrupted" where something broke it off, "stopped" where somebody did.
    """
    clicked = None
    rest = f"; the rest takes about {duration(rest_seconds)}" if rest_seconds is not None else ""
    with _panel(height):
        st.warning(
            f"It stopped at {done:,} of {wanted:,} samples. Nothing is lost{rest}.",
            title=f"{literal(name)} was {word}",
            icon=":material/pause_circle:",
        )
        with _actions():
            if st.button("Resume", key=resume_key, type="primary"):
                clicked = resume_key
            if keep_key and st.button(f"Keep {done:,}", key=keep_key):
                clicked = keep_key
    return clicked


def too_few(
    title: str,
    why: str,
    have: int,
    need: int,
    action: tuple[str, str] | None = None,
    height: int = HEIGHT,
) -> bool:
    """Not enough for a claim yet ("No interval yet: 6 of 9 runs"): a bar, one button. True when clicked."""
    with _panel(height):
        st.markdown(f"##### {title}", text_alignment="center", anchors=False)
        st.progress(min(have / need, 1.0) if need else 0.0)
        st.markdown(f":small[:gray[{why}]]", text_alignment="center")
        if action is None:
            return False
        with _actions():
            return bool(st.button(action[0], key=action[1], icon=":material/add:"))
