"""Samples of the run as they arrive, newest first, each with the way to ask why it reads as it does."""

from __future__ import annotations

import streamlit as st

from core.drawing.numbers import counted
from core.storage.records import Run, Sample
from core.store import Store
from core.tasks import Task
from pages.generate.actions import ask_why
from pages.shared.badges import State, state_badge
from pages.shared.headline import section
from pages.shared.plain import literal

HEIGHT = 290
SHOWN = 20
STATES: dict[str, State] = {
    "queued": "queued",
    "running": "writing",
    "done": "done",
    "interrupted": "interrupted",
    "cancelled": "cancelled",
    "failed": "failed",
}


def samples(store: Store, task: Task, run: Run) -> None:
    """The newest samples in a panel of fixed height."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        section("Samples", "newest first")
        count = f"{run.samples:,} / {run.expected:,}" if run.status != "done" else f"{run.samples:,}"
        st.markdown(state_badge(STATES[run.status], count), width="content")
    with st.container(height=HEIGHT, border=False, gap="small", autoscroll=False, key="samples"):
        newest = store.samples(run.id, newest=True, limit=SHOWN)
        for sample in newest:
            _card(task, run, sample)
        if not newest:
            with st.container(border=True):
                st.caption("The first samples come as soon as a round is written." if run.active else "None was kept.")
        elif run.samples > len(newest):
            st.caption(f"and {run.samples - len(newest):,} more; Runs exports them all.")


def _card(task: Task, run: Run, sample: Sample) -> None:
    with st.container(border=True, gap="xxsmall", key=f"sample-{sample.id}"):
        st.markdown(literal(sample.text) or ":gray[(empty)]")
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            query = task.by_id[sample.query].text if sample.query in task.by_id else sample.query
            st.caption(
                f"{literal(query)} · replicate {sample.replicate + 1} · {counted(len(sample.token_ids), 'token')}",
                width="stretch",
            )
            st.button(
                "",
                icon=":material/troubleshoot:",
                type="tertiary",
                help="Why this token",
                key=f"why-{sample.id}",
                on_click=ask_why,
                args=(run.id, sample.id),
            )
