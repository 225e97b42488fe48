"""From the shown map to what stands on the page: marks, clouds, the figure (made once for equal input), the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.drawing.atlas_marks import cloud_of, expert_only, marks_of
from core.drawing.marks import SYMBOLS, WORDS, Cloud, Mark
from core.drawing.numbers import counted, interval, three
from core.drawing.scales import Colour
from core.figures import MAP_HEIGHT, map_figure, solid_figure, trail_pairs
from core.statistics.ellipses import LEVEL
from pages.perspective.colours import slider_of
from pages.perspective.finding import nearest
from pages.perspective.shown import Shown
from pages.perspective.toolbar import ELLIPSES, EVERYONE, RINGS, SAMPLE_LAYER, SOLID, TRAILS, View
from pages.perspective.writing import Writing
from pages.shared.plain import readable

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

COLUMN_WIDTH = 470
"""Pixels of the map at its narrowest; only the leaders of its labels depend on it."""


def marks(shown: Shown, view: View, writing: Sequence[Writing] = ()) -> tuple[Mark, ...]:
    """One mark a generator; runs in progress are placed on the map as it stands."""
    atlas = shown.atlas
    drawn = marks_of(
        atlas,
        chosen=None if view.of == EVERYONE else view.of,
        controls=[run.id for run in shown.runs.values() if run.parent is not None],
        labels=_labels(shown, view),
        level=atlas.map.all_at_once if view.all_at_once else LEVEL,
    )
    return drawn + tuple(one.mark for one in writing if one.mark is not None)


def clouds(shown: Shown, view: View) -> list[Cloud]:
    """The samples that are drawn: the real rows, and those of one run or of every run."""
    if SAMPLE_LAYER not in view.layers:
        return []
    runs = [one.key for one in shown.generators] if view.of == EVERYONE else [view.of] if view.of else []
    return [cloud_of(shown.atlas, key) for key in (*shown.real, *runs)]


def figure(
    shown: Shown,
    view: View,
    colour: Colour | None,
    writing: Sequence[Writing] = (),
) -> go.Figure:
    """The map as a figure; the one made before where nothing differs."""
    key = (
        shown.atlas.id,
        shown.window,
        view,
        None if colour is None else (colour.name, colour.scale, colour.better, _known(colour.values)),
        tuple((run.id, run.parent) for run in shown.runs.values()),
        tuple(one.key for one in writing),
    )
    return _figure(key, shown, view, colour, writing)


@st.cache_resource(max_entries=24, show_spinner=False)
def _figure(key: Any, _shown: Shown, _view: View, _colour: Colour | None, _writing: Sequence[Writing]) -> go.Figure:
    drawn = marks(_shown, _view, _writing)
    settings = {one.key: one.settings for one in _shown.generators}
    slider = slider_of(_view.colour, list(_shown.generators))
    common: dict[str, Any] = {
        "explained": [float(share) for share in _shown.atlas.map.explained],
        "colour": _colour,
        "trails": trail_pairs(settings, slider) if TRAILS in _view.layers and slider is not None else (),
        "size_by_n": _view.by_size,
        "height": MAP_HEIGHT,
        "width": COLUMN_WIDTH,
    }
    if _view.axes == SOLID:
        return solid_figure(
            drawn,
            clouds(_shown, _view),
            ellipsoids=_ellipsoids(_shown) if ELLIPSES in _view.layers else None,
            **common,
        )
    return map_figure(
        drawn,
        clouds(_shown, _view),
        window=_shown.window,
        rings=RINGS in _view.layers,
        ellipses=ELLIPSES in _view.layers,
        **common,
    )


def _ellipsoids(shown: Shown) -> dict[str, tuple[Any, float]]:
    fitted = shown.atlas.map
    return {
        key: (covariance, radius)
        for key, covariance, radius in zip(fitted.keys, fitted.covariances, fitted.radii, strict=True)
        if covariance is not None and radius is not None and covariance.shape == (3, 3)
    }


def _labels(shown: Shown, view: View) -> dict[str, str]:
    """Words at the end of a leader: the expert alone, the run nearest to real, the run whose samples are drawn."""
    labels = {one.key: "expert only" for one in shown.generators if expert_only(one)}
    labels |= {run.id: "matched temperature" for run in shown.runs.values() if run.parent is not None}
    near = nearest(shown.atlas)
    if near is not None and shown.real:
        labels[near] = shown.name_of(near)
    if view.of is not None and view.of != EVERYONE:
        labels[view.of] = shown.name_of(view.of)
    return labels


def _known(values: Mapping[str, float | None]) -> tuple[tuple[str, float | None], ...]:
    return tuple(sorted(values.items(), key=lambda each: each[0]))


def alt(drawn: Collection[Mark], shown: Shown) -> str:
    """The takeaway of the map for those who cannot see it."""
    whole = f"Map of {counted(len(shown.generators), 'run')}"
    whole += " beside the real data" if shown.real else " without real data"
    near = min(
        (mark for mark in drawn if mark.distance is not None and mark.kind not in ("real", "heldout")),
        key=lambda mark: mark.distance or 0.0,
        default=None,
    )
    if near is None:
        return whole + "."
    return f"{whole}; nearest is {near.settings} at {three(near.distance)}, 95% {interval(near.low, near.high)}."


def table(drawn: Sequence[Mark], shown: Shown, colour: Colour | None) -> pd.DataFrame:
    """Everything that the marks of the map show, the nearest to real first."""
    import pandas as pd

    order = sorted(drawn, key=lambda mark: (mark.kind != "real", mark.distance is None, mark.distance or 0.0, mark.key))
    columns: dict[str, Any] = {
        "Setting": [readable(mark.settings) for mark in order],
        "Mark": [f"{SYMBOLS[mark.kind]} {WORDS[mark.kind]}" for mark in order],
        "To real": pd.array([mark.distance for mark in order], dtype="Float64"),
        "95% interval": [interval(mark.low, mark.high) for mark in order],
    }
    if colour is not None and colour.name != "Distance to real":
        values = [colour.of(mark) for mark in order]
        if colour.scale == "kind":
            columns[colour.name] = ["" if value is None else colour.words.get(value, "") for value in values]
        else:
            columns[colour.name] = pd.array(values, dtype="Float64")
    columns["Axis 1"] = [float(mark.xy[0]) for mark in order]
    columns["Axis 2"] = [float(mark.xy[1]) for mark in order]
    if any(mark.z is not None for mark in order):
        columns["Axis 3"] = pd.array([mark.z for mark in order], dtype="Float64")
    columns["Ellipse"] = [_extent(mark) for mark in order]
    columns["Samples"] = [mark.n for mark in order]
    return pd.DataFrame(columns)


def _extent(mark: Mark) -> str:
    """Half the width and height of the ellipse, as the map draws it."""
    if mark.outline is None:
        return "none"
    outline = np.asarray(mark.outline, dtype=float)
    across, up = (np.ptp(outline[:, :2], axis=0) / 2).tolist()
    return f"± {three(across)}, ± {three(up)}"
