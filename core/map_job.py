"""Maps that take longer than a page may wait: a worker draws and keeps them, and `core.kept_maps.reopen` opens them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from core.atlas import draw_atlas
from core.jobs import Jobs
from core.kept_maps import keep, reopen
from core.perspective_map import Variant
from core.scheduling.context import JobContext
from core.storage.records import Job, JobStatus, Priority, Run
from core.tasks import Task, load_task

KIND = "map"
REMEMBERED = 100
"""Jobs that are looked through for one that drew the same map."""


def submit_map(
    jobs: Jobs, task: Task, runs: Sequence[Run], *, variant: Variant, dimension: int, turned_to: str | None = None
) -> Job:
    """Ask for the map of these runs; the job that drew it already, or could not, if there is one.

    turned_to: id of a kept map that the new one is turned towards.
    """
    payload = {
        "task": task.name,
        "content": hash_of(task),
        "runs": sorted([run.id, run.samples] for run in runs),
        "variant": variant,
        "dimension": dimension,
        "turned_to": turned_to,
    }
    known: tuple[JobStatus, ...] = ("queued", "running", "done", "failed")
    return jobs.submit_once(KIND, payload, priority=Priority.VIEW, status=known, limit=REMEMBERED)


def run_map(ctx: JobContext) -> Generator[Any]:
    """Draw a map in a thread beside the steps of other jobs, and keep it."""
    asked = ctx.payload
    task, store = load_task(asked["task"]), ctx.store
    wanted = {str(run) for run, _ in asked["runs"]}
    runs = [run for run in store.runs(task=task.name) if run.id in wanted]
    turned = None if asked["turned_to"] is None else reopen(store, str(asked["turned_to"])).map
    ctx.progress(0, len(runs), "drawing the map")
    yield
    atlas = yield from ctx.beside(
        lambda: draw_atlas(
            store,
            task,
            runs,
            dimension=int(asked["dimension"]),
            align_to=turned,
            held_out=True,
            variant=asked["variant"],
        )
    )
    ctx.progress(len(runs), len(runs), "drawing the map")
    ctx.result = {"map": keep(store, atlas)}


def hash_of(task: Task) -> str:
    """A digest of the queries and real rows of a task: a map of other rows is another map."""
    import hashlib

    digest = hashlib.sha256()
    for query in task.with_role("probe"):
        digest.update("\0".join((query.id, *query.references, "\n")).encode("utf-8", "replace"))
    return digest.hexdigest()[:16]
