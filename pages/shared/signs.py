"""What settings are called on the pages."""

from __future__ import annotations

FIRST = ("gamma", "eta", "temperature")
"""The three sliders that stand before all others."""

SIGNS = {
    "gamma": "γ",
    "eta": "η",
    "temperature": "T",
    "alpha": "α",
    "top_k": "top-k",
    "top_p": "top-p",
    "min_p": "min-p",
    "max_new_tokens": "length",
    "round_size": "round",
}
"""What a setting is called on the page; others go by their own name."""


def sign(name: str) -> str:
    """What a setting is called."""
    return SIGNS.get(name, name.replace("_", " "))
