"""Generate: move the sliders, write samples, and watch where they land beside the real data."""

from __future__ import annotations

import streamlit as st

from core.drawing.numbers import counted
from core.errors import SettingsError
from pages.generate import verdict
from pages.generate.following import followed
from pages.generate.live import ICON, QUESTION, Places, live
from pages.generate.panel import WIDTH, panel
from pages.generate.preview import preview, preview_of
from pages.generate.samples import HEIGHT
from pages.generate.sliders import arrive
from pages.generate.why import why
from pages.shared.asking import TROUBLE
from pages.shared.engine import open_jobs
from pages.shared.frame import choice
from pages.shared.headline import headline
from pages.shared.states import empty, failed

COLUMN_WIDTH = 300

chosen = choice()
task, pair = chosen.task, chosen.pair
jobs = open_jobs()

if problems := arrive(task):
    others = f" {counted(len(problems) - 1, 'other value')} of it cannot be used either." if problems[1:] else ""
    st.session_state[TROUBLE] = ("The link was followed in part", problems[0] + others)
    st.rerun()
run, trouble = followed(jobs.store, task)
shown_preview = preview_of(jobs, task)

top = st.container()
if TROUBLE in st.session_state:
    failed(*st.session_state[TROUBLE], height=None)
if trouble:
    failed("This run cannot be shown", trouble, height=None)

with st.container(horizontal=True, gap="small"):
    with st.container(width=WIDTH):
        panel(task, pair)
    with st.container():
        numbers = st.container()
        halves = st.grid(2, min_column_width=COLUMN_WIDTH)
        left, right = halves.cell(), halves.cell()
        below = st.container()

# First what somebody waits for, then what takes long to draw.
if shown_preview is not None:
    with right:
        preview(task, shown_preview)
# Never st.stop(): Streamlit then forgets a click that came while the page was being drawn.
if run is None:
    said = verdict.before(task, pair is not None)
    with top:
        headline("Generate", QUESTION, said.title, said.detail, ICON)
    with left if shown_preview is not None else numbers:
        empty(
            "No run of this task yet",
            "Its samples, its numbers and its point beside the real data appear while it is written.",
            height=HEIGHT + 40,
        )
else:
    try:
        live(task, run, Places(top, numbers, left, None if shown_preview is not None else right))
    except SettingsError as error:
        with top:
            headline("Generate", QUESTION, "This run was made by another version.", "", ICON)
        failed("The run cannot be shown", str(error), height=None)
    else:
        with below:
            why(task, run)
