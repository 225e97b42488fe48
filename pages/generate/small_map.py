"""Where the run lies: real data, this run, its control and the task's other runs on one small map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.atlas import Atlas, draw_atlas
from core.drawing.atlas_marks import cloud_of, expert_only, marks_of
from core.drawing.marks import Kind, Mark
from core.drawing.numbers import interval, three
from core.errors import StatisticsError
from core.figures import RINGS_FROM, SMALL_MAP_HEIGHT, map_figure, map_window
from core.generators import REAL
from core.perspective import PerspectiveMap
from core.statistics.distances import Distance
from core.storage.records import Run
from core.store import Store
from core.tasks import Task
from pages.shared.charts import chart, map_key
from pages.shared.headline import section
from pages.shared.plain import literal

if TYPE_CHECKING:
    import plotly.graph_objects as go

OTHERS = 30
"""Runs beside the one that is shown: the newest."""

NOTES_HEIGHT = 138

WATCHING = (
    "The ellipse shrinks as replicates arrive, and watching is not testing: quote the number of the budget "
    "fixed beforehand."
)


@dataclass(frozen=True)
class Drawn:
    """A map as it was drawn last, kept so that the next one is turned towards it and nothing is drawn twice."""

    of: tuple[Any, ...]
    run: str
    map: PerspectiveMap | None
    window: tuple[float, float, float, float] | None
    figure: go.Figure | None
    marks: tuple[Mark, ...]
    queries: int
    samples: int
    distance: Distance | None
    reasons: tuple[str, ...]


def drawn_map(store: Store, task: Task, run: Run, control: Run | None) -> Drawn:
    """The map of what is stored now; the one drawn last where nothing is new."""
    kept: dict[str, Drawn] = st.session_state.setdefault("maps", {})
    others = [
        other
        for other in store.runs(task=task.name, status="done", limit=OTHERS + 2)
        if other.role == "probe" and other.id not in (run.id, control.id if control else None)
    ][:OTHERS]
    shown = [run, *([control] if control else []), *others]
    of = tuple((each.id, each.samples, each.status, each.finished) for each in shown)
    last = kept.get(task.name)
    # Samples join the map once they are embedded, a moment after they are stored.
    if last is not None and last.of == of and (not run.active or last.samples == run.samples):
        return last
    kept[task.name] = _draw(store, task, run, control, shown, of, last)
    return kept[task.name]


def small_map(drawn: Drawn, run: Run) -> None:
    """Head, chart, key and what must be known before reading it, at one height whatever there is to say."""
    gloss = "beside the real data"
    if run.active and drawn.samples:
        gloss = f"on {drawn.queries} of {len(run.queries)} queries so far"
    section("On the map", gloss)
    if drawn.figure is None or drawn.map is None:
        with st.container(
            border=True, height=SMALL_MAP_HEIGHT, vertical_alignment="center", horizontal_alignment="center"
        ):
            st.markdown("##### No point yet", text_alignment="center", anchors=False)
            st.markdown(f":small[:gray[{' '.join(drawn.reasons)}]]", text_alignment="center")
    else:
        chart(drawn.figure, key="small-map", alt=_alt(drawn))
    with st.container(height=NOTES_HEIGHT, border=False, gap="xxsmall"):
        if drawn.map is None or drawn.figure is None:
            return
        kinds: list[Kind] = list(dict.fromkeys(mark.kind for mark in drawn.marks))
        map_key(kinds, rings=float(sum(drawn.map.explained[:2])) >= RINGS_FROM)
        st.caption(" ".join([*drawn.reasons, WATCHING]))


def _draw(
    store: Store,
    task: Task,
    run: Run,
    control: Run | None,
    shown: Sequence[Run],
    of: tuple[Any, ...],
    last: Drawn | None,
) -> Drawn:
    try:
        atlas = draw_atlas(store, task, shown, focus=run.id, align_to=last.map if last else None)
    except StatisticsError as error:
        why = "It appears as soon as the first round is written and embedded." if run.active else str(error)
        return Drawn(of, run.id, last.map if last else None, None, None, (), 0, 0, None, (literal(why),))
    controls = [] if control is None else [control.id]
    marks = marks_of(atlas, chosen=run.id, controls=controls, labels=_labels(atlas, run, control))
    clouds = [cloud_of(atlas, one.key) for one in atlas.generators if one.key in (REAL, run.id)]
    same = last is not None and last.run == run.id
    window = last.window if same and last is not None and _holds(last.window, marks) else map_window(marks, clouds)
    explained = atlas.map.explained
    figure = map_figure(
        marks,
        clouds,
        explained=(float(explained[0]), float(explained[1])),
        window=window,
        small=True,
    )
    distance, samples = None, 0
    if run.id in atlas.map.keys:
        place = atlas.map.index(run.id)
        distance, samples = atlas.to_real[place], len(atlas.samples[place])
        reasons = [_of_this(run, why) for why in (atlas.map.reasons[place],) if why]
    else:
        joins = "This run joins the map with its first answers."
        if run.role != "probe":
            joins = "This run answered training queries, and maps stand on probe queries alone."
        reasons = [_of_this(run, why) for key, why in atlas.left_out if key == run.id] or [joins]
    reasons += [literal(warning) for warning in atlas.map.warnings]
    return Drawn(of, run.id, atlas.map, window, figure, marks, len(atlas.queries), samples, distance, tuple(reasons))


def _labels(atlas: Atlas, run: Run, control: Run | None) -> dict[str, str]:
    """Words at the end of a leader: for the expert alone, this run and its control."""
    labels = {one.key: "expert only" for one in atlas.generators if expert_only(one)}
    if control is not None:
        labels[control.id] = "matched temperature"
    return labels | {run.id: "this run"}


def _holds(window: tuple[float, float, float, float] | None, marks: Sequence[Mark]) -> bool:
    if window is None:
        return False
    left, right, bottom, top = window
    return all(left <= mark.xy[0] <= right and bottom <= mark.xy[1] <= top for mark in marks)


def _of_this(run: Run, why: str) -> str:
    words = literal(why.replace(run.id, "This run"))
    return words[:1].upper() + words[1:]


def _alt(drawn: Drawn) -> str:
    near = drawn.distance
    if near is None or near.value is None:
        return "Map of this task's runs and the real data; this run has no measured distance to real yet."
    between = f", 95% {interval(near.low, near.high)}" if near.low is not None else ""
    return f"Map of this task's runs and the real data: this run is at squared distance {three(near.value)}{between}."
