"""Badges: settings in grey, states by colour, icon and word together, so that none rests on colour alone."""

from __future__ import annotations

from typing import Literal

from core.sliders import SteerSettings
from pages.shared.plain import literal

State = Literal["queued", "writing", "done", "interrupted", "failed", "cancelled", "control"]

STATES: dict[State, tuple[str, str, str]] = {
    "queued": ("gray", "schedule", "queued"),
    "writing": ("blue", "progress_activity", "writing"),
    "done": ("green", "check", "done"),
    "interrupted": ("yellow", "pause", "interrupted"),
    "cancelled": ("yellow", "pause", "stopped"),
    "failed": ("red", "error", "failed"),
    "control": ("blue", "radio_button_unchecked", "control"),
}


def badge(words: str, color: str = "gray", icon: str = "") -> str:
    """One badge as Markdown; the words are shown literally."""
    mark = f":material/{icon}: " if icon else ""
    return f":{color}-badge[{mark}{literal(words)}]"


def state_badge(state: State, note: str = "") -> str:
    """A state as Markdown, with a note behind its word: "writing 317 / 512"."""
    color, icon, word = STATES[state]
    return badge(f"{word}{note and ' '}{note}", color, icon)


def settings_words(settings: SteerSettings, defaults: SteerSettings | None = None) -> list[str]:
    """gamma, eta and T always; the rest only where it differs from the defaults."""
    usual = defaults or SteerSettings()
    parts = [f"γ {settings.gamma:.3g}", f"η {settings.eta:.3g}", f"T {settings.temperature:.3g}"]
    if settings.mode != usual.mode and settings.uses_negatives:
        parts.append(settings.mode)
    if settings.uses_negatives and (settings.policy, settings.negatives) != (usual.policy, usual.negatives):
        parts.append(f"{settings.policy} · {settings.negatives}")
    named = {"alpha": "α", "top_k": "top-k", "top_p": "top-p", "min_p": "min-p"}
    for name, word in named.items():
        value = getattr(settings, name)
        if value != getattr(usual, name):
            parts.append(f"{word} {value:g}")
    if settings.seed != usual.seed:
        parts.append(f"seed {settings.seed}")
    return parts


def settings_badges(settings: SteerSettings, defaults: SteerSettings | None = None) -> str:
    """The same words as badges."""
    return " ".join(badge(word) for word in settings_words(settings, defaults))
