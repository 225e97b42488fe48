"""In the true page: no hostile text becomes a link, a picture, an icon or markup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from pages.shared.plain import JOINER, readable
from tests.unit.hostile import HOSTILE

SCRIPT = """
import streamlit as st
from pages.shared.plain import literal
from tests.unit.hostile import HOSTILE

for i, text in enumerate(HOSTILE):
    with st.container(key=f"markdown-{i}"):
        st.markdown(literal(text))
    with st.container(key=f"label-{i}"):
        st.button(literal(text), key=f"button-{i}")
    with st.container(key=f"colored-{i}"):
        st.markdown(f':color[{literal(text)}]{{background="rgba(15,160,140,.3)"}}')
st.markdown("all of them")
"""

MARKUP = "a, img, svg, input, pre, code, h1, h2, h3, h6, ul, ol, table, blockquote, hr, strong, em, del, br"
ICONS = "[data-testid=stIconMaterial], [role=img], .katex, .stMarkdownBadge, canvas, iframe, script"


def test_hostile_texts_stay_texts(serve: Callable[..., Any], page: Page, tmp_path: Path) -> None:
    script = tmp_path / "texts.py"
    script.write_text(SCRIPT, encoding="utf-8")
    server = serve(script, PYTHONPATH=str(Path(__file__).resolve().parents[2]))
    page.goto(server.url)
    page.get_by_text("all of them", exact=True).wait_for()
    for i, text in enumerate(HOSTILE):
        for place in ("markdown", "label", "colored"):
            box = page.locator(f".st-key-{place}-{i} [data-testid=stMarkdownContainer]")
            assert box.locator(MARKUP).count() == 0, (place, text)
            assert box.locator(ICONS).count() == 0, (place, text)
            shown = (box.text_content() or "").replace(JOINER, "").replace("\u00a0", " ")
            expected = readable(text).replace("\u00a0", " ")
            assert shown.split() == expected.split(), (place, text)
