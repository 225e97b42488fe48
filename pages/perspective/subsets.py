"""What can be done with selected samples: keep them under a name, open a subset again, take them away as a file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.drawing.numbers import counted
from core.errors import SteerscopeError
from core.exports import FORMATS, Form
from core.storage.records import Subset
from core.store import Store
from core.subset_export import export_samples, subset_file_name
from core.tasks import Task
from pages.perspective.pool import Speck
from pages.perspective.selection import select
from pages.shared.plain import literal

NAME = "perspective-subset-name"
PROBLEM = "perspective-problem"
"""Session key of the sentence that says why the last action did not work."""

NAME_CHARACTERS = 60
LISTED = 12


def subsets(store: Store, task: str, found: Sequence[Speck]) -> None:
    """Save these samples as a subset, or select those of an earlier one."""
    with st.popover("", icon=":material/bookmark_add:", help="Subsets", key="perspective-subsets"):
        ids = [one.id for one in found]
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", width=360):
            st.text_input(
                f"Keep {counted(len(ids), 'sample')} as" if ids else "Select samples to keep them",
                key=NAME,
                max_chars=NAME_CHARACTERS,
                placeholder="A name",
                disabled=not ids,
                width="stretch",
            )
            st.button(
                "Save",
                key="perspective-subset-save",
                type="primary",
                disabled=not ids,
                on_click=_save,
                args=(store, task, ids),
            )
        if problem := st.session_state.pop(PROBLEM, None):
            st.error(literal(problem), icon=":material/error:")
        known = store.subsets(task)
        for subset in known[:LISTED]:
            _row(store, task, subset)
        if len(known) > LISTED:
            st.caption(f"and {len(known) - LISTED} older ones")


def _row(store: Store, task: str, subset: Subset) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width=360):
        st.button(
            f"{literal(subset.name)} :gray[:small[{counted(len(subset.samples), 'sample')}]]",
            key=f"perspective-subset-{subset.id}",
            type="tertiary",
            help="Select these samples",
            on_click=select,
            args=(task, subset.samples, subset.name),
            width="stretch",
        )
        st.button(
            "",
            icon=":material/delete:",
            key=f"perspective-subset-delete-{subset.id}",
            type="tertiary",
            help="Forget this subset; its samples stay",
            on_click=_delete,
            args=(store, subset.id),
        )


def _save(store: Store, task: str, ids: Sequence[str]) -> None:
    name = str(st.session_state.get(NAME) or "").strip()
    if not name:
        st.session_state[PROBLEM] = "A subset needs a name."
        return
    try:
        kept = store.save_subset(task, name, ids)
    except SteerscopeError as error:
        st.session_state[PROBLEM] = str(error)
        return
    st.session_state[NAME] = ""
    select(task, kept.samples, kept.name)


def _delete(store: Store, subset: str) -> None:
    try:
        store.delete_subset(subset)
    except SteerscopeError as error:
        st.session_state[PROBLEM] = str(error)


def export(store: Store, task: Task, name: str, found: Sequence[Speck]) -> None:
    """These samples as a file, each with its query, settings, pair and versions."""
    ids = tuple(one.id for one in found)
    with st.popover("", icon=":material/download:", help="Export", disabled=not ids, key="perspective-export"):
        st.caption(f"{counted(len(ids), 'sample')}, each with its query, settings, pair and versions.")
        for form, kind in FORMATS.items():
            st.download_button(
                kind.label,
                data=partial(_file, store, task, name, ids, form),
                file_name=subset_file_name(task.name, name, form),
                mime=kind.mime,
                key=f"perspective-export-{form}",
                on_click="ignore",
                width="stretch",
            )
        st.caption("In CSV, a text that a spreadsheet would run as a formula starts with an apostrophe.")


def _file(store: Store, task: Task, name: str, ids: Sequence[str], form: Form) -> io.BytesIO:
    # Made at the click, not with every drawing of the page.
    target = io.BytesIO()
    export_samples(store, task, ids, form, target, name=name)
    target.seek(0)
    return target
