"""What a run has written so far: the finding, its numbers, its place on the map and its samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.drawing.marks import marks_table
from core.errors import NotFoundError
from core.jobs import Jobs
from core.sliders import SteerSettings
from core.storage.records import Metric, Run
from core.tasks import Task
from pages.generate import verdict
from pages.generate.actions import cancel_run, measure_run, resume_run, show_run, start_control
from pages.generate.following import control_of
from pages.generate.numbers_row import numbers_row
from pages.generate.samples import STATES, samples
from pages.generate.small_map import Drawn, drawn_map, small_map
from pages.shared.badges import badge, settings_badges, state_badge
from pages.shared.engine import open_jobs
from pages.shared.headline import headline, section
from pages.shared.measures import measures_table
from pages.shared.settings_link import set_sliders
from pages.shared.states import failed, interrupted

REFRESH_SECONDS = 2.0
QUESTION = "What do these settings write?"
ICON = ":material/edit_note:"
STOPPED = ("interrupted", "cancelled", "failed")
STATE_HEIGHT = 200


@dataclass(frozen=True)
class Places:
    """Where the parts of a run stand on the page; samples is None while a preview has their place."""

    top: DeltaGenerator
    numbers: DeltaGenerator
    map: DeltaGenerator
    samples: DeltaGenerator | None


def live(task: Task, run: Run, places: Places) -> None:
    """All parts of a run. They look at the store every two seconds while something is being written for it."""
    moving = _moving(open_jobs(), run)
    st.fragment(_parts, run_every=REFRESH_SECONDS if moving else None)(task, run.id, places, moving)


def _parts(task: Task, number: str, places: Places, was_moving: bool) -> None:
    jobs = open_jobs()
    store = jobs.store
    try:
        run = store.run(number)
    except NotFoundError:
        # Deleted in another window.
        st.rerun()
    if was_moving and not _moving(jobs, run):
        # The whole page once more, without the clock.
        st.rerun()
    settings = SteerSettings.from_mapping(run.settings)
    control = control_of(store, run)
    metrics = {metric.name: metric for metric in store.metrics(run.id)}
    beside = {metric.name: metric for metric in store.metrics(control.id)} if control else None
    drawn = drawn_map(store, task, run, control)
    said = _said(task, run, settings, metrics, beside, drawn)
    with places.top:
        headline("Generate", QUESTION, said.title, said.detail, ICON)
    with places.numbers:
        if run.status in STOPPED and not metrics and not _measuring(jobs, run):
            _stopped(jobs, run, settings)
        else:
            numbers_row(metrics, drawn.distance, "after the run" if run.active else "not measured")
        _toolbar(task, run, settings, control, metrics, drawn)
    if places.samples is not None:
        with places.samples:
            samples(store, task, run)
    with places.map:
        small_map(drawn, run)


def _said(
    task: Task,
    run: Run,
    settings: SteerSettings,
    metrics: Mapping[str, Metric],
    beside: Mapping[str, Metric] | None,
    drawn: Drawn,
) -> verdict.Verdict:
    if run.active:
        return verdict.writing(run, settings, drawn.queries if drawn.samples else 0)
    if run.status in STOPPED and run.samples < run.expected:
        return verdict.stopped(run, settings)
    return verdict.finding(task, run, settings, metrics, beside)


def _stopped(jobs: Jobs, run: Run, settings: SteerSettings) -> None:
    """What is kept of a run that ended early, and the way on."""
    name = verdict.name_of(settings)
    if run.status == "failed":
        if failed(f"{name} failed", run.error or "", ("Resume", "resume"), height=STATE_HEIGHT):
            resume_run(run.id)
        return
    speed = run.seconds / run.samples if run.samples and run.seconds else None
    rest = speed * (run.expected - run.samples) if speed else None
    keep = "keep" if run.samples else None
    clicked = interrupted(
        name,
        run.samples,
        run.expected,
        rest,
        "resume",
        keep,
        height=STATE_HEIGHT,
        word="interrupted" if run.status == "interrupted" else "stopped",
    )
    if clicked == "resume":
        resume_run(run.id)
    elif clicked == "keep":
        measure_run(run.id)


def _toolbar(
    task: Task,
    run: Run,
    settings: SteerSettings,
    control: Run | None,
    metrics: Mapping[str, Metric],
    drawn: Drawn,
) -> None:
    """Which settings these are the results of, and what can be done about them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="toolbar"):
        badges = settings_badges(settings, SteerSettings(max_new_tokens=task.max_new_tokens))
        if run.parent:
            badges = f"{state_badge('control')} {badges}"
        if control is not None:
            note = f"{control.samples:,} / {control.expected:,}" if control.status != "done" else ""
            badges += f" {badge(f'control {STATES[control.status]} {note}'.strip(), 'blue', 'radio_button_unchecked')}"
        st.markdown(badges, width="stretch")
        st.button(
            "",
            icon=":material/tune:",
            type="tertiary",
            key="use-settings",
            help="Move the sliders to the settings of this run",
            on_click=_use,
            args=(run, settings),
        )
        if run.parent:
            st.button("Its run", type="tertiary", key="parent", on_click=show_run, args=(run.parent,))
        elif control is not None and control.status in STOPPED:
            st.button("Resume the control", type="tertiary", key="control", on_click=resume_run, args=(control.id,))
        elif control is None and settings.matched_temperature() != settings:
            st.button(
                "Run the control",
                icon=":material/radio_button_unchecked:",
                type="tertiary",
                key="control",
                help=f"The expert alone at the matched temperature {settings.matched_temperature().temperature:.3g}, "
                "for the same queries, replicates and seed: what temperature alone would do.",
                on_click=start_control,
                args=(task, run),
            )
        _tables(metrics, drawn)
        if run.active:
            st.button(
                "Cancel", icon=":material/close:", type="tertiary", key="cancel", on_click=cancel_run, args=(run.id,)
            )


def _tables(metrics: Mapping[str, Metric], drawn: Drawn) -> None:
    """Everything that is drawn, as numbers."""
    with st.popover("Tables", icon=":material/table:", type="tertiary", key="tables", width="content"):
        if metrics:
            section("All numbers of this run", "each with its interval and its real reference")
            st.dataframe(
                measures_table(metrics),
                hide_index=True,
                width=940,
                alt="Every metric of this run with its interval and its real reference",
                key="numbers-table",
            )
        if drawn.marks:
            section("On the map", "nearest to real first")
            st.dataframe(
                marks_table(drawn.marks),
                hide_index=True,
                width=940,
                alt="Every mark of the map with its distance to real",
                key="marks-table",
            )
        if not metrics and not drawn.marks:
            st.caption("Nothing is measured or drawn yet.")


def _use(run: Run, settings: SteerSettings) -> None:
    set_sliders(settings, len(run.queries) if run.role == "probe" else None, run.replicates)
    st.rerun()


def _moving(jobs: Jobs, run: Run) -> bool:
    """Whether anything about the run may change by itself."""
    control = control_of(jobs.store, run)
    return run.active or _measuring(jobs, run) or bool(control and control.active)


def _measuring(jobs: Jobs, run: Run) -> bool:
    job = st.session_state.get("measuring", {}).get(run.id)
    try:
        return job is not None and jobs.job(job).active
    except NotFoundError:
        return False
