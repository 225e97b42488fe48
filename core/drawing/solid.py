"""The map of three axes: the same signs, colours and words as the flat one, to be turned by hand.

Plotly selects nothing in three dimensions: a lasso belongs to the flat map, and pages say so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.drawing.kind_key import kind_key
from core.drawing.labels import axis_title, named, words_of
from core.drawing.leaders import Window, place
from core.drawing.map_layers import CORNERS_UP_TO, ends
from core.drawing.mark_styles import Dots, dots
from core.drawing.marks import Cloud, Mark, hover_characters
from core.drawing.palette import BASELINE, REAL, SYNTHETIC
from core.drawing.scales import Colour, axis
from core.drawing.traces import Trace, samples, signs, strokes

if TYPE_CHECKING:
    import plotly.graph_objects as go

SOLID_HEIGHT = 570
CORNERS = 36
"""Of a great circle."""

SCALE = {"circle": 0.7, "diamond": 0.4, "square": 0.55, "cross": 0.6, "x": 0.5}
"""Size in space over the size on the flat map at which a sign looks the same."""

EYE = (1.45, -1.8, 0.9)
"""Where one looks from at first: axis 1 to the right, axis 2 away, axis 3 up. Without perspective, so that equal
distances look equal; its length changes nothing."""

SIDE = 0.85
"""Of the box, in Plotly's unit: all of it is seen in the narrowest column."""


def ellipsoid_lines(
    point: NDArray[np.floating], covariance: NDArray[np.floating], radius: float, corners: int = CORNERS
) -> NDArray[np.float64]:
    """The three principal great circles of (x - point)' covariance^-1 (x - point) = radius^2.

    point (3,), covariance (3, 3), radius as of `PerspectiveMap.radii`. Returns (3, corners + 1, 3), each closed.
    """
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=float))
    axes = radius * np.sqrt(np.maximum(values, 0.0)) * vectors
    turn = np.linspace(0.0, math.tau, corners + 1)[:, None]
    circles = [np.cos(turn) * axes[:, i] + np.sin(turn) * axes[:, k] for i, k in ((0, 1), (0, 2), (1, 2))]
    lines: NDArray[np.float64] = np.asarray(point, dtype=float) + np.array(circles)
    return lines


def solid_figure(
    marks: Sequence[Mark],
    clouds: Sequence[Cloud] = (),
    *,
    explained: Sequence[float] | None = None,
    colour: Colour | None = None,
    trails: Sequence[tuple[str, str]] = (),
    ellipsoids: Mapping[str, tuple[NDArray[np.floating], float]] | None = None,
    size_by_n: bool = False,
    height: int = SOLID_HEIGHT,
    width: int = 360,
) -> go.Figure:
    """Generators, clouds and 95% ellipsoids on three axes of equal units.

    marks and clouds without a third axis lie at 0 on it. ellipsoids: covariance (3, 3) and radius of a
    mark's key, only where they are honest; drawn as three great circles. Everything else as in `map_figure`.
    """
    import plotly.graph_objects as go

    shown = [cloud.on_axes(3) for cloud in clouds]
    at = {mark.key: np.array([*mark.xy, mark.z or 0.0], dtype=float) for mark in marks}
    corners = CORNERS if len(marks) <= CORNERS_UP_TO else CORNERS // 3
    rounds = {
        mark.key: ellipsoid_lines(at[mark.key], *ellipsoids[mark.key], corners)
        for mark in marks
        if ellipsoids and mark.key in ellipsoids
    }
    centre, half = _box([*at.values(), *(line.reshape(-1, 3) for line in rounds.values())] or shown)
    characters = hover_characters(sum(map(len, shown)))
    traces: list[Trace] = []
    for cloud, points in sorted(zip(clouds, shown, strict=True), key=lambda one: one[0].kind != "real"):
        # Outside the box WebGL would draw them over the words.
        inside = np.flatnonzero((np.abs(points - centre) <= half).all(axis=1)).tolist()
        traces.append(_cloud(cloud, points, inside, characters))
    if lines := [np.array([at[one.key], at[other.key]]) for one, other in ends(marks, trails)]:
        traces.append(strokes(lines, BASELINE, 1.5))
    for shade, real in ((REAL, True), (SYNTHETIC, False)):
        kinds = [mark for mark in marks if (mark.kind in ("real", "heldout")) == real and mark.key in rounds]
        if circles := [circle for mark in kinds for circle in rounds[mark.key]]:
            traces.append(strokes(circles, shade, 1.0, 0.8 if len(kinds) <= 10 else 0.4))
    for each in dots(marks, colour, size_by_n=size_by_n):
        sized = Dots(each.kind, each.marks, _marker(each.marker))
        traces.append(signs(sized, np.array([at[mark.key] for mark in each.marks]), colour))
    bar = None if colour is None else axis(colour, marks)
    shapes, words = kind_key(colour, marks) if colour is not None and colour.scale == "kind" else ([], [])
    titles = [axis_title(i, explained) for i in range(3)]
    scene = {
        **{f"{name}axis": _axis(titles[i], float(centre[i]), half) for i, name in enumerate("xyz")},
        "aspectmode": "manual",
        "aspectratio": dict.fromkeys("xyz", SIDE),
        "dragmode": "orbit",
        "camera": {
            "eye": dict(zip("xyz", EYE, strict=True)),
            "center": {"x": 0, "y": 0, "z": 0},
            "up": {"x": 0, "y": 0, "z": 1},
            "projection": {"type": "orthographic"},
        },
        "annotations": _labels(marks, at, centre, half, width, height),
    }
    layout = {
        "height": height,
        "margin": {"l": 0, "r": 0, "t": 26, "b": 0},
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "shapes": shapes,
        "annotations": words,
        "scene": scene,
        **({} if bar is None else {"coloraxis": bar}),
    }
    return go.Figure(traces, layout)


def _box(parts: Sequence[NDArray[np.floating]]) -> tuple[NDArray[np.float64], float]:
    """Middle (3,) and half the side of the cube that holds every mark and ellipsoid."""
    filled = [np.asarray(part, dtype=float).reshape(-1, 3) for part in parts]
    every = np.concatenate(filled) if filled else np.empty((0, 3))
    if not len(every):
        return np.zeros(3), 1.0
    low, high = every.min(axis=0), every.max(axis=0)
    return (low + high) / 2, 0.6 * (float(max(high - low)) or 1.0)


def _axis(title: str, middle: float, half: float) -> dict[str, Any]:
    return {
        "range": [middle - half, middle + half],
        "title": {"text": title, "font": {"size": 12}},
        "showbackground": False,
        "showspikes": False,
        "zeroline": False,
        "showgrid": False,
        "showline": True,
        "mirror": True,
        "linecolor": BASELINE,
        "linewidth": 1,
        "nticks": 4,
        "tickfont": {"size": 11},
        "tickformat": "+.2~f",
    }


def _cloud(cloud: Cloud, points: NDArray[np.float32], rows: Sequence[int], characters: int) -> Trace:
    real, ids = cloud.kind == "real", cloud.marked_ids
    return samples(
        points[rows],
        [ids[i] for i in rows],
        [cloud.texts[i] for i in rows],
        real=real,
        title="real" if real else "sample",
        characters=characters,
        size=2,
        opacity=0.3 if len(rows) <= 5_000 else 0.12,
    )


def _marker(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The flat map's sign at the size it has there: the same number is drawn larger in space."""
    scale = SCALE[flat["symbol"].removesuffix("-open")]
    size = flat["size"]
    return {**flat, "size": [scale * one for one in size] if isinstance(size, list) else scale * size}


def _labels(
    marks: Sequence[Mark],
    at: Mapping[str, NDArray[np.float64]],
    centre: NDArray[np.float64],
    half: float,
    width: int,
    height: int,
) -> list[dict[str, Any]]:
    """Leaders of fixed pixels, placed where the first view has room; they follow their point when it is turned."""
    if not marks:
        return []
    eye = np.array(EYE)
    right = np.cross([0.0, 0.0, 1.0], eye)
    right /= np.linalg.norm(right)
    up = np.cross(eye, right) / np.linalg.norm(eye)
    flat = {key: (point - centre) @ np.column_stack([right, up]) for key, point in at.items()}
    # In this projection a box of side 1 is half as high as the figure.
    unit = 2 * half / (SIDE * height / 2)
    wide, high = unit * width / 2, unit * height / 2
    view = Window(-wide, wide, -high, high, width, height)
    chosen = named(marks)
    targets = [((float(flat[mark.key][0]), float(flat[mark.key][1])), mark.label) for mark in chosen]
    found = []
    for mark, end in zip(chosen, place(targets, np.array(list(flat.values())), np.empty((0, 2)), view), strict=True):
        away = (view.pixels(np.array(end)) - view.pixels(flat[mark.key]))[0]
        point = at[mark.key]
        found.append(
            {
                "x": float(point[0]),
                "y": float(point[1]),
                "z": float(point[2]),
                # Of a label in space the offset is in pixels, downwards.
                "ax": round(float(away[0]), 1),
                "ay": round(float(-away[1]), 1),
                **words_of(mark),
                "showarrow": True,
                "arrowhead": 0,
                "arrowwidth": 1,
                "arrowcolor": BASELINE,
                "standoff": 8,
            }
        )
    return found
