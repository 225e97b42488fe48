"""How the error falls with the number of runs, and how many an interval of a wanted width takes. Approximate.

The nested pass is rerun on runs left out at random; its squared error is read as a + b/n, a being what more runs do
not remove (measurement error, and what the map does not see).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from core.errors import SettingsError, StatisticsError
from core.regressing.designs import offered
from core.regressing.fitted import Fitted
from core.regressing.folds import folds
from core.regressing.jackknife import least_runs
from core.regressing.nested import nested
from core.regressing.runs import LEAST_RUNS
from core.statistics.answers import Floats, Integers

SHARES = (0.5, 0.65, 0.8, 1.0)
FARTHEST = 20
"""Times the runs there are beyond which the curve is not followed."""


@dataclass(frozen=True, eq=False)
class Curve:
    """sizes: (k,) numbers of runs; squared: (k,) mean squared left-out error there.

    remaining, falling: a and b of a + b/n; reach: half an interval over the root of that; level: of the interval.
    """

    sizes: Integers
    squared: Floats
    remaining: float
    falling: float
    reach: float
    level: float

    def width(self, n: int) -> float:
        """The whole width of the interval expected from n runs."""
        return 2 * self.reach * math.sqrt(self.remaining + self.falling / n)


@dataclass(frozen=True)
class Needed:
    """runs: how many an interval of that width takes, None with one sentence in `reason`."""

    runs: int | None
    reason: str | None


def learning_curve(fitted: Fitted, *, draws: int = 3, seed: int = 0) -> Curve:
    """The curve of these runs and this model; settings are left out whole, as in folds.

    Raises StatisticsError where there are too few runs to see one.
    """
    rng = np.random.default_rng(seed)
    groups = np.unique(fitted.runs.groups(), return_inverse=True)[1]
    count = int(groups.max()) + 1
    sizes: dict[int, list[float]] = {}
    for share in SHARES[:-1]:
        take = round(share * count)
        for _ in range(draws):
            places = np.flatnonzero(np.isin(groups, rng.permutation(count)[:take]))
            if len(places) >= LEAST_RUNS and take >= LEAST_RUNS and np.ptp(fitted.runs.scores[places]) > 0:
                sizes.setdefault(take, []).append(_squared(fitted, places, seed))
    if not sizes:
        raise StatisticsError(
            f"{fitted.runs.count} runs are too few to see how the error falls with more; score {2 * LEAST_RUNS}."
        )
    misses = np.abs(fitted.runs.scores - fitted.found.predictions[:, 0])
    sizes.setdefault(count, []).append(float(np.mean(misses**2)))
    ns = np.array(sorted(sizes))
    squared = np.array([np.mean(sizes[int(n)]) for n in ns])
    remaining, falling = _line(ns, squared)
    rank = min(math.ceil(fitted.level * (len(misses) + 1) - 1e-9), len(misses))
    root = math.sqrt(float(np.mean(misses**2)))
    reach = float(np.sort(misses)[rank - 1]) / root if root > 0 else 0.0
    return Curve(ns, squared, remaining, falling, reach, fitted.level)


def runs_needed(curve: Curve, width: float) -> Needed:
    """The number of runs from which the interval is expected to be no wider than `width`.

    Raises SettingsError where the width is not positive.
    """
    if not (width > 0 and math.isfinite(width)):
        raise SettingsError(f"An interval cannot have the width {width:g}; ask for a positive one.")
    room = math.inf if curve.reach == 0 else (width / 2 / curve.reach) ** 2 - curve.remaining
    least, now = least_runs(curve.level), int(curve.sizes[-1])
    if room <= 0 or curve.falling / room > FARTHEST * now:
        return Needed(
            None,
            f"No number of runs in sight reaches ±{width / 2:.2g}: ±{curve.width(FARTHEST * now) / 2:.2g} remains with "
            f"{FARTHEST * now:,}; more answers a query or more training seeds may help.",
        )
    return Needed(max(least, math.ceil(curve.falling / room)), None)


def _squared(fitted: Fitted, places: Integers, seed: int) -> float:
    """Mean squared left-out error of some of the runs."""
    runs = fitted.runs.chosen(places)
    cut = folds(runs, seed)
    evidence = fitted.designs.evidence.chosen(places)
    wanted = fitted.designs.sizes[0] if len(fitted.designs.sizes) == 1 else None
    sizes = tuple(min(size, cut.smallest - 1) for size in offered(wanted, cut.smallest, evidence.extra.shape[1]))
    designs = replace(fitted.designs, evidence=evidence, sizes=sizes)
    found = nested(designs, fitted.model, runs.scores[:, None], cut)
    return float(np.mean((runs.scores - found.predictions[:, 0]) ** 2))


def _line(ns: Integers, squared: Floats) -> tuple[float, float]:
    """a, b >= 0 of a + b/n by least squares; the largest sizes weigh most."""
    from scipy.optimize import nnls

    weight = ns / ns.max()
    found, _ = nnls(np.stack([weight, weight / ns], axis=1), weight * squared)
    return float(found[0]), float(found[1])
