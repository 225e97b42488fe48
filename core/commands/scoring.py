"""`score`: train students on runs' answers and judge them on held-out real rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands import score_documents
from core.commands.options import StoreUrl, whole_path
from core.commands.printing import print_document, say
from core.commands.progress import Bar, Interrupted
from core.commands.stores import opened
from core.errors import NotFoundError, SettingsError, StateError, SteerscopeError

if TYPE_CHECKING:
    from core.downstream.summary import Scored
    from core.jobs import Jobs
    from core.storage.records import Run
    from core.tasks import Task

GO_ON = "the same command goes on with it"


def score(
    ctx: typer.Context,
    runs: Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="Ids of runs of one task.")] = None,
    scorer: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="classifier, language-model, translation, translation-forward, preference, or a score that came "
            "with imported runs.",
        ),
    ] = "classifier",
    every: Annotated[bool, typer.Option("--all", help="Every run of the task, instead of naming them.")] = False,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the task; needed with --all.")] = None,
    seeds: Annotated[int, typer.Option(help="Students that are trained, each with a seed of its own.")] = 3,
    replicates: Annotated[
        int | None,
        typer.Option(help="Answers to each train query that a student learns; as many as make about 160 by default."),
    ] = None,
    student: Annotated[
        str | None, typer.Option(callback=whole_path, help="Base model that students start from; bundled by default.")
    ] = None,
    store: StoreUrl = None,
) -> None:
    """Score runs: write what students learn from, train them, judge them on real rows of the test queries.

    What is known already is not computed again.
    """
    if every == bool(runs) or (every and task is None):
        raise typer.BadParameter("Name runs, or ask for --all of a --task.")
    with opened(ctx, store) as jobs:
        from core.downstream.scorers import SCORERS, scorer_of
        from core.downstream.summary import scored

        asked, chosen = _chosen(jobs, runs or [], task)
        if scorer not in SCORERS:
            found = scored(jobs.store, asked.name, scorer, [run.id for run in chosen])
            if not found:
                known = ", ".join(SCORERS)
                raise NotFoundError(f"No run asked for has a score {scorer!r}; the scorers are {known}.")
        else:
            reason = scorer_of(scorer, student).fits(asked)
            if reason is not None:
                raise SettingsError(reason)
            _compute(jobs, asked, chosen, scorer, seeds, replicates, student, strict=not every)
            names = [measure.name for measure in scorer_of(scorer, student).measures]
            ids = [run.id for run in chosen]
            found = [one for name in names for one in scored(jobs.store, asked.name, name, ids)]
            _explain(found, scorer)
    print_document(score_documents.Scores.of(found))


def _chosen(jobs: Jobs, ids: Sequence[str], name: str | None) -> tuple[Task, list[Run]]:
    """The task and its runs: those named, or all with samples that answer the probe queries."""
    from core.tasks import load_task

    if ids:
        runs = [jobs.store.run(each) for each in dict.fromkeys(ids)]
        name = name or runs[0].task
        for run in runs:
            if run.task != name:
                raise SettingsError(f"Run {run.id} answers the task {run.task!r}, not {name!r}; leave it out.")
        return load_task(name), runs
    assert name is not None
    runs = [run for run in jobs.store.runs(task=name) if run.samples and run.role == "probe"]
    if not runs:
        raise NotFoundError(f"The task {name!r} has no run to score; write one with `steerscope generate`.")
    return load_task(name), runs[::-1]


def _compute(
    jobs: Jobs,
    task: Task,
    runs: Sequence[Run],
    scorer: str,
    seeds: int,
    replicates: int | None,
    student: str | None,
    *,
    strict: bool,
) -> None:
    """Score run after run; one that cannot be scored ends the command where it was named, else it is told of."""
    failed: SteerscopeError | None = None
    done = 0
    for number, run in enumerate(runs, start=1):
        name = f"run {number}/{len(runs)}, {scorer}"
        try:
            _one(jobs, task, run, scorer, seeds, replicates, student, name)
            done += 1
        except SteerscopeError as error:
            if strict:
                raise
            say(f"Run {run.id} has no score: {error}")
            failed = error
    if not done and failed is not None:
        raise failed


def _one(
    jobs: Jobs,
    task: Task,
    run: Run,
    scorer: str,
    seeds: int,
    replicates: int | None,
    student: str | None,
    name: str,
) -> None:
    from core.commands.foreground import write_run
    from core.downstream.answers import check_scorable, usual_replicates, writer
    from core.downstream.scoring import submit_score
    from core.handlers import handlers
    from core.scheduling.context import JobContext
    from core.scheduling.processes import this_process
    from core.scheduling.scheduler import Scheduler
    from core.storage.records import Job

    check_scorable(run, task)
    each = replicates or usual_replicates(task)
    what, found = writer(jobs, run, task, each, owner=this_process())
    if what == "write":
        assert isinstance(found, Job)
        with Bar(jobs.store.run(str(found.run)).expected) as bar:
            write_run(jobs, found, bar, name=f"{name}, answers", go_on=GO_ON)
    job = submit_score(jobs, run, scorer, seeds=seeds, replicates=each, base=student, owner=this_process())
    with Bar(1000, "part") as bar:

        def show(context: JobContext) -> None:
            bar.show(context.done, f"{name} {context.message}".strip())

        try:
            ended = Scheduler(jobs.store, handlers()).run_one(job, show)
        except KeyboardInterrupt:
            raise Interrupted(
                f"Scoring run {run.id} is interrupted; the seeds that ended are kept, and {GO_ON}."
            ) from None
    if ended.status != "done":
        raise StateError(f"Run {run.id} was not scored: {ended.error or f'the job was {ended.status} from elsewhere'}")


def _explain(found: Sequence[Scored], scorer: str) -> None:
    """On standard error: the lines that a score is read against, and what was left out of the rows."""
    said: dict[str, None] = {}
    for one in found:
        said.update(dict.fromkeys(one.said))
        if one.scorer != scorer:
            continue
        beside = (("real rows", one.real), ("no training", one.start))
        lines = [f"{name} {value:.4g}" for name, value in beside if value is not None]
        if lines:
            said[f"For comparison, {scorer}: " + ", ".join(lines) + "."] = None
        left = one.left_out or {}
        if any(left.values()):
            said[
                f"Run {one.run}: {left.get('test', 0)} answers equal to a test text and {left.get('probe', 0)} equal "
                f"to a probe text were left out, {left.get('overlapping', 0)} more share eight words with a test row."
            ] = None
    for sentence in said:
        say(sentence)
