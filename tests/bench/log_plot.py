"""Small line plots on logarithmic axes as one SVG, side by side, readable on light and on dark paper."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COLOURS = ("#3B7DD8", "#0FA08C", "#D9731A", "#A5439C", "#7B868C")
TEXT, GRID = "#7B868C", "rgba(123,134,140,.25)"
WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 190, 76, 46, 34

Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One plot: what its x axis counts, and a line of (x, y), both positive, for every label."""

    title: str
    lines: Mapping[str, Line]


def draw(panels: Sequence[Panel], unit: str) -> str:
    """The panels in a row over one y axis in `unit`, with a legend above."""
    every = [y for panel in panels for line in panel.lines.values() for _, y in line]
    low, high = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))
    labels = list(panels[0].lines)
    width = LEFT + len(panels) * (WIDTH + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + HEIGHT + 48}" font-size="12" '
        f'font-family="system-ui, sans-serif" fill="{TEXT}">'
    ]
    for place, label in enumerate(labels):
        x = LEFT + place * (width - LEFT) / len(labels)
        colour = COLOURS[place % len(COLOURS)]
        parts.append(f'<line x1="{x:.0f}" x2="{x + 22:.0f}" y1="16" y2="16" stroke="{colour}" stroke-width="2.5"/>')
        parts.append(f'<text x="{x + 28:.0f}" y="20">{html.escape(label)}</text>')
    middle = TOP + HEIGHT / 2
    parts.append(
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{html.escape(unit)}</text>'
    )
    for number, panel in enumerate(panels):
        parts += _panel(panel, LEFT + number * (WIDTH + GAP), low, high, labelled=number == 0)
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, left: float, low: int, high: int, *, labelled: bool) -> list[str]:
    xs = sorted({x for line in panel.lines.values() for x, _ in line})
    first, last = math.log10(xs[0]), math.log10(xs[-1])

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - first) / (last - first or 1.0)
        return left + WIDTH * across, TOP + HEIGHT * (high - math.log10(y)) / (high - low)

    parts = []
    for power in range(low, high + 1):
        y = at(xs[0], 10.0**power)[1]
        parts.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>')
        if labelled:
            parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for x in xs:
        across = at(x, 10.0**low)[0]
        parts.append(f'<text x="{across:.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{x:,g}</text>')
    middle = left + WIDTH / 2
    parts.append(f'<text x="{middle}" y="{TOP + HEIGHT + 38}" text-anchor="middle">{html.escape(panel.title)}</text>')
    for place, line in enumerate(panel.lines.values()):
        colour = COLOURS[place % len(COLOURS)]
        dots = [at(x, y) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in dots]
    return parts
