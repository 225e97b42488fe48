"""`import`: generations made elsewhere become runs; and `resume` for one that was broken off while embedding."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.documents import Imported
from core.commands.options import StoreUrl
from core.commands.printing import print_document, say
from core.commands.progress import Bar, Interrupted
from core.commands.stores import opened

if TYPE_CHECKING:
    from core.storage.records import Run
    from core.store import Store

MEANINGS = ("text", "query", "run", "context", "replicate")
"""What a column can be said to hold; a test compares them with those that an import knows."""


def names(text: str | None) -> list[str]:
    """The names between commas; one that holds a comma stands in double quotes."""
    if not text:
        return []
    found = [name.strip() for name in next(csv.reader([text], skipinitialspace=True))]
    return [name for name in found if name]


def pairs(text: str | None) -> dict[str, str]:
    """`query=prompt,text=answer` as a mapping; a mistake of usage where it is none."""
    found: dict[str, str] = {}
    for part in names(text):
        meaning, sign, column = (each.strip() for each in part.partition("="))
        if not sign or not column or meaning not in MEANINGS or meaning in found:
            raise typer.BadParameter(f"{part!r} is not one of {', '.join(f'{each}=COLUMN' for each in MEANINGS)}.")
        found[meaning] = column
    return found


def bring(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header, JSON lines or Parquet.")],
    task: Annotated[str | None, typer.Option(metavar="NAME", help="Task whose queries were answered.")] = None,
    new_task: Annotated[
        str | None, typer.Option(metavar="NAME", help="Make a task of the file's queries, without real rows.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="query=COLUMN,...",
            help=f"Which column holds what: {', '.join(MEANINGS)}. Columns named text, query and run are found "
            "by themselves; context names what answers of a run share, replicate numbers the answers to a query.",
        ),
    ] = None,
    settings: Annotated[
        str | None, typer.Option(metavar="COLUMN,...", help="Columns that are a run's settings.")
    ] = None,
    scores: Annotated[str | None, typer.Option(metavar="COLUMN,...", help="Columns that are a run's scores.")] = None,
    embed: Annotated[
        bool, typer.Option(help="Embed and measure too; without it, `resume RUN` or `map` does so later.")
    ] = True,
    store: StoreUrl = None,
) -> None:
    """Bring generations made elsewhere, by any model, as runs.

    Each different value of the run column is one run. All of the file is stored, or, where a row cannot be
    used, nothing. The same command again goes on where it was broken off.
    """
    if (task is None) == (new_task is None):
        raise typer.BadParameter("Name either a task (--task) or a new one (--new-task).")
    chosen = pairs(columns)
    with opened(ctx, store) as jobs:
        from core.importing.generations import import_generations

        with _Stages() as stages:
            brought = import_generations(
                jobs.store,
                file,
                task=task,
                new_task=new_task,
                columns=chosen,
                settings=names(settings),
                scores=names(scores),
                progress=stages.show,
            )
        for warning in brought.warnings:
            say(warning)
        if embed:
            finish(jobs.store, [jobs.store.run(run) for run in brought.runs], "the same command goes on with it")
        print_document(Imported(list(brought.runs), brought.rows))


def finish(store: Store, runs: Sequence[Run], go_on: str) -> None:
    """Embed and measure runs that were imported, each only where it lacks something; Interrupted on Ctrl-C."""
    from core.embedding import load_embedder
    from core.importing.embedded import embed_run
    from core.measures.measuring import measure_imported
    from core.metrics import METRICS
    from core.tasks import load_task
    from core.threads import limit_threads

    limit_threads()
    total = sum(run.samples for run in runs)
    done = before = 0
    try:
        with Bar(total, "text") as bar:
            for run in runs:
                for done in embed_run(store, run):
                    bar.show(before + done, "embedding")
                before += run.samples
                done = 0
        with Bar(len(runs), "run") as bar:
            for number, run in enumerate(runs, start=1):
                if not METRICS.keys() <= {metric.name for metric in store.metrics(run.id)}:
                    for _ in measure_imported(store, run, load_task(run.task), load_embedder()):
                        pass
                bar.show(number, "measuring")
    except KeyboardInterrupt:
        raise Interrupted(f"All is stored, and {before + done:,} of {total:,} texts are embedded; {go_on}.") from None


class _Stages:
    """A bar for each stage of an import: how many rows are checked on a terminal, how many are stored anywhere.

    So a file that is refused leaves its explanation alone on standard error.
    """

    def __init__(self) -> None:
        self._bars = ExitStack()
        self._bar: Bar | None = None
        self._what = ""

    def show(self, done: int, total: int | None, what: str) -> None:
        """Rows done, of all where they are known, in a stage."""
        if total is None and not sys.stderr.isatty():
            return
        if self._bar is None or what != self._what:
            self._bars.close()
            self._what, self._bar = what, self._bars.enter_context(Bar(total, "row"))
        self._bar.show(done, what)

    def __enter__(self) -> _Stages:
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.close()
