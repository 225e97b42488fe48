"""Where the open run lies: a small map of its task's finished runs beside the real data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from core.atlas import draw_atlas
from core.drawing.atlas_marks import marks_of
from core.drawing.marks import Kind, Mark, marks_table
from core.drawing.numbers import counted, three
from core.errors import SteerscopeError
from core.figures import RINGS_FROM, SMALL_MAP_HEIGHT, map_figure
from core.storage.records import Run
from core.store import Store
from pages.runs.entry import Entry
from pages.shared.charts import chart, map_key, table_twin
from pages.shared.finished import runs_key
from pages.shared.frame import task_named
from pages.shared.headline import head_row, section
from pages.shared.plain import literal
from pages.shared.states import empty

RUNS = 24
"""Runs on the map: the newest, and the open one; more would hide each other at this size."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A drawn map as plain data; missing: why a run is not on it; reasons: why it has no ellipse."""

    marks: tuple[Mark, ...]
    explained: tuple[float, float]
    missing: dict[str, str]
    reasons: dict[str, str]


def small_map(store: Store, entry: Entry) -> None:
    """Draw the map with the open run in blue, or say why it is not there."""
    run = entry.run
    head = head_row()
    with head:
        section("On the map", f"finished runs of {literal(entry.task)}")
    if run.status != "done":
        empty("Not on the map yet", "A point appears as soon as the run is complete.", height=SMALL_MAP_HEIGHT)
        return
    if run.role != "probe":
        why = "It answers training queries; a place on the map is made from the answers to probe queries."
        empty("Not on the map", why, height=SMALL_MAP_HEIGHT)
        return
    others = [one for one in store.runs(task=run.task, status="done", limit=RUNS) if one.role == "probe"]
    runs = others if any(one.id == run.id for one in others) else [*others[: RUNS - 1], run]
    try:
        placed = _placed(store.url, run.task, runs_key(runs), runs, store)
    except SteerscopeError as error:
        # Too few answers, or a task whose files are gone or damaged.
        empty("No map", literal(str(error)), height=SMALL_MAP_HEIGHT)
        return
    marks = [_as_open(mark) if mark.key == run.id else mark for mark in placed.marks]
    with head:
        table_twin(marks_table(marks), key="runs-map-table")
    kinds: list[Kind] = [kind for kind in ("real", "chosen", "run", "control", "few") if _has(marks, kind)]
    figure = map_figure(marks, explained=placed.explained, small=True, width=440)
    chart(figure, key="runs-map", alt=_words(marks, entry))
    map_key(kinds, rings=sum(placed.explained) >= RINGS_FROM)
    reason = placed.missing.get(run.id) or placed.reasons.get(run.id)
    if run.id in placed.missing:
        st.caption(f"This run is not on the map: {literal(reason or '')}.")
    elif reason:
        st.caption(f"No ellipse: {literal(reason)}")


@st.cache_data(max_entries=12, show_spinner=False)
def _placed(
    url: str, task: str, key: tuple[tuple[str, int, float | None], ...], _runs: list[Run], _store: Store
) -> Placed:
    """The map of these runs; the key says which they are and how much of each was stored."""
    atlas = draw_atlas(_store, task_named(task), _runs)
    marks = marks_of(atlas, controls=[run.id for run in _runs if run.parent is not None])
    reasons = {one.key: why for one, why in zip(atlas.generators, atlas.map.reasons, strict=True) if why}
    explained = (float(atlas.map.explained[0]), float(atlas.map.explained[1]))
    return Placed(marks, explained, dict(atlas.left_out), reasons)


def _as_open(mark: Mark) -> Mark:
    return replace(mark, kind="chosen", label="this run")


def _has(marks: list[Mark], kind: Kind) -> bool:
    return any(mark.kind == kind for mark in marks)


def _words(marks: list[Mark], entry: Entry) -> str:
    """The takeaway of the map for those who cannot see it."""
    runs = sum(mark.kind != "real" for mark in marks)
    whole = f"Map of {counted(runs, 'run')}" + (" beside the real data" if runs < len(marks) else "")
    mine = next((mark for mark in marks if mark.kind == "chosen"), None)
    if mine is None or mine.distance is None:
        return whole + "."
    return f"{whole}; {entry.name} is {three(mine.distance)} from them."
