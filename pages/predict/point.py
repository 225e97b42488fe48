"""The slider point: the setting of the sliders, where it lies on the map, and what score it is foretold."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.errors import SettingsError, SteerscopeError
from core.jobs import Jobs
from core.models import PairSpec
from core.regression import Prediction, Span, predict, predict_all
from core.slider_point import KIND, answers_of_point
from core.sliders import SteerSettings
from core.statistics.answers import Answers
from core.storage.records import Job
from core.suggesting import spans
from pages.predict.shown import Options, Shown
from pages.shared.frame import fingerprint
from pages.shared.signs import FIRST

SLIDERS = 3
"""As many as stand beside the toolbar; further settings that vary stay as in most runs."""


@dataclass(frozen=True, eq=False)
class Point:
    """A setting before anything is trained on it.

    run: of the map that has this setting; job: that writes or wrote its answers where no run has them; prediction:
    None until it is placed; xy: where it is drawn. trouble: one sentence where it cannot be.
    """

    settings: SteerSettings | None
    run: str | None = None
    job: Job | None = None
    prediction: Prediction | None = None
    xy: tuple[float, float] | None = None
    trouble: str = ""


def ranges(shown: Shown) -> dict[str, Span]:
    """The sliders of the point, from the least to the greatest value that the runs have; empty for imported runs."""
    if any(run.kind != "steer" for key, run in shown.runs.items() if key in shown.gathered.runs.keys):
        return {}
    found = {name: span for name, span in spans(shown.gathered.runs).items() if isinstance(span, Span)}
    order = [name for name in FIRST if name in found] + [name for name in found if name not in FIRST]
    return {name: found[name] for name in order[:SLIDERS]}


def widget(name: str) -> str:
    """The key of a slider."""
    return f"predict-{name}"


def start(shown: Shown) -> Mapping[str, Any]:
    """Where the sliders stand at first: at the scored run that is nearest to STEER as released."""
    usual, found = SteerSettings().as_dict(), ranges(shown)

    def away(settings: Mapping[str, Any]) -> float:
        return sum(abs(settings[name] - usual[name]) / (span.high - span.low) for name, span in found.items())

    return min(shown.gathered.runs.settings, key=away)


def point(jobs: Jobs, shown: Shown, pair: PairSpec | None) -> Point:
    """The point of the sliders as they stand."""
    try:
        settings = _settings(shown)
    except SettingsError as error:
        return Point(None, trouble=str(error))
    if (run := _run_of(shown, settings, pair)) is not None:
        found = next(one for one in (*shown.evaluation.predictions, *waiting(shown)) if one.key == run)
        return Point(settings, run=run, prediction=found, xy=_on(shown, run))
    job = _job_of(jobs, shown, settings, pair)
    if job is None or job.status != "done":
        return Point(settings, job=job)
    try:
        answers = answers_of_point(jobs.store, shown.task, shown.atlas.queries, job)
        x, y = (float(value) for value in shown.atlas.map.place(answers).point[:2])
        return Point(settings, job=job, prediction=_predicted(*shown.key, answers.key, shown, answers), xy=(x, y))
    except SteerscopeError as error:
        return Point(settings, job=job, trouble=str(error))


def waiting(shown: Shown) -> tuple[Prediction, ...]:
    """What the runs of the map without a score are foretold."""
    return _waiting(*shown.key, shown)


@st.cache_resource(max_entries=24, show_spinner=False)
def _waiting(digest: str, options: Options, _shown: Shown) -> tuple[Prediction, ...]:
    return predict_all(_shown.evaluation.fitted, _shown.gathered.waiting)


@st.cache_resource(max_entries=64, show_spinner=False)
def _predicted(digest: str, options: Options, key: str, _shown: Shown, _answers: Answers) -> Prediction:
    return predict(_shown.evaluation.fitted, _answers)


def _settings(shown: Shown) -> SteerSettings:
    """The sliders, everything else as in most runs."""
    found = ranges(shown)
    usual = Counter(
        json.dumps({name: value for name, value in each.items() if name not in found}, sort_keys=True)
        for each in shown.gathered.runs.settings
    )
    values = {name: st.session_state.get(widget(name), start(shown)[name]) for name in found}
    return SteerSettings.from_mapping({**json.loads(usual.most_common(1)[0][0]), **values})


def _run_of(shown: Shown, settings: SteerSettings, pair: PairSpec | None) -> str | None:
    """A run of this setting and pair on the map, one with a score before one without."""
    wanted = settings.with_(seed=0).as_dict()
    own = None if pair is None else fingerprint(pair)
    for key in (*shown.gathered.runs.keys, *(one.key for one in shown.gathered.waiting)):
        run = shown.runs[key]
        if run.kind != "steer" or {**SteerSettings().as_dict(), **run.settings, "seed": 0} != wanted:
            continue
        if own is None or run.pair is None or run.pair.split("-")[0] == own:
            return key
    return None


def _job_of(jobs: Jobs, shown: Shown, settings: SteerSettings, pair: PairSpec | None) -> Job | None:
    """The newest job that was asked to write this point."""
    for job in jobs.jobs(kind=KIND, limit=100):
        asked = job.payload
        alike = asked["task"] == shown.task.name and asked["settings"] == settings.as_dict()
        if alike and (pair is None or asked["pair"] == fingerprint(pair)):
            return job
    return None


def _on(shown: Shown, key: str) -> tuple[float, float]:
    x, y = shown.points[key][:2]
    return float(x), float(y)
