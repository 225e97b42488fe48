"""Names of the page's parts: fragments that are drawn again alone, and the widgets that others must know."""

from __future__ import annotations

SURFACE, POINT, NEXT, SCORING, WHAT_IF = (
    "predict-surface",
    "predict-point",
    "predict-next",
    "predict-scoring",
    "predict-what-if",
)
"""Fragments."""

SCORER, MODEL, AXES, BESIDE = "predict-scorer", "predict-model", "predict-axes", "predict-beside"
"""Widgets of the toolbar."""

ADDRESS = "scorer"
"""The name under which the address holds the score."""

PANEL_HEIGHT = 320
"""Of what stands on the page while there is nothing to foretell from."""
