"""What the environment configures, as one typed object; nothing else in the code reads the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.errors import SettingsError

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """The environment's choices.

    store_url: SQLAlchemy URL of the store (`STEERSCOPE_STORE`), SQLite by default.
    assets: folder of the bundled models and tasks (`STEERSCOPE_ASSETS`).
    device: torch device of the worker (`STEERSCOPE_DEVICE`): `cpu`, `cuda`, `cuda:1`, `mps`.
    threads: torch threads of the worker (`STEERSCOPE_THREADS`); 0 leaves the choice to torch.
    batch_size: rows a compute batch holds at most (`STEERSCOPE_BATCH_SIZE`); it never changes a text.
    max_samples: samples that one run may ask for (`STEERSCOPE_MAX_SAMPLES`).
    workers: 1 where the server starts a worker, 0 where workers are started elsewhere (`STEERSCOPE_WORKERS`).
    demo: 1 where an empty store begins with the recorded demo, 0 where it stays empty (`STEERSCOPE_DEMO`).
    lease_seconds: how long a job stays claimed without a heartbeat (`STEERSCOPE_LEASE`).
    """

    store_url: str
    assets: Path
    device: str = "cpu"
    threads: int = 0
    batch_size: int = 64
    max_samples: int = 100_000
    workers: int = 1
    demo: int = 1
    lease_seconds: float = 15.0


def _number(name: str, default: float, low: float, high: float) -> float:
    text = os.environ.get(name)
    if text is None or not text.strip():
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise SettingsError(
            f"The environment variable {name} is {text!r}; set it to a number from {low:g} to {high:g}."
        )
    return value


def data_folder() -> Path:
    """The folder of the default store: `STEERSCOPE_DATA`, else the platform's place for user data."""
    chosen = os.environ.get("STEERSCOPE_DATA")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base).expanduser() / "steerscope"


@lru_cache(maxsize=8)
def _from_environment(snapshot: tuple[tuple[str, str], ...]) -> Settings:
    assets = Path(os.environ.get("STEERSCOPE_ASSETS") or REPOSITORY / "assets").expanduser()
    if not assets.is_dir():
        raise SettingsError(
            f"The assets folder {assets} does not exist; point STEERSCOPE_ASSETS at the folder "
            "that holds models/ and tasks/."
        )
    return Settings(
        store_url=os.environ.get("STEERSCOPE_STORE") or f"sqlite:///{data_folder() / 'steerscope.db'}",
        assets=assets,
        device=os.environ.get("STEERSCOPE_DEVICE") or "cpu",
        threads=int(_number("STEERSCOPE_THREADS", 0, 0, 1024)),
        batch_size=int(_number("STEERSCOPE_BATCH_SIZE", 64, 1, 4096)),
        max_samples=int(_number("STEERSCOPE_MAX_SAMPLES", 100_000, 1, 10_000_000)),
        workers=int(_number("STEERSCOPE_WORKERS", 1, 0, 1)),
        demo=int(_number("STEERSCOPE_DEMO", 1, 0, 1)),
        lease_seconds=_number("STEERSCOPE_LEASE", 15.0, 1.0, 3600.0),
    )


def settings() -> Settings:
    """The settings of this process, re-read when a `STEERSCOPE_*` variable changed.

    Raises SettingsError where a variable is out of range or the assets folder is missing.
    """
    watched = ("STEERSCOPE_", "XDG_DATA_HOME", "HOME")
    return _from_environment(tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith(watched))))
