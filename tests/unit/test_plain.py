"""Generated text stays text: judged by a Markdown parser and by the patterns of Streamlit's extensions."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from pages.shared.plain import JOINER, literal, readable
from tests.unit.hostile import HOSTILE

EXTENSIONS = {
    "link": r"https?://|www\.|ftp://|mailto:|xmpp:",
    "mail": r"[\w.+-]@[\w-]",
    "shortcode": r":[a-z_+\-0-9/]+:",
    "directive": r":[a-z-]+\[",
    "arrow": r"<-|->|--|<=|>=|~=",
    "math": r"(?<!\\)\$",
}


def rendered(markdown: str) -> tuple[set[str], str]:
    """The kinds of tokens and the text that a parser sees, tables and strikethrough included."""
    blocks = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown)
    kinds = {block.type for block in blocks}
    text = []
    for block in blocks:
        for token in block.children or []:
            kinds.add(token.type)
            text.append(token.content)
    return kinds, "".join(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_parser_sees_one_paragraph_of_the_same_text(text: str) -> None:
    kinds, seen = rendered(literal(text))
    assert kinds <= {"paragraph_open", "inline", "paragraph_close", "text", "text_special"}
    assert seen.replace(JOINER, "").strip() == readable(text).strip()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", EXTENSIONS)
def test_no_pattern_of_an_extension_is_left(text: str, name: str) -> None:
    # After the backslashes are gone, which is when Streamlit's own plug-ins look at the text.
    _, seen = rendered(literal(text))
    if name == "math":
        assert not re.search(EXTENSIONS[name], literal(text))
    else:
        assert not re.search(EXTENSIONS[name], seen)


def test_every_extension_occurs_in_the_hostile_texts() -> None:
    for name, pattern in EXTENSIONS.items():
        assert any(re.search(pattern, text) for text in HOSTILE), name
    assert len(HOSTILE) >= 34


def test_line_breaks_are_shown_and_never_break() -> None:
    assert readable("a\r\nb\nc\u2028d\x85e") == "a⏎b⏎c⏎d⏎e"


def test_reading_order_controls_and_unsendable_characters_are_removed() -> None:
    assert readable("a\u202eb\u2066c\u200fd\x00e\ud800f\x07g\th") == "abcd\ufffde\ufffdfg h"
    literal("\ud800").encode("utf-8")


def test_plain_words_stay_as_they_are() -> None:
    assert literal("Does sleep help memory") == "Does sleep help memory"
