"""Below the maps: how much of the axes is noise, two generators side by side, and how many answers a point takes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.drawing.numbers import counted, three
from core.figures import SCREE_HEIGHT, scree_figure, scree_table
from core.jobs import Jobs
from core.perspective import COSINE_WARNING, NOISE_WARNING
from pages.perspective.pairs import pairs
from pages.perspective.planner import planner
from pages.perspective.shown import Shown
from pages.shared.charts import chart, table_twin
from pages.shared.headline import head_row, section
from pages.shared.plain import literal

COLUMN_WIDTH = 300


def below(jobs: Jobs, shown: Shown) -> None:
    """Three sections beside each other, one below the other where there is no room."""
    st.space("small")
    grid = st.grid(3, min_column_width=COLUMN_WIDTH, gap="medium")
    with grid.cell():
        _axes(shown)
    with grid.cell():
        pairs(jobs, shown)
    with grid.cell():
        planner(jobs.store, shown)


def _axes(shown: Shown) -> None:
    fitted = shown.atlas.map
    with head_row():
        section("Axes and noise", "what each axis carries")
        table_twin(scree_table(fitted.scree, fitted.noise_floor, fitted.explained), key="perspective-scree-table")
    chart(
        scree_figure(fitted.scree, fitted.noise_floor, fitted.dimension, fitted.elbow, height=SCREE_HEIGHT),
        key="perspective-scree",
        alt=_scree_words(shown),
    )
    st.caption(_noise_words(shown))
    if fitted.warnings:
        with st.expander(counted(len(fitted.warnings), "warning"), icon=":material/warning:"):
            st.markdown("\n".join(f"- :small[{literal(_named(shown, warning))}]" for warning in fitted.warnings))
    missing = [*shown.atlas.left_out, *_without_vectors(shown)]
    if missing:
        with st.expander(f"{counted(len(missing), 'generator')} not on the map", icon=":material/info:"):
            st.markdown("\n".join(f"- :small[{literal(key)}: {literal(reason)}]" for key, reason in missing))


def _noise_words(shown: Shown) -> str:
    """tau / lambda, the cosines and the hint, with what they mean."""
    fitted = shown.atlas.map
    parts = []
    if fitted.noise_ratio is not None:
        side = "above" if fitted.noise_ratio > NOISE_WARNING else "below"
        parts.append(f"τ/λ **{three(fitted.noise_ratio)}**, {side} {NOISE_WARNING:g}: noise over the last axis shown.")
    else:
        parts.append("τ/λ unknown: the last axis shown is noise, or some noise cannot be estimated.")
    if len(fitted.cosines):
        cosines = ", ".join(f"{value:.2f}" for value in fitted.cosines)
        low = float(min(fitted.cosines)) < COSINE_WARNING
        mean = "hardly agree" if low else "agree"
        parts.append(f"Axes of the two halves {mean}: cosines {cosines}.")
    if fitted.elbow is not None:
        parts.append(f"The profile likelihood of Zhu and Ghodsi sees {counted(fitted.elbow, 'axis', 'axes')}, a hint.")
    return " ".join(parts)


def _scree_words(shown: Shown) -> str:
    fitted = shown.atlas.map
    floor = list(fitted.noise_floor)
    above = sum(value > noise for value, noise in zip(fitted.scree, floor, strict=False))
    return f"Scree of {counted(len(fitted.scree), 'axis', 'axes')}: {above} rise above what noise alone would give."


def _without_vectors(shown: Shown) -> Sequence[tuple[str, str]]:
    known = {*shown.atlas.map.keys, *(key for key, _ in shown.atlas.left_out)}
    return [(key, "its texts are not embedded yet") for key in shown.runs if key not in known]


def _named(shown: Shown, warning: str) -> str:
    """A warning with the settings of a run in place of its id."""
    for one in shown.generators:
        if one.key in warning:
            return warning.replace(one.key, shown.name_of(one.key))
    return warning
