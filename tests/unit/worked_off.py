"""Jobs done to their end in this process, as a worker would do them."""

from __future__ import annotations

import time

from core.handlers import handlers
from core.jobs import Jobs
from core.scheduling.scheduler import Scheduler
from core.storage.records import Job
from core.store import Store


def work_off(store: Store, kind: str, seconds: float = 60.0) -> list[Job]:
    """Do every queued job of a kind, and return them as they are then."""
    jobs = Jobs(store, lease=60.0)
    queued = jobs.jobs(status="queued", kind=kind)
    scheduler = Scheduler(store, {kind: handlers()[kind]}, lease=60.0)
    end = time.monotonic() + seconds
    try:
        while any(jobs.job(job.id).active for job in queued):
            assert time.monotonic() < end, f"{kind} never ended"
            if not scheduler.tick():
                time.sleep(0.002)
    finally:
        scheduler.close()
    return [jobs.job(job.id) for job in queued]
