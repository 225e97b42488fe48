"""The slider point beside the toolbar: its sliders, and what it is foretold, or the button that places it."""

from __future__ import annotations

import streamlit as st

from core.drawing.numbers import DASH, counted, decimals_for, duration, fixed, three
from core.jobs import Jobs
from core.models import PairSpec
from core.slider_point import REPLICATES
from core.sliders import SteerSettings
from core.storage.records import Job
from pages.predict.actions import cancel, place_point
from pages.predict.places import POINT, SURFACE
from pages.predict.point import Point, point, ranges, start, widget
from pages.predict.shown import Shown
from pages.shared.badges import badge
from pages.shared.costs import usual_seconds
from pages.shared.kept import kept
from pages.shared.plain import literal
from pages.shared.signs import sign

SLIDER_WIDTH = 80
ANSWER_WIDTH = 204
REFRESH_SECONDS = 1.0


def point_view(jobs: Jobs, shown: Shown, pair: PairSpec | None) -> None:
    """Sliders and answer; while the point is being written they follow it."""
    if not ranges(shown):
        return
    job = point(jobs, shown, pair).job
    live = job is not None and job.active
    st.fragment(_point_view, key=POINT, run_every=REFRESH_SECONDS if live else None)(jobs, shown, pair, live)


def _point_view(jobs: Jobs, shown: Shown, pair: PairSpec | None, live: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", width="content"):
        for number, name in enumerate(ranges(shown)):
            _slider(shown, name, first=number == 0)
        found = point(jobs, shown, pair)
        if live and (found.job is None or not found.job.active):
            # It ended: the cross belongs on the surface, and nothing needs to be followed any more.
            st.rerun()
        with st.container(width=ANSWER_WIDTH, gap="xxsmall", key="predict-answer"):
            _answer(jobs, shown, pair, found)


def _slider(shown: Shown, name: str, *, first: bool) -> None:
    span = ranges(shown)[name]
    kind = int if span.step == 1.0 else float
    low, high = kind(span.low), kind(span.high)
    kept(widget(name), kind(start(shown)[name]), lambda held: low <= held <= high)
    st.slider(
        f"{sign(name)} of a point" if first else sign(name),
        low,
        high,
        step=kind(span.step or (span.high - span.low) / 20),
        format="%d" if kind is int else "%.2f",
        key=widget(name),
        help="From the least to the greatest value of the scored runs; every other setting as in most of them."
        if first
        else None,
        persist_state="session",
        on_change=_moved,
        width=SLIDER_WIDTH + 16 * first,
    )


def _moved() -> None:
    st.rerun([POINT, SURFACE])


def _answer(jobs: Jobs, shown: Shown, pair: PairSpec | None, found: Point) -> None:
    if found.trouble:
        st.caption(literal(found.trouble))
    elif found.prediction is not None:
        _foretold(found)
    elif found.job is not None and found.job.active:
        _progress(found.job)
    elif found.settings is not None:
        _offer(jobs, shown, pair, found.settings, found.job)


def _foretold(found: Point) -> None:
    one = found.prediction
    assert one is not None
    ends = [value for value in (one.predicted, one.low, one.high) if value is not None]
    places = decimals_for(max(map(abs, ends)))
    between = "" if one.low is None else f" :small[({fixed(one.low, places)} {DASH} {fixed(one.high, places)})]"
    st.markdown(f"predicts **{fixed(one.predicted, places)}**{between}")
    sign = badge("extrapolates", "yellow", "warning") if one.extrapolates else badge("inside the map", "green", "check")
    if one.score is not None:
        tail = f"measured {three(one.score)}"
    elif one.low is None:
        tail = "no interval yet"
    else:
        tail = "" if found.run is None else "no score yet"
    st.markdown(f"{sign} :gray[:small[{tail}]]" if tail else sign)


def _progress(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        count = f"{job.done:,} of {job.total:,} samples" if job.total and job.done else "waiting for its turn"
        left = f" · {duration(job.eta)}" if job.eta is not None else ""
        st.progress(min(job.done / job.total, 1.0) if job.total else 0.0, text=f":small[{count}{left}]")
        st.button(
            "",
            icon=":material/close:",
            type="tertiary",
            help="Cancel",
            key="predict-point-cancel",
            disabled=job.cancel,
            on_click=cancel,
            args=([job.id],),
        )


def _offer(jobs: Jobs, shown: Shown, pair: PairSpec | None, settings: SteerSettings, last: Job | None) -> None:
    """The button, with what it costs; above it what became of the try before."""
    samples = len(shown.task.with_role("probe")) * REPLICATES
    cost = "No expert was trained for this task."
    if pair is not None:
        each = usual_seconds(jobs.store, shown.task, pair, settings)
        cost = counted(samples, "sample") + (f", about {duration(each * samples)}" if each else "")
    failed = last is not None and last.status == "failed"
    if failed:
        cost = literal(last.error or "It failed.")  # type: ignore[union-attr]
    st.caption(f":red[{cost}]" if failed else cost)
    st.button(
        "Try again" if failed else "Place it",
        icon=":material/add_location_alt:",
        key="predict-place",
        help="Write these few answers with the sliders as they stand; where they lie on the map foretells the score.",
        on_click=place_point,
        args=(shown.task, pair, settings),
        disabled=pair is None,
    )
