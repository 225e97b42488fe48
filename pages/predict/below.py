"""Below the charts, closed until wanted: residuals, what more runs would bring, how fast scores change, notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.drawing.numbers import counted, fixed, three
from core.errors import SteerscopeError
from core.figures import residual_alt, residual_figure
from core.regression import Curve, Lipschitz, learning_curve, lipschitz, runs_needed
from pages.predict.places import WHAT_IF
from pages.predict.shown import Options, Shown
from pages.predict.toolbar import features_box
from pages.shared.charts import chart
from pages.shared.plain import literal

COLUMN_WIDTH = 480


def below(shown: Shown) -> None:
    """The expanders."""
    with st.grid(2, min_column_width=COLUMN_WIDTH, gap="medium"):
        with st.container(gap="small"):
            with st.expander("Residuals by run", icon=":material/align_vertical_center:"):
                _residuals(shown)
            st.fragment(_what_if, key=WHAT_IF)(shown)
        with st.container(gap="small"):
            with st.expander("How fast scores change over the map: a heuristic", icon=":material/speed:"):
                _check(shown)
            with st.expander("What the prediction reads", icon=":material/tune:"):
                features_box(shown.gathered)
                st.caption("Axes, penalty and neighbours are chosen inside the folds; what is read beside them is not.")
    with st.expander("Notes: what the score is, what it is read against, what was left out", icon=":material/notes:"):
        _notes(shown)


def _residuals(shown: Shown) -> None:
    predictions, unit = shown.evaluation.predictions, shown.score.unit
    chart(
        residual_figure(predictions, shown.labels, name=unit),
        key="predict-residuals",
        alt=residual_alt(predictions, shown.labels, name=unit),
    )


def _what_if(shown: Shown) -> None:
    """How many runs a narrower interval takes; the curve is computed when somebody opens this."""
    opened = st.expander(
        "How many runs a narrower interval takes",
        icon=":material/query_stats:",
        on_change="rerun",
        key="predict-what-if-open",
    )
    with opened:
        if not opened.open:
            return
        with st.spinner("Leaving out more and more runs", show_time=True):
            curve = _curve(*shown.key, shown)
        if isinstance(curve, str):
            st.caption(literal(curve))
            return
        now = shown.gathered.runs.count
        reach = curve.width(now) / 2
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            wanted = st.number_input(
                f"± {shown.score.unit}",
                min_value=0.0,
                value=float(f"{0.8 * reach:.1g}") or reach,
                step=float(f"{0.1 * reach:.1g}") or None,
                format="%.4g",
                key=f"predict-width-{shown.score.name}",
                width=140,
            )
            st.markdown(_runs_words(curve, float(wanted), now))
        sizes = [now, *(round(now * times) for times in (1.5, 2, 3, 5))]
        st.dataframe(
            {"Runs": sizes, f"Expected ± {shown.score.unit}": [three(curve.width(size) / 2) for size in sizes]},
            hide_index=True,
            height="content",
            column_config={"Runs": st.column_config.NumberColumn(width=80)},
            alt="The half-width of the interval that is expected from more runs.",
            key="predict-widths",
        )
        st.caption("Approximate: the left-out error at fewer runs, followed as a + b/n; runs drawn like these.")


def _runs_words(curve: Curve, half: float, now: int) -> str:
    if curve.width(now) <= 2 * half:
        return f"These **{counted(now, 'run')}** are expected to reach ± {three(half)} already."
    try:
        needed = runs_needed(curve, 2 * half)
    except SteerscopeError as error:
        return literal(str(error))
    if needed.runs is None:
        return literal(needed.reason or "")
    return (
        f"**{counted(needed.runs, 'run')}** for ± {three(half)}, where {now:,} reach ± {three(curve.width(now) / 2)}."
    )


@st.cache_resource(max_entries=16, show_spinner=False)
def _curve(digest: str, options: Options, _shown: Shown) -> Curve | str:
    try:
        return learning_curve(_shown.evaluation.fitted)
    except SteerscopeError as error:
        return str(error)


def _check(shown: Shown) -> None:
    """The largest change of score over the map, and how well the nearest run would have foretold the others."""
    try:
        found = _lipschitz(*shown.key, shown)
    except SteerscopeError as error:
        st.caption(literal(str(error)))
        return
    keys = shown.gathered.runs.keys
    a, b = (literal(shown.labels[keys[place]]) for place in found.pair)
    if found.constant is None:
        st.markdown(f"{a} and {b} lie on one point and score differently: the map cannot tell them apart.")
        return
    unit = literal(shown.score.unit)
    st.markdown(
        f"The score never changes by more than **{three(found.constant)}** {unit} per unit of map distance; the "
        f"steepest pair is {a} and {b}."
    )
    if found.held is not None:
        st.markdown(
            f"For **{found.held:.0%}** of the runs, nearest run and rate of the others bound the score rightly."
        )
    st.caption(f"{literal(found.label.capitalize())}.")


@st.cache_resource(max_entries=16, show_spinner=False)
def _lipschitz(digest: str, options: Options, _shown: Shown) -> Lipschitz:
    runs = _shown.gathered.runs
    return lipschitz(_shown.evaluation.fitted.points, runs.scores, runs.groups())


def _notes(shown: Shown) -> None:
    gathered, evaluation = shown.gathered, shown.evaluation
    lines = [
        f"**{literal(shown.score.title)}.** {literal(shown.score.definition)}",
        literal(evaluation.verdict),
        *_lines(shown),
        *map(literal, evaluation.notes),
        *_copies(shown),
        *map(literal, _said(gathered.scored)),
    ]
    if evaluation.reason:
        lines.append(literal(evaluation.reason))
    if evaluation.ceiling is not None:
        error = "" if evaluation.q2_error is None else f" (Q² moves by {fixed(evaluation.q2_error, 2)} within it)"
        lines.append(
            f"With scores measured as these are{error}, a perfect prediction would reach a Q² of "
            f"{fixed(evaluation.ceiling, 2)}."
        )
    lines += [f"{literal(shown.labels.get(key, key))} takes no part: {literal(why)}." for key, why in gathered.left_out]
    st.markdown("\n".join(f"- :small[{line}]" for line in lines))


def _lines(shown: Shown) -> list[str]:
    """The scores that this one is read against."""
    unit, gathered = literal(shown.score.unit), shown.gathered
    beside = (("trained on the real rows", gathered.real), ("that learned nothing", gathered.start))
    told = [f"a student {words} reaches **{three(value)}**" for words, value in beside if value is not None]
    return [f"For comparison, in {unit}: {' and '.join(told)}."] if told else []


def _copies(shown: Shown) -> list[str]:
    """Answers that stand among held-out rows: what was left out, and what was not."""
    counts: dict[str, int] = {}
    touched = 0
    for one in shown.gathered.scored:
        left = dict(one.left_out or {})
        touched += any(left.values())
        for name, count in left.items():
            counts[name] = counts.get(name, 0) + int(count)
    if not touched:
        return ["No answer that students learned equals a probe or test text."] if counts else []
    return [
        f"Of what students learn, {counts.get('test', 0):,} answers equal to a test text and "
        f"{counts.get('probe', 0):,} equal to a probe text were left out, in {counted(touched, 'run')}; "
        f"{counts.get('overlapping', 0):,} more share eight words with a test row and stayed."
    ]


def _said(scored: Sequence[Any]) -> list[str]:
    """Signatures and the like, each once."""
    return list(dict.fromkeys(sentence for one in scored for sentence in one.said))
