"""Names of the page's parts: fragments that are drawn again alone, charts, and the widgets others must know."""

from __future__ import annotations

MAP, TABS, SAMPLES, PAIRS = "perspective-map", "perspective-tabs", "perspective-samples", "perspective-pairs"
"""Fragments."""

MAP_CHART, SAMPLES_CHART = "perspective-map-chart", "perspective-samples-chart"

TAB = "perspective-tab"
TEXTS, DISTANCES, GUARANTEES = "Selected texts", "Distances", "Guarantees"

COLOUR, LAYERS, AXES, OF = "perspective-colour", "perspective-layers", "perspective-axes", "perspective-of"
VARIANT, ALL_AT_ONCE, BY_SIZE = "perspective-variant", "perspective-all-at-once", "perspective-by-size"
"""Widgets of the toolbar."""

PANEL_HEIGHT = 302
"""Of each tab, so that nothing moves when another one is opened."""
