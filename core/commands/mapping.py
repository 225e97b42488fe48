"""The commands about maps: `map`, `place`, `plan` and `same`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from core.commands import map_documents
from core.commands.options import RunId, StoreUrl, TaskName
from core.commands.printing import print_document, say
from core.commands.stores import opened

if TYPE_CHECKING:
    from core.atlas import Atlas
    from core.guarantees import Box

Statistic = Annotated[
    Literal["mean", "energy"], typer.Option(help="energy sees how answers spread, mean only where they lie.")
]
Runs = Annotated[str | None, typer.Option(metavar="ID,...", help="Runs on the map; every run with samples by default.")]
Delta = Annotated[float, typer.Option(help="Probability with which a box may miss.")]


def draw(
    ctx: typer.Context,
    task: TaskName,
    runs: Runs = None,
    dimension: Annotated[int, typer.Option(min=1, help="Axes of the map.")] = 2,
    reference: Annotated[
        str | None,
        typer.Option(metavar="ID,...", help="Runs that fit the axes, and real; the others are placed on them."),
    ] = None,
    variant: Statistic = "mean",
    delta: Delta = 0.05,
    store: StoreUrl = None,
) -> None:
    """Place runs beside the real data of a task, and keep the map."""
    from core.tasks import load_task

    asked = load_task(task)
    with opened(ctx, store) as jobs:
        from core.commands.selection import named, runs_for_map

        shown = runs_for_map(jobs.store, task, runs)
        from core.atlas import draw_atlas
        from core.commands.foreground import embed_for_map
        from core.kept_maps import keep

        embed_for_map(jobs.store, asked, shown)
        keys = None if reference is None else named(reference)
        atlas = draw_atlas(jobs.store, asked, shown, dimension=dimension, reference=keys, variant=variant)
        keep(jobs.store, atlas)
    for warning in atlas.map.warnings:
        say(warning)
    for left_out, reason in atlas.left_out:
        say(f"Run {left_out} is not on the map: {reason}.")
    from core.guarantees import ASSUMPTIONS, worst_case

    assert atlas.answers is not None
    worst = worst_case(atlas.answers, dimension, delta=delta)
    print_document(map_documents.Map.of(atlas, _boxes(atlas, delta), worst, ASSUMPTIONS))


def place(
    ctx: typer.Context,
    run: RunId,
    map_id: Annotated[str, typer.Option("--map", metavar="ID", help="Id of a map that `map` drew.")],
    delta: Delta = 0.05,
    store: StoreUrl = None,
) -> None:
    """Place a run on a map that stays as it is."""
    with opened(ctx, store) as jobs:
        from core.commands.foreground import embed_for_map
        from core.guarantees import placed_box
        from core.kept_maps import reopen
        from core.placing import place_run
        from core.tasks import load_task

        found = jobs.store.run(run)
        atlas = reopen(jobs.store, map_id)
        task = load_task(atlas.task)
        embed_for_map(jobs.store, task, [found])
        placed = place_run(jobs.store, task, atlas, found)
        box = placed_box(atlas.map, placed.answers, delta)
    print_document(map_documents.PlacedOn.of(placed, map_id, box))


def plan(
    ctx: typer.Context,
    epsilon: Annotated[float, typer.Option(help="Half-width of the box on every axis.")],
    delta: Delta = 0.05,
    dimension: Annotated[int, typer.Option(min=1, help="Axes of the map.")] = 2,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="Run whose answers are like those to come.")] = None,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="Its newest complete run instead.")] = None,
    store: StoreUrl = None,
) -> None:
    """Say how many answers a box of a given size takes, from a pilot run or from nothing.

    The axes are those of a map that all other runs of the task and its real data fit, and that the pilot does not.
    """
    if run is None and task is None:
        from core.guarantees import plan_budget

        print_document(map_documents.Planned.of(plan_budget(epsilon, delta, dimension=dimension), None))
        return
    with opened(ctx, store) as jobs:
        from core.commands.foreground import embed_for_map
        from core.commands.selection import pilot_of, runs_for_map
        from core.guarantees import plan_budget
        from core.placing import pilot_axes
        from core.tasks import load_task

        pilot = pilot_of(jobs.store, run, task)
        asked = load_task(pilot.task)
        shown = runs_for_map(jobs.store, pilot.task, None)
        embed_for_map(jobs.store, asked, shown)
        answers, axes = pilot_axes(jobs.store, asked, pilot, shown, dimension=dimension)
    seconds = pilot.seconds / pilot.samples if pilot.samples and pilot.seconds else None
    budget = plan_budget(epsilon, delta, dimension=dimension, pilot=answers, blocks=axes, seconds_per_answer=seconds)
    print_document(map_documents.Planned.of(budget, pilot.id))


def same(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, or real.")],
    second: Annotated[str, typer.Argument(metavar="RUN", help="Id of another run, or real.")],
    statistic: Statistic = "mean",
    permutations: Annotated[int, typer.Option(min=1, help="Labellings that are compared.")] = 999,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the labellings.")] = 0,
    store: StoreUrl = None,
) -> None:
    """Test whether two runs answer the probe queries alike; one of them may be the real data."""
    with opened(ctx, store) as jobs:
        from core.commands.foreground import embed_for_map
        from core.commands.selection import pair_of
        from core.guarantees import same as test
        from core.placing import answers_of
        from core.statistics.distances import distance
        from core.statistics.energy import energy_distance
        from core.tasks import load_task

        runs = pair_of(jobs.store, first, second)
        task = load_task(runs[0].task)
        embed_for_map(jobs.store, task, runs)
        one, other = (answers_of(jobs.store, task, key, runs) for key in (first, second))
    found = test(one, other, permutations=permutations, statistic=statistic, seed=seed)
    apart = energy_distance(one, other) if statistic == "energy" else distance(one, other)
    print_document(map_documents.Same.of([first, second], found, apart))


def _boxes(atlas: Atlas, delta: float) -> tuple[Box, ...]:
    """The box of every generator: on a reference map of those that were placed, else about the common centre."""
    from core.guarantees import boxes, placed_box

    assert atlas.answers is not None
    if atlas.made["reference"] is not None or atlas.map.variant == "energy":
        return tuple(placed_box(atlas.map, answers, delta) for answers in atlas.answers)
    return boxes(atlas.answers, dimension=atlas.map.dimension, seed=atlas.made["seed"], delta=delta)
