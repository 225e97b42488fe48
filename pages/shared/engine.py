"""What the pages stand on: one store, its queue and one worker process a server, shared by all sessions."""

from __future__ import annotations

import subprocess
import threading
import time

import streamlit as st

from core.demo import demo_folder, load_demo
from core.jobs import Jobs
from core.settings import settings
from core.store import Store
from core.threads import calm_blas
from core.worker import start_worker

RESTART_SECONDS = 10.0


class KeptWorker:
    """The server's worker, started again where it died, but not in a frenzy."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def keep(self) -> None:
        """Start the worker if it does not run."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            if time.monotonic() - self._started < RESTART_SECONDS and self._process is not None:
                return
            self._process = start_worker(self._store)
            self._started = time.monotonic()


@st.cache_resource(max_entries=4, show_spinner=False)
def _store(url: str) -> Store:
    calm_blas()
    store = Store(url)
    if settings().demo:
        load_demo(store, demo_folder())
    return store


@st.cache_resource(max_entries=4, show_spinner=False)
def _worker(url: str) -> KeptWorker:
    return KeptWorker(_store(url))


def open_store() -> Store:
    """The store that this server works on; StoreError where it cannot be opened."""
    return _store(settings().store_url)


def open_jobs() -> Jobs:
    """The queue of the store."""
    return Jobs(open_store())


def keep_worker() -> None:
    """Make sure that somebody does the work, unless the workers of this store are started elsewhere."""
    if settings().workers:
        _worker(settings().store_url).keep()
