"""Which runs fit what a person typed: words in settings, note, id, task and state; values where it names one."""

from __future__ import annotations

import re
from dataclasses import fields

from core.sliders import LIMITS, SteerSettings

_SIGNS = {"γ": "gamma", "η": "eta", "α": "alpha", "t": "temperature"}
_NAMES = {name.replace("_", sign): name for name in LIMITS for sign in "_- "} | _SIGNS
_LONGEST_FIRST = "|".join(re.escape(name) for name in sorted(_NAMES, key=len, reverse=True))
# "gamma 0.4", "γ=.4", "top-k:10"; not the t of a word that ends before a number.
_VALUE = re.compile(rf"(?<!\w)({_LONGEST_FIRST})\s*[=:]?\s*(\d+\.?\d*|\.\d+)(?![\w.])", re.IGNORECASE)


def fits(typed: str, words: str, settings: SteerSettings | None) -> bool:
    """Whether a run fits: every value that was named is its own, and every other word stands in its words.

    words: whatever can be read about the run; settings: None where it was not steered here.
    """
    asked = [(_NAMES[name.lower()], float(number)) for name, number in _VALUE.findall(typed)]
    if asked and (settings is None or any(getattr(settings, name) != value for name, value in asked)):
        return False
    known = words.casefold()
    return all(word in known for word in _VALUE.sub(" ", typed).casefold().split())


def all_words(settings: SteerSettings) -> str:
    """Every setting by name and value, for the search of words."""
    return " ".join(f"{field.name} {getattr(settings, field.name)}" for field in fields(settings))
