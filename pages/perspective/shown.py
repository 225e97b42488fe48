"""Which map is shown: fitted once for what is stored, turned towards the one before, and kept under a selection."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.atlas import Atlas, draw_atlas
from core.drawing.atlas_marks import cloud_of, marks_of
from core.drawing.numbers import counted
from core.errors import StatisticsError
from core.figures import map_window
from core.generators import HELD_OUT, REAL, Placed
from core.jobs import Jobs
from core.kept_maps import reopen
from core.map_job import hash_of, submit_map
from core.perspective_map import Variant
from core.storage.records import Job, Run
from core.store import Store
from core.tasks import Task
from pages.perspective.finding import nearest
from pages.shared.finished import AT_ONCE, RunsKey, runs_key

MOST = 1_000
"""Runs on one map: the newest."""

SHOWN = "perspective-shown"

Window = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Shown:
    """A map on the page. runs: those it was made of, by id; window: the part of the plane that is drawn.

    news: what has changed since it was drawn, in words; it waits while something is selected. drawing: the job
    that draws the map anew, None where none does.
    """

    task: Task
    atlas: Atlas
    runs: dict[str, Run]
    window: Window
    key: RunsKey
    news: str = ""
    drawing: Job | None = None

    @property
    def generators(self) -> tuple[Placed, ...]:
        """The runs on the map, without the real data."""
        return tuple(one for one in self.atlas.generators if one.kind != REAL)

    @property
    def real(self) -> tuple[str, ...]:
        """Keys of the real data on the map: one, two where half of them are held out, none without."""
        return tuple(one.key for one in self.atlas.generators if one.key in (REAL, HELD_OUT))

    def name_of(self, key: str) -> str:
        """What a generator is called; runs of equal settings get their id behind it."""
        one = self.atlas.generators[self.atlas.map.index(key)]
        if one.kind == REAL:
            return one.label
        twins = sum(other.label == one.label for other in self.generators)
        return f"{one.label} · {key}" if twins > 1 and one.label != key else one.label


def writing_runs(store: Store, task: Task) -> list[Run]:
    """Runs in progress that answer probe queries, newest first."""
    return [run for run in store.runs(task=task.name, status="running") if run.role == "probe"]


def show(jobs: Jobs, task: Task, runs: Sequence[Run], variant: Variant, dimension: int, hold: bool) -> Shown | Job:
    """The map of these runs, fitted where none is kept; hold: leave the kept one where runs have changed.

    A map that takes long is drawn by a worker: until then the one before stays, or the job is returned where there is
    none. Raises StatisticsError where the runs make no map.
    """
    kept: dict[Any, Shown] = st.session_state.setdefault(SHOWN, {})
    place, key = (task.name, variant, dimension), runs_key(runs)
    last = kept.get(place)
    if last is not None and last.key == key:
        return last
    if last is not None and hold and last.key:
        return replace(last, news=_news(last.key, key))
    turned = None if last is None else last.atlas
    if variant == "energy" or sum(run.samples for run in runs) > AT_ONCE:
        kept_before = None if turned is None or turned.id not in jobs.store.maps(task.name) else turned.id
        job = submit_map(jobs, task, runs, variant=variant, dimension=dimension, turned_to=kept_before)
        if job.active:
            return job if last is None else replace(last, news=_news(last.key, key), drawing=job)
        if job.status != "done":
            raise StatisticsError(job.error or "The map was not drawn to its end; choose another one and come back.")
        atlas = _opened(jobs.store.url, str(job.result["map"]), jobs.store)
    else:
        atlas = drawn_anew(jobs.store, task, runs, variant, dimension, turned)
    window = last.window if last is not None and _holds(last.window, atlas) else _window(atlas)
    kept[place] = Shown(task, atlas, {run.id: run for run in runs}, window, key)
    return kept[place]


def drawn_anew(
    store: Store, task: Task, runs: Sequence[Run], variant: Variant, dimension: int, turned: Atlas | None
) -> Atlas:
    """The map of these runs, turned towards another; made once a server. StatisticsError where they make none."""
    what = (store.url, runs_key(runs), hash_of(task), variant, dimension, _digest(turned))
    return _drawn(*what, store, task, runs, turned)


def redraw(task: Task) -> None:
    """For a callback: the next drawing shows every run, under a selection too."""
    for place in [place for place in st.session_state.get(SHOWN, {}) if place[0] == task.name]:
        kept: Shown = st.session_state[SHOWN][place]
        # Without its key it is no longer the map of anything, but the next one is still turned towards it.
        st.session_state[SHOWN][place] = replace(kept, key=())


@st.cache_resource(max_entries=8, show_spinner=False)
def _drawn(
    url: str,
    key: RunsKey,
    content: str,
    variant: Variant,
    dimension: int,
    turned_to: str,
    _store: Store,
    _task: Task,
    _runs: Sequence[Run],
    _turned_to: Atlas | None,
) -> Atlas:
    turned = None if _turned_to is None else _turned_to.map
    return draw_atlas(_store, _task, _runs, dimension=dimension, align_to=turned, held_out=True, variant=variant)


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(url: str, map_id: str, _store: Store) -> Atlas:
    return reopen(_store, map_id)


def _digest(turned: Atlas | None) -> str:
    if turned is None:
        return ""
    return hashlib.sha256(repr(turned.map.keys).encode() + turned.map.points.tobytes()).hexdigest()


def _window(atlas: Atlas) -> Window:
    marks = marks_of(atlas)
    near = nearest(atlas)
    shown = [key for key in (REAL, HELD_OUT, near) if key is not None and key in atlas.map.keys]
    return map_window(marks, [cloud_of(atlas, key) for key in shown], bar=True)


def _holds(window: Window, atlas: Atlas) -> bool:
    left, right, bottom, top = window
    return all(left <= x <= right and bottom <= y <= top for x, y in atlas.map.points[:, :2].tolist())


def _news(before: RunsKey, now: RunsKey) -> str:
    old, new = {run: rest for run, *rest in before}, {run: rest for run, *rest in now}
    if all(new.get(run) == rest for run, rest in old.items()):
        return counted(len(new) - len(old), "new run")
    return "The runs have changed"
