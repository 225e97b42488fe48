"""The sliders: each bound to the address, each with the reason under it where it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.sliders import CHOICES, LIMITS, SteerSettings
from core.tasks import Task
from pages.shared.settings_link import NAMES, QUERIES, REPLICATES, REPLICATES_DEFAULT, settings_from_query

WIDE = "wide"
"""Sliders that show their whole range."""

MOVED = "ranges moved"
"""Whether the range of a slider has changed, so that the address must be written once more."""


@dataclass(frozen=True)
class Slider:
    """A slider over the useful part of a setting's range; a link or preset that asks for more widens it."""

    label: str
    high: float
    step: float
    help: str
    format: str = "%.2f"


SLIDERS: dict[str, Slider] = {
    "gamma": Slider(
        "γ contrastive guidance",
        1.0,
        0.05,
        "How far each token moves away from the base model, towards the fine-tuned expert. 0 leaves the "
        "base out; past about 0.4 the text narrows and copies training rows more often.",
    ),
    "eta": Slider(
        "η negative prompting",
        0.95,
        0.05,
        "How far each token moves away from a context of real and written examples. In subtract mode it "
        "also raises the temperature to T / (1 − η), so read it beside the matched-temperature control; "
        "from about 0.8 the text turns into noise.",
    ),
    "temperature": Slider("T temperature", 2.0, 0.05, "Below 1 sharpens the choice of a token, above 1 flattens it."),
    "alpha": Slider(
        "α plausibility",
        1.0,
        0.05,
        "Tokens that the expert finds less likely than α times its likeliest are never written. 0 switches "
        "it off, 1 leaves one token.",
    ),
    "top_p": Slider("Top-p", 1.0, 0.05, "The likeliest tokens that together hold this share. 1 switches it off."),
    "min_p": Slider("Min-p", 0.5, 0.01, "Tokens with at least this share of the likeliest. 0 switches it off."),
    "negatives": Slider("Examples k", 20, 1, "Rows in a negative context; the oldest go if it gets too long.", "%d"),
}
NUMBERS: dict[str, tuple[str, str]] = {
    "top_k": ("Top-k", "Only the k likeliest tokens. 0 switches it off."),
    "chains": (
        "Chains",
        "Passes over the queries, each with a pool of its own. 0 means one a replicate, which keeps "
        "replicates independent.",
    ),
    "round_size": ("Round size", "Queries that a chain answers before its pool grows by their answers."),
    "max_new_tokens": ("Length in tokens", "A sample is cut here if it has not ended by itself."),
    "seed": ("Seed", "The same seed and settings write the same text."),
}
CHOOSERS: dict[str, tuple[str, str]] = {
    "mode": (
        "Mode",
        "Subtract is the authors' formula: its weights sum to 1 − η. Balanced gives the expert's weight "
        "back, so the temperature stays T.",
    ),
    "draw": ("Drawn anew for each", "One context for a round of samples is cheaper; the authors drew one a sample."),
}


def usual(task: Task) -> SteerSettings:
    """The settings of a fresh page."""
    return SteerSettings(max_new_tokens=task.max_new_tokens)


def values_now(task: Task) -> dict[str, Any]:
    """What the sliders say, whether they were drawn yet or not, and whether it makes sense or not."""
    return {
        name: st.session_state.get(short, value)
        for (name, short), value in zip(NAMES.items(), _defaults(task), strict=True)
    }


def settings_now(task: Task) -> SteerSettings:
    """What the sliders say, validated again: a widget's limits are no guard. Raises SettingsError."""
    return SteerSettings.from_mapping(values_now(task))


def batch_now(task: Task) -> tuple[int, int]:
    """Queries and replicates."""
    queries = st.session_state.get(QUERIES) or len(task.with_role("probe"))
    return int(queries), int(st.session_state.get(REPLICATES) or REPLICATES_DEFAULT)


def arrive(task: Task) -> list[str]:
    """Move the sliders to what the address says on the first visit, and along with a change of task.

    Returns one sentence for each value of the address that cannot be used; it is taken out of there.
    """
    before = st.session_state.get("sliders of")
    st.session_state["sliders of"] = task.name
    if before is None:
        found, problems = settings_from_query(st.query_params.to_dict(), task)
        for short, value in found.items():
            st.session_state.setdefault(short, value)
        wrong = [short for short in (*NAMES.values(), QUERIES, REPLICATES) if short not in found]
        for short in wrong:
            # Bound widgets would silently put in the nearest value that fits them.
            if short in st.query_params:
                del st.query_params[short]
        return problems
    if before != task.name:
        length, queries = NAMES["max_new_tokens"], len(task.with_role("probe"))
        st.session_state[length] = task.max_new_tokens
        st.session_state[QUERIES] = queries
    return []


def slide(name: str, task: Task, reasons: dict[str, str], *, explain: bool = True) -> None:
    """One slider, disabled where it is inert, with the reason under it unless somebody else says it."""
    slider, short = SLIDERS[name], NAMES[name]
    usual_value = getattr(usual(task), name)
    kind = type(usual_value)
    low, most = LIMITS[name]
    high = slider.high
    value = st.session_state.get(short, usual_value)
    wide: set[str] = st.session_state.setdefault(WIDE, set())
    if value > high and name not in wide:
        # And stays wide: a range that moves under the thumb would jump.
        wide.add(name)
        st.session_state[MOVED] = True
    if name in wide:
        high = most
    if value != usual_value and short in st.session_state and short not in st.query_params:
        # A slider whose range has changed is a new one, and the address has lost the old one's value.
        st.session_state[short] = value
    st.slider(
        slider.label,
        kind(low),
        kind(high),
        usual_value,
        kind(slider.step),
        slider.format,
        key=short,
        help=slider.help,
        disabled=name in reasons,
        bind="query-params",
    )
    if explain:
        reason(name, reasons)


def number(name: str, task: Task, reasons: dict[str, str] | None = None) -> None:
    """A field for a whole number."""
    label, help = NUMBERS[name]
    low, high = LIMITS[name]
    st.number_input(
        label,
        int(low),
        int(high),
        getattr(usual(task), name),
        1,
        key=NAMES[name],
        help=help,
        disabled=name in (reasons or {}),
        bind="query-params",
    )


def choose(name: str, task: Task, reasons: dict[str, str]) -> None:
    """Two choices side by side."""
    label, help = CHOOSERS[name]
    st.segmented_control(
        label,
        CHOICES[name],
        default=getattr(usual(task), name),
        required=True,
        key=NAMES[name],
        help=help,
        disabled=name in reasons,
        width="stretch",
        bind="query-params",
    )


def reason(name: str, reasons: dict[str, str]) -> None:
    """Why a slider changes nothing."""
    if name in reasons:
        st.caption(reasons[name])


def _defaults(task: Task) -> list[Any]:
    values = usual(task).as_dict()
    return [values[name] for name in NAMES]
