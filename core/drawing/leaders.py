"""Where the words of a map go: leaders that end in empty places, in data coordinates, never on each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHARACTER = 6.6
"""Mean width of a character at the size of a label, in pixels."""

LINE = 15.0
"""Height of a label, in pixels."""

ANGLES = tuple(math.tau * step / 24 for step in range(24))
REACHES = (30.0, 42.0, 56.0, 74.0, 96.0, 122.0)


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
) -> list[tuple[float, float]]:
    """The middle of each label, in data coordinates.

    targets: (point, words) of what gets a label, the most important first. marks: (n, 2) points that no
    label may cover. specks: (N, 2) cloud and ellipse points that a label had better not cover.
    Greedy: each label takes the cheapest of 144 places around its point, given those before it.
    """
    dots = window.pixels(marks)
    dust = window.pixels(specks)
    boxes: list[tuple[float, float, float, float]] = []
    lines: list[NDArray[np.float64]] = []
    placed: list[tuple[float, float]] = []
    for point, words in targets:
        start = window.pixels(np.array(point))[0]
        half = ((CHARACTER * len(words)) / 2 + 3, LINE / 2 + 2)
        best: tuple[float, float, float] | None = None
        for reach in REACHES:
            for angle in ANGLES:
                x = start[0] + math.cos(angle) * (reach + half[0] * abs(math.cos(angle)))
                y = start[1] + math.sin(angle) * reach
                cost = _cost(x, y, half, start, reach, dots, dust, boxes, lines, window)
                if best is None or cost < best[0]:
                    best = (cost, x, y)
        assert best is not None
        _, x, y = best
        boxes.append((x - half[0], y - half[1], x + half[0], y + half[1]))
        lines.append(_along(start, x, y))
        placed.append(window.data(x, y))
    return placed


def _cost(
    x: float,
    y: float,
    half: tuple[float, float],
    start: NDArray[np.float64],
    reach: float,
    dots: NDArray[np.float64],
    dust: NDArray[np.float64],
    boxes: list[tuple[float, float, float, float]],
    lines: list[NDArray[np.float64]],
    window: Window,
) -> float:
    box = (x - half[0], y - half[1], x + half[0], y + half[1])
    cost = reach
    outside = max(abs(x) + half[0] - window.width / 2, abs(y) + half[1] - window.height / 2, 0.0)
    cost += 1000.0 * (outside > 0) + 20 * outside
    cost += sum(1000.0 for other in boxes if _meet(box, other, 4.0))
    cost += 400.0 * _inside(dots, box, 7.0)
    cost += min(3.0 * _inside(dust, box, 1.0), 300.0)
    cost += sum(150.0 * (_inside(line, box, 2.0) > 0) for line in lines)
    own = _along(start, x, y)
    for other in boxes:
        cost += 150.0 * (_inside(own, other, 2.0) > 0)
    # The leader itself: not through another mark.
    away = dots[np.hypot(*(dots - start).T) > 8.0]
    if len(away):
        near = np.hypot(away[:, None, 0] - own[None, :, 0], away[:, None, 1] - own[None, :, 1]).min(axis=1)
        cost += 60.0 * float((near < 7.0).sum())
    return cost


def _along(start: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    """Points along a leader, about five pixels apart."""
    steps = np.linspace(0.0, 1.0, max(int(math.hypot(x - start[0], y - start[1]) / 5), 2))[:, None]
    return start + steps * (np.array([x, y]) - start)


def _inside(points: NDArray[np.float64], box: tuple[float, float, float, float], margin: float) -> int:
    if not len(points):
        return 0
    x, y = points[:, 0], points[:, 1]
    left, bottom, right, top = box
    return int(((x > left - margin) & (x < right + margin) & (y > bottom - margin) & (y < top + margin)).sum())


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float], margin: float) -> bool:
    return (
        one[0] < other[2] + margin
        and other[0] < one[2] + margin
        and one[1] < other[3] + margin
        and other[1] < one[3] + margin
    )
