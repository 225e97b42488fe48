"""What the page stands on: the map, the runs with a score, and how well a left-out one is foretold; each made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from core.atlas import Atlas, draw_atlas
from core.generators import REAL
from core.map_job import hash_of
from core.perspective_map import PerspectiveMap
from core.predicting import Gathered
from core.regressing.features import Feature
from core.regression import Evaluation, Model, Surface, evaluate, surface
from core.statistics.answers import Floats
from core.storage.records import Run
from core.store import Store
from core.tasks import Task
from pages.predict.scores import Score
from pages.shared.finished import RunsKey, runs_key

DRAWN = "predict-drawn"
"""The map that was drawn last and what it was drawn from, by task: the next one is turned towards it."""


@dataclass(frozen=True)
class Options:
    """How scores are foretold. dimension: axes of the map, None to let the folds choose."""

    model: Model = "ridge"
    dimension: int | None = None
    features: tuple[Feature, ...] = ()


@dataclass(frozen=True, eq=False)
class Shown:
    """A score over the map. runs: those on the map, by id; digest: of `gathered`, worked out once."""

    task: Task
    score: Score
    atlas: Atlas
    runs: Mapping[str, Run]
    gathered: Gathered
    options: Options
    evaluation: Evaluation
    labels: Mapping[str, str]
    digest: str

    @property
    def key(self) -> tuple[str, Options]:
        """Changes with everything that a prediction reads."""
        return self.digest, self.options

    @property
    def points(self) -> dict[str, Floats]:
        """(d,) where every generator is drawn, by its key."""
        return dict(zip(self.atlas.map.keys, self.atlas.map.points, strict=True))


def drawn(store: Store, task: Task, runs: Sequence[Run]) -> Atlas:
    """The map of these runs with all real rows on it; StatisticsError where they make none."""
    kept: dict[str, tuple[object, Atlas]] = st.session_state.setdefault(DRAWN, {})
    place = (store.url, runs_key(runs), hash_of(task))
    before, turned = kept.get(task.name, (None, None))
    if turned is None or before != place:
        turned = drawn_anew(store, task, runs, turned)
        kept[task.name] = (place, turned)
    return turned


def drawn_anew(store: Store, task: Task, runs: Sequence[Run], turned: Atlas | None) -> Atlas:
    """The map of these runs, turned towards another; made once a server. StatisticsError where they make none."""
    towards = ("", None) if turned is None else (turned.id, turned.map)
    return _drawn(store.url, runs_key(runs), hash_of(task), towards[0], store, task, runs, towards[1])


@st.cache_resource(max_entries=8, show_spinner=False)
def _drawn(
    url: str,
    key: RunsKey,
    content: str,
    turned_to: str,
    _store: Store,
    _task: Task,
    _runs: Sequence[Run],
    _turned: PerspectiveMap | None,
) -> Atlas:
    return draw_atlas(_store, _task, _runs, align_to=_turned)


def names_of(atlas: Atlas) -> dict[str, str]:
    """What every generator is called; runs of equal settings get their id behind it."""
    labels = [one.label for one in atlas.generators]
    return {
        one.key: f"{one.label} · {one.key}" if one.kind != REAL and labels.count(one.label) > 1 else one.label
        for one in atlas.generators
    }


def show(task: Task, atlas: Atlas, runs: Mapping[str, Run], gathered: Gathered, options: Options) -> Shown:
    """The score over the map, judged once for equal answers, scores and options; StatisticsError as `evaluate` does."""
    score = Score(gathered.name)
    digest = gathered.digest
    evaluation = _evaluated(digest, options, score.unit, gathered)
    return Shown(task, score, atlas, runs, gathered, options, evaluation, names_of(atlas), digest)


def surface_of(shown: Shown) -> Surface:
    """The score over the drawn map."""
    return _surface(shown.digest, shown.atlas.id, shown.gathered)


@st.cache_resource(max_entries=24, show_spinner=False)
def _evaluated(digest: str, options: Options, unit: str, _gathered: Gathered) -> Evaluation:
    return evaluate(
        _gathered.runs,
        model=options.model,
        dimension=options.dimension,
        features=options.features,
        name=unit,
    )


@st.cache_resource(max_entries=24, show_spinner=False)
def _surface(digest: str, drawn: str, _gathered: Gathered) -> Surface:
    return surface(_gathered.points, _gathered.runs.scores, _gathered.runs.noise)
