"""`steerscope`: the actions of the pages as commands, with JSON on standard output.

Commands are declared here; what they need is imported where they run, so that `--help` answers at once.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.commands import (
    documents,
    importing,
    map_documents,
    mapping,
    predict_documents,
    predicting,
    score_documents,
    scoring,
)
from core.commands.documents import prints
from core.commands.options import (
    AnsweredRole,
    Base,
    BatchSize,
    Expert,
    Queries,
    Replicates,
    RunId,
    StoreUrl,
    TaskName,
    chosen,
    with_settings,
)
from core.commands.printing import Commands, print_document, print_lines, say
from core.commands.progress import Bar
from core.commands.stores import opened
from core.threads import share_cores

app = typer.Typer(
    cls=Commands,
    help="Steer language models to write better synthetic text, and see where it sits beside real data. "
    "Results are JSON on standard output, progress and errors are on standard error.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback()
def main(ctx: typer.Context, store: StoreUrl = None) -> None:
    """Keep the store's URL for the command (it may stand before or after its name), before torch is imported."""
    ctx.obj = store
    share_cores()


@app.command(epilog=prints(documents.Generated))
@with_settings()
def generate(
    ctx: typer.Context,
    task: TaskName,
    queries: Queries = None,
    replicates: Replicates = 8,
    batch_size: BatchSize = None,
    role: AnsweredRole = "probe",
    base: Base = None,
    expert: Expert = None,
    store: StoreUrl = None,
    **given: Any,
) -> None:
    """Write a run: steer, embed and measure answers."""
    from core.generation import plan
    from core.models import find_pair
    from core.running import submit_run
    from core.scheduling.processes import this_process
    from core.sliders import SteerSettings
    from core.tasks import load_task

    asked = load_task(task)
    sliders = SteerSettings.from_mapping(chosen(asked, given))
    work = plan(asked, sliders, role=role, queries=queries, replicates=replicates)
    pair = find_pair(task, base, expert)
    with opened(ctx, store) as jobs:
        from core.commands.foreground import prepare, write_run

        with Bar(work.samples) as bar:
            prepare(pair)
            job = submit_run(
                jobs,
                asked,
                pair,
                sliders,
                queries=queries,
                replicates=replicates,
                role=role,
                owner=this_process(),
                batch_size=batch_size,
            )
            run = write_run(jobs, job, bar)
        print_document(documents.Generated.of(run))


@app.command(epilog=prints(documents.Generated))
def resume(ctx: typer.Context, run: RunId, store: StoreUrl = None) -> None:
    """Go on with an interrupted, cancelled or failed run, or with the embedding of an imported one."""
    from core.scheduling.processes import this_process

    with opened(ctx, store) as jobs:
        found = jobs.store.run(run)
        if found.kind == "imported":
            importing.finish(jobs.store, [found], f"`steerscope resume {run}` goes on with it")
            print_document(documents.Generated.of(found))
            return
        from core.commands.foreground import write_run  # slow, so before the run is this process's to write

        job = jobs.resume(run, owner=this_process())
        with Bar(jobs.store.run(run).expected) as bar:
            print_document(documents.Generated.of(write_run(jobs, job, bar)))


@app.command(epilog=prints(documents.Swept))
@with_settings(lists=True)
def sweep(
    ctx: typer.Context,
    task: TaskName,
    queries: Queries = None,
    replicates: Replicates = 8,
    batch_size: BatchSize = None,
    role: AnsweredRole = "probe",
    base: Base = None,
    expert: Expert = None,
    store: StoreUrl = None,
    **given: Any,
) -> None:
    """Write a run for every combination of settings.

    Every setting takes one value or several with commas between them. What the store has is skipped, so a
    sweep that was interrupted goes on when it is asked for again.
    """
    from core.models import find_pair
    from core.sweep import ask
    from core.tasks import load_task

    asked = load_task(task)
    pair = find_pair(task, base, expert)
    whole = ask(asked, pair, chosen(asked, given), queries=queries, replicates=replicates, role=role)
    with opened(ctx, store) as jobs:
        from core.commands.foreground import write_sweep

        print_document(write_sweep(jobs, whole, batch_size=batch_size))


@app.command(epilog=prints(documents.Runs))
def runs(
    ctx: typer.Context,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="Runs of this task only.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many at most, the newest.")] = None,
    store: StoreUrl = None,
) -> None:
    """List the runs, newest first."""
    with opened(ctx, store) as jobs:
        found = jobs.store.runs(task=task, limit=limit)
    print_document(documents.Runs([documents.RunEntry.of(run) for run in found]))


@app.command(epilog=prints(documents.SampleLine, "Prints one JSON document a line"))
def samples(ctx: typer.Context, run: RunId, store: StoreUrl = None) -> None:
    """Print the samples of a run as they arrived."""
    with opened(ctx, store) as jobs:
        from core.commands.selection import arrived

        print_lines(documents.SampleLine.of(sample) for sample in arrived(jobs.store, run))


@app.command(epilog=prints(documents.Metrics))
def metrics(ctx: typer.Context, run: RunId, store: StoreUrl = None) -> None:
    """Print the metrics of a run."""
    with opened(ctx, store) as jobs:
        status = jobs.store.run(run).status
        found = {metric.name: metric for metric in jobs.store.metrics(run)}
    if not found:
        say(f"Run {run} is {status} and not measured yet.")
    from core.metrics import METRICS

    ordered = [*(name for name in METRICS if name in found), *sorted(set(found) - set(METRICS))]
    print_document(documents.Metrics([documents.MetricEntry.of(found[name]) for name in ordered]))


@app.command(epilog=prints(documents.Tasks))
def tasks() -> None:
    """List the tasks."""
    from core.tasks import read_task, task_folders

    found = [documents.TaskEntry.of(read_task(folder)) for folder in task_folders()]
    print_document(documents.Tasks(found))


@app.command()
def worker(ctx: typer.Context, store: StoreUrl = None) -> None:
    """Run the store's jobs until told to stop.

    The dashboard starts one worker by itself; more can be started by hand. Logs go to standard error.
    """
    import logging

    from core.handlers import handlers, warm_up
    from core.worker import work

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with opened(ctx, store) as jobs:
        work(jobs.store, handlers(), warm_up=warm_up)


app.command("map", epilog=prints(map_documents.Map))(mapping.draw)
app.command(epilog=prints(map_documents.PlacedOn))(mapping.place)
app.command(epilog=prints(map_documents.Planned))(mapping.plan)
app.command(epilog=prints(map_documents.Same))(mapping.same)
app.command("import", epilog=prints(documents.Imported))(importing.bring)
app.command(epilog=prints(score_documents.Scores))(scoring.score)
app.command(epilog=prints(predict_documents.Predicted))(predicting.predict)
app.command("next", epilog=prints(predict_documents.NextSettings))(predicting.propose)
