"""Buttons that ask for work: each submits it and leaves; a worker does it, and the page follows."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import streamlit as st

from core.errors import SteerscopeError
from core.jobs import Jobs
from pages.shared.engine import keep_worker, open_jobs

P = ParamSpec("P")
TROUBLE = "trouble"
"""Where title and sentence of what went wrong are kept, for the page to show with `failed`."""


def button(act: Callable[Concatenate[Jobs, P], None]) -> Callable[P, None]:
    """An `on_click` that hands the action the queue, keeps what went wrong, and shows the whole page anew.

    It runs before the page does, so the worker has the job while the page is still being drawn.
    """

    @wraps(act)
    def clicked(*args: P.args, **kwargs: P.kwargs) -> None:
        st.session_state.pop(TROUBLE, None)
        try:
            act(open_jobs(), *args, **kwargs)
        except SteerscopeError as error:
            st.session_state[TROUBLE] = ("That was not possible", str(error))
        keep_worker()
        st.rerun()

    return clicked
