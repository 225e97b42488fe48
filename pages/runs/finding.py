"""What the runs of the store say, in one sentence and one line of evidence; recomputed from the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from core.drawing.numbers import counted, duration, interval, three
from core.storage.records import Metric
from pages.runs.entry import Entry
from pages.shared.badges import STATES
from pages.shared.plain import literal

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def finding(entries: Sequence[Entry]) -> tuple[str, str]:
    """Headline and detail, as Markdown."""
    runs = [entry.run for entry in entries]
    samples = sum(run.samples for run in runs)
    title = f"{counted(len(runs), 'run')}, :blue[{counted(samples, 'sample')}]; {_news(entries)}."
    return title, _evidence(entries)


def _news(entries: Sequence[Entry]) -> str:
    """The one thing to know: what runs, what stopped, else what the finished runs show."""
    count = Counter(entry.run.status for entry in entries)
    if count["running"]:
        return f"{_are(count['running'])} being written"
    if count["queued"]:
        return f"{_are(count['queued'])} waiting"
    if count["interrupted"]:
        return f"{_were(count['interrupted'])} interrupted and can be resumed"
    if count["failed"]:
        return f"{_number(count['failed'])} failed and can be tried again"
    best = nearest(entries)
    if best is None:
        return "none is complete yet" if not count["done"] else "all that was asked for is written"
    entry, claim = best
    return f":blue[{literal(entry.name)}] is {claim} the :orange[real data]"


def nearest(entries: Sequence[Entry]) -> tuple[Entry, str] | None:
    """The run nearest to real and what its interval lets us say; None where no claim is supported.

    Distances of two tasks are not compared: the task of the newest measured run speaks.
    """
    ranked = _ranked(entries)
    if not ranked:
        return None
    low, high = _ends(ranked[0][1])
    if low is None or high is None:
        return None
    others = [_ends(metric)[0] for _, metric in ranked[1:]]
    if low <= 0 and all(other is not None and other > 0 for other in others):
        return ranked[0][0], "the one run not told apart from" if others else "not told apart from"
    if others and all(other is not None and high < other for other in others):
        return ranked[0][0], "nearest to"
    return None


def _ranked(entries: Sequence[Entry]) -> list[tuple[Entry, Metric]]:
    measured = [
        (entry, entry.distance)
        for entry in entries
        if entry.run.status == "done" and entry.distance is not None and entry.distance.value is not None
    ]
    if not measured:
        return []
    task = measured[0][0].run.task  # entries are newest first
    same = [(entry, metric) for entry, metric in measured if entry.run.task == task]
    return sorted(same, key=lambda pair: pair[1].value or 0.0)


def _ends(metric: Metric) -> tuple[float | None, float | None]:
    return metric.low, metric.high


def _evidence(entries: Sequence[Entry]) -> str:
    count = Counter(entry.run.status for entry in entries)
    order = ("running", "queued", "done", "interrupted", "cancelled", "failed")
    parts = [" · ".join(f"{count[status]} {WORDS[status]}" for status in order if count[status]) + "."]
    ranked = _ranked(entries)
    if ranked:
        entry, metric = ranked[0]
        several = len({one.run.task for one in entries}) > 1
        where = f" of {literal(entry.task)}" if several else ""
        parts.append(
            f"Smallest distance to real{where}: **{three(metric.value)}**, "
            f"95% {interval(metric.low, metric.high)}, {literal(entry.name)}."
        )
    timed = [entry.run for entry in entries if entry.run.seconds]
    if timed:
        tokens = counted(sum(run.tokens for run in timed), "token")
        parts.append(f"{tokens} in {duration(sum(run.seconds for run in timed))} of work.")
    return " ".join(parts)


WORDS: Mapping[str, str] = {"running": STATES["writing"][2]} | {
    status: STATES[status][2] for status in ("queued", "done", "interrupted", "cancelled", "failed")
}
"""The word of each status: what badges, filters and sentences say."""


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"


def _are(count: int) -> str:
    return f"{_number(count)} {'is' if count == 1 else 'are'}"


def _were(count: int) -> str:
    return f"{_number(count)} {'was' if count == 1 else 'were'}"
