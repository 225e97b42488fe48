"""The row above the charts: which score, by which model, on how many axes; the slider point stands beside them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.predicting import Gathered
from core.regressing.designs import offered as sizes
from core.regressing.folds import folds
from core.regression import FEATURES, MODELS, Model
from pages.predict.places import ADDRESS, AXES, BESIDE, MODEL, SCORER
from pages.predict.scores import Score
from pages.predict.shown import Options
from pages.shared.kept import kept
from pages.shared.plain import literal, readable

AUTO = "Auto"
ASKED = "predict-asked"
"""The score that the address named when it was last looked at."""

MODEL_WORDS: dict[Model, str] = {
    "ridge": "Ridge",
    "least squares": "Least squares",
    "nearest neighbours": "Nearest neighbours",
    "gaussian process": "Gaussian process",
}


def score_asked(options: Sequence[str]) -> str | None:
    """The score that is wanted: of the address where it has changed, else the one chosen last, else the first.

    One that is not among the options is returned all the same: the page says why it cannot be shown. None where there
    is no score at all.
    """
    named = st.query_params.get(ADDRESS)
    if named and named != st.session_state.get(ASKED):
        st.session_state[ASKED] = named
        if named not in options:
            return named
        st.session_state[SCORER] = named
    kept(SCORER, next(iter(options), None), lambda held: held in options)
    chosen = st.session_state[SCORER]
    if chosen is not None:
        st.session_state[ASKED] = st.query_params[ADDRESS] = str(chosen)
    return None if chosen is None else str(chosen)


def options_asked(gathered: Gathered) -> Options:
    """What the widgets say, each value checked against what these runs can carry."""
    model = st.session_state.get(MODEL)
    features = tuple(one for one in FEATURES if one in (st.session_state.get(BESIDE) or ()))
    if gathered.runs.real is None:
        features = tuple(one for one in features if one != "distance to real")
    axes = st.session_state.get(AXES)
    dimension = axes if isinstance(axes, int) and axes in _sizes(gathered, len(features)) else None
    return Options(model if model in MODELS else MODELS[0], dimension, features)


def scorer_box(options: Sequence[str]) -> None:
    """The list of scores."""
    st.selectbox(
        "Scorer",
        list(options),
        format_func=lambda name: readable(Score(name).title),
        key=SCORER,
        persist_state="session",
        width=182,
    )


def model_boxes(gathered: Gathered, options: Options) -> None:
    """Model and axes."""
    kept(MODEL, MODELS[0], lambda held: held in MODELS)
    st.selectbox(
        "Model",
        MODELS,
        format_func=lambda model: MODEL_WORDS[model],
        key=MODEL,
        persist_state="session",
        help="Its penalty, neighbours or lengths are chosen inside the folds, as the number of axes is on Auto.",
        width=142,
    )
    choices = _choices(_sizes(gathered, len(options.features)))
    kept(AXES, AUTO, lambda held: held in choices)
    st.segmented_control(
        "Axes used",
        choices,
        format_func=str,
        key=AXES,
        required=True,
        persist_state="session",
        help="Auto lets every fold choose for itself; another number is fixed beforehand, not picked by its result.",
        width="content",
    )


def features_box(gathered: Gathered) -> None:
    """What may stand beside the coordinates."""
    known = [one for one in FEATURES if one != "distance to real" or gathered.runs.real is not None]
    kept(BESIDE, [], lambda held: set(held) <= set(known))
    st.pills(
        "Also read, beside the place on the map",
        known,
        selection_mode="multi",
        format_func=lambda name: literal(name.capitalize()),
        key=BESIDE,
        persist_state="session",
        help="Fix this beforehand: choosing by which gives the better Q² makes the test say too much.",
    )


def _sizes(gathered: Gathered, features: int) -> tuple[int, ...]:
    """Numbers of axes that every fold can carry."""
    return sizes(None, folds(gathered.runs, 0).smallest, features)


def _choices(known: Sequence[int]) -> list[str | int]:
    """Auto, two and three as the map shows, and the most there are."""
    return [AUTO, *sorted({size for size in (2, 3, known[-1]) if size in known})]
