"""Many tests at once: p-values turned into q-values.

A q-value is the smallest false discovery rate at which its test is called different. Unknown p-values
stay unknown and count for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from core.errors import SettingsError

Q = tuple[float | None, ...]


def benjamini_hochberg(ps: Sequence[float | None]) -> Q:
    """q_i = min over larger p of p_(k) n/k (Benjamini and Hochberg 1995).

    Proven where tests are independent or positively dependent. Pairs that share generators are neither by
    proof; simulated, it holds there (`tests/statistics/test_guarantees.py`). Raises SettingsError
    where a p is not a probability.
    """
    return _stepped_up(ps, safe=False)


def benjamini_yekutieli(ps: Sequence[float | None]) -> Q:
    """The same times 1 + 1/2 + ... + 1/n, which holds whatever ties the tests (Benjamini and Yekutieli 2001)."""
    return _stepped_up(ps, safe=True)


def _stepped_up(ps: Sequence[float | None], *, safe: bool) -> Q:
    known = [i for i, p in enumerate(ps) if p is not None]
    values = np.array([ps[i] for i in known], dtype=np.float64)
    if not np.all((values >= 0) & (values <= 1)):
        raise SettingsError("A p-value lies outside 0 to 1; give probabilities, or null where a test has none.")
    ranks = np.arange(1, len(values) + 1)
    order = np.argsort(values)
    factor = len(values) * (np.sum(1 / ranks) if safe else 1.0)
    stepped = np.minimum.accumulate((values[order] * factor / ranks)[::-1])[::-1]
    found: list[float | None] = [None] * len(ps)
    for place, q in zip(order, stepped, strict=True):
        found[known[place]] = min(1.0, float(q))
    return tuple(found)


def permutations_for(pairs: int, level: float = 0.05) -> int:
    """Permutations that let the smallest of `pairs` p-values pass at level, with tenfold room: 10 pairs / level."""
    if pairs < 1 or not 0 < level < 1:
        raise SettingsError(f"{pairs} pairs at level {level} cannot be tested; give at least 1 pair and 0 < level < 1.")
    return math.ceil(10 * pairs / level) - 1
