"""Generated text as text: no link, image, icon, arrow, formula or markup survives on the page."""

from __future__ import annotations

from core.drawing.text import readable

__all__ = ["JOINER", "literal", "readable"]

JOINER = "\u2060"
"""WORD JOINER, invisible: it parts what Streamlit would read as an address, a picture or an arrow."""

PARTED = frozenset(":.@-<>=~/")
PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


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
