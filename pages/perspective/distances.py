"""The tab of distances: every run beside the real data, the nearest first, with interval and test in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.drawing.numbers import counted, interval, probability
from core.generators import HELD_OUT, REAL
from core.guarantees import Sameness, benjamini_hochberg
from core.jobs import Jobs
from core.pair_tests import outcomes_of, submit_tests
from core.statistics.sameness import Statistic
from core.storage.records import Job
from pages.perspective.finding import Apart, apart
from pages.perspective.places import PANEL_HEIGHT
from pages.perspective.shown import Shown
from pages.shared.plain import literal, readable

METHODS = {
    "answers": "over answers",
    "queries": "over queries",
    "chains": "over chains",
    "rounds": "over rounds, approximate",
    "exact": "exact",
    "none": "",
}


def statistic_of(shown: Shown) -> Statistic:
    """What the test looks at: where answers lie, on the map of spread also how they scatter."""
    return "energy" if shown.atlas.map.variant == "energy" else "mean"


def tests(jobs: Jobs, shown: Shown) -> Job | None:
    """The job that tests every run of the map against the real data; None where there are none to test against."""
    if REAL not in shown.atlas.map.keys:
        return None
    pairs = [(key, REAL) for key in sorted(one.key for one in shown.generators)]
    samples = sum(run.samples for run in shown.runs.values())
    return submit_tests(jobs, shown.task, pairs, [statistic_of(shown)], samples=samples)


def corrected(job: Job | None, shown: Shown) -> dict[str, float | None]:
    """q of every run after Benjamini and Hochberg over all of them; empty until the tests are done."""
    found = _by_run(job, shown)
    keys = sorted(found)
    return dict(zip(keys, benjamini_hochberg([found[key].p for key in keys]), strict=True))


def _by_run(job: Job | None, shown: Shown) -> dict[str, Sameness]:
    if job is None:
        return {}
    done = outcomes_of(job)
    return {pair[0]: test for (pair, statistic), test in done.items() if statistic == statistic_of(shown)}


def distances(shown: Shown, job: Job | None, scores: Mapping[str, Mapping[str, float]]) -> None:
    """The table, and one line that says how it was made."""
    if REAL not in shown.atlas.map.keys:
        with st.container(border=True, height=PANEL_HEIGHT, vertical_alignment="center", horizontal_alignment="center"):
            st.markdown("##### No real data", text_alignment="center", anchors=False)
            body = "This task has no real rows, so there is nothing to be near to. Compare two runs below."
            st.markdown(f":small[:gray[{body}]]", text_alignment="center")
        return
    ranked = apart(shown.atlas, corrected(job, shown))
    st.dataframe(
        _columns(shown, ranked, _by_run(job, shown), scores),
        hide_index=True,
        height=PANEL_HEIGHT - 58,
        placeholder="",
        column_config=_config(ranked, scores),
        alt="Every run with its distance to the real data, the nearest first.",
        key="perspective-distances",
    )
    st.caption(_said(shown, job))


def _columns(
    shown: Shown, ranked: Sequence[Apart], found: Mapping[str, Sameness], scores: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    import pandas as pd

    columns: dict[str, Any] = {
        "Run": [readable(shown.name_of(one.key)) for one in ranked],
        "To real": pd.array([one.distance.value if one.distance else None for one in ranked], dtype="Float64"),
        "95% interval": [interval(one.distance.low, one.distance.high) if one.distance else "" for one in ranked],
        "Test": [one.words for one in ranked],
    }
    for name in sorted({name for one in ranked for name in scores.get(one.key, ())}):
        columns[name] = pd.array([scores.get(one.key, {}).get(name) for one in ranked], dtype="Float64")
    columns["p"] = [probability(found[one.key].p) if one.key in found else "" for one in ranked]
    columns["Interval"] = [METHODS.get(one.distance.method, "") if one.distance else "" for one in ranked]
    columns["Why not"] = [_why(one, found.get(one.key)) for one in ranked]
    columns["Samples"] = [len(shown.atlas.samples[shown.atlas.map.index(one.key)]) for one in ranked]
    return columns


def _why(one: Apart, test: Sameness | None) -> str:
    """Why there is no interval or no exact test, in the words of whoever found out."""
    reasons = [one.distance.reason if one.distance else None, test.reason if test else None]
    return readable(" ".join(reason for reason in reasons if reason))


def _config(ranked: Sequence[Apart], scores: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    config = st.column_config
    largest = max((one.distance.value or 0.0 for one in ranked if one.distance), default=0.0)
    names = {name for one in ranked for name in scores.get(one.key, ())}
    return {
        "Run": config.TextColumn(width=132),
        "To real": config.ProgressColumn(
            format="%.3f",
            min_value=0.0,
            max_value=max(largest, 1e-9),
            width=124,
            help="Debiased squared distance in all directions, never read off the map; it may be slightly below 0.",
        ),
        "95% interval": config.TextColumn(width=104),
        "Test": config.TextColumn(width=146),
        "Why not": config.TextColumn(width=360),
        **{name: config.NumberColumn(format="%.3f", width=76) for name in names},
    }


def _said(shown: Shown, job: Job | None) -> str:
    floor = next((d for key, d in zip(shown.atlas.map.keys, shown.atlas.to_real, strict=True) if key == HELD_OUT), None)
    parts = ["Full debiased squared distance, all axes, these queries."]
    if floor is not None and floor.value is not None:
        parts.append(f"Two halves of the real data: {floor.value:.3f}, {interval(floor.low, floor.high)}.")
    parts.append(_about_test(job, shown))
    return " ".join(parts)


def _about_test(job: Job | None, shown: Shown) -> str:
    if job is None:
        return ""
    if job.active:
        count = f"{job.done:,} of {job.total:,}" if job.total else "waiting for the worker"
        return f":shimmer[Testing, {count}]."
    if job.status != "done":
        return f"The tests did not end: {literal(job.error or job.status)}"
    found = _by_run(job, shown)
    tested = sum(test.p is not None for test in found.values())
    what = "where answers lie" if statistic_of(shown) == "mean" else "where answers lie and how they scatter"
    most = max((test.permutations for test in found.values()), default=0)
    return f"Test: {most:,} permutations of {what}, Benjamini\u2013Hochberg over {counted(tested, 'run')}."
