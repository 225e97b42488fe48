"""The sliders of a STEER generator: one validated, hashable object that URLs, JSON and the command line share."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from core.errors import SettingsError

Mode = Literal["subtract", "balanced"]
Policy = Literal["uniform", "recent", "nearest", "real-only", "synthetic-only"]
Draw = Literal["round", "sample"]

LIMITS: dict[str, tuple[float, float]] = {
    "gamma": (0.0, 4.0),
    "eta": (0.0, 2.0),
    "alpha": (0.0, 1.0),
    "temperature": (0.05, 5.0),
    "top_k": (0, 100_000),
    "top_p": (0.01, 1.0),
    "min_p": (0.0, 0.99),
    "negatives": (0, 100),
    "chains": (0, 10_000),
    "round_size": (1, 1_000),
    "max_new_tokens": (1, 512),
    "seed": (0, 2**31 - 1),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "mode": get_args(Mode),
    "policy": get_args(Policy),
    "draw": get_args(Draw),
}


@dataclass(frozen=True)
class SteerSettings:
    """Everything that decides what a STEER generator writes.

    gamma: contrastive expert guidance; eta: negative prompting (below 1 in subtract mode);
    alpha: plausibility, 0 off; temperature > 0; top_k 0, top_p 1 and min_p 0 switch those off;
    negatives: examples in a negative context; chains: passes over the queries with a pool of
    their own, 0 means one a replicate; round_size: queries a chain answers before its pool grows.

    Raises SettingsError with one sentence where a value is out of range.
    """

    gamma: float = 0.2
    eta: float = 0.2
    mode: Mode = "subtract"
    alpha: float = 0.0
    temperature: float = 1.0
    top_k: int = 10
    top_p: float = 1.0
    min_p: float = 0.0
    negatives: int = 10
    policy: Policy = "uniform"
    draw: Draw = "round"
    chains: int = 0
    round_size: int = 5
    max_new_tokens: int = 48
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            whole = isinstance(getattr(type(self), name), int)
            object.__setattr__(self, name, _number(name, getattr(self, name), low, high, whole))
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise SettingsError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}.")
        if self.mode == "subtract" and self.eta >= 1.0:
            raise SettingsError(
                f"eta is {self.eta:g}, but subtract mode needs eta below 1: at 1 nothing of the expert is left, "
                "above 1 it is inverted; lower eta or choose balanced mode."
            )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> SteerSettings:
        """Settings from JSON or URL values, unnamed ones at their default; SettingsError on unknown names."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise SettingsError(
                f"There is no setting named {unknown[0]!r}; the settings are {', '.join(sorted(known))}."
            )
        return cls(**dict(values))

    def as_dict(self) -> dict[str, Any]:
        """All values, in the order of the fields: what the store keeps."""
        return asdict(self)

    def key(self) -> str:
        """A digest of every value: part of the noise key, so that two settings never share noise."""
        return hashlib.blake2b(json.dumps(self.as_dict(), sort_keys=True).encode(), digest_size=16).hexdigest()

    def with_(self, **changes: Any) -> SteerSettings:
        """A copy with some values changed, validated again."""
        return replace(self, **changes)

    @property
    def uses_negatives(self) -> bool:
        """Whether a negative context is read at all."""
        return self.eta > 0 and self.negatives > 0

    @property
    def pool_grows(self) -> bool:
        """Whether later samples read earlier ones: then the chain, not the sample, is independent."""
        return self.uses_negatives and self.policy != "real-only"

    @property
    def deterministic(self) -> bool:
        """Whether the same query always has the same answer: greedy decoding, and no negative context drawn for it.

        Plausibility 1 leaves the expert's likeliest token, whatever the negative context says.
        """
        return self.alpha == 1.0 or (self.top_k == 1 and not self.uses_negatives)

    @property
    def effective_temperature(self) -> float:
        """T / (1 - eta) in subtract mode, where the coefficients sum to 1 - eta; T in balanced mode."""
        if self.mode == "subtract" and self.uses_negatives:
            return self.temperature / (1.0 - self.eta)
        return self.temperature

    def matched_temperature(self) -> SteerSettings:
        """The control of every claim about eta: the expert alone at the effective temperature."""
        return self.with_(gamma=0.0, eta=0.0, temperature=min(self.effective_temperature, LIMITS["temperature"][1]))

    def chain_count(self, replicates: int) -> int:
        """Chains of a run: one a replicate unless fewer were asked for."""
        return min(self.chains, replicates) if self.chains else replicates

    def short(self) -> str:
        """A label for maps and lists: "γ 0.2 · η 0.4 · T 1"."""
        parts = [f"γ {self.gamma:.3g}", f"η {self.eta:.3g}", f"T {self.temperature:.3g}"]
        return " · ".join(parts)


PRESETS: dict[str, dict[str, Any]] = {
    "STEER as released": {},
    "Expert only": {"gamma": 0.0, "eta": 0.0},
    "Contrastive only": {"eta": 0.0},
    "Negative only": {"gamma": 0.0},
}
"""Changes to the defaults; "Matched temperature" follows from the sliders (`matched_temperature`)."""


def preset(name: str, seed: int = 0, max_new_tokens: int = 48) -> SteerSettings:
    """The settings of a preset; each is named for what it really does."""
    return SteerSettings(seed=seed, max_new_tokens=max_new_tokens).with_(**PRESETS[name])


def inert(settings: SteerSettings) -> dict[str, str]:
    """Sliders that change nothing at these settings, each with the reason a person should read."""
    reasons: dict[str, str] = {}
    if settings.eta == 0:
        why = "η is 0, so no negative context is read."
        reasons |= dict.fromkeys(("mode", "negatives", "policy", "draw", "chains", "round_size"), why)
    elif settings.negatives == 0:
        why = "There are no negative examples, so η has nothing to move away from."
        reasons |= dict.fromkeys(("eta", "mode", "policy", "draw", "chains", "round_size"), why)
    elif settings.policy == "real-only":
        why = "The pool of real rows does not grow, so every sample is independent."
        reasons |= dict.fromkeys(("chains",), why)
    if settings.alpha == 1.0:
        why = "Plausibility 1 leaves one token: decoding is greedy."
        reasons |= dict.fromkeys(("temperature", "top_k", "top_p", "min_p", "gamma", "eta", "mode"), why)
    if settings.top_k == 1:
        why = "Top-k 1 leaves one token: decoding is greedy."
        reasons |= dict.fromkeys(("temperature", "top_p", "min_p"), why)
    return reasons


def _number(name: str, value: Any, low: float, high: float, whole: bool) -> float | int:
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
        if whole and number != int(number):
            raise ValueError
    except (TypeError, ValueError, OverflowError) as error:
        kind = "a whole number" if whole else "a number"
        raise SettingsError(f"{name} is {value!r}; give {kind} from {low:g} to {high:g}.") from error
    if not math.isfinite(number) or not low <= number <= high:
        raise SettingsError(f"{name} is {value!r}; give a value from {low:g} to {high:g}.")
    return int(number) if whole else number
