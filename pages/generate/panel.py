"""The settings panel: presets, sliders, what follows from them, and the two buttons."""

from __future__ import annotations

import streamlit as st

from core.drawing.numbers import counted, duration
from core.errors import SettingsError
from core.models import PairSpec
from core.running import PREVIEW_SAMPLES
from core.settings import settings as environment
from core.sliders import CHOICES, PRESETS, SteerSettings, inert, preset
from core.tasks import Task
from pages.generate.actions import start_preview, start_run
from pages.generate.sliders import MOVED, WIDE, batch_now, choose, number, reason, settings_now, slide, usual
from pages.shared.costs import usual_seconds
from pages.shared.engine import open_store
from pages.shared.plain import literal
from pages.shared.settings_link import NAMES, QUERIES, REPLICATES, REPLICATES_DEFAULT, REPLICATES_MOST, set_sliders

WIDTH = 282
MATCHED = "Matched temperature"
PRESET_NAMES = ("Expert only", "Contrastive only", "Negative only", "STEER as released", MATCHED)
LEAST_CHAINS = 4
"""Fewer chains that read their own pool carry no interval (`core.statistics.distances`)."""


@st.fragment
def panel(task: Task, pair: PairSpec | None) -> None:
    """All settings. A change redraws the panel alone; the buttons redraw the page."""
    with st.container(border=True, gap=10, key="settings"):
        try:
            settings, trouble = settings_now(task), ""
        except SettingsError as error:
            settings, trouble = usual(task), str(error)
        reasons = {} if trouble else inert(settings)
        _presets(task, None if trouble else settings)
        slide("gamma", task, reasons)
        slide("eta", task, reasons)
        st.caption((trouble and literal(trouble)) or _effective(settings))
        slide("temperature", task, reasons)
        slide("alpha", task, reasons)
        choose("mode", task, reasons)
        reason("mode", reasons)
        _truncation(task, settings, reasons)
        _negatives(task, settings, reasons)
        _batch(task, settings)
        _buttons(task, pair, None if trouble else settings)
    if st.session_state.pop(MOVED, False):
        st.rerun()


def _presets(task: Task, settings: SteerSettings | None) -> None:
    st.session_state["preset"] = settings and _preset_of(settings)
    st.pills("Preset", PRESET_NAMES, key="preset", on_change=_apply_preset, args=(task,))


def _preset_of(settings: SteerSettings) -> str | None:
    for name in PRESETS:
        if preset(name, settings.seed, settings.max_new_tokens) == settings:
            return name
    return MATCHED if st.session_state.get("matched") == settings else None


def _apply_preset(task: Task) -> None:
    name = st.session_state["preset"]
    if name is None:
        return
    try:
        now = settings_now(task)
    except SettingsError:
        now = usual(task)
    if name == MATCHED:
        wanted = now.matched_temperature()
        st.session_state["matched"] = wanted
    else:
        wanted = preset(name, now.seed, now.max_new_tokens)
    st.session_state[MOVED] = bool(st.session_state.get(WIDE))
    st.session_state[WIDE] = set()
    set_sliders(wanted)


def _effective(settings: SteerSettings) -> str:
    if not settings.uses_negatives:
        return f"Effective temperature **{settings.temperature:.2f}**: η moves nothing."
    if settings.mode == "balanced":
        return f"Effective temperature **{settings.temperature:.2f}**: balanced mode keeps T."
    return f"Effective temperature T / (1 − η) = **{settings.effective_temperature:.2f}**"


def _truncation(task: Task, settings: SteerSettings, reasons: dict[str, str]) -> None:
    with st.expander("Truncation", icon=":material/content_cut:", key="truncation"):
        number("top_k", task, reasons)
        reason("top_k", reasons)
        slide("top_p", task, reasons)
        slide("min_p", task, reasons)


def _negatives(task: Task, settings: SteerSettings, reasons: dict[str, str]) -> None:
    read = f": {settings.negatives}, {settings.policy}" if settings.uses_negatives else ": none"
    with st.expander(f"Negative context{read}", icon=":material/block:", key="negative-context"):
        if "policy" in reasons:
            # One reason for all of them.
            reason("policy", reasons)
        st.selectbox(
            "Policy",
            CHOICES["policy"],
            key=NAMES["policy"],
            help="Which rows of the pool are read: any, the last written, the nearest to what the query "
            "has produced, real rows only, or written rows only.",
            disabled="policy" in reasons,
            bind="query-params",
        )
        slide("negatives", task, reasons, explain=False)
        choose("draw", task, reasons)
        number("chains", task, reasons)
        if "chains" in reasons and "policy" not in reasons:
            reason("chains", reasons)
        elif settings.pool_grows:
            st.caption(_chains(settings, batch_now(task)[1]))
        number("round_size", task, reasons)


def _chains(settings: SteerSettings, replicates: int) -> str:
    count = settings.chain_count(replicates)
    if count == 1:
        return (
            "One pool for all, as the authors ran it. Every sample then depends on the ones before, so there "
            "is nothing to measure noise with: no ellipse and no intervals."
        )
    if count < LEAST_CHAINS:
        return f"{count} independent chains; an interval needs {LEAST_CHAINS}."
    return f"{count} independent chains, each with a pool of its own."


def _batch(task: Task, settings: SteerSettings) -> None:
    queries, replicates = batch_now(task)
    label = f"Batch: {queries} queries × {replicates}, seed {settings.seed}"
    with st.expander(label, icon=":material/layers:", key="batch"):
        most = len(task.with_role("probe"))
        st.number_input("Queries", 1, most, most, 1, key=QUERIES, bind="query-params", help="The first so many.")
        st.number_input(
            "Replicates",
            1,
            REPLICATES_MOST,
            REPLICATES_DEFAULT,
            1,
            key=REPLICATES,
            bind="query-params",
            help="Answers to each query. An ellipse and an interval need at least four.",
        )
        number("max_new_tokens", task)
        number("seed", task)


def _buttons(task: Task, pair: PairSpec | None, settings: SteerSettings | None) -> None:
    queries, replicates = batch_now(task)
    samples = queries * replicates
    limit = environment().max_samples
    if pair is None:
        st.caption("No expert was trained for this task, so nothing can be written.")
    elif samples > limit:
        st.caption(f"{samples:,} samples are above this server's limit of {limit:,}; ask for fewer replicates.")
    elif settings is not None:
        seconds = samples * (usual_seconds(open_store(), task, pair, settings) or 0.0)
        time = f", about **{duration(seconds)}** on this device" if seconds else "; a first run tells how long"
        st.caption(f"{counted(samples, 'sample')}{time}.")
    with st.container(horizontal=True):
        st.button(
            f"Preview {min(PREVIEW_SAMPLES, len(task.with_role('probe')))}",
            key="start-preview",
            on_click=start_preview,
            args=(task, pair),
            disabled=pair is None or settings is None,
            width="stretch",
        )
        st.button(
            f"Generate {samples:,}",
            key="start-run",
            type="primary",
            on_click=start_run,
            args=(task, pair),
            disabled=pair is None or settings is None or samples > limit,
            width="stretch",
        )
