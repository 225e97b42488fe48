"""The layers of a score surface: a picture whose opacity says what is known, contour lines, and words to point at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.drawing.numbers import three
from core.drawing.palette import BASELINE
from core.drawing.raster import png, shaded
from core.drawing.text import cut, escaped
from core.drawing.traces import Trace

if TYPE_CHECKING:
    from core.regressing.surface import Surface

Grid = NDArray[np.float64]

PIXELS = 200
"""Of the picture on either side: the grid is coarser than a screen."""

OPAQUE = 0.92
"""Opacity where nothing is unsure."""

RIM = 0.06
"""Share of the picture on which it fades out at its border, whatever is known there."""

NEAR, NEAREST, FARTHEST = 4.0, 0.12, 0.30
"""How far a run lights its surroundings: so many times the median distance to the nearest run, within shares of the
longer span of the runs."""

LINES_FROM = 0.45
"""Opacity from which a contour line passes."""

STEPS = 8
BRIGHT = 0.62
"""Share of the scale from which lines are dark: those on the dark end are light."""

LINE_COLOURS = {False: "rgba(255,255,255,.55)", True: "rgba(26,35,40,.50)"}


@dataclass(frozen=True, eq=False)
class Picture:
    """A surface as it is drawn. shares: (k, k) of the way along the colour scale; opacity: (k, k) from 0 to 1."""

    surface: Surface
    shares: Grid
    opacity: Grid

    @classmethod
    def of(cls, surface: Surface, points: NDArray[np.floating], scores: NDArray[np.floating], bar: Trace) -> Picture:
        """bar: the colour axis. points (n, 2), scores (n,): of the runs that the surface was learnt from."""
        shares = (surface.values - bar["cmin"]) / (bar["cmax"] - bar["cmin"])
        shares = np.clip(1 - shares if bar["reversescale"] else shares, 0.0, 1.0)
        return cls(surface, shares, settled(surface, scores) * support(surface, points))

    @property
    def shown(self) -> NDArray[np.bool_]:
        """(k, k) where there is support for a contour line or a reading."""
        return np.asarray(self.surface.known & (self.opacity >= LINES_FROM))

    def image(self) -> dict[str, Any]:
        """The picture over the extent of the grid, its first row at the top."""
        from scipy.interpolate import RectBivariateSpline

        x, y = self.surface.x, self.surface.y
        at = (np.arange(PIXELS) + 0.5) / PIXELS
        fine_x, fine_y = (ends[0] + at * (ends[-1] - ends[0]) for ends in (x, y))
        shares = RectBivariateSpline(y, x, self.shares)(fine_y, fine_x)
        opacity = RectBivariateSpline(y, x, self.opacity, kx=1, ky=1)(fine_y, fine_x)
        rim = smooth(np.minimum(at, 1 - at) / RIM)
        pixels = shaded(np.clip(shares, 0, 1), OPAQUE * opacity * np.outer(rim, rim))
        return {
            "source": png(pixels[::-1]),
            "xref": "x",
            "yref": "y",
            "x": float(x[0]),
            "y": float(y[-1]),
            "sizex": float(x[-1] - x[0]),
            "sizey": float(y[-1] - y[0]),
            "xanchor": "left",
            "yanchor": "top",
            "sizing": "stretch",
            "layer": "below",
        }

    def lines(self) -> list[Trace]:
        """Contour lines at round scores where there is support, light on dark colours and dark on bright ones."""
        if not self.shown.any():
            return []
        values = np.where(self.shown, self.surface.values, np.nan)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        if high <= low:
            return []
        step = round_step(high - low)
        levels = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
        # A score grows or falls along the scale: one of its ends is bright.
        at = np.interp(levels, *_ordered(self.surface.values[self.shown], self.shares[self.shown]))
        return [self._contour(values, levels[(at >= BRIGHT) == dark], step, dark) for dark in (False, True)]

    def _contour(self, values: Grid, levels: Grid, step: float, dark: bool) -> Trace:
        colour = LINE_COLOURS[dark]
        return {
            "type": "contour",
            "x": self.surface.x,
            "y": self.surface.y,
            "z": values,
            "visible": bool(len(levels)),
            "autocontour": False,
            "contours": {
                "coloring": "none",
                "start": float(levels[0]) if len(levels) else 0.0,
                "end": float(levels[-1]) + step / 1e6 if len(levels) else 0.0,
                "size": step,
                "showlabels": True,
                "labelfont": {"size": 9, "color": colour.replace(".5", ".8")},
                "labelformat": f".{max(0, -math.floor(math.log10(step) + 1e-9))}f",
            },
            "line": {"width": 1, "color": colour},
            "showscale": False,
            "hoverinfo": "skip",
        }

    def readings(self, name: str) -> Trace:
        """What the surface says at the pointer, in words, where it says anything."""
        values = self.surface.values
        words = np.full(values.shape, "", dtype=object)
        for row, column in np.argwhere(self.shown):
            words[row, column] = f"{three(values[row, column])} ± {three(self.surface.errors[row, column])}"
        return {
            "type": "heatmap",
            "x": self.surface.x,
            "y": self.surface.y,
            "z": np.where(self.shown, values, np.nan),
            "text": words,
            "hovertemplate": f"{escaped(cut(name, 40))} %{{text}}<br>± one standard error<extra></extra>",
            "hoverongaps": False,
            "showscale": False,
            "opacity": 0,
            "colorscale": [[0, BASELINE], [1, BASELINE]],
        }


def settled(surface: Surface, scores: NDArray[np.floating]) -> Grid:
    """(k, k) share of the variance of the scores that is settled at a place: 0 where their mean would do as well."""
    spread = float(np.std(scores)) if len(scores) > 1 else 0.0
    spread = spread or float(surface.errors.max()) or 1.0
    return np.asarray(np.clip(1 - (surface.errors / spread) ** 2, 0.0, 1.0))


def support(surface: Surface, points: NDArray[np.floating]) -> Grid:
    """(k, k) from 1 beside a run to 0 far from every one: a smooth model is sure of more than it has seen."""
    if not len(points):
        return np.asarray(surface.known, dtype=np.float64)
    grid = np.stack(np.meshgrid(surface.x, surface.y), axis=-1).reshape(-1, 1, 2)
    away = ((grid - points) ** 2).sum(axis=-1)
    apart = np.sqrt(((points[:, None] - points) ** 2).sum(axis=-1))
    np.fill_diagonal(apart, np.inf)
    span = float(np.ptp(points, axis=0).max()) or 1.0
    radius = float(np.clip(NEAR * np.median(apart.min(axis=1)), NEAREST * span, FARTHEST * span))
    # Of every run a hill that ends at the radius (Tukey's biweight), together as chances are: without a crease.
    dark = (1 - np.clip(1 - away / radius**2, 0.0, 1.0) ** 2).prod(axis=1)
    return np.asarray((1 - dark).reshape(surface.values.shape))


def smooth(share: Grid) -> Grid:
    """0 to 1 without a corner at either end."""
    own = np.clip(share, 0.0, 1.0)
    return np.asarray(own * own * (3 - 2 * own))


def round_step(span: float, most: int = STEPS) -> float:
    """The least of 1, 2, 5 times a power of ten that cuts a span into at most so many steps."""
    power = math.floor(math.log10(span / most))
    sizes = (size for k in (power, power + 1) for size in (10.0**k, 2 * 10.0**k, 5 * 10.0**k))
    return next(size for size in sizes if span / size <= most + 1e-9)


def _ordered(values: Grid, shares: Grid) -> tuple[Grid, Grid]:
    order = np.argsort(values)
    return values[order], shares[order]
