"""Settings to try next: those expected to score best, and those that would teach most.

Sliders lead to places (one Gaussian process an axis), places to scores (another); a setting's uncertainty is
that of both. The places are those of the map that judged the prediction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsError, StatisticsError
from core.regressing.encoding import Encoding
from core.regressing.fitted import Fitted
from core.regressing.gaussian import Gaussian
from core.regressing.runs import SEED, Runs
from core.statistics.answers import Floats
from core.statistics.placement import leverages

Constraint = Callable[[Mapping[str, Any]], bool]
Kind = Literal["best", "informative"]

CANDIDATES = 512
DRAWS = 200
LEVEL_Z = 1.6449
"""Of the 90% interval, which is the process's own: approximate, no jackknife+."""


@dataclass(frozen=True)
class Span:
    """The values a slider may take: low to high, in steps where `step` is given."""

    low: float
    high: float
    step: float | None = None

    def at(self, share: Floats) -> Floats:
        """Values for shares (k,) from 0 to 1 of the way."""
        if self.step is None:
            return self.low + share * (self.high - self.low)
        count = int((self.high - self.low) / self.step + 1e-9)
        number = np.minimum((share * (count + 1)).astype(int), count)
        return np.asarray(np.round(self.low + self.step * number, 9))


Space = Mapping[str, Span | Sequence[Any]]


@dataclass(frozen=True)
class Suggestion:
    """A setting with its expected score, 90% interval (approximate), and why.

    improvement: expected gain over the best run, 0 or more; gain: the share by which trying it
    shrinks the variance of the score over all settings considered; extrapolates: its expected place is farther out
    than every run.
    """

    settings: dict[str, Any]
    kind: Kind
    expected: float
    low: float
    high: float
    improvement: float
    gain: float
    extrapolates: bool
    why: str


@dataclass(frozen=True, eq=False)
class Limit:
    """A constraint that a process foretells (`metric_limit`); many settings at once cost little more than one."""

    encoding: Encoding
    process: Gaussian
    at_most: float | None
    at_least: float | None
    certainty: float

    def __call__(self, wanted: Mapping[str, Any]) -> bool:
        """Whether one setting meets it."""
        return bool(self.met([wanted])[0])

    def met(self, settings: Sequence[Mapping[str, Any]]) -> NDArray[np.bool_]:
        """(n,) whether settings meet it."""
        from scipy.special import ndtr

        rows = self.encoding.rows(settings)
        mean, spread = self.process.mean(rows), np.maximum(self.process.errors(rows), 1e-12)
        above = 1.0 if self.at_most is None else ndtr((self.at_most - mean) / spread)
        below = 0.0 if self.at_least is None else ndtr((self.at_least - mean) / spread)
        return np.asarray(above - below >= np.full(len(rows), self.certainty))


def suggest(
    fitted: Fitted,
    space: Space,
    *,
    count: int = 3,
    better: Literal["higher", "lower"] = "higher",
    constraints: Sequence[Constraint] = (),
    seed: int = 0,
) -> tuple[Suggestion, ...]:
    """`count` settings by expected improvement, then `count` that would teach most, each batch chosen greedily.

    Settings outside `space` stand where the best run has them. Raises SettingsError where the space is empty or
    names a slider that the runs do not vary, StatisticsError where no setting meets the constraints.
    """
    runs = fitted.runs
    encoding = Encoding.of(runs.settings)
    sign = 1.0 if better == "higher" else -1.0
    base = {k: v for k, v in runs.settings[int(np.argmax(sign * runs.scores))].items() if k != SEED}
    allowed = _allowed(runs, encoding, space, base, constraints, seed)
    points, axes = fitted.points, fitted.points.shape[1]
    rng = np.random.default_rng(seed)
    columns, wanted = encoding.rows(runs.settings), encoding.rows(allowed)
    places = np.empty((len(allowed), axes))
    drawn = np.empty((DRAWS, len(allowed), axes))
    for axis in range(axes):
        process = Gaussian.of(columns, points[:, axis], alike=False)
        places[:, axis] = process.mean(wanted)
        drawn[:, :, axis] = places[:, axis] + _draws(process.covariance(wanted), rng)
    scores = Gaussian.of(points, sign * runs.scores, runs.noise)
    over = scores.mean(drawn.reshape(-1, axes)).reshape(DRAWS, -1)
    mean = over.mean(axis=0)
    covariance = np.cov(over, rowvar=False) + scores.covariance(places)
    noise = scores.white + float(runs.noise.mean())
    beyond = leverages(places, points) > leverages(points, points).max() * (1 + 1e-9)
    best = float(scores.mean(points).max())
    found = []
    for kind in ("best", "informative"):
        for i, improvement, gain in _greedy(mean, covariance, noise, best, kind, min(count, len(allowed))):
            spread = float(np.sqrt(covariance[i, i] + noise))
            ends = sorted(sign * (float(mean[i]) + LEVEL_Z * side * spread) for side in (-1, 1))
            why = f"It is expected to beat the best run by {improvement:.2g}."
            if kind == "informative":
                why = f"Trying it would settle {gain:.0%} of what is unsure over all settings."
            if beyond[i]:
                why += " It is farther out than every run, so this is an extrapolation."
            one = Suggestion(
                allowed[i], kind, sign * float(mean[i]), ends[0], ends[1], improvement, gain, bool(beyond[i]), why
            )
            found.append(one)
    return tuple(found)


def metric_limit(
    settings: Sequence[Mapping[str, Any]],
    values: Floats,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    certainty: float = 0.5,
) -> Limit:
    """A constraint from a measured metric (n,): within limits with at least this probability, by a Gaussian process.

    Raises StatisticsError where a value is not finite or no setting varies.
    """
    encoding = Encoding.of(settings)
    if not encoding.width or not np.isfinite(values).all() or len(values) != len(settings):
        raise StatisticsError("A limit needs a finite value of the metric for runs that differ in their settings.")
    process = Gaussian.of(encoding.rows(settings), np.asarray(values, dtype=np.float64), alike=False)
    return Limit(encoding, process, at_most, at_least, certainty)


def _allowed(
    runs: Runs,
    encoding: Encoding,
    space: Space,
    base: Mapping[str, Any],
    constraints: Sequence[Constraint],
    seed: int,
) -> list[dict[str, Any]]:
    """Settings spread evenly over the space that meet all constraints, those already scored left out."""
    from scipy.stats.qmc import Sobol

    varied = {name for name, _, _ in encoding.numbers} | {name for name, _ in encoding.words}
    if not space or (unknown := sorted(set(space) - varied)):
        names, known = ", ".join(unknown) if space else "nothing", ", ".join(sorted(varied)) or "none"
        raise SettingsError(f"The space names {names}, which the scored runs do not vary; choose from {known}.")
    shares = Sobol(len(space), seed=seed).random(CANDIDATES)
    values: dict[str, list[Any]] = {}
    for name, share in zip(space, shares.T, strict=True):
        given = space[name]
        if isinstance(given, Span):
            whole = all(isinstance(each[name], int) for each in runs.settings)
            values[name] = [round(one) if whole else one for one in given.at(share).tolist()]
        else:
            values[name] = [given[min(int(one * len(given)), len(given) - 1)] for one in share]
    found = [{**base, **dict(zip(values, row, strict=True))} for row in zip(*values.values(), strict=True)]
    tried = {_name(each) for each in runs.settings}
    unique = {_name(each): each for each in found if _name(each) not in tried}
    kept = list(unique.values())
    for constraint in constraints:
        met = constraint.met(kept) if isinstance(constraint, Limit) else [constraint(each) for each in kept]
        kept = [each for each, fine in zip(kept, met, strict=True) if fine]
        if not kept:
            break
    if not kept:
        raise StatisticsError("No untried setting of the space meets the constraints; widen one of them.")
    return kept


def _name(settings: Mapping[str, Any]) -> str:
    # 1 and 1.0 are one setting, whichever way it was stored.
    alike = {k: float(v) if type(v) is int else v for k, v in settings.items() if k != SEED}
    return json.dumps(alike, sort_keys=True, default=str)


def _draws(covariance: Floats, rng: np.random.Generator) -> Floats:
    """(DRAWS, k) normal draws with this covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((rng.normal(size=(DRAWS, len(values))) * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def _greedy(
    mean: Floats, covariance: Floats, noise: float, best: float, kind: str, count: int
) -> list[tuple[int, float, float]]:
    """Places, expected improvements and shares of variance settled, one after the other.

    After each choice the covariance is what it would be once that setting was tried (its mean as expected).
    """
    from scipy.special import ndtr

    left, total = covariance.copy(), float(np.trace(covariance))
    free = np.ones(len(mean), dtype=bool)
    found = []
    for _ in range(count):
        variance = np.maximum(np.diagonal(left), 1e-18)
        spread = np.sqrt(variance)
        z = (mean - best) / spread
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        improvement = np.maximum(spread * (z * ndtr(z) + density), 0.0)
        gain = (left**2).sum(axis=0) / (variance + noise) / max(total, 1e-18)
        i = int(np.where(free, improvement if kind == "best" else gain, -np.inf).argmax())
        found.append((i, float(improvement[i]), float(gain[i])))
        left = left - np.outer(left[:, i], left[i]) / (variance[i] + noise)
        free[i] = False
    return found
