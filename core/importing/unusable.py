"""Cells of which a table keeps nothing but why."""

from __future__ import annotations

from enum import Enum


class Unusable(Enum):
    """Why there is no value."""

    TOO_LONG = "too long"
    UNREADABLE = "no UTF-8"
