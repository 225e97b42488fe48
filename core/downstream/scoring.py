"""Scoring as a job: seed by seed, each kept as soon as it is known, so that asking again goes on where it stopped.

A score is remembered with a digest of its recipe, which is the scorer, its student and every text that was learned or
judged on: with another recipe it is computed anew, and what the old one gave is forgotten.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from core.downstream.answers import check_scorable, material, usual_replicates, writer
from core.downstream.material import Material, real_material
from core.downstream.scorer import Judged, Scorer, Steps, Workshop, part
from core.downstream.scorers import scorer_of
from core.embedding import EMBEDDER, vectors_of
from core.errors import SettingsError, StateError, StatisticsError
from core.jobs import Jobs
from core.scheduling.context import REST_SECONDS, JobContext
from core.settings import settings
from core.storage.records import Job, Priority, Run
from core.store import Store
from core.tasks import Task, load_task

KIND = "score"
SEEDS = 3
"""Training seeds of a score unless more are asked for: the fewest that have a standard error worth the name."""
MOST_SEEDS = 100
_PARTS = 1000


def submit_score(
    jobs: Jobs,
    run: Run,
    scorer: str,
    *,
    seeds: int = SEEDS,
    replicates: int | None = None,
    base: str | None = None,
    owner: str | None = None,
) -> Job:
    """Ask for a run's score; the job that computes the same already, if there is one.

    replicates: answers to each train query that the student learns, `usual_replicates` unless given; base: of the
    student. Raises SettingsError where the scorer does not fit, NotFoundError where there is none of that name.
    """
    task = load_task(run.task)
    check_scorable(run, task)
    if (reason := scorer_of(scorer, base).fits(task)) is not None:
        raise SettingsError(reason)
    for name, value, most in (("seeds", seeds, MOST_SEEDS), ("replicates", replicates or 1, 10_000)):
        if not 1 <= value <= most:
            raise SettingsError(f"{name} is {value}; give a whole number from 1 to {most:,}.")
    payload = {
        "run": run.id,
        "scorer": scorer,
        "seeds": seeds,
        "replicates": replicates or usual_replicates(task),
        "base": base,
    }
    # Below runs: a score may wait for the answers that a run of its own writes, and must not keep it from its turn.
    if owner is None:
        return jobs.submit_once(KIND, payload, priority=Priority.BACKGROUND)
    return jobs.submit(KIND, payload, priority=Priority.BACKGROUND, owner=owner)


def run_score(ctx: JobContext) -> Generator[Any]:
    """Bring the answers, then train and judge a student for every seed that is not known yet."""
    store, asked = ctx.store, ctx.payload
    run = store.run(asked["run"])
    task = load_task(run.task)
    scorer = scorer_of(asked["scorer"], asked.get("base"))
    replicates, seeds = int(asked["replicates"]), range(int(asked["seeds"]))
    ctx.progress(0, _PARTS, "looking for the answers to the train queries")
    yield
    holder = yield from _answers(ctx, run, task, replicates)
    learned = material(store, task, holder, replicates)
    recipe = recipe_of(scorer, learned)
    known = _known(store, run.id, scorer, recipe)
    shop = Workshop(lambda texts: vectors_of(texts, store.vectors(EMBEDDER)), ctx.beside, settings().device)
    missing = [seed for seed in seeds if seed not in known]
    for number, seed in enumerate(missing):
        for share in _one_seed(store, scorer, learned, recipe, run, seed, shop):
            done = len(seeds) - len(missing) + number + share
            ctx.progress(int(_PARTS * done / len(seeds)), _PARTS, f"{scorer.name}, seed {seed + 1} of {len(seeds)}")
            yield
    ctx.progress(_PARTS, _PARTS, scorer.name)
    ctx.result = {"run": run.id, "scorer": scorer.name, "seeds": len(seeds), "computed": len(missing)}


def _one_seed(
    store: Store,
    scorer: Scorer,
    learned: Material,
    recipe: str,
    run: Run,
    seed: int,
    shop: Workshop,
) -> Generator[float]:
    """Train, judge and keep one seed, with the lines that it is read against."""
    began = time.monotonic()
    found: Judged = yield from part(scorer.score(learned, seed, shop), 0.0, 0.5)
    note = {
        "recipe": recipe,
        "rows": len(learned.rows),
        "left out": asdict(learned.copies),
        "said": list(found.said),
        "seconds": round(time.monotonic() - began, 2),
    }
    lines = yield from part(_lines(store, scorer, learned.task, seed, shop), 0.5, 1.0)
    store.put_scores(run.id, found.values, seed=seed, note=json.dumps(note | lines, sort_keys=True))


def _lines(store: Store, scorer: Scorer, task: Task, seed: int, shop: Workshop) -> Steps[dict[str, Any]]:
    """The same measures of a student of the real train rows, and of one that learned nothing.

    They are equal for all runs of a task, so the note of any other run that has them is read instead.
    """
    real = real_material(task)
    if real is None:
        return {"line": None, "real": None, "start": None}
    line = recipe_of(scorer, real)
    start: dict[str, float] | None = None
    for score in store.stored_scores(name=scorer.name, task=task.name):
        told = note_of(score.note)
        if told.get("line") == line:
            start = told.get("start")  # it has no seed
            if score.seed == seed:
                return {"line": line, "real": told.get("real"), "start": start}
    if start is None:
        start = dict((yield from part(scorer.start(real, shop), 0.0, 0.2)).values)
    try:
        judged = yield from part(scorer.score(real, seed, shop), 0.2, 1.0)
    except StatisticsError:
        return {"line": line, "real": None, "start": start}  # such as one real row a query, which makes no pair
    return {"line": line, "real": dict(judged.values), "start": start}


def _answers(ctx: JobContext, run: Run, task: Task, replicates: int) -> Generator[Any, None, Run]:
    """The run that holds the answers, once it is complete; StateError where it did not become so."""
    what, found = writer(ctx.jobs, run, task, replicates)
    if what == "done":
        assert isinstance(found, Run)
        return found
    holder = str(found.run) if isinstance(found, Job) else found.id
    while (now := ctx.store.run(holder)).active:
        share = now.samples / max(1, now.expected)
        ctx.progress(0, _PARTS, f"run {holder} writes the answers to the train queries ({share:.0%})")
        ctx.rests_until = time.monotonic() + REST_SECONDS
        yield
    if now.status != "done":
        why = f": {now.error}" if now.error else ""
        raise StateError(
            f"Run {holder}, the answers of {run.id} to the train queries, is {now.status}{why}; ask for "
            "the score again."
        )
    return now


def recipe_of(scorer: Scorer, learned: Material) -> str:
    """A digest of everything but the seed that decides a score."""
    parts = [dict(scorer.recipe()), learned.digest, learned.task.max_new_tokens]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def note_of(text: str) -> Mapping[str, Any]:
    """What a score's note tells; nothing where it is no note of ours."""
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _known(store: Store, run: str, scorer: Scorer, recipe: str) -> set[int]:
    """The seeds whose scores this recipe gave; those of another recipe are deleted, so that no mean mixes them."""
    names: Sequence[str] = [measure.name for measure in scorer.measures]
    stored = [score for score in store.stored_scores(run=run, name=scorer.name) if score.seed >= 0]
    ours = {score.seed for score in stored if note_of(score.note).get("recipe") == recipe}
    stale = [score.seed for score in stored if score.seed not in ours]
    if stale:
        store.forget_scores(run, names, stale)
    return ours
