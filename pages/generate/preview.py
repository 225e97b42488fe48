"""A preview: a few samples streamed token by token, before anything is stored."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.drawing.numbers import counted
from core.errors import NotFoundError
from core.jobs import Jobs
from core.storage.records import Job
from core.tasks import Task
from pages.generate.actions import close_preview
from pages.generate.samples import HEIGHT
from pages.shared.badges import badge, state_badge
from pages.shared.engine import open_jobs
from pages.shared.headline import section
from pages.shared.plain import literal

REFRESH_SECONDS = 0.2


def preview_of(jobs: Jobs, task: Task) -> Job | None:
    """The preview that was asked for in this session and not closed."""
    job = st.session_state.setdefault("previews", {}).get(task.name)
    try:
        return jobs.job(job) if job is not None else None
    except NotFoundError:
        del st.session_state["previews"][task.name]
        return None


def preview(task: Task, job: Job) -> None:
    """The panel of a preview; it looks for new tokens only while some may come."""
    refresh = REFRESH_SECONDS if job.active else None
    st.fragment(_stream, run_every=refresh)(task, job.id, job.active)


def _stream(task: Task, number: int, was_active: bool) -> None:
    jobs = open_jobs()
    job = jobs.job(number)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        section("Preview", "not stored")
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="xsmall"):
            st.markdown(_state(job), width="content")
            st.button(
                "",
                icon=":material/close:",
                type="tertiary",
                help="Stop the preview" if job.active else "Close the preview",
                key="close-preview",
                on_click=close_preview,
                args=(task,),
            )
    with st.container(height=HEIGHT, border=False, gap="small", autoscroll=False, key="preview"):
        if job.status == "failed":
            st.error(literal(job.error or ""), title="The preview failed", icon=":material/error:")
        rows = _rows(jobs, job)
        for place, query in enumerate(job.payload["queries"]):
            _card(task, query, rows[place] if rows else None, job)
    if was_active and not job.active:
        # The whole page once more, without the clock.
        st.rerun()


def _rows(jobs: Jobs, job: Job) -> list[dict[str, Any]]:
    if job.status == "done" and job.result:
        return list(job.result["rows"])
    event = jobs.last_event(job.id, "text")
    return list(event.payload["rows"]) if event else []


def _card(task: Task, query: str, row: dict[str, Any] | None, job: Job) -> None:
    with st.container(border=True, gap="xxsmall"):
        text = literal(row["text"]) if row else ""
        if not text:
            text = ":shimmer[reading the query]" if job.active else ":gray[(nothing)]"
        st.markdown(text)
        words = [literal(task.by_id[query].text)]
        if row:
            words.append(counted(row["tokens"], "token"))
            if not row["ended"] and not job.active:
                words.append("cut off where it stopped")
        st.caption(" · ".join(words))


def _state(job: Job) -> str:
    if job.status == "running":
        return state_badge("writing", f"{job.done} / {job.total}" if job.total else "")
    if job.status == "cancelled":
        return state_badge("cancelled")
    if job.status == "queued":
        return state_badge("queued")
    if job.status == "done":
        return badge(f"{len(job.payload['queries'])} samples", "blue", "visibility")
    return state_badge("interrupted" if job.status == "interrupted" else "failed")
