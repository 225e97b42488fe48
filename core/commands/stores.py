"""The store that a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from core.jobs import Jobs


@contextmanager
def opened(ctx: typer.Context, store: str | None) -> Iterator[Jobs]:
    """The queue of the store that was named, or of the environment's; runs of dead processes are marked."""
    from core.jobs import Jobs
    from core.settings import settings
    from core.store import Store

    with Store(store or ctx.obj or settings().store_url) as found:
        jobs = Jobs(found)
        jobs.recover()
        yield jobs
