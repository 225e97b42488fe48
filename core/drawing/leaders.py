"""Where the words of a map go: leaders that end in empty places, in data coordinates, never on each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHARACTER = 6.6
"""Mean width of a character at the size of a label, in pixels."""

LINE = 15.0
"""Height of a label, in pixels."""

Box = tuple[float, float, float, float]

ANGLES = tuple(math.tau * step / 24 for step in range(24))
REACHES = (30.0, 42.0, 56.0, 74.0, 96.0, 122.0)
STEPS = np.linspace(0.0, 1.0, 25)


@dataclass(frozen=True)
class Window:
    """A part of the plane and the pixels it is drawn on: equal units, so the tighter side decides."""

    left: float
    right: float
    bottom: float
    top: float
    width: float
    height: float

    @property
    def unit(self) -> float:
        """Data units a pixel."""
        return max((self.right - self.left) / self.width, (self.top - self.bottom) / self.height)

    def pixels(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N, 2) data coordinates as pixels from the middle of the window, y upwards."""
        middle = np.array([(self.left + self.right) / 2, (self.bottom + self.top) / 2])
        away: NDArray[np.float64] = np.asarray(points, dtype=np.float64).reshape(-1, 2) - middle
        return away / self.unit

    def data(self, x: float, y: float) -> tuple[float, float]:
        """Pixels from the middle as data coordinates."""
        return (
            (self.left + self.right) / 2 + x * self.unit,
            (self.bottom + self.top) / 2 + y * self.unit,
        )


def place(
    targets: list[tuple[tuple[float, float], str]],
    marks: NDArray[np.floating],
    specks: NDArray[np.floating],
    window: Window,
    reserved: Sequence[Box] = (),
) -> list[tuple[float, float]]:
    """The middle of each label, in data coordinates.

    targets: (point, words) of what gets a label, the most important first. marks: (n, 2) points that no
    label may cover. specks: (N, 2) cloud and ellipse points that a label had better not cover.
    reserved: (left, bottom, right, top) in pixels from the middle, where other words stand.
    Greedy: each label takes the cheapest of 144 places around its point, given those before it.
    """
    dots = window.pixels(marks)
    dust = window.pixels(specks)
    boxes: list[Box] = list(reserved)
    lines: list[NDArray[np.float64]] = []
    placed: list[tuple[float, float]] = []
    reaches, angles = (grid.ravel() for grid in np.meshgrid(REACHES, ANGLES, indexing="ij"))
    for point, words in targets:
        start = window.pixels(np.array(point))[0]
        half = np.array([(CHARACTER * len(words)) / 2 + 3, LINE / 2 + 2])
        x = start[0] + np.cos(angles) * (reaches + half[0] * np.abs(np.cos(angles)))
        y = start[1] + np.sin(angles) * reaches
        ends = np.column_stack([x, y])
        # Points along every leader, five pixels apart on the longest.
        own = start + STEPS[:, None] * (ends[:, None, :] - start)
        around = np.concatenate([ends - half, ends + half], axis=1)
        cost = reaches.copy()
        outside = np.maximum((np.abs(ends) + half - np.array([window.width, window.height]) / 2).max(axis=1), 0.0)
        cost += 1000.0 * (outside > 0) + 20.0 * outside
        cost += 400.0 * _inside(dots, around, 7.0) + np.minimum(3.0 * _inside(dust, around, 1.0), 300.0)
        for other in boxes:
            cost += 1000.0 * _meet(around, other, 4.0)
            cost += 350.0 * np.array([_inside(line, np.array([other]), 2.0)[0] > 0 for line in own])
        for line in lines:
            cost += 350.0 * (_inside(line, around, 2.0) > 0)
        # The leader itself: not through another mark.
        far = np.hypot(*(dots - start).T)
        away = dots[(far > 8.0) & (far < np.hypot(*(ends - start).T).max() + 7.0)]
        if len(away):
            thin = own[:, ::2].astype(np.float32)
            wide, high = (thin[:, :, i, None] - away[:, i].astype(np.float32) for i in range(2))
            gaps = (wide * wide + high * high).min(axis=1)
            cost += 60.0 * (gaps < 49.0).sum(axis=1)
        best = int(cost.argmin())
        boxes.append((around[best, 0], around[best, 1], around[best, 2], around[best, 3]))
        lines.append(own[best])
        placed.append(window.data(float(x[best]), float(y[best])))
    return placed


def _inside(points: NDArray[np.float64], boxes: NDArray[np.float64], margin: float) -> NDArray[np.intp]:
    """How many of the points (N, 2) lie in each of the boxes (k, 4)."""
    x, y = points[:, 0], points[:, 1]
    left, bottom, right, top = (boxes[:, i, None] for i in range(4))
    within = (x > left - margin) & (x < right + margin) & (y > bottom - margin) & (y < top + margin)
    return np.asarray(within.sum(axis=1))


def _meet(boxes: NDArray[np.float64], other: Box, margin: float) -> NDArray[np.bool_]:
    """Which of the boxes (k, 4) touch the other one."""
    left, bottom, right, top = boxes.T
    return np.asarray(
        (left < other[2] + margin)
        & (other[0] < right + margin)
        & (bottom < other[3] + margin)
        & (other[1] < top + margin)
    )
