"""What the first visitor of a server would wait for, made while the server starts."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread

from core.errors import SteerscopeError

PATIENCE = 5.0
"""Seconds that the door stays shut for it: on two cores a browser and a server keep each other from their work."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(_: Any) -> AsyncGenerator[dict[str, Any]]:
    """Of the server. A thread prepares; who comes before it has ended waits for the rest, and nothing is made twice."""
    thread = threading.Thread(target=prepare, name="ahead", daemon=True)
    thread.start()
    await to_thread.run_sync(thread.join, PATIENCE)
    yield {}


def prepare() -> None:
    """The store with its demo, and the first pictures of the task that opens first, into the pages' caches."""
    # Here, because Streamlit makes caches for a server that runs, and not for one that is being put together.
    from pages.perspective import ahead as perspective
    from pages.predict import ahead as predict
    from pages.shared.engine import open_store
    from pages.shared.frame import task_named, task_names

    try:
        store = open_store()
        for name in task_names()[:1]:
            task = task_named(name)
            predict.prepare(store, task)
            perspective.prepare(store, task)
    except SteerscopeError as error:
        # Each page that needs it says so itself.
        log.info("nothing was prepared: %s", error)
