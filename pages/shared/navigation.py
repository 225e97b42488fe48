"""The pages of the dashboard, in their groups."""

from __future__ import annotations

import streamlit as st

from core.settings import REPOSITORY

BRAND = REPOSITORY / "assets" / "brand"


def pages() -> dict[str, list[st.Page]]:
    """The groups of the navigation. Every page but the first lives at its `url_path`."""
    return {
        "Make": [
            st.Page(
                "pages/generate/page.py",
                title="Generate",
                icon=":material/edit_note:",
                url_path="generate",
                default=True,
                help="Move the sliders, write samples, and watch where they land beside the real data.",
            ),
        ],
        "Understand": [
            st.Page(
                "pages/perspective/page.py",
                title="Perspective",
                icon=":material/bubble_chart:",
                url_path="perspective",
                help="Where settings sit, where the real data is, and how sure that is.",
            ),
            st.Page(
                "pages/predict/page.py",
                title="Predict",
                icon=":material/target:",
                url_path="predict",
                help="What score a student will reach on a setting's texts, before it is trained on them.",
            ),
        ],
        "Manage": [
            st.Page(
                "pages/runs/page.py",
                title="Runs",
                icon=":material/inventory_2:",
                url_path="runs",
                help="Everything that was written: restore its settings, resume it, export it, delete it.",
            ),
        ],
    }


def open_page() -> st.Page:
    """Declare the pages and return the one that was asked for, under its own title and our icon."""
    # Before the navigation, or the icon of the page is fetched from a font server as the icon of the tab.
    st.set_page_config(
        page_title="Steerscope",
        page_icon=str(BRAND / "favicon.png"),
        layout="wide",
        initial_sidebar_state="expanded",
    )
    page = st.navigation(pages())
    st.set_page_config(page_title=f"{page.title} · Steerscope")
    st.logo(str(BRAND / "logo.svg"), icon_image=str(BRAND / "icon.svg"))
    return page


def hand_over() -> None:
    """Begin again with app.py.

    A server whose app.py has not run yet takes every file of `pages/` for a page, under Streamlit's old
    rules, and greets a deep link that fits none of them with "Page not found". So a file stands there for
    every page but the first (the old rules drop the number before its name), and all it does is to declare
    the true pages and start over.
    """
    open_page()
    st.rerun()
