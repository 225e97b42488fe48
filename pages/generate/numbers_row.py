"""Six numbers of a run in one row, and all of them in a table: each with its spread and its real reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.drawing.numbers import DASH, interval, three
from core.metrics import METRICS
from core.statistics.distances import Distance
from core.storage.records import Metric
from pages.shared.metric import metric_card

if TYPE_CHECKING:
    import pandas as pd

CARDS: dict[str, str] = {
    "distance_to_real": "To real",
    "diversity_product": "Wording",
    "self_similarity": "Meaning",
    "base_perplexity": "Perplexity",
    "unknown_words": "Unknown",
    "copied_8grams": "Copies",
}
CARD_WIDTH = 104
DIRECTIONS = {"higher": "Higher is better.", "lower": "Lower is better.", "nearer": "Nearer to real is better."}


def numbers_row(metrics: Mapping[str, Metric], live: Distance | None, waiting: str) -> None:
    """The row of cards. live: the distance on the live map while the run is not measured yet.

    waiting: why the others have no value yet.
    """
    with st.grid(len(CARDS), min_column_width=CARD_WIDTH, gap="xsmall"):
        for key, label in CARDS.items():
            metric, what = metrics.get(key), METRICS[key]
            if metric is None and key == "distance_to_real" and live is not None and live.value is not None:
                half = _half(live.low, live.high)
                metric_card(label, live.value, half, None, note="so far", help=_help(key, None))
                continue
            if metric is None:
                metric_card(label, None, note=waiting, help=_help(key, None))
                continue
            metric_card(
                label,
                metric.value,
                _half(metric.low, metric.high),
                metric.reference,
                reference_word="floor" if key == "distance_to_real" else "real",
                percent=what.unit == "share",
                help=_help(key, metric),
                note="" if metric.value is not None else "unknown",
            )


def numbers_table(metrics: Mapping[str, Metric]) -> pd.DataFrame:
    """Every number of the run: value, interval, real, n, direction, definition and note."""
    import pandas as pd

    rows = []
    for key, what in METRICS.items():
        metric = metrics.get(key)
        if metric is None:
            continue
        rows.append(
            {
                "Metric": what.label,
                "Value": _shown(metric.value, what.unit),
                "95% interval": _interval(metric, what.unit),
                "Real": _shown(metric.reference, what.unit),
                "Better": metric.better or what.better,
                "n": metric.n,
                "Definition": what.definition,
                "Note": " ".join(part for part in (metric.note, what.interval, what.reference) if part),
            }
        )
    return pd.DataFrame(rows)


def _half(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else (high - low) / 2


def _help(key: str, metric: Metric | None) -> str:
    what = METRICS[key]
    parts = [f"**{what.label}.** {what.definition} {DIRECTIONS[what.better]}"]
    if metric is not None:
        between = f", 95% {_interval(metric, what.unit)}" if metric.low is not None else ""
        parts.append(f"n = {metric.n:,}{between}." if metric.n is not None else "")
        parts += [what.reference, metric.note]
    return " ".join(part for part in parts if part)


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return DASH
    return f"{three(value * 100)}%" if unit == "share" else three(value)


def _interval(metric: Metric, unit: str) -> str:
    if metric.low is None or metric.high is None:
        return DASH
    if unit == "share":
        return interval(metric.low * 100, metric.high * 100) + "%"
    return interval(metric.low, metric.high)
