"""The metrics of a run on the page: a card each, and all of them as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.drawing.numbers import DASH, interval, three
from core.metrics import METRICS
from core.storage.records import Metric
from pages.shared.metric import metric_card

if TYPE_CHECKING:
    import pandas as pd

LABELS: dict[str, str] = {
    "distance_to_real": "To real",
    "adversarial_auroc": "Told apart",
    "query_spread": "Spread",
    "diversity_product": "Wording",
    "self_similarity": "Meaning",
    "unknown_words": "Unknown",
    "base_perplexity": "Perplexity",
    "expert_perplexity": "Expert's",
    "copied_8grams": "Copies",
}
"""What a metric is called where there is room for one word."""

DIRECTIONS = {
    "higher": "Higher is better.",
    "lower": "Lower is better.",
    "nearer": "Nearer to real is better.",
}


def measure_card(name: str, metric: Metric | None, waiting: str) -> None:
    """The card of one metric; waiting: what its chip says while there is none."""
    what, label = METRICS[name], LABELS.get(name, METRICS[name].label)
    if metric is None:
        metric_card(label, None, note=waiting, help=definition(name, None))
        return
    metric_card(
        label,
        metric.value,
        None if metric.low is None or metric.high is None else (metric.high - metric.low) / 2,
        metric.reference,
        reference_word="floor" if name == "distance_to_real" else "real",
        percent=what.unit == "share",
        help=definition(name, metric),
        note="" if metric.value is not None else "unknown",
    )


def definition(name: str, metric: Metric | None) -> str:
    """What a metric is, which direction is better, and with a metric its n, interval, reference and note."""
    what = METRICS[name]
    parts = [f"**{what.label}.** {what.definition} {DIRECTIONS[what.better]}"]
    if metric is not None:
        n = "" if metric.n is None else f"n = {metric.n:,}"
        between = "" if metric.low is None else f"95% {interval_words(metric)}"
        parts += [", ".join(part for part in (n, between) if part) + ".", what.reference, metric.note]
    return " ".join(part for part in parts if part.strip("."))


def measures_table(metrics: Mapping[str, Metric]) -> pd.DataFrame:
    """One row a metric, in the order of METRICS: value, interval, reference, n, direction, definition."""
    import pandas as pd

    known = [(METRICS[name], metrics[name]) for name in METRICS if name in metrics]
    return pd.DataFrame(
        {
            "Metric": [what.label for what, _ in known],
            "Value": [value_words(metric, metric.value) for _, metric in known],
            "95% interval": [interval_words(metric) for _, metric in known],
            "Real": [value_words(metric, metric.reference) for _, metric in known],
            "n": pd.array([metric.n for _, metric in known], dtype="Int64"),
            "Better": [metric.better or what.better for what, metric in known],
            "What it is": [" ".join((what.definition, metric.note)).strip() for what, metric in known],
            "Interval": [what.interval for what, _ in known],
            "Reference": [what.reference for what, _ in known],
        }
    )


def value_words(metric: Metric, value: float | None) -> str:
    """A value of this metric, a share in per cent."""
    if value is None:
        return DASH
    return f"{three(value * 100)}%" if _is_share(metric) else three(value)


def interval_words(metric: Metric) -> str:
    """Its 95% interval, a share in per cent; a dash where there is none."""
    if metric.low is None or metric.high is None:
        return DASH
    if _is_share(metric):
        return f"{interval(metric.low * 100, metric.high * 100)}%"
    return interval(metric.low, metric.high)


def _is_share(metric: Metric) -> bool:
    return metric.name in METRICS and METRICS[metric.name].unit == "share"
