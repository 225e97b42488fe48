"""The row above both maps: what colours the runs, which layers are drawn, two or three axes, whose samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from core.drawing.scales import Colour
from core.perspective_map import Variant
from pages.perspective import colours
from pages.perspective.finding import nearest
from pages.perspective.places import ALL_AT_ONCE, AXES, BY_SIZE, COLOUR, LAYERS, MAP, OF, VARIANT
from pages.perspective.shown import Shown
from pages.shared.kept import kept
from pages.shared.plain import literal, readable

SAMPLE_LAYER, ELLIPSES, RINGS, TRAILS = "Samples", "Ellipses", "Rings", "Trails"
ALL_LAYERS = (SAMPLE_LAYER, ELLIPSES, RINGS, TRAILS)
FLAT, SOLID, TABLE = "2-D", "3-D", "Table"
EVERYONE = "*"
"""The samples of every run."""

SEGMENTS = 6
"""Choices that stand side by side; more of them open as a list."""

VARIANTS: dict[Variant, str] = {"mean": "Means", "energy": "Means and spread"}


@dataclass(frozen=True)
class View:
    """What the toolbar says, each value checked: a widget's may come from anywhere."""

    colour: str
    layers: frozenset[str]
    axes: str
    of: str | None
    all_at_once: bool
    by_size: bool


def variant_asked() -> Variant:
    """Which map is wanted: needed before there is one."""
    return "energy" if st.session_state.get(VARIANT) == "energy" else "mean"


def means() -> None:
    """For a callback: ask for the map of means."""
    st.session_state[VARIANT] = "mean"


def dimension_asked() -> int:
    """How many axes the map is fitted with."""
    return 3 if st.session_state.get(AXES) == SOLID else 2


def view_of(shown: Shown, found: Mapping[str, Colour]) -> View:
    """What the widgets hold; the usual choice where one of them was not drawn yet, or holds what is no more."""
    colour = str(st.session_state.get(COLOUR))
    layers = st.session_state.get(LAYERS, list(ALL_LAYERS))
    axes = st.session_state.get(AXES)
    of = st.session_state.get(OF)
    return View(
        colour=colour if colour in found else next(iter(found), colours.NONE),
        layers=frozenset(layers) & frozenset(ALL_LAYERS),
        axes=axes if axes in (FLAT, SOLID, TABLE) else FLAT,
        of=of if of == EVERYONE or of in shown.runs else nearest(shown.atlas),
        all_at_once=bool(st.session_state.get(ALL_AT_ONCE)),
        by_size=bool(st.session_state.get(BY_SIZE)),
    )


def toolbar(shown: Shown, found: Mapping[str, Colour]) -> None:
    """Draw the row. What it changes is drawn again alone, the choice of a run and of the map with the whole page."""
    view = view_of(shown, found)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="perspective-toolbar"):
        _colour(view, found)
        kept(LAYERS, list(view.layers), lambda held: set(held) <= set(ALL_LAYERS))
        st.pills(
            "Layers",
            ALL_LAYERS,
            selection_mode="multi",
            key=LAYERS,
            on_change=_map_again,
            persist_state="session",
            width="content",
        )
        kept(AXES, view.axes, lambda held: held in (FLAT, SOLID, TABLE))
        st.segmented_control(
            "Axes",
            [FLAT, SOLID, TABLE],
            key=AXES,
            required=True,
            persist_state="session",
            width="content",
        )
        runs = [one.key for one in shown.generators]
        order = [EVERYONE, *sorted(runs, key=shown.name_of)] if len(runs) > 1 else runs
        kept(OF, view.of, lambda held: held in order)
        st.selectbox(
            "Samples of",
            order,
            format_func=lambda key: "every run" if key == EVERYONE else readable(shown.name_of(key)),
            key=OF,
            persist_state="session",
            width=176,
        )
        _more()


def _colour(view: View, found: Mapping[str, Colour]) -> None:
    options = list(found) or [colours.NONE]
    kept(COLOUR, view.colour, lambda held: held in options)
    name = lambda choice: literal(colours.title(choice, found))  # noqa: E731
    if len(options) <= SEGMENTS:
        st.segmented_control(
            "Colour by",
            options,
            format_func=name,
            key=COLOUR,
            required=True,
            on_change=_map_again,
            persist_state="session",
            width="content",
        )
    else:
        st.selectbox(
            "Colour by",
            options,
            format_func=name,
            key=COLOUR,
            on_change=_map_again,
            persist_state="session",
            width=176,
        )


def _more() -> None:
    with st.popover("", icon=":material/tune:", type="tertiary", help="More about the map", key="perspective-more"):
        st.segmented_control(
            "What tells runs apart",
            list(VARIANTS),
            default="mean",
            format_func=lambda variant: VARIANTS[variant],
            key=VARIANT,
            required=True,
            persist_state="session",
            help="Means are blind to spread: two temperatures with equal means are one point. The energy distance "
            "between answers sees both, in the map and in the distances.",
        )
        st.toggle(
            "All ellipses at once",
            key=ALL_AT_ONCE,
            on_change=_map_again,
            persist_state="session",
            help="Each ellipse holds 95 times in 100; widened, all of them hold together as often.",
        )
        st.toggle(
            "Larger points for more samples",
            key=BY_SIZE,
            on_change=_map_again,
            persist_state="session",
        )


def _map_again() -> None:
    st.rerun(MAP)
