"""The left half: the map with its lasso, in three axes to be turned, or as tables for keyboard and screen reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.drawing.marks import SYMBOLS, Cloud, Kind, Mark
from core.drawing.scales import Colour
from core.figures import MAP_HEIGHT, RINGS_FROM
from core.store import Store
from pages.perspective import drawing
from pages.perspective.colours import slider_of
from pages.perspective.places import MAP, MAP_CHART, TABS
from pages.perspective.selection import select, selection_of
from pages.perspective.shown import Shown, redraw, writing_runs
from pages.perspective.toolbar import ELLIPSES, RINGS, SOLID, TABLE, TRAILS, View, view_of
from pages.perspective.writing import Writing, words, writing
from pages.shared.charts import KEY_COLORS, KEY_WORDS
from pages.shared.linked import linked_config
from pages.shared.plain import readable
from pages.shared.signs import sign

LIVE_SECONDS = 3.0
"""How often the map looks for new answers of a run in progress."""

LINE_HEIGHT = 42
"""Of the line below the map, with or without a button in it."""

TABLE_ROWS = 20_000
"""Samples that the table offers; the search finds the others."""

TURNED = {"displaylogo": False, "showTips": False, "modeBarButtons": [["orbitRotation", "zoom3d", "pan3d"]]}
"""Of the map that is turned by hand, where nothing can be lassoed."""


def map_view(store: Store, shown: Shown, found: Mapping[str, Colour], live: bool) -> None:
    """Draw the left half; while a run is being written it looks for news by itself."""
    part = st.fragment(_map, key=MAP, run_every=LIVE_SECONDS if live else None)
    part(store, shown, found)


def _map(store: Store, shown: Shown, found: Mapping[str, Colour]) -> None:
    view = view_of(shown, found)
    held = selection_of(shown.task.name) is not None
    placed = _writing(store, shown, held)
    colour = found.get(view.colour)
    drawn = drawing.marks(shown, view, placed)
    if view.axes == TABLE:
        _tables(shown, drawn, drawing.clouds(shown, view), colour)
    else:
        flat = view.axes != SOLID
        points = sum(len(cloud.ids) for cloud in drawing.clouds(shown, view))
        st.plotly_chart(
            drawing.figure(shown, view, colour, placed),
            key=MAP_CHART if flat else f"{MAP_CHART}-solid",
            config=linked_config(points) if flat else TURNED,
            alt=drawing.alt(drawn, shown),
            theme="streamlit",
        )
    _line(shown, view, drawn, placed)


def _writing(store: Store, shown: Shown, held: bool) -> list[Writing]:
    """Runs in progress; under a selection as they were when it was made, so that the lasso stays."""
    kept: dict[str, tuple[str, list[Writing]]] = st.session_state.setdefault("perspective-writing", {})
    last = kept.get(shown.task.name)
    if held and last is not None and last[0] == shown.atlas.id:
        return last[1]
    found = writing(store, shown, [run for run in writing_runs(store, shown.task) if run.id not in shown.runs])
    kept[shown.task.name] = (shown.atlas.id, found)
    return found


def _line(shown: Shown, view: View, drawn: Sequence[Mark], placed: Sequence[Writing]) -> None:
    """What the signs mean; what is new, with the button that draws it."""
    with st.container(
        horizontal=True, vertical_alignment="center", height=LINE_HEIGHT, border=False, key="perspective-line"
    ):
        news = f"{shown.news} since you selected." if shown.news else ""
        st.caption(news or words(placed) or _signs(shown, view, drawn))
        if shown.news:
            st.button(
                "Redraw",
                key="perspective-redraw",
                icon=":material/refresh:",
                type="tertiary",
                help="Draw the map with every run; what is selected stays selected.",
                on_click=_redraw,
                args=(shown,),
            )


def _redraw(shown: Shown) -> None:
    redraw(shown.task)
    st.rerun()


def _signs(shown: Shown, view: View, drawn: Sequence[Mark]) -> str:
    kinds: list[Kind] = list(dict.fromkeys(mark.kind for mark in drawn))
    named = [kind for kind in ("real", "heldout", "control", "few") if kind in kinds]
    parts = [" ".join(f":{KEY_COLORS[kind]}[{SYMBOLS[kind]}] {KEY_WORDS[kind]}" for kind in named)]
    if view.axes == TABLE:
        return parts[0]
    if ELLIPSES in view.layers and any(mark.outline is not None for mark in drawn):
        parts.append("all means, 95%" if view.all_at_once else "ellipse: the mean, 95%")
    slider = slider_of(view.colour, list(shown.generators))
    if TRAILS in view.layers and slider is not None:
        parts.append(f"line: {sign(slider)} rises")
    explained = shown.atlas.map.explained
    if RINGS in view.layers and view.axes != SOLID and float(sum(explained[:2])) >= RINGS_FROM:
        parts.append("rings: on-map distance")
    return " · ".join(part for part in parts if part)


def _tables(shown: Shown, drawn: Sequence[Mark], clouds: Sequence[Cloud], colour: Colour | None) -> None:
    """The twin of the map: every mark, and every sample with its place; rows that are marked are selected."""
    number = st.column_config.NumberColumn
    axes = {f"Axis {i}": number(format="%+.3f", width=62) for i in (1, 2, 3)}
    with st.container(height=MAP_HEIGHT, border=False, gap="small"):
        st.dataframe(
            drawing.table(drawn, shown, colour),
            hide_index=True,
            height=270,
            placeholder="",
            column_config={
                **axes,
                "To real": number(format="%.3f", width=66),
                "Mark": st.column_config.TextColumn(width=132),
            },
            alt=drawing.alt(drawn, shown),
            key="perspective-marks-table",
        )
        ids, rows = _sample_rows(clouds)
        if not ids:
            st.caption("No samples are drawn; switch the layer Samples on to list them.")
            return
        st.dataframe(
            rows,
            hide_index=True,
            height=250,
            column_config={**axes, "Text": st.column_config.TextColumn(width=250)},
            selection_mode="multi-row",
            on_select=lambda: _take_rows(shown.task.name, ids),
            alt="Samples on the map with their place; marked rows are selected in the other map and the list of texts.",
            key="perspective-rows-table",
        )
        if len(ids) == TABLE_ROWS:
            st.caption(f"The first {TABLE_ROWS:,}; search the texts for others.")


def _sample_rows(clouds: Sequence[Cloud]) -> tuple[list[str], dict[str, list[object]]]:
    ids: list[str] = []
    rows: dict[str, list[object]] = {"Kind": [], "Text": [], "Axis 1": [], "Axis 2": []}
    for cloud in clouds:
        room = TABLE_ROWS - len(ids)
        word = "◆ real" if cloud.kind == "real" else "● synthetic"
        marked = cloud.marked_ids[:room]
        ids += marked
        rows["Kind"] += [word] * len(marked)
        rows["Text"] += [readable(text[:400]) for text in cloud.texts[:room]]
        rows["Axis 1"] += cloud.points[:room, 0].tolist()
        rows["Axis 2"] += cloud.points[:room, 1].tolist()
    return ids, rows


def _take_rows(task: str, ids: Sequence[str]) -> None:
    marked = st.session_state["perspective-rows-table"]["selection"]["rows"]
    select(task, [ids[row] for row in marked if row < len(ids)])
    st.rerun(TABS)
