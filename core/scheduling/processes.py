"""Which process holds a job, as text, and whether that process is known to live.

A process is named `host:pid:start`. The host part carries the boot and the process-id namespace, so that
two containers or two boots under one host name are never taken for each other; the start time tells a
process from a later one with the same id.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from functools import cache
from pathlib import Path
from typing import Literal

from core.settings import REPOSITORY

_PROC = Path("/proc")


def python_environment(**more: str) -> dict[str, str]:
    """The environment in which a Python started from here finds our modules, wherever the user happens to stand."""
    places = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places), **more}


def this_process() -> str:
    """The name of this process."""
    return _name(os.getpid())


def fate(owner: str) -> Literal["alive", "dead", "unknown"]:
    """What is known from here about the process of that name; of other hosts nothing is."""
    host, pid, start = owner.rsplit(":", 2)
    if host != _host() or not pid.isdigit():
        return "unknown"
    return "alive" if is_alive(int(pid), start) else "dead"


def is_alive(pid: int, start: str | None = None) -> bool:
    """Whether a process of this host runs; start: and is the one that began then."""
    if (_PROC / "self" / "stat").exists():
        found = _start(pid)
        return found is not None and start in (None, found)
    if sys.platform == "win32":
        return True  # signal 0 would end the process there, so the lease alone decides
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@cache
def _name(pid: int) -> str:
    return f"{_host()}:{pid}:{_start(pid) or '0'}"


@cache
def _host() -> str:
    here = [_line(_PROC / "sys" / "kernel" / "random" / "boot_id")]
    try:
        here.append(os.readlink(_PROC / "self" / "ns" / "pid"))
    except OSError:
        here.append("")
    return f"{socket.gethostname()}-{hashlib.sha256('|'.join(here).encode()).hexdigest()[:8]}"


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _start(pid: int) -> str | None:
    """Clock ticks from boot to the start of a live process; None where it is gone or a zombie."""
    # The command's name stands in parentheses and may hold anything: fields are counted after the last one.
    fields = _line(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in ("Z", "X"):
        return None
    return fields[19]
