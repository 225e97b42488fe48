"""How an expert is trained, as one validated object."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from core.errors import SettingsError

LIMITS: dict[str, tuple[float, float]] = {
    "rank": (1, 512),
    "alpha": (0.1, 4096.0),
    "learning_rate": (1e-6, 1.0),
    "weight_decay": (0.0, 1.0),
    "batch_size": (1, 4096),
    "steps": (1, 1_000_000),
    "warmup": (0, 100_000),
    "final_rate": (0.0, 1.0),
    "evaluate_every": (1, 1_000_000),
    "patience": (1, 1_000_000),
    "clip": (1e-3, 1e6),
    "max_tokens": (4, 100_000),
    "seed": (0, 2**31 - 1),
}


@dataclass(frozen=True)
class FinetuneSettings:
    """How an expert is trained.

    rank, alpha: LoRA's width, and its scale in the form alpha / rank (Hu et al. 2021).
    learning_rate: AdamW's peak, reached after `warmup` steps, then linear to `final_rate` of it.
    steps: at most; evaluate_every: steps between looks at the held-out loss; patience: looks without
    a new best before training stops. clip: gradient norm. max_tokens: longer rows are left out.

    Raises SettingsError with one sentence where a value is out of range.
    """

    rank: int = 16
    alpha: float = 32.0
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    batch_size: int = 16
    steps: int = 400
    warmup: int = 20
    final_rate: float = 0.1
    evaluate_every: int = 20
    patience: int = 3
    clip: float = 1.0
    max_tokens: int = 160
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high = LIMITS[field.name]
            value = getattr(self, field.name)
            whole = isinstance(field.default, int)
            known = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
            if not known or not math.isfinite(value) or not low <= value <= high:
                kind = "a whole number" if whole else "a number"
                raise SettingsError(f"{field.name} is {value!r}; give {kind} from {low:g} to {high:g}.")

    def recipe(self) -> dict[str, Any]:
        """Every setting but the seed: what makes students comparable."""
        return {name: value for name, value in asdict(self).items() if name != "seed"}

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 1."""
        if step <= self.warmup:
            return self.learning_rate * step / self.warmup
        done = (step - self.warmup) / max(self.steps - self.warmup, 1)
        return self.learning_rate * (1.0 + (self.final_rate - 1.0) * min(done, 1.0))
