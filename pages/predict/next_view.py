"""What to try next: the settings expected to score best, and the one that would teach most; a button writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

import streamlit as st

from core.drawing.numbers import decimals_for, fixed
from core.errors import SteerscopeError
from core.figures import NULL_HEIGHT
from core.models import PairSpec
from core.regression import Suggestion
from core.store import Store
from core.suggesting import next_settings
from pages.predict.actions import write_next
from pages.predict.shown import Options, Shown
from pages.predict.surface_view import ends, setting_words
from pages.shared.headline import head_row, section
from pages.shared.kept import kept
from pages.shared.plain import literal, readable
from pages.shared.states import loading

BEST, TEACHING = 2, 1
"""How many are shown of either kind."""

FOUND = "predict-next-found"
"""What was found last, and for what."""

PERPLEXITY, COPIES, BETTER = "predict-max-perplexity", "predict-max-copies", "predict-better"
USUAL_SECONDS = 3.0
WHY = {"best": "best expected", "informative": "teaches most"}

Asked = tuple[object, float | None, float | None, str]


def known(shown: Shown) -> tuple[Suggestion, ...] | str | None:
    """The settings, or one sentence why there are none; None where nobody has looked for them yet."""
    asked, found = st.session_state.get(FOUND, (None, None))
    return found if asked == _asked(shown) else None


def find(store: Store, shown: Shown) -> None:
    """Look for them, which takes seconds: `known` has them afterwards."""
    asked = _asked(shown)
    try:
        found: tuple[Suggestion, ...] | str = _found(*shown.key, *asked[1:], store, shown)
    except SteerscopeError as error:
        found = str(error)
    st.session_state[FOUND] = (asked, found)


def next_view(shown: Shown, pair: PairSpec | None) -> None:
    """The table, or a place of the same height while nothing is known."""
    found = known(shown)
    some = found if isinstance(found, tuple) else ()
    with head_row():
        section("Try next")
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            _limits(shown)
            if pair is not None and _steered(shown):
                st.button(
                    f"Write these {len(some)}" if some else "Write these",
                    key="predict-write-next",
                    icon=":material/arrow_forward:",
                    type="primary",
                    disabled=not some,
                    help="As runs over every probe query; they join the map, and can then be scored.",
                    on_click=write_next,
                    args=(shown.task, pair, some),
                )
    if found is None:
        loading("Looking for settings worth trying", 0.0, USUAL_SECONDS, height=NULL_HEIGHT)
    elif isinstance(found, str):
        with st.container(border=True, height=NULL_HEIGHT, vertical_alignment="center"):
            st.markdown(f":small[:gray[{literal(found)}]]", text_alignment="center")
    else:
        _table(shown, found)


def better_of(shown: Shown) -> Literal["higher", "lower"]:
    """Which direction is wanted; of an imported score the page is told by hand."""
    if shown.gathered.better is not None:
        return shown.gathered.better
    return "lower" if st.session_state.get(BETTER) == "lower" else "higher"


def _asked(shown: Shown) -> Asked:
    perplexity, copies = (st.session_state.get(key) for key in (PERPLEXITY, COPIES))
    return shown.key, perplexity, None if copies is None else copies / 100, better_of(shown)


@st.cache_resource(max_entries=16, show_spinner=False)
def _found(
    digest: str,
    options: Options,
    perplexity: float | None,
    copies: float | None,
    better: Literal["higher", "lower"],
    _store: Store,
    _shown: Shown,
) -> tuple[Suggestion, ...]:
    found = next_settings(
        _store,
        _shown.evaluation.fitted,
        better=better,
        count=max(BEST, TEACHING) + 1,
        max_perplexity=perplexity,
        max_copies=copies,
    )
    best = [one for one in found if one.kind == "best"][:BEST]
    names = {_name(one) for one in best}
    return (*best, *[one for one in found if one.kind == "informative" and _name(one) not in names][:TEACHING])


def _limits(shown: Shown) -> None:
    """What a setting must not exceed."""
    with st.popover("", icon=":material/tune:", type="tertiary", help="Limits on what is tried", key="predict-limits"):
        st.number_input(
            "Perplexity at most",
            min_value=1.0,
            value=None,
            step=1.0,
            placeholder="no limit",
            key=PERPLEXITY,
            persist_state="session",
            help="Of the texts under the base model, as the runs' own perplexities foretell it.",
        )
        st.number_input(
            "Verbatim copies at most, %",
            min_value=0.0,
            max_value=100.0,
            value=None,
            step=1.0,
            placeholder="no limit",
            key=COPIES,
            persist_state="session",
            help="Share of the texts that copy a training row word for word.",
        )
        if shown.gathered.better is None:
            kept(BETTER, "higher", lambda held: held in ("higher", "lower"))
            st.segmented_control("Better is", ["higher", "lower"], key=BETTER, required=True, persist_state="session")


def _table(shown: Shown, found: Sequence[Suggestion]) -> None:
    places = decimals_for(max(abs(value) for one in found for value in (one.expected, one.low, one.high)))
    text = st.column_config.TextColumn
    st.dataframe(
        {
            "": [str(number) for number in range(1, len(found) + 1)],
            "Setting": [readable(setting_words(one.settings, shown.gathered.runs.settings)) for one in found],
            "Predicted": [fixed(one.expected, places) for one in found],
            "90%": [ends(one.low, one.high, places) for one in found],
            "Why": [WHY[one.kind] for one in found],
        },
        hide_index=True,
        height="content",
        column_config={
            "": text(width=24),
            "Setting": text(width=124),
            "Predicted": text(width=64, alignment="right"),
            "90%": text(width=88),
            "Why": text(width=88),
        },
        alt="Settings to try next, numbered as on the map, each with its expected score and why.",
        key="predict-next-table",
    )
    reasons = [f"**{number}** {literal(one.why)}" for number, one in enumerate(found, start=1)]
    reasons.append(
        "Intervals here are the model's own, approximate: a setting picked for its promise is no random draw."
    )
    st.caption("  \n".join(reasons))


def _steered(shown: Shown) -> bool:
    return all(shown.runs[key].kind == "steer" for key in shown.gathered.runs.keys)


def _name(one: Suggestion) -> str:
    return json.dumps(one.settings, sort_keys=True, default=str)
