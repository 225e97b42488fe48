"""Two generators of the map beside each other: their difference on it, their distance, whether they are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.drawing.numbers import interval, probability, three
from core.generators import HELD_OUT, REAL
from core.guarantees import Sameness
from core.jobs import Jobs
from core.pair_tests import outcomes_of, submit_tests
from core.statistics.difference import Difference
from core.statistics.distances import Distance, distance
from core.statistics.energy import energy_distance
from core.statistics.sameness import Statistic
from core.storage.records import Job
from pages.perspective.finding import LEVEL, nearest
from pages.perspective.places import PAIRS
from pages.perspective.shown import Shown
from pages.shared.headline import HEAD_HEIGHT, section
from pages.shared.plain import literal, readable

FIRST, SECOND = "perspective-first", "perspective-second"
ASKED = "perspective-pair-asked"
WAIT_SECONDS = 1.0
STATISTICS: tuple[Statistic, ...] = ("mean", "energy")
WHAT = {"mean": "Same, by mean", "energy": "Same, by spread"}


def pairs(jobs: Jobs, shown: Shown) -> None:
    """The section; while a test runs it looks for its end by itself."""
    job = _job(jobs, shown)
    part = st.fragment(_pairs, key=PAIRS, run_every=WAIT_SECONDS if job is not None and job.active else None)
    part(jobs, shown, job is not None and job.active)


def _pairs(jobs: Jobs, shown: Shown, waited: bool) -> None:
    job = _job(jobs, shown)
    if waited and (job is None or not job.active):
        st.rerun()
    with st.container(height=HEAD_HEIGHT, border=False, vertical_alignment="center"):
        section("Two side by side", "on the map, in distance, as generators")
    keys = [one.key for one in shown.atlas.generators if one.key != HELD_OUT]
    first, second = _chosen(shown, keys)
    names = {key: readable(shown.name_of(key)) for key in keys}
    with st.container(horizontal=True, gap="small"):
        for label, key in (("First", FIRST), ("Second", SECOND)):
            st.selectbox(
                label,
                keys,
                format_func=lambda one: names.get(one, one),
                key=key,
                label_visibility="collapsed",
                persist_state="session",
                width="stretch",
            )
    if first == second:
        st.caption("Choose two different ones; a generator does not differ from itself.")
        return
    rows = _rows(shown, first, second, job)
    st.dataframe(
        {
            "": [row.what for row in rows],
            "Value": [row.value for row in rows],
            "95%": [row.between for row in rows],
            "In words": [row.words for row in rows],
        },
        hide_index=True,
        height="content",
        column_config={
            "": st.column_config.TextColumn(width=102),
            "Value": st.column_config.TextColumn(width=58, alignment="right"),
            "95%": st.column_config.TextColumn(width=88),
            "In words": st.column_config.TextColumn(width=88),
        },
        alt="Difference on the map, distances and tests of the two.",
        key="perspective-pair",
    )
    if notes := list(dict.fromkeys(row.note for row in rows if row.note)):
        st.caption(" ".join(literal(note) for note in notes))
    st.button(
        "Test whether they are the same",
        key="perspective-pair-test",
        disabled=job is not None,
        help="Permutations of the answers' labels within each query, for both statistics; the worker does it.",
        on_click=_ask,
        args=(shown.task.name, first, second),
    )


def _chosen(shown: Shown, keys: Sequence[str]) -> tuple[str, str]:
    """The two that the boxes hold; the nearest run and the real data where they hold nothing that is here."""
    near = nearest(shown.atlas) or keys[0]
    usual = (near, REAL if REAL in keys else next((key for key in keys if key != near), near))
    for key, choice in zip((FIRST, SECOND), usual, strict=True):
        if st.session_state.get(key) not in keys:
            st.session_state[key] = choice
    return st.session_state[FIRST], st.session_state[SECOND]


@dataclass(frozen=True)
class _Row:
    """One line about the two. note: what must be known besides, such as why there is no interval."""

    what: str
    value: str
    between: str
    words: str
    note: str = ""


def _rows(shown: Shown, first: str, second: str, job: Job | None) -> list[_Row]:
    fitted, answers = shown.atlas.map, shown.atlas.answers
    rows = [_difference(fitted.difference(fitted.index(first), fitted.index(second)))]
    if answers is not None:
        near, spread = _apart(shown.atlas.id, first, second, shown)
        rows += [_distance("Distance", near), _distance("With spread", spread)]
    return rows + [_tested(one, job, first, second) for one in STATISTICS]


def _difference(found: Difference) -> _Row:
    size = three(sum(float(value) ** 2 for value in found.vector) ** 0.5)
    words = {None: "no ellipse", True: "told apart", False: "not told apart"}[found.told_apart]
    return _Row("On the map", size, "", words, "" if found.told_apart is not None else found.reason or "")


def _distance(what: str, found: Distance) -> _Row:
    if found.value is None or found.low is None:
        return _Row(what, three(found.value), "", "no interval", found.reason or "")
    words = "differ" if found.low > 0 else "not told apart"
    return _Row(what, three(found.value), interval(found.low, found.high), words)


def _tested(statistic: Statistic, job: Job | None, first: str, second: str) -> _Row:
    what = WHAT[statistic]
    if job is None:
        return _Row(what, "", "", "not tested")
    if job.active:
        return _Row(what, "", "", "testing")
    if job.status != "done":
        return _Row(what, "", "", "did not end", job.error or "")
    test: Sameness | None = outcomes_of(job).get(((first, second), statistic))
    if test is None or test.p is None:
        return _Row(what, "", "", "no test", test.reason or "" if test else "")
    words = "differ" if test.p <= LEVEL else "not told apart"
    return _Row(what, f"p {probability(test.p)}", "", words, test.reason or "")


@st.cache_data(max_entries=64, show_spinner=False)
def _apart(key: str, first: str, second: str, _shown: Shown) -> tuple[Distance, Distance]:
    """The debiased distance of means, and the energy distance."""
    fitted, answers = _shown.atlas.map, _shown.atlas.answers
    assert answers is not None
    a, b = answers[fitted.index(first)], answers[fitted.index(second)]
    return distance(a, b), energy_distance(a, b)


def _ask(task: str, first: str, second: str) -> None:
    st.session_state[ASKED] = (task, first, second)
    # The clock that waits for the worker starts with the page.
    st.rerun()


def _job(jobs: Jobs, shown: Shown) -> Job | None:
    """The test of the chosen pair, where somebody asked for it."""
    pair = (st.session_state.get(FIRST), st.session_state.get(SECOND))
    asked = st.session_state.get(ASKED)
    if asked is None or asked != (shown.task.name, *pair):
        return None
    samples = sum(run.samples for key, run in shown.runs.items() if key in pair)
    return submit_tests(jobs, shown.task, [(str(pair[0]), str(pair[1]))], STATISTICS, samples=samples)
