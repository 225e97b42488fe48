"""The commands about scores to come: `predict` and `next`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from core.commands import predict_documents
from core.commands.options import Base, Expert, Replicates, StoreUrl, TaskName
from core.commands.printing import print_document, say
from core.commands.stores import opened
from core.errors import NotFoundError, SettingsError, StatisticsError

if TYPE_CHECKING:
    from core.commands.documents import Swept
    from core.jobs import Jobs
    from core.models import PairSpec
    from core.predicting import Gathered
    from core.regression import Evaluation, Feature, Lipschitz, Suggestion
    from core.storage.records import Run
    from core.store import Store
    from core.tasks import Task

ScorerName = Annotated[str, typer.Option("--scorer", metavar="NAME", help="Name of a score that runs have.")]
Runs = Annotated[str | None, typer.Option(metavar="ID,...", help="Runs on the map; every run with samples by default.")]
Dimension = Annotated[
    int | None, typer.Option(min=1, help="Axes that the model reads; chosen inside folds by default.")
]


def predict(
    ctx: typer.Context,
    task: TaskName,
    scorer: ScorerName,
    model: Annotated[
        Literal["ridge", "least-squares", "nearest-neighbours", "gaussian-process"],
        typer.Option(help="From coordinates to scores."),
    ] = "ridge",
    dimension: Dimension = None,
    features: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Beside the coordinates: distance-to-real, spread. Choose beforehand."),
    ] = None,
    runs: Runs = None,
    level: Annotated[float, typer.Option(help="Share of new runs that intervals usually hold.")] = 0.9,
    permutations: Annotated[int, typer.Option(min=1, help="Shuffled scores that are compared.")] = 199,
    seed: Annotated[int, typer.Option(min=0, help="Seed of shuffles and folds.")] = 0,
    store: StoreUrl = None,
) -> None:
    """Foretell the scores of runs from where they lie on the map, and say how well that works.

    Every run with the score is foretold without it, map and model refitted; then the runs that have no score yet.
    """
    from core.tasks import load_task

    asked, beside = load_task(task), _features(features)
    with opened(ctx, store) as jobs:
        gathered, records = _gathered(jobs.store, asked, scorer, runs)
    from core.regression import evaluate

    evaluation = evaluate(
        gathered.runs,
        model=model.replace("-", " "),  # type: ignore[arg-type]
        dimension=dimension,
        features=beside,
        level=level,
        permutations=permutations,
        seed=seed,
        name=scorer,
    )
    by_id = {run.id: run for run in records}
    waiting = _waiting(gathered, evaluation, by_id)
    for sentence in dict.fromkeys([evaluation.verdict, *([evaluation.reason] if evaluation.reason else [])]):
        say(sentence)
    print_document(predict_documents.Predicted.of(gathered, evaluation, waiting, _steepest(evaluation), by_id))


def propose(
    ctx: typer.Context,
    task: TaskName,
    scorer: ScorerName,
    count: Annotated[int, typer.Option(min=1, help="So many of either kind.")] = 3,
    max_perplexity: Annotated[
        float | None, typer.Option(help="Settings whose texts likely stay below it under the base model.")
    ] = None,
    max_copies: Annotated[
        float | None, typer.Option(help="Settings of whose texts likely no larger share are verbatim copies.")
    ] = None,
    better: Annotated[
        Literal["higher", "lower"] | None,
        typer.Option(help="Which scores are better; the scorer says so, an imported score does not."),
    ] = None,
    dimension: Dimension = None,
    runs: Runs = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the settings that are considered.")] = 0,
    write: Annotated[bool, typer.Option("--write", help="Write the best ones as runs.")] = False,
    replicates: Replicates = 8,
    base: Base = None,
    expert: Expert = None,
    store: StoreUrl = None,
) -> None:
    """Suggest settings to try next: those expected to score best, and those that would teach most."""
    from core.tasks import load_task

    asked, pair = load_task(task), None
    if write:
        from core.models import find_pair

        pair = find_pair(task, base, expert)
    with opened(ctx, store) as jobs:
        gathered, _ = _gathered(jobs.store, asked, scorer, runs)
        wanted = better or gathered.better
        if wanted is None:
            raise SettingsError(
                f"The score {scorer!r} came with an import and does not say which direction is better; "
                "give --better higher or --better lower."
            )
        from core.regression import fit
        from core.suggesting import next_settings

        found = next_settings(
            jobs.store,
            fit(gathered.runs, dimension=dimension, seed=seed),
            better=wanted,
            count=count,
            max_perplexity=max_perplexity,
            max_copies=max_copies,
            seed=seed,
        )
        swept = None if pair is None else _written(jobs, asked, pair, gathered, found, replicates)
    print_document(
        predict_documents.NextSettings(
            scorer=scorer,
            better=wanted,
            n=gathered.runs.count,
            suggestions=[predict_documents.Suggested.of(each) for each in found],
            runs=[] if swept is None else swept.runs,
            skipped=[] if swept is None else swept.skipped,
            left_out=[predict_documents.NotLearnt(run, reason) for run, reason in gathered.left_out],
        )
    )


def _gathered(store: Store, task: Task, scorer: str, ids: str | None) -> tuple[Gathered, Sequence[Run]]:
    """The scored runs on a map of these runs; said on standard error which take no part."""
    from core.commands.selection import runs_for_map
    from core.predicting import gather, score_names

    if scorer not in (names := score_names(store, task.name)):
        those = f"its runs have {', '.join(names)}" if names else "compute one with `steerscope score`"
        raise NotFoundError(f"No run of the task {task.name!r} has a score {scorer!r}; {those}.")
    records = runs_for_map(store, task.name, ids)
    from core.atlas import draw_atlas
    from core.commands.foreground import embed_for_map

    embed_for_map(store, task, records)
    gathered = gather(store, draw_atlas(store, task, records), scorer, records)
    for run, reason in gathered.left_out:
        say(f"Run {run} takes no part: {reason}.")
    return gathered, records


def _features(names: str | None) -> list[Feature]:
    """Features as they are written on the command line; SettingsError for one that does not exist."""
    from core.commands.selection import named
    from core.regression import FEATURES

    known = {feature.replace(" ", "-"): feature for feature in FEATURES}
    asked = [] if names is None else [name.replace(" ", "-") for name in named(names)]
    for name in asked:
        if name not in known:
            raise SettingsError(f"There is no feature {name!r}; choose from {', '.join(known)}.")
    return [known[name] for name in asked]


def _waiting(
    gathered: Gathered, evaluation: Evaluation, records: dict[str, Run]
) -> list[predict_documents.PredictedRun]:
    """The runs on the map without a score, each as a new one."""
    from core.regression import predict_all

    return [
        predict_documents.PredictedRun.of(each, records[each.key])
        for each in predict_all(evaluation.fitted, gathered.waiting)
    ]


def _steepest(evaluation: Evaluation) -> Lipschitz | None:
    """The check over the places that the model reads; None where all runs are of one setting."""
    from core.regression import lipschitz

    runs = evaluation.fitted.runs
    try:
        return lipschitz(evaluation.fitted.points, runs.scores, runs.same_setting())
    except StatisticsError:
        return None


def _written(
    jobs: Jobs, task: Task, pair: PairSpec, gathered: Gathered, found: Sequence[Suggestion], replicates: int
) -> Swept:
    """The best ones as runs, those that the store has left as they are."""
    from core.commands.foreground import write_sweep
    from core.suggesting import sweep_of

    if pair.fingerprint not in (gathered.runs.families or ()):
        say("None of the scored runs was written by the models that write now, so what they say may not hold for them.")
    best = [each for each in found if each.kind == "best"]
    return write_sweep(jobs, sweep_of(task, pair, best, replicates=replicates))
