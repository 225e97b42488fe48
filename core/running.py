"""Asking for a run or a preview: what the page and the command line both do before a worker takes over."""

from __future__ import annotations

from core.errors import SettingsError
from core.generation import Plan, plan
from core.jobs import Jobs
from core.models import PairSpec
from core.settings import settings
from core.sliders import SteerSettings
from core.storage.records import Job, NewRun, Priority
from core.tasks import Task

PREVIEW_SAMPLES = 8


def submit_run(
    jobs: Jobs,
    task: Task,
    pair: PairSpec,
    sliders: SteerSettings,
    *,
    queries: int | None = None,
    replicates: int = 8,
    role: str = "probe",
    parent: str | None = None,
    owner: str | None = None,
    batch_size: int | None = None,
    note: str = "",
) -> Job:
    """Queue a run and return its job; `job.run` is the run's id.

    owner: the process that will write it itself (the command line); parent: the run whose control it is.
    Raises SettingsError where the run would be empty or larger than STEERSCOPE_MAX_SAMPLES allows.
    """
    work = plan(task, sliders, role=role, queries=queries, replicates=replicates)
    check_size(work, "run")
    if batch_size is not None and not 1 <= batch_size <= 4096:
        raise SettingsError(f"batch-size is {batch_size}; give a whole number from 1 to 4096.")
    run = NewRun(
        kind="steer",
        task=task.name,
        settings=sliders.as_dict(),
        pair=pair.fingerprint,
        pair_spec=pair.as_dict(),
        role="train" if role == "train" else "probe",
        queries=tuple(query.id for query in work.queries),
        replicates=replicates,
        expected=work.samples,
        parent=parent,
        note=note,
    )
    payload = {} if batch_size is None else {"batch_size": batch_size}
    return jobs.submit("generate", payload, priority=Priority.RUN, run=run, owner=owner)


def check_size(work: Plan, what: str) -> None:
    """Refuse more samples than STEERSCOPE_MAX_SAMPLES allows; what: the run or point that they would make."""
    if work.samples > (most := settings().max_samples):
        raise SettingsError(
            f"The {what} would hold {work.samples:,} samples, above the limit of {most:,}; "
            "ask for fewer replicates or raise STEERSCOPE_MAX_SAMPLES."
        )


def submit_preview(
    jobs: Jobs, task: Task, pair: PairSpec, sliders: SteerSettings, samples: int = PREVIEW_SAMPLES
) -> Job:
    """Queue a preview of a few queries, spread over the task's labels; its events stream the texts."""
    probe = task.with_role("probe")
    # every so-manieth query, so that all labels have a say
    step = max(1, len(probe) // samples)
    chosen = probe[::step][:samples]
    payload = {
        "task": task.name,
        "settings": sliders.as_dict(),
        "pair_spec": pair.as_dict(),
        "queries": [query.id for query in chosen],
    }
    return jobs.submit("preview", payload, priority=Priority.PREVIEW)


def submit_explain(jobs: Jobs, sample: int) -> Job:
    """Queue the explanation of one stored sample; the job's result holds it."""
    return jobs.submit("explain", {"sample": sample}, priority=Priority.VIEW)
