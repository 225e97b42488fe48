"""What is known about the open run: six numbers at a glance, then every metric, every sample, every setting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import streamlit as st

from core.drawing.numbers import DASH, counted, duration
from core.sliders import inert
from core.storage.records import Metric, Run
from core.store import Store
from pages.runs.entry import Entry, queries_of
from pages.shared.headline import HEAD_HEIGHT, section
from pages.shared.measures import LABELS, measure_card, measures_table
from pages.shared.plain import readable
from pages.shared.states import empty

PAGE = 50
"""Samples that are read and shown at once."""

TABLE_HEIGHT = 420


def cards(metrics: Mapping[str, Metric], done: bool) -> None:
    """Nine metrics, each with its spread and its real reference."""
    with st.container(height=HEAD_HEIGHT, border=False, vertical_alignment="center"):
        section("At a glance", "± half of the 95% interval · orange: the real data")
    with st.grid(3, min_column_width=120):
        for name in LABELS:
            measure_card(name, metrics.get(name), "not measured" if done else "when complete")


def metrics_table(metrics: Mapping[str, Metric]) -> None:
    """Every metric with interval, reference, n and definition."""
    if not metrics:
        empty("Not measured yet", "Metrics are computed when the run is complete.", height=TABLE_HEIGHT)
        return
    config = st.column_config
    st.dataframe(
        measures_table(metrics),
        hide_index=True,
        height=TABLE_HEIGHT,
        placeholder=DASH,
        column_config={
            "Metric": config.TextColumn(width=130),
            "Value": config.TextColumn(width=72, alignment="right"),
            "95% interval": config.TextColumn(width=118),
            "Real": config.TextColumn(width=72, alignment="right"),
            "n": config.NumberColumn(width=48),
            "Better": config.TextColumn(width=72),
            "What it is": config.TextColumn(width=520),
        },
        alt="Every metric of this run with its interval, its real reference and its definition.",
        key="runs-metrics",
    )


def samples_table(store: Store, run: Run) -> None:
    """The samples, fifty at a time, as literal text."""
    if not run.samples:
        empty("No samples yet", "They appear here round by round.", height=TABLE_HEIGHT)
        return
    pages = -(-run.samples // PAGE)
    page = min(st.session_state.get(f"runs-page-{run.id}", 1), pages)
    samples = store.samples(run.id, limit=PAGE, offset=(page - 1) * PAGE)
    queries = queries_of(run)
    asked = [queries.get(sample.query) for sample in samples]
    labelled = any(query is not None and query.label for query in queries.values())
    columns = {
        "Query": [readable(q.text if q else s.query) for q, s in zip(asked, samples, strict=True)],
        "Label": [readable(q.label or "") if q else "" for q in asked],
        "Text": [readable(sample.text) for sample in samples],
        "Replicate": [sample.replicate for sample in samples],
        "Tokens": [len(sample.token_ids) for sample in samples],
        "Ended": ["by itself" if sample.finish == "end" else "cut at the limit" for sample in samples],
    }
    if not labelled:
        del columns["Label"]
    if run.kind == "imported":
        # Only the texts are known.
        del columns["Tokens"], columns["Ended"]
    st.dataframe(
        columns,
        hide_index=True,
        height=TABLE_HEIGHT,
        row_height=57,
        column_config={
            "Query": st.column_config.TextColumn(width=190),
            "Label": st.column_config.TextColumn(width=90),
            "Text": st.column_config.TextColumn(width=500),
            "Replicate": st.column_config.NumberColumn(width=75),
            "Tokens": st.column_config.NumberColumn(width=65),
            "Ended": st.column_config.TextColumn(width=105),
        },
        alt="Samples of this run with the query that each answers.",
        key="runs-samples",
    )
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        first = (page - 1) * PAGE + 1
        st.caption(f"Samples {first:,} to {first + len(samples) - 1:,} of {run.samples:,}, in order of arrival.")
        if pages > 1:
            st.pagination(pages, key=f"runs-page-{run.id}")


def settings_table(entry: Entry) -> None:
    """Every setting, what it does nothing for, and where the run comes from."""
    run, settings = entry.run, entry.settings
    with st.grid(2, min_column_width=380):
        with st.container():
            section("Settings", "everything that decides a text, with the pair")
            values = settings.as_dict() if settings else dict(run.settings)
            idle = inert(settings) if settings else {}
            if settings:
                values["effective temperature"] = round(settings.effective_temperature, 4)
            st.dataframe(
                {
                    "Setting": [name.replace("_", " ") for name in values],
                    "Value": [readable(_plain(value)) for value in values.values()],
                    "Does nothing because": [idle.get(name, "") for name in values],
                },
                hide_index=True,
                height=TABLE_HEIGHT,
                column_config={"Value": st.column_config.TextColumn(width=90, alignment="right")},
                key="runs-settings",
                alt="Every setting of this run.",
            )
        with st.container():
            section("Origin", "what wrote it, when, how fast")
            origin = _origin(run)
            st.dataframe(
                {"": list(origin), "Value": [readable(value) for value in origin.values()]},
                hide_index=True,
                height=TABLE_HEIGHT,
                key="runs-origin",
                alt="Model pair, times, speed and library versions of this run.",
            )


def _origin(run: Run) -> dict[str, str]:
    spec = dict(run.pair_spec or {})
    speed = f"{run.tokens / run.seconds:,.0f} tokens/s" if run.seconds and run.tokens else DASH
    asked = f"{counted(len(run.queries), 'query', 'queries')} × {counted(run.replicates, 'replicate')}"
    told = {
        "run": run.id,
        "kind": run.kind,
        "model pair": str(spec.get("label") or spec.get("name") or DASH),
        "pair fingerprint": run.pair or DASH,
        "asked": f"{asked}, {run.role}",
        "asked for": _time(run.created),
        "ended": DASH if run.finished is None else _time(run.finished),
        "time spent": duration(run.seconds) if run.seconds else DASH,
        "tokens": f"{run.tokens:,}",
        "speed": speed,
    }
    if run.parent:
        told["control of"] = run.parent
    return told | dict(run.versions)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
