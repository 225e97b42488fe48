"""Runs: everything that was made, what became of it, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from core.drawing.numbers import duration
from core.errors import NotFoundError
from core.figures import SMALL_MAP_HEIGHT
from core.storage.records import Run
from core.store import Store
from pages.runs.actions import PROBLEM, action_row, attempt, name_row, resume
from pages.runs.entry import Entry, entry_of
from pages.runs.evidence import cards, metrics_table, samples_table, settings_table
from pages.runs.listing import ICON, OPEN, QUESTION, listing
from pages.runs.place import small_map
from pages.shared.badges import badge, settings_badges, state_badge
from pages.shared.engine import open_jobs, open_store
from pages.shared.frame import REFRESH_SECONDS
from pages.shared.headline import HEAD_HEIGHT, headline, section
from pages.shared.plain import literal
from pages.shared.settings_link import FOLLOWED, GENERATE
from pages.shared.states import empty, failed, interrupted


def opened(store: Store, runs: list[Run]) -> Run:
    """The run that the address names, else the one opened last, else the newest."""
    asked = st.query_params.get(FOLLOWED)
    if asked and asked != st.session_state.get("runs-asked"):
        st.session_state["runs-asked"] = asked
        try:
            st.session_state[OPEN] = store.run(asked).id
        except NotFoundError as error:
            st.session_state[PROBLEM] = str(error)
    found = next((run for run in runs if run.id == st.session_state.get(OPEN)), runs[0])
    st.session_state[OPEN] = st.session_state["runs-asked"] = st.query_params[FOLLOWED] = found.id
    return found


def stopped(store: Store, entry: Entry) -> None:
    """What is kept of a run that stopped, and the way on; it stands where its map would."""
    run = entry.run
    with st.container(height=HEAD_HEIGHT, border=False, vertical_alignment="center"):
        section("What is kept", "it goes on where it stopped, with the texts it would have had")
    key = "runs-resume"
    if run.status == "failed":
        why = run.error or "The worker said nothing about the cause."
        if failed(f"{literal(entry.name)} failed", why, ("Try again", key), SMALL_MAP_HEIGHT):
            attempt(resume, store, run.id)
            st.rerun()
        return
    word = "stopped" if run.status == "cancelled" else "interrupted"
    left = entry.seconds_left
    if interrupted(entry.name, run.samples, run.expected, left, key, height=SMALL_MAP_HEIGHT, word=word):
        attempt(resume, store, run.id)
        st.rerun()


def head(entry: Entry) -> None:
    """Which run is open: its name, its state, its settings, whose control it is."""
    run = entry.run
    note = f"{run.samples:,} / {run.expected:,}" if run.status != "done" else ""
    badges = settings_badges(entry.settings) if entry.settings else badge(run.kind)
    if run.parent is not None:
        badges += " " + state_badge("control")
    st.markdown(f"{state_badge(entry.state, note)} {badges} :gray[:small[{literal(entry.task)} · `{run.id}`]]")
    if run.active:
        job = open_jobs().of_run(run.id)
        left = f"{duration(job.eta)} left" if job is not None and job.eta is not None else ""
        st.progress(min(run.samples / max(run.expected, 1), 1.0), text=f":small[{left or 'waiting for its turn'}]")


def details(store: Store, run: str) -> None:
    """Everything about the open run; while it is written, this is drawn again every two seconds."""
    try:
        entry = entry_of(store, run)
    except NotFoundError:
        st.rerun()  # somebody deleted it since the page was drawn
    head(entry)
    metrics = {metric.name: metric for metric in store.metrics(run)}
    with st.grid(2, min_column_width=440, gap="medium"):
        place = st.container()
        with st.container():
            cards(metrics, entry.run.status == "done")
    texts, numbers, settings = st.tabs(["Samples", "Metrics", "Settings and origin"], key="runs-tabs")
    with texts:
        samples_table(store, entry.run)
    with numbers:
        metrics_table(metrics)
    with settings:
        settings_table(entry)
    # Last, because the first map of a task takes a moment.
    with place:
        if entry.resumable:
            stopped(store, entry)
        else:
            small_map(store, entry)


def nothing_yet() -> None:
    """The page of an empty store."""
    headline("Runs", QUESTION, "Nothing was written yet.", "Runs appear here as soon as one is asked for.", ICON)
    if empty(
        "No runs yet",
        "A run is one setting of the sliders, answering the queries of a task.",
        ("Write a first run", "runs-first"),
        height=320,
    ):
        st.switch_page(GENERATE)


def list_and_details(store: Store, runs: list[Run]) -> None:
    """All runs, and below them the open one."""
    run = opened(store, runs)
    active = frozenset(one.id for one in runs if one.active)
    live = REFRESH_SECONDS if active else None
    st.fragment(listing, run_every=live)(store, active, run.id)
    if problem := st.session_state.pop(PROBLEM, None):
        failed("That did not work", problem, height=None)
    with st.container(key="runs-details"):
        entry = entry_of(store, run.id)
        name_row(store, entry)
        action_row(store, entry)
        if run.active:
            st.fragment(details, run_every=REFRESH_SECONDS)(store, run.id)
        else:
            details(store, run.id)


store = open_store()
# Never st.stop(): Streamlit then forgets a click that came while the page was being drawn.
if runs := store.runs():
    list_and_details(store, runs)
else:
    nothing_yet()
