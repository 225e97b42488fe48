"""How far the prediction may be believed: every run left out, simpler models beside it, and shuffled scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.drawing.numbers import interval, probability
from core.figures import (
    baseline_alt,
    baseline_figure,
    left_out_alt,
    left_out_figure,
    null_alt,
    null_figure,
)
from core.regression import Evaluation
from pages.predict.shown import Shown
from pages.shared.charts import chart, table_twin
from pages.shared.headline import head_row, section
from pages.shared.plain import literal, readable

if TYPE_CHECKING:
    import pandas as pd

NUMBER = st.column_config.NumberColumn(format="%.3f")


def left_out_view(shown: Shown) -> None:
    """The right half: predicted against measured."""
    found, unit = shown.evaluation, shown.score.unit
    gloss = f"bars: {found.typical:.0%} jackknife+; on the line is perfect"
    if found.coverage is None:
        gloss = "on the line is perfect; too few runs for bars"
    table = left_out_table(shown)
    _head("Each run, predicted without itself", gloss, table, "predict-left-out-table")
    chart(
        left_out_figure(found.predictions, shown.labels, name=unit),
        key="predict-left-out-chart",
        alt=left_out_alt(found.predictions, shown.labels, name=unit),
    )


def baselines_view(shown: Shown) -> None:
    """The error of the map beside that of simpler models."""
    found, unit = shown.evaluation, shown.score.unit
    _head("Error against simpler models", "95%", baselines_table(found), "predict-baselines-table")
    chart(baseline_figure(found, name=unit), key="predict-baselines-chart", alt=baseline_alt(found, name=unit))


def null_view(shown: Shown) -> None:
    """What shuffled scores reach."""
    found = shown.evaluation
    _head("Could noise do this?", f"{found.permutations:,} shuffles", _null_table(found), "predict-null-table")
    chart(null_figure(found), key="predict-null-chart", alt=null_alt(found))


def left_out_table(shown: Shown) -> pd.DataFrame:
    """Every scored run, the largest error first."""
    import pandas as pd

    order = sorted(shown.evaluation.predictions, key=lambda one: -abs((one.score or 0.0) - one.predicted))
    inside = ["" if one.low is None or one.high is None or one.score is None else
              "yes" if one.low <= one.score <= one.high else "missed" for one in order]  # fmt: skip
    return pd.DataFrame(
        {
            "Setting": [readable(shown.labels[one.key]) for one in order],
            "Measured": [one.score for one in order],
            "± SE": pd.array([one.error for one in order], dtype="Float64"),
            "Predicted": [one.predicted for one in order],
            "Off by": [(one.score or 0.0) - one.predicted for one in order],
            "90% interval": [interval(one.low, one.high) for one in order],
            "Inside": inside,
            "Extrapolates": ["yes" if one.extrapolates else "" for one in order],
        }
    )


def baselines_table(evaluation: Evaluation) -> pd.DataFrame:
    """The map first, then the simpler models, the best first."""
    import pandas as pd

    others = sorted(evaluation.baselines, key=lambda one: (one.mae is None, one.mae or 0.0))
    return pd.DataFrame(
        {
            "Prediction": ["Map (this fit)", *(readable(one.name.capitalize()) for one in others)],
            "Error": pd.array([evaluation.mae, *(one.mae for one in others)], dtype="Float64"),
            "Q²": pd.array([evaluation.q2, *(one.q2 for one in others)], dtype="Float64"),
            "The map's is smaller by": pd.array([None, *(one.gain for one in others)], dtype="Float64"),
            "95% of that": ["", *(interval(one.gain_low, one.gain_high) for one in others)],
            "p of that": ["", *(probability(one.gain_p) for one in others)],
            "Why not": ["", *(readable(one.reason or "") for one in others)],
        }
    )


def _null_table(evaluation: Evaluation) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    shares = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
    names = ("lowest", "5%", "25%", "median", "75%", "95%", "highest")
    return pd.DataFrame(
        {
            "": ["This fit", *(f"Shuffled, {name}" for name in names)],
            "Q²": [evaluation.q2, *np.quantile(evaluation.null, shares).tolist()],
        }
    )


def _head(title: str, gloss: str, table: pd.DataFrame, key: str) -> None:
    with head_row():
        section(title, literal(gloss))
        table_twin(table, key=key, label="", config=_config(table))


def _config(table: pd.DataFrame) -> dict[str, Any]:
    return {name: NUMBER for name in table.columns if table[name].dtype.kind == "f"}
