"""Generated text as text: no link, image, icon, arrow, formula or markup survives on the page."""

from __future__ import annotations

import re
import unicodedata

JOINER = "\u2060"
"""WORD JOINER, invisible: it parts what Streamlit would read as an address, a picture or an arrow."""

PARTED = frozenset(":.@-<>=~/")
PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def readable(text: str) -> str:
    """One line of text that shows what is there: line breaks as ⏎, no control that turns the reading order.

    For places that take text literally (`st.text`, table cells); `literal` is for Markdown.
    """
    shown = []
    for character in LINE_BREAK.sub("⏎", text):
        if character in BIDI_CONTROLS:
            continue
        category = unicodedata.category(character)
        if character == "\t":
            shown.append(" ")
        elif category == "Cs" or character == "\0":
            # A lone surrogate cannot be sent to the browser at all.
            shown.append("\ufffd")
        elif category != "Cc":
            shown.append(character)
    return "".join(shown)


def literal(text: str) -> str:
    """The text as Markdown that shows it unchanged, in `st.markdown`, labels and captions alike.

    A backslash alone is not enough: addresses would still become links, `:streamlit:` a picture and `->`
    an arrow. Copy and export from the raw text, never from this one.
    """
    shown = readable(text)
    # Spaces at the start would make a block of code.
    body = shown.lstrip(" ")
    pieces = ["\u00a0" * (len(shown) - len(body))]
    for character in body:
        if character in PARTED:
            pieces.append(f"{JOINER}\\{character}{JOINER}")
        elif character in PUNCTUATION:
            pieces.append("\\" + character)
        else:
            pieces.append(character)
    return "".join(pieces)
