"""Which run the page shows: the one that the address names, else this session's last, else the newest."""

from __future__ import annotations

import streamlit as st

from core.errors import NotFoundError
from core.storage.records import Run
from core.store import Store
from core.tasks import Task
from pages.shared.settings_link import FOLLOWED


def follow(run: Run) -> None:
    """Show a run from now on: its id goes into the address, so that a reload and a link find it."""
    st.session_state.setdefault("followed", {})[run.task] = run.id
    st.query_params[FOLLOWED] = run.id
    if "why" in st.query_params:
        # It asked about a sample of the run before.
        del st.query_params["why"]


def followed(store: Store, task: Task) -> tuple[Run | None, str]:
    """The run to show for a task, and a sentence where the address names one that cannot be shown."""
    known: dict[str, str] = st.session_state.setdefault("followed", {})
    named = st.query_params.get(FOLLOWED)
    trouble = ""
    if named and named not in known.values():
        try:
            run = store.run(named)
            if run.kind == "steer":
                known[run.task] = run.id
                if run.task != task.name:
                    trouble = f"Run {run.id} was made for the task {run.task!r}; choose that task to see it."
            else:
                trouble = f"Run {run.id} was not written here; open it on Runs."
                del st.query_params[FOLLOWED]
        except NotFoundError:
            trouble = f"There is no run {named} in this store; it may have been deleted."
            del st.query_params[FOLLOWED]
    if task.name in known:
        try:
            run = store.run(known[task.name])
            if named != run.id:
                st.query_params[FOLLOWED] = run.id
            return run, trouble
        except NotFoundError:
            del known[task.name]
    if named and FOLLOWED in st.query_params and not trouble:
        # The run of another task, which this session has left.
        del st.query_params[FOLLOWED]
    newest = next((run for run in store.runs(task=task.name, kind="steer") if not run.parent), None)
    return newest, trouble


def control_of(store: Store, run: Run) -> Run | None:
    """The matched-temperature control that was asked for beside a run, the newest where there are several."""
    return next((child for child in store.runs(parent=run.id, kind="steer") if child.samples or child.active), None)
