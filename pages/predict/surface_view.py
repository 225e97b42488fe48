"""The left half: the predicted score over the map, with the runs, the real data, the slider point and what to try."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.drawing.numbers import DASH, fixed, interval
from core.figures import PredictMark, surface_alt, surface_figure, surface_window
from core.generators import REAL
from core.jobs import Jobs
from core.models import PairSpec
from core.regressing.expecting import expected_places
from core.regression import Prediction, Suggestion
from core.statistics.answers import Floats
from pages.predict.places import SURFACE
from pages.predict.point import point, waiting
from pages.predict.shown import Shown, surface_of
from pages.shared.charts import chart, table_twin
from pages.shared.headline import head_row, section
from pages.shared.plain import literal, readable
from pages.shared.signs import FIRST, sign

WORDS = {"run": "● run", "waiting": "○ no score yet", "real": "◆ real", "point": "✛ slider point", "next": "try next"}
NARROWEST = 480
"""Pixels of the column; only leaders depend on it."""


def surface_view(jobs: Jobs, shown: Shown, pair: PairSpec | None, following: Sequence[Suggestion]) -> None:
    """Draw it; a slider draws it again, alone. following: the settings to try next, as far as they are known."""
    st.fragment(_surface_view, key=SURFACE)(jobs, shown, pair, following)


def _surface_view(jobs: Jobs, shown: Shown, pair: PairSpec | None, following: Sequence[Suggestion]) -> None:
    marks = _marks(jobs, shown, pair, following)
    unit, better = shown.score.unit, shown.gathered.better
    with head_row():
        open_circles = "; ○ no score yet" if shown.gathered.waiting else ""
        section(f"Predicted {literal(unit)} over the map", f"fades where the map knows little{open_circles}")
        table_twin(_table(shown, marks), key="predict-surface-table", label="", config=_columns())
    ground = surface_of(shown)
    figure = surface_figure(
        ground,
        marks,
        name=unit,
        better=better,
        explained=[float(share) for share in shown.atlas.map.explained],
        # Without the point and what to try: the picture stays where it is when they move.
        window=surface_window(ground, [mark for mark in marks if mark.kind in ("run", "waiting", "real")]),
        width=NARROWEST,
    )
    chart(figure, key="predict-surface-chart", alt=surface_alt(ground, marks, name=unit, better=better))


def _marks(jobs: Jobs, shown: Shown, pair: PairSpec | None, following: Sequence[Suggestion]) -> list[PredictMark]:
    """Every sign on the surface, in the order in which the table lists them."""
    points = shown.points
    found = []
    for key, kind, one in (
        *((one.key, "run", one) for one in shown.evaluation.predictions),
        *((one.key, "waiting", one) for one in waiting(shown)),
    ):
        x, y = points[key][:2]
        found.append(
            PredictMark(
                key,
                shown.labels[key],
                float(x),
                float(y),
                kind,  # type: ignore[arg-type]
                score=one.score,
                predicted=one.predicted,
                low=one.low,
                high=one.high,
            )
        )
    if REAL in points:
        x, y = points[REAL][:2]
        found.append(PredictMark(REAL, "real data", float(x), float(y), "real", score=shown.gathered.real))
    found += _next_marks(shown, following)
    here = point(jobs, shown, pair)
    if here.xy is not None and here.settings is not None and here.prediction is not None:
        found.append(_point_mark(here.settings.short(), here.xy, here.prediction))
    return found


def _next_marks(shown: Shown, following: Sequence[Suggestion]) -> list[PredictMark]:
    """Numbered squares where the settings to try are expected."""
    if not following:
        return []
    runs = shown.gathered.runs
    places = _places(shown.digest, shown.atlas.id, json.dumps([one.settings for one in following]), shown)
    return [
        PredictMark(
            f"next-{number}",
            setting_words(one.settings, runs.settings),
            float(x),
            float(y),
            "next",
            predicted=one.expected,
            low=one.low,
            high=one.high,
            number=number,
        )
        for number, (one, (x, y)) in enumerate(zip(following, places.tolist(), strict=True), start=1)
    ]


@st.cache_resource(max_entries=24, show_spinner=False)
def _places(digest: str, drawn: str, wanted: str, _shown: Shown) -> Floats:
    gathered = _shown.gathered
    return expected_places(gathered.runs.settings, gathered.points[:, :2], json.loads(wanted))


def setting_words(settings: Any, known: Sequence[Any]) -> str:
    """A setting as labels say it: the three sliders, else whatever the runs vary."""
    if all(name in settings for name in FIRST):
        return " · ".join(f"{sign(name)} {settings[name]:.3g}" for name in FIRST)
    varied = [name for name in settings if len({str(each.get(name)) for each in known}) > 1]
    return " · ".join(f"{name} {_short(settings[name])}" for name in varied)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _point_mark(label: str, xy: tuple[float, float], one: Prediction) -> PredictMark:
    return PredictMark(
        "point", label, *xy, "point", score=one.score, predicted=one.predicted, low=one.low, high=one.high
    )


def _table(shown: Shown, marks: Sequence[PredictMark]) -> Any:
    """The twin of the surface, the best score first."""
    import pandas as pd

    sign = -1.0 if shown.gathered.better != "lower" else 1.0
    order = sorted(marks, key=lambda mark: (mark.score is None, sign * (mark.score or 0.0), mark.kind, mark.key))
    return pd.DataFrame(
        {
            "Setting": [readable(mark.label) for mark in order],
            "Mark": [f"{mark.number or ''} {WORDS[mark.kind]}".strip() for mark in order],
            "Measured": pd.array([mark.score for mark in order], dtype="Float64"),
            "Predicted": pd.array([mark.predicted for mark in order], dtype="Float64"),
            "90% interval": [interval(mark.low, mark.high) for mark in order],
            "Axis 1": [mark.x for mark in order],
            "Axis 2": [mark.y for mark in order],
        }
    )


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "Measured": number(format="%.3f"),
        "Predicted": number(format="%.3f"),
        "Axis 1": number(format="%+.3f"),
        "Axis 2": number(format="%+.3f"),
    }


def ends(low: float | None, high: float | None, places: int) -> str:
    """An interval in a table cell."""
    return DASH if low is None or high is None else f"{fixed(low, places)} {DASH} {fixed(high, places)}"
