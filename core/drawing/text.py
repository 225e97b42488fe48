"""Text that somebody or something else wrote, made harmless and legible where a figure or a page shows it."""

from __future__ import annotations

import html
import re

LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_DROPPED = re.compile(rf"[\x01-\x08\x0b-\x1f\x7f-\x9f{_TURNING}]")
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")
_SUSPECT = re.compile(rf"[\0-\x1f\x7f-\x9f\u2028\u2029{_TURNING}\ud800-\udfff]")


def readable(text: str) -> str:
    """One line of text that shows what is there: line breaks as ⏎, no control that turns the reading order.

    For places that take text literally. Tabs become spaces, other controls go, and what cannot be sent to a
    browser at all (a lone surrogate, a null) becomes the replacement character.
    """
    if not _SUSPECT.search(text):
        return text
    shown = LINE_BREAK.sub("⏎", text).replace("\t", " ")
    return _DROPPED.sub("", _UNSENDABLE.sub("\ufffd", shown))


def cut(text: str, characters: int) -> str:
    """At most so many characters of a text, the last an ellipsis where more follow."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def escaped(text: str) -> str:
    """Text as a figure's markup that shows it unchanged. Cut and wrap first: an entity must not be cut in two.

    Quotation marks stay: they mean nothing outside a tag, and Plotly would show `&quot;` as it stands.
    """
    return html.escape(readable(text), quote=False)
