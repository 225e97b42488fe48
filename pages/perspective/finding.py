"""What the map says, in one sentence that its intervals and tests carry, and one line of evidence. No widgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.atlas import Atlas
from core.drawing.numbers import counted, interval, probability, three
from core.generators import HELD_OUT, REAL
from core.perspective import NOISE_WARNING
from core.statistics.distances import Distance
from core.tasks import Task
from pages.shared.plain import literal

LEVEL = 0.05
MANY = 5
"""Rivals for the nearest place from which counting them says less than that there are many."""


@dataclass(frozen=True)
class Apart:
    """A run beside the real data. q: of the "same generator?" test over all runs of the map, None without one."""

    key: str
    name: str
    distance: Distance | None
    q: float | None = None

    @property
    def verdict(self) -> bool | None:
        """Whether it is told apart from real: its interval leaves 0 out, or the test says so; None: neither can say."""
        low = None if self.distance is None else self.distance.low
        if low is None and self.q is None:
            return None
        return bool((low is not None and low > 0) or (self.q is not None and self.q <= LEVEL))

    @property
    def words(self) -> str:
        """The verdict in words, with what it rests on."""
        if self.verdict is None:
            return "no test"
        low = None if self.distance is None else self.distance.low
        if self.q is not None:
            if self.verdict and self.q > LEVEL:
                return "differs, by interval"
            return f"differs, q {probability(self.q)}" if self.verdict else f"not told apart, q {probability(self.q)}"
        return "differs, by interval" if low is not None and low > 0 else "not told apart, by interval"


def apart(atlas: Atlas, qs: Mapping[str, float | None]) -> list[Apart]:
    """Every run of the map beside the real data, the nearest first, those without a distance last."""
    found = [
        Apart(one.key, one.label, distance, qs.get(one.key))
        for one, distance in zip(atlas.generators, atlas.to_real, strict=True)
        if one.kind != REAL
    ]
    return sorted(found, key=lambda one: (_value(one) is None, _value(one) or 0.0, one.key))


def nearest(atlas: Atlas) -> str | None:
    """The run with the smallest distance to real; the first run where there are no real data."""
    ranked = apart(atlas, {})
    return ranked[0].key if ranked else None


def finding(task: Task, atlas: Atlas, qs: Mapping[str, float | None]) -> tuple[str, str]:
    """Headline and detail, as Markdown."""
    ranked = apart(atlas, qs)
    real = f"the :orange[real {literal(task.plural)}]"
    if REAL not in atlas.map.keys:
        title = f":blue[{counted(len(ranked), 'run')}] on one map, with no real data to compare them with."
        return title, _made(atlas)
    return _title(ranked, real), " ".join((_evidence(ranked, atlas), _made(atlas)))


def _title(ranked: list[Apart], real: str) -> str:
    judged = [one for one in ranked if one.verdict is not None]
    n = len(judged)
    if not judged:
        subject = _blue(ranked[0]) if len(ranked) == 1 else f":blue[{counted(len(ranked), 'run')}]"
        return f"{subject} cannot yet be compared with {real}."
    same = [one for one in judged if not one.verdict]
    if n < len(ranked):
        are = "is" if len(same) == 1 else "are"
        found = f"{len(same):,} {are} not told apart from" if same else "each differs from"
        return f":blue[{n:,} of {len(ranked):,} runs] can be judged; {found} :orange[real]."
    if n == 1:
        return f"{_blue(judged[0])} {'is not told apart from' if same else 'differs from'} {real}."
    if len(same) == 1:
        return f"{_blue(same[0])} is the one run not told apart from {real}."
    if len(same) == n:
        return f"None of :blue[{n:,} runs] is told apart from {real}."
    if same:
        return f":blue[{len(same):,} of {n:,} runs] are not told apart from {real}."
    rivals = _rivals(judged)
    if rivals == 0:
        return f"{_blue(judged[0])} comes nearest to {real}, and still differs."
    if rivals is None or rivals >= MANY:
        return f"All :blue[{n:,} runs] differ from {real}; none is clearly nearest."
    return f"All :blue[{n:,} runs] differ from {real}; {rivals + 1:,} may be nearest."


def _rivals(judged: list[Apart]) -> int | None:
    """How many others may be as near as the first: their intervals reach below the end of its own."""
    first = judged[0].distance
    if first is None or first.high is None:
        return None
    lows = [one.distance.low if one.distance else None for one in judged[1:]]
    return sum(low is None or low <= first.high for low in lows)


def _evidence(ranked: list[Apart], atlas: Atlas) -> str:
    what = "Energy distance" if atlas.map.variant == "energy" else "Distance"
    parts = []
    best = ranked[0].distance if ranked else None
    if best is not None and best.value is not None:
        parts.append(
            f"{what} to real **{three(best.value)}**, 95% {interval(best.low, best.high)}, {literal(ranked[0].name)}"
        )
    floor = next(
        (one for key, one in zip(atlas.map.keys, atlas.to_real, strict=True) if key == HELD_OUT and one is not None),
        None,
    )
    if floor is not None and floor.value is not None:
        parts.append(f"two halves of the real data are **{three(floor.value)}** apart")
    return "; ".join(parts) + "." if parts else ""


def _made(atlas: Atlas) -> str:
    """From how much the map was made, and how much of its last axis is noise."""
    runs = [one.key for one in atlas.generators if one.kind != REAL]
    counts = [atlas.map.replicates[atlas.map.index(key)] for key in runs]
    fewest, most = min(low for low, _ in counts), max(high for _, high in counts)
    replicates = counted(most, "replicate") if fewest == most else f"{fewest:,} to {most:,} replicates"
    parts = [counted(len(runs), "run"), counted(atlas.map.queries, "query", "queries"), replicates]
    ratio = atlas.map.noise_ratio
    if ratio is None:
        noise = "axis noise unknown"
    else:
        noise = f"axis noise τ/λ **{three(ratio)}**, {'below' if ratio <= NOISE_WARNING else 'above'} {NOISE_WARNING:g}"
    return f"{', '.join(parts)}; {noise}."


def _blue(one: Apart) -> str:
    return f":blue[{literal(one.name)}]"


def _value(one: Apart) -> float | None:
    return None if one.distance is None else one.distance.value
