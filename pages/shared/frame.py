"""What every page shares: the chosen task and model pair, the jobs in progress, and the link to this view."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.drawing.numbers import counted, duration
from core.errors import NotFoundError, SettingsError, TaskFormatError
from core.jobs import Jobs
from core.models import PairSpec, available_pairs
from core.settings import settings
from core.sliders import SteerSettings
from core.storage.records import Job, Priority
from core.tasks import Task, load_task, task_folder, task_folders
from pages.shared.engine import open_jobs
from pages.shared.link import copy_link
from pages.shared.plain import literal

REFRESH_SECONDS = 2
CARDS = 3
VERBS = {"generate": "writing", "measure": "measuring", "score": "scoring", "point": "placing"}


@dataclass(frozen=True)
class Choice:
    """What the sidebar says: pair is None where no expert was trained for the task."""

    task: Task
    pair: PairSpec | None


# A task is frozen, so all sessions may share one.
@st.cache_resource(max_entries=32, show_spinner=False)
def _task(name: str, folder: str, modified: float) -> Task:
    return load_task(name)


def task_named(name: str) -> Task:
    """A task by name, read again only when its files changed."""
    folder = task_folder(name)
    stamps = [path.stat().st_mtime for path in folder.glob("*.json*")]
    return _task(name, str(folder), max(stamps, default=0.0))


@st.cache_data(max_entries=32, show_spinner=False)
def _fingerprint(base: str, expert: str) -> str:
    # Hashing reads the weights: once a server, not once a click.
    return PairSpec("", "", base, expert).fingerprint


def fingerprint(pair: PairSpec) -> str:
    """The twelve digits that change with the weights of a pair."""
    return _fingerprint(pair.base, pair.expert)


def task_names() -> list[str]:
    """The tasks that can be opened, hypotheses first: it is the one the demo is about."""
    names = [folder.name for folder in task_folders()]
    return sorted(names, key=lambda name: (name != "hypotheses", name))


def choice() -> Choice:
    """The task and pair chosen in the sidebar, checked again: a widget's value may come from any URL.

    Raises NotFoundError where there is no task at all, TaskFormatError where the chosen one is damaged.
    """
    names = task_names()
    if not names:
        raise NotFoundError(f"There is no task in {settings().assets / 'tasks'}; install Steerscope again.")
    name = st.session_state.get("task")
    task = task_named(name if name in names else names[0])
    pairs = available_pairs(task.name)
    wanted = st.session_state.get("pair")
    pair = next((pair for pair in pairs if pair.name == wanted), pairs[0] if pairs else None)
    return Choice(task, pair)


def sidebar() -> None:
    """Draw task, pair, jobs and link. Called once a run, by app.py, before the page."""
    with st.sidebar:
        names = task_names()
        _accept_names(names)
        st.selectbox(
            "Task",
            names,
            format_func=_task_title,
            key="task",
            bind="query-params",
            on_change=_keep_base,
        )
        chosen = choice()
        pairs = available_pairs(chosen.task.name)
        labels = {pair.name: pair.label for pair in pairs}
        if chosen.pair is None:
            st.selectbox("Model pair", ["none for this task"], disabled=True, help="No expert was trained for it.")
        else:
            st.selectbox(
                "Model pair",
                list(labels),
                format_func=lambda name: labels.get(name, name),
                key="pair",
                bind="query-params",
            )
            st.caption(f"`pair {fingerprint(chosen.pair)}` · {_device()}")
        job_cards()
        copy_link()


@st.fragment(run_every=REFRESH_SECONDS)
def job_cards() -> None:
    """Jobs in progress with bar, count, time left and Cancel; a preview is shown where it was asked for."""
    queue = open_jobs()
    queue.recover()
    jobs = [job for job in reversed(queue.active()) if job.priority <= Priority.RUN]
    jobs.sort(key=lambda job: job.status != "running")
    for job in jobs[:CARDS]:
        _card(queue, job)
    if len(jobs) > CARDS:
        st.caption(f"and {counted(len(jobs) - CARDS, 'more job')} waiting")


def _card(queue: Jobs, job: Job) -> None:
    with st.container(border=True, key=f"job-{job.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{literal(_name(queue, job))}** {_state(job)}", width="stretch")
            st.button(
                "",
                icon=":material/close:",
                type="tertiary",
                help="Cancel",
                key=f"cancel-{job.id}",
                disabled=job.cancel,
                on_click=queue.cancel,
                args=(job.id,),
            )
        waiting = "waiting for its turn" if job.status == "queued" else literal(job.message) or "starting"
        # Of a score the message says how far it is: its thousand parts are nothing that anybody counts.
        count = f"{job.done:,} of {job.total:,}" if job.total and job.kind != "score" else waiting
        left = f" · {duration(job.eta)} left" if job.eta is not None and job.status == "running" else ""
        st.progress(min(job.done / job.total, 1.0) if job.total else 0.0, text=f":small[{count}{left}]")


def _name(queue: Jobs, job: Job) -> str:
    if job.kind == "point":
        return SteerSettings.from_mapping(job.payload["settings"]).short()
    # A score is of a run, but does not drive it.
    about = job.run or (job.payload.get("run") if job.kind == "score" else None)
    if about is None:
        return job.message or job.kind
    try:
        run = queue.store.run(str(about))
        return SteerSettings.from_mapping(run.settings).short() if run.kind == "steer" else run.kind
    except (NotFoundError, SettingsError):
        # Deleted meanwhile, or of a newer version with sliders that this one does not know.
        return str(about)


def _state(job: Job) -> str:
    if job.cancel:
        return ":gray[stopping]"
    return ":gray[queued]" if job.status == "queued" else VERBS.get(job.kind, literal(job.kind))


def _task_title(name: str) -> str:
    try:
        task = task_named(name)
    except TaskFormatError:
        # Said in full once it is chosen; until then it must not stop the others.
        return f"{name} · cannot be read"
    return f"{task.title} · {counted(len(task.labels), 'label')}" if task.labels else task.title


def _accept_names(names: list[str]) -> None:
    """A bound widget writes its title into the address; an address made by hand may name the task itself."""
    asked = st.query_params.get("task")
    if asked in names and "task" not in st.session_state:
        st.query_params["task"] = _task_title(asked)
        st.rerun()


def _keep_base() -> None:
    """After a change of task: the same base model with the expert of the new task, where there is one."""
    base = str(st.session_state.get("pair") or "").rpartition("/")[0]
    for pair in available_pairs(str(st.session_state["task"])):
        if pair.name.rpartition("/")[0] == base:
            st.session_state["pair"] = pair.name


def _device() -> str:
    device = settings().device
    return "CPU, float32" if device == "cpu" else f"{device.upper()}, the checkpoint's type"
