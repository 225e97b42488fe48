"""What the store hands out: frozen dataclasses, never database rows. Times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import StoreError

RunKind = Literal["steer", "real", "imported", "endpoint"]
RunStatus = Literal["queued", "running", "done", "interrupted", "cancelled", "failed"]
JobStatus = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
Finish = Literal["end", "length"]
Better = Literal["higher", "lower", "nearer"]

Unit = tuple[str, int]
"""(query id, replicate): a run writes each unit once, whoever writes it and however often it is tried."""

BRANCHES = ("expert", "base", "negative")
"""Rows of a sample's log-probabilities."""


class Priority(IntEnum):
    """Who goes first: a preview while somebody looks, then what a page waits for, then runs."""

    PREVIEW = 30
    VIEW = 20
    RUN = 10
    BACKGROUND = 0


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """A run to be made: one generator answering queries.

    task: name of the task; settings: `SteerSettings.as_dict()`, or any JSON for imported and endpoint runs;
    pair: fingerprint of the model pair, pair_spec: how to load it again; role: the queries it answers;
    expected: samples when complete; owner: who asked; parent: the run it belongs to, such as the run
    whose matched-temperature control this is.
    """

    kind: RunKind
    task: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    pair: str | None = None
    pair_spec: Mapping[str, Any] | None = None
    role: Literal["probe", "train"] = "probe"
    queries: tuple[str, ...] = ()
    replicates: int = 1
    expected: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    owner: str | None = None
    parent: str | None = None
    note: str = ""
    starred: bool = False


@dataclass(frozen=True, kw_only=True)
class Run(NewRun):
    """A stored run. samples and tokens are counts of what is stored, seconds the time spent writing it."""

    id: str
    status: RunStatus
    samples: int
    tokens: int
    seconds: float
    created: float
    finished: float | None
    error: str | None

    @property
    def active(self) -> bool:
        """Whether it waits for a worker or is being written."""
        return self.status in ("queued", "running")


@dataclass(frozen=True, kw_only=True)
class NewSample:
    """One answer to be stored.

    logprobs: float32 (3, tokens), rows as in BRANCHES, NaN where a branch was not computed, or None;
    finish: `end` where the model ended the text, `length` where it was cut;
    negatives: references to the pool rows of its negative context, any JSON, oldest first.
    """

    query: str
    replicate: int
    chain: int
    round: int
    text: str
    token_ids: tuple[int, ...] = ()
    logprobs: NDArray[np.float32] | None = field(default=None, compare=False)
    finish: Finish = "end"
    negatives: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sample(NewSample):
    """A stored answer; ids grow in the order of arrival and are never used twice."""

    id: int
    run: str


class StoredText(NamedTuple):
    """What a map reads of a stored answer."""

    id: int
    run: str
    query: str
    chain: int
    round: int
    text: str


class StoredScore(NamedTuple):
    """One score of a run. seed: of the training that was judged, -1 where it was imported; value: None if unknown."""

    run: str
    name: str
    seed: int
    value: float | None
    note: str


@dataclass(frozen=True, kw_only=True)
class Subset:
    """Samples that a person chose and named. samples: their ids as maps give them, "sample:12" or "real:q/0"."""

    id: str
    task: str
    name: str
    created: float
    samples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class KeptMap:
    """A stored map (`core.kept_maps`). made: what it was made from; arrays: safetensors."""

    id: str
    task: str
    created: float
    made: Mapping[str, Any]
    record: Mapping[str, Any]
    arrays: bytes


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One number about a run, with its interval, its real reference, and what better means."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    n: int | None = None
    better: Better | None = None
    note: str = ""


class MetricLike(Protocol):
    """What the store reads of a metric; `Metric` is one."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def reference(self) -> float | None: ...
    @property
    def n(self) -> int | None: ...
    @property
    def better(self) -> str | None: ...
    @property
    def note(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of work in the queue.

    owner: the process that holds it (`processes.this_process()`); lease_until: when its claim runs out
    unless a heartbeat extends it; cancel: somebody asked it to stop; eta: seconds left at the measured
    speed; run: the run whose status follows this job's.
    """

    id: int
    kind: str
    payload: Mapping[str, Any]
    priority: int
    status: JobStatus
    owner: str | None
    lease_until: float | None
    heartbeat: float | None
    cancel: bool
    done: int
    total: int
    eta: float | None
    message: str
    error: str | None
    result: Any
    created: float
    started: float | None
    finished: float | None
    run: str | None

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.status in ("queued", "running")


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something a job said while it ran, such as the text streamed so far."""

    id: int
    job: int
    kind: str
    payload: Any
    created: float


def floats_to_bytes(values: NDArray[Any]) -> bytes:
    """Raw little-endian float32, row by row: how the store keeps vectors and log-probabilities."""
    return np.ascontiguousarray(values, dtype="<f4").tobytes()


def floats_from_bytes(data: bytes, rows: int | None = None) -> NDArray[np.float32]:
    """The inverse: a read-only vector, or (rows, n); StoreError where the size is wrong."""
    if len(data) % (4 * (rows or 1)):
        raise StoreError(
            f"A stored array has {len(data)} bytes, which is no float32 array of {rows or 1} rows; "
            "the store is damaged: restore a copy of it."
        )
    values = np.frombuffer(data, dtype="<f4").astype(np.float32, copy=False)
    return values if rows is None else values.reshape(rows, -1)
