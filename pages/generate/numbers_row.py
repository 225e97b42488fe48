"""Six numbers of a run in one row, each with its spread and its real reference."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.statistics.distances import Distance
from core.storage.records import Metric
from pages.shared.measures import LABELS, definition, measure_card
from pages.shared.metric import metric_card

CARDS = (
    "distance_to_real",
    "diversity_product",
    "self_similarity",
    "base_perplexity",
    "unknown_words",
    "copied_8grams",
)
CARD_WIDTH = 104


def numbers_row(metrics: Mapping[str, Metric], live: Distance | None, waiting: str) -> None:
    """The row of cards. live: the distance on the live map while the run is not measured yet.

    waiting: why the others have no value yet.
    """
    with st.grid(len(CARDS), min_column_width=CARD_WIDTH, gap="xsmall"):
        for name in CARDS:
            metric = metrics.get(name)
            if metric is None and name == "distance_to_real" and live is not None and live.value is not None:
                half = None if live.low is None or live.high is None else (live.high - live.low) / 2
                metric_card(LABELS[name], live.value, half, None, note="so far", help=definition(name, None))
            else:
                measure_card(name, metric, waiting)
