"""The worker process: `python -m core.worker` runs jobs until it is told to stop or its parent dies."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from core.errors import SteerscopeError
from core.scheduling.context import Handler
from core.scheduling.processes import is_alive, python_environment
from core.scheduling.scheduler import Scheduler
from core.settings import settings
from core.store import Store
from core.threads import share_cores

PARENT_SECONDS = 0.25
GRACE_SECONDS = 20.0
LOG_BYTES = 5_000_000
log = logging.getLogger(__name__)


def start_worker(store: Store) -> subprocess.Popen[bytes]:
    """Start a worker for a store; it lives as long as this process, and `log_file` tells where it writes.

    The store's URL goes through the environment: a password has no place in a list of processes.
    """
    path = log_file(store)
    small = not path.exists() or path.stat().st_size < LOG_BYTES
    with path.open("ab" if small else "wb") as output:
        return subprocess.Popen(
            # -P: a folder named `core` where the user happens to stand is not ours.
            [sys.executable, "-P", "-m", "core.worker", "--parent", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=python_environment(STEERSCOPE_STORE=store.url),
            # Ctrl-C in the terminal is the server's to handle; the worker follows its parent's end.
            start_new_session=True,
        )


def log_file(store: Store) -> Path:
    """Where a worker that was started writes: beside the store's file, else in the temporary folder."""
    if store.path is None:
        return Path(tempfile.gettempdir()) / "steerscope-worker.log"
    return store.path.with_name(f"{store.path.stem}-worker.log")


def work(
    store: Store,
    handlers: Mapping[str, Handler],
    *,
    warm_up: Callable[[], None] | None = None,
    parent: int | None = None,
) -> None:
    """Run jobs in this process until SIGTERM, SIGINT, or the end of the parent; the main thread calls it.

    warm_up: loads what the first preview needs, before the first job is claimed.
    """
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    if parent is not None:
        threading.Thread(target=_follow, args=(parent, stopping), name="parent", daemon=True).start()
    scheduler = Scheduler(store, handlers)
    scheduler.jobs.recover()
    if warm_up is not None:
        try:
            warm_up()
        except Exception:
            log.exception("the warm-up failed")  # a job that needs what is missing says so itself
    scheduler.run(stopping.is_set)


def _follow(parent: int, stopping: threading.Event) -> None:
    while os.getppid() == parent and is_alive(parent):
        if stopping.wait(PARENT_SECONDS):
            return
    stopping.set()
    # A step that does not end must not outlive the server; its job is then found by its dead owner.
    threading.Event().wait(GRACE_SECONDS)
    os._exit(1)


def main() -> int:
    """The command line of `python -m core.worker`."""
    parser = argparse.ArgumentParser(prog="python -m core.worker", description="Run the jobs of a store.")
    parser.add_argument("--store", help="URL of the store; STEERSCOPE_STORE, or the default store")
    parser.add_argument("--parent", type=int, help="end when the process with this id ends")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    share_cores()
    from core.handlers import handlers, warm_up

    try:
        with Store(options.store or settings().store_url) as store:
            work(store, handlers(), warm_up=warm_up, parent=options.parent)
    except SteerscopeError as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
