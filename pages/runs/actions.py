"""What can be done with the open run: restore, open, resume, cancel, star, note, export, delete."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from core.drawing.numbers import counted
from core.errors import SteerscopeError
from core.exports import FORMATS, Form, export_run, file_name
from core.jobs import Jobs
from core.storage.records import Priority, Run
from core.store import Store
from pages.runs.entry import Entry, queries_of
from pages.runs.listing import OPEN
from pages.shared.plain import literal
from pages.shared.settings_link import GENERATE, open_on_generate, set_sliders, settings_to_query

PROBLEM = "runs-problem"
"""Session key of the sentence that says why the last action did not work."""

NOTE_CHARACTERS = 500


def attempt(action: Callable[..., Any], *args: Any) -> None:
    """For callbacks: do it, or keep the sentence that explains why not, for the page to show."""
    try:
        action(*args)
    except SteerscopeError as error:
        st.session_state[PROBLEM] = str(error)


def name_row(store: Store, entry: Entry) -> None:
    """What the run is called, then its note and its star, saved as they are changed."""
    run, key = entry.run, f"runs-note-{entry.run.id}"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{literal(entry.name)}**", width="content")
        st.text_input(
            "Note",
            value=run.note,
            key=key,
            max_chars=NOTE_CHARACTERS,
            placeholder="A note, for whoever comes after you",
            label_visibility="collapsed",
            on_change=attempt,
            args=(_note, store, run.id, key),
            width="stretch",
        )
        st.button(
            "★ Starred" if run.starred else "☆ Star",
            key="runs-star",
            type="tertiary",
            on_click=attempt,
            args=(_star, store, run),
        )


def action_row(store: Store, entry: Entry) -> None:
    """The buttons, the most useful first; what makes no sense now is not there."""
    run = entry.run
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if entry.settings is not None:
            st.button(
                "Open in Generate",
                key="runs-follow",
                icon=":material/open_in_new:",
                help="Show this run on Generate, with its map, its samples and why each token was written.",
                on_click=attempt,
                args=(open_on_generate, run),
            )
            st.button(
                "Restore settings",
                key="runs-restore",
                icon=":material/tune:",
                help="Move the sliders of Generate to these settings, to write them again or to change one.",
                on_click=attempt,
                args=(_restore, entry),
            )
        if run.active:
            st.button(
                "Cancel",
                key="runs-cancel",
                icon=":material/close:",
                help="Stop within one decoding step; what is finished stays.",
                on_click=attempt,
                args=(_cancel, store, run),
            )
        if run.kind == "imported" and not store.metrics(run.id):
            st.button(
                "Embed and measure",
                key="runs-measure",
                icon=":material/straighten:",
                help="Find where these texts lie beside the others, and measure them; a worker does it.",
                on_click=attempt,
                args=(measure, store, run.id),
            )
        if run.samples:
            _export(store, run)
        if not run.active and st.button("Delete", key="runs-delete", icon=":material/delete:"):
            _confirm(store, entry)


def resume(store: Store, run: str) -> None:
    """Queue the rest of a run that stopped."""
    Jobs(store).resume(run)


def measure(store: Store, run: str) -> None:
    """Queue the measuring of a run; not twice at once."""
    jobs = Jobs(store)
    if not any(job.kind == "measure" and job.payload == {"run": run} for job in jobs.active()):
        jobs.submit("measure", {"run": run}, priority=Priority.VIEW)


def _restore(entry: Entry) -> None:
    run, settings = entry.run, entry.settings
    assert settings is not None
    queries, replicates = max(len(run.queries), 1), run.replicates
    st.session_state["task"] = run.task
    pair = dict(run.pair_spec or {}).get("name")
    if pair:
        st.session_state["pair"] = pair
    set_sliders(settings, queries, replicates)
    st.switch_page(GENERATE, query_params=settings_to_query(settings, queries, replicates))


def _cancel(store: Store, run: Run) -> None:
    jobs = Jobs(store)
    job = jobs.of_run(run.id)
    if job is not None:
        jobs.cancel(job.id)


def _star(store: Store, run: Run) -> None:
    store.update_run(run.id, starred=not run.starred)


def _note(store: Store, run: str, key: str) -> None:
    store.update_run(run, note=str(st.session_state[key])[:NOTE_CHARACTERS].strip())


def _export(store: Store, run: Run) -> None:
    with st.popover("Export", icon=":material/download:", key="runs-export"):
        st.caption(f"{counted(run.samples, 'sample')}, each with its query, settings, pair and versions.")
        queries = queries_of(run)
        for form, kind in FORMATS.items():
            st.download_button(
                kind.label,
                data=partial(_file, store, run.id, form, queries),
                file_name=file_name(run, form),
                mime=kind.mime,
                key=f"runs-export-{form}",
                on_click="ignore",
                width="stretch",
            )
        st.caption("In CSV, a text that a spreadsheet would run as a formula starts with an apostrophe.")


def _file(store: Store, run: str, form: Form, queries: Any) -> io.BytesIO:
    # Made at the click, not with every drawing of the page.
    target = io.BytesIO()
    export_run(store, run, form, target, queries)
    target.seek(0)
    return target


@st.dialog("Delete this run?", icon=":material/delete:")
def _confirm(store: Store, entry: Entry) -> None:
    run = entry.run
    metrics = len(store.metrics(run.id))
    parts = [counted(run.samples, "sample")]
    parts += [counted(metrics, "metric")] if metrics else []
    parts += ["its note"] if run.note else []
    lost = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
    st.markdown(f"**{literal(entry.name)}** (`{run.id}`) goes with {lost}. Nothing brings them back.")
    controls = store.runs(parent=run.id)
    if controls:
        stay = "stays as a run of its own" if len(controls) == 1 else "stay as runs of their own"
        st.markdown(f"{counted(len(controls), 'control')} that was written for it {stay}.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it", key="runs-keep"):
            st.rerun()
        if st.button(
            "Delete it",
            key="runs-delete-now",
            type="primary",
            on_click=attempt,
            args=(_delete, store, run.id),
        ):
            st.rerun()


def _delete(store: Store, run: str) -> None:
    store.delete_run(run)
    st.session_state.pop(OPEN, None)
    st.query_params.pop("run", None)
