"""What the buttons do: each asks for work and leaves; a worker does it, and the page follows."""

from __future__ import annotations

from collections.abc import Sequence

from core.downstream.scoring import submit_score
from core.jobs import Jobs
from core.models import PairSpec
from core.regression import Suggestion
from core.slider_point import submit_point
from core.sliders import SteerSettings
from core.suggesting import submit_suggestions
from core.tasks import Task
from pages.shared.asking import button


@button
def place_point(jobs: Jobs, task: Task, pair: PairSpec, settings: SteerSettings) -> None:
    """Write the few answers from which the slider point is placed."""
    submit_point(jobs, task, pair, settings)


@button
def score_runs(jobs: Jobs, runs: Sequence[str], scorer: str, seeds: int) -> None:
    """Train and judge students on each of these runs; what is known already is not computed again."""
    for run in runs:
        submit_score(jobs, jobs.store.run(run), scorer, seeds=seeds)


@button
def write_next(jobs: Jobs, task: Task, pair: PairSpec, suggestions: Sequence[Suggestion]) -> None:
    """Write the suggested settings as runs."""
    submit_suggestions(jobs, task, pair, suggestions)


@button
def cancel(jobs: Jobs, numbers: Sequence[int]) -> None:
    """Ask jobs to stop before their next step; what is computed stays."""
    for number in numbers:
        jobs.cancel(number)
