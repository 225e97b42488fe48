"""What each colour means; mark colours are the same in light and dark."""

from __future__ import annotations

SYNTHETIC = "#3B7DD8"
"""Samples, ellipses and points of generators, and what is predicted for them."""

REAL = "#D9731A"
"""Real and held-out real rows, and every reference value."""

EXPERT = "#0FA08C"
"""Token forces: towards the expert."""

NEGATIVES = "#A5439C"
"""Token forces: away from the negatives."""

BASELINE = "#7B868C"
"""Baselines, leaders, trails and rings."""

OUTLINE = "#8A959B"
"""Around points, so that both ends of a scale stay visible on both backgrounds."""

INK = "#1A2328"
"""Around the marks that a headline speaks about."""

MISSED = "#C8434B"
"""An interval that missed, a failed job; nothing else."""

SCORE_SCALE = (
    "#461667",
    "#44367F",
    "#3A528A",
    "#2F6D8E",
    "#26848E",
    "#1F9C89",
    "#31B37C",
    "#5DC762",
    "#97D73E",
    "#D6E228",
)
"""A score; the bright end is always better."""

SETTING_SCALE = ("#C3D9F5", "#94BBEB", "#6299E0", "#3B7DD8", "#2A60AE", "#1D4580")
"""gamma, eta and T: a setting is not a score."""

GRID = "rgba(123,134,140,.16)"
FRAME = "rgba(123,134,140,.40)"
