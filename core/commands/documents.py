"""What the command line prints: one frozen dataclass a document, every key documented where it is declared.

`steerscope COMMAND --help` shows these words, and a test compares what is printed with what is declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_type_hints

if TYPE_CHECKING:
    from core.storage.records import Metric, Run, Sample
    from core.tasks import Task

T = TypeVar("T")


@dataclass(frozen=True)
class Generated:
    """A run that was written: `generate` and `resume`."""

    run: Annotated[str, "id of the run"]
    task: Annotated[str, "name of the task"]
    settings: Annotated[Mapping[str, Any], "every slider, by name"]
    samples: Annotated[int, "number of samples stored"]
    tokens: Annotated[int, "number of tokens in them"]
    seconds: Annotated[float, "time spent writing, embedding and measuring, all sittings together"]

    @classmethod
    def of(cls, run: Run) -> Generated:
        """The document of a stored run."""
        return cls(run.id, run.task, run.settings, run.samples, run.tokens, round(run.seconds, 3))


@dataclass(frozen=True)
class RunEntry:
    """One run in the list of runs."""

    run: Annotated[str, "id of the run"]
    kind: Annotated[str, "steer, real, imported or endpoint"]
    task: Annotated[str, "name of the task"]
    settings: Annotated[Mapping[str, Any], "the sliders, or whatever settings came with an import"]
    status: Annotated[str, "queued, running, done, interrupted, cancelled or failed"]
    samples: Annotated[int, "number of samples stored"]
    created: Annotated[float, "when it was asked for, in seconds since 1970"]

    @classmethod
    def of(cls, run: Run) -> RunEntry:
        """The entry of a stored run."""
        return cls(run.id, run.kind, run.task, run.settings, run.status, run.samples, run.created)


@dataclass(frozen=True)
class Runs:
    """The runs of a store: `runs`."""

    runs: Annotated[list[RunEntry], "newest first"]


@dataclass(frozen=True)
class SampleLine:
    """One line of `samples`."""

    id: Annotated[int, "id of the sample; ids grow in the order of arrival"]
    query: Annotated[str, "id of the query that it answers"]
    replicate: Annotated[int, "which answer to that query, from 0"]
    chain: Annotated[int, "the pass over the queries that it belongs to"]
    text: Annotated[str, "the text"]
    tokens: Annotated[int, "number of tokens"]
    finish: Annotated[str, "end, or length where it was cut"]

    @classmethod
    def of(cls, sample: Sample) -> SampleLine:
        """The line of a stored sample."""
        tokens = len(sample.token_ids)
        return cls(sample.id, sample.query, sample.replicate, sample.chain, sample.text, tokens, sample.finish)


def same_names(document: type[T], source: object) -> T:
    """The document whose keys are all attributes of the source."""
    names = [field.name for field in fields(document)]  # type: ignore[arg-type]
    return document(**{name: getattr(source, name) for name in names})


@dataclass(frozen=True)
class MetricEntry:
    """One metric of a run."""

    name: Annotated[str, "name of the metric"]
    value: Annotated[float | None, "its value"]
    low: Annotated[float | None, "lower end of its 95% interval"]
    high: Annotated[float | None, "upper end of its 95% interval"]
    reference: Annotated[float | None, "the same number for the real rows"]
    n: Annotated[int | None, "samples that it rests on"]
    better: Annotated[str | None, "higher, lower or nearer (to the reference)"]

    @classmethod
    def of(cls, metric: Metric) -> MetricEntry:
        """The entry of a stored metric."""
        return same_names(cls, metric)


@dataclass(frozen=True)
class Metrics:
    """The metrics of a run: `metrics`."""

    metrics: Annotated[list[MetricEntry], "one entry a metric; none before the run is measured"]


@dataclass(frozen=True)
class TaskEntry:
    """One task that generators can be asked."""

    name: Annotated[str, "name of the task"]
    queries: Annotated[int, "number of queries, all roles together"]
    references: Annotated[int, "number of real rows, all roles together"]
    labels: Annotated[list[str], "labels of the queries; empty where the task has none"]

    @classmethod
    def of(cls, task: Task) -> TaskEntry:
        """The entry of a task."""
        rows = sum(len(query.references) for query in task.queries)
        return cls(task.name, len(task.queries), rows, list(task.labels))


@dataclass(frozen=True)
class Tasks:
    """The bundled tasks: `tasks`."""

    tasks: Annotated[list[TaskEntry], "sorted by name"]


@dataclass(frozen=True)
class Imported:
    """Generations made elsewhere that are in the store now: `import`."""

    runs: Annotated[list[str], "ids of the runs, in the order in which the file names them"]
    rows: Annotated[int, "number of answers in them"]


@dataclass(frozen=True)
class Swept:
    """A grid of runs: `sweep`."""

    sweep: Annotated[str, "digest of what was asked: the same question has the same id"]
    runs: Annotated[list[str], "ids of the runs that were written or completed now"]
    skipped: Annotated[list[str], "ids of the runs that were there already"]


def prints(document: type, what: str = "Prints one JSON document") -> str:
    """The end of a command's help: the keys of what it prints."""
    return f"{what}. {described(document)}."


def described(document: type) -> str:
    """The keys of a document in words, those of nested ones in brackets."""
    return "; ".join(_keys(document))


def _keys(document: type) -> list[str]:
    lines = []
    for name, hint in get_type_hints(document, include_extras=True).items():
        kind, words = get_args(hint)[:2]
        inner = next((arg for arg in (kind, *get_args(kind)) if is_dataclass(arg)), None)
        nested = f" [{'; '.join(_keys(inner))}]" if isinstance(inner, type) else ""
        lines.append(f"{name}: {words}{nested}")
    return lines
