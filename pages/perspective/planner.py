"""How many answers a point takes until its box is as small as one wants, and how long they would take here."""

from __future__ import annotations

import streamlit as st

from core.drawing.numbers import DASH, duration
from core.errors import SteerscopeError
from core.guarantees import Budget, axes_of, plan_budget
from core.storage.records import Run
from core.store import Store
from pages.perspective.finding import nearest
from pages.perspective.shown import Shown
from pages.shared.headline import HEAD_HEIGHT, section
from pages.shared.plain import literal, readable

EPSILON, DELTA, PILOT = "perspective-epsilon", "perspective-delta", "perspective-pilot"
WAYS = {"hoeffding": "Guaranteed", "bernstein": "If like the pilot", "expected": "Expected"}
"""From the number of answers alone; if they vary as the pilot's do; and what a normal interval would take."""


def planner(store: Store, shown: Shown) -> None:
    """The section."""
    st.fragment(_planner, key="perspective-planner")(store, shown)


def _planner(store: Store, shown: Shown) -> None:
    with st.container(height=HEAD_HEIGHT, border=False, vertical_alignment="center"):
        section("How many answers", "for a box of this size")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        epsilon = st.number_input(
            "± on each axis",
            min_value=0.001,
            max_value=1.0,
            value=0.1,
            step=0.01,
            format="%.3f",
            key=EPSILON,
            width=92,
        )
        delta = st.number_input(
            "May miss", min_value=0.001, max_value=0.5, value=0.05, step=0.01, format="%.3f", key=DELTA, width=92
        )
        keys = [one.key for one in shown.generators]
        names = {key: readable(shown.name_of(key)) for key in keys}
        usual = nearest(shown.atlas)
        pilot = st.selectbox(
            "Pilot",
            keys,
            index=keys.index(usual) if usual in keys else 0,
            format_func=lambda key: names.get(key, key),
            key=PILOT,
            help="A run whose answers vary as those to come will.",
            width="stretch",
        )
    seconds = seconds_per_answer(list(shown.runs.values()))
    try:
        budget = _budget(shown, float(epsilon or 0.1), float(delta or 0.05), pilot, seconds)
    except SteerscopeError as error:
        st.caption(literal(str(error)))
        return
    st.dataframe(
        {
            "": list(WAYS.values()),
            "Answers": [_count(getattr(budget, way)) for way in WAYS],
            "A query": [_count(budget.per_query[way]) for way in WAYS],
            "Time": [DASH if (time := budget.seconds[way]) is None else duration(time) for way in WAYS],
        },
        hide_index=True,
        height="content",
        column_config={
            "": st.column_config.TextColumn(width=106),
            "Answers": st.column_config.TextColumn(width=66, alignment="right"),
            "A query": st.column_config.TextColumn(width=62, alignment="right"),
            "Time": st.column_config.TextColumn(width=78, alignment="right"),
        },
        alt="Answers, answers a query and time for each kind of bound.",
        key="perspective-budget",
    )
    st.caption(_words(budget, seconds))


def seconds_per_answer(runs: list[Run]) -> float | None:
    """What an answer took here, over all runs that were timed; None where none was."""
    timed = [run for run in runs if run.seconds and run.samples]
    return sum(run.seconds for run in timed) / sum(run.samples for run in timed) if timed else None


def _budget(shown: Shown, epsilon: float, delta: float, pilot: str | None, seconds: float | None) -> Budget:
    fitted, answers = shown.atlas.map, shown.atlas.answers
    if answers is None or pilot is None or fitted.variant == "energy" or fitted.rank < fitted.dimension:
        return plan_budget(epsilon, delta, dimension=fitted.dimension, seconds_per_answer=seconds)
    return plan_budget(
        epsilon,
        delta,
        pilot=answers[fitted.index(pilot)],
        blocks=axes_of(fitted),
        seconds_per_answer=seconds,
    )


def _words(budget: Budget, seconds: float | None) -> str:
    parts = ["Guaranteed by Hoeffding, like the pilot by Bernstein; a number fixed beforehand, no point to stop at."]
    if seconds is not None:
        parts.append(f"Time at {seconds:.2g} s an answer, as measured on this task.")
    if budget.chained:
        parts.append("Answers come in chains, each through all queries.")
    if budget.reason:
        parts.append(literal(budget.reason))
    return " ".join(parts)


def _count(number: int | None) -> str:
    return DASH if number is None else f"{number:,}"
