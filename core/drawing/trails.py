"""Which generators a line joins: those that differ in one slider and stand next to each other on its grid."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any

NEVER = frozenset({"seed"})
"""Settings that are no slider: a line along them would say nothing, and runs of two seeds are never joined."""


def trail_pairs(settings: Mapping[str, Mapping[str, Any]], slider: str | None = None) -> tuple[tuple[str, str], ...]:
    """Pairs of keys whose settings differ in one number and have no other generator between them.

    settings: of every generator by its key; none of them (real data) is joined to nothing. slider: lines
    along this one only, else along every one. The grid of a slider is what stands on its own line, so a
    control between two columns of a sweep breaks no other line. The lower value comes first. Settings
    that only some generators have (imports) count as different.
    """
    names = sorted({name for each in settings.values() for name in each} - NEVER)
    pairs: list[tuple[str, str]] = []
    for name in [slider] if slider is not None else names:
        lines: dict[Hashable, dict[float, list[str]]] = defaultdict(lambda: defaultdict(list))
        for key, each in settings.items():
            value = each.get(name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                continue
            rest = tuple(sorted((other, repr(held)) for other, held in each.items() if other != name))
            lines[rest][float(value)].append(key)
        for line in lines.values():
            # Runs of equal settings differ in no slider: each is joined to the next value's.
            for value, further in itertools.pairwise(sorted(line)):
                pairs += itertools.product(line[value], line[further])
    return tuple(pairs)
