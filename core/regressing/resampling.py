"""Scores dealt anew: permutations that respect families and repeated settings, and resampled runs."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from core.regressing.runs import Runs
from core.statistics.answers import Floats, Integers

LEVEL = 0.95


def permuted(runs: Runs, draws: int, rng: np.random.Generator) -> Integers:
    """(n, draws) places whose score each run gets: settings change places within their model family.

    Runs of one setting stay together and change places with settings of as many runs, since their scores and
    their places on the map are tied; a setting alone in its size stays.
    """
    found = np.tile(np.arange(runs.count), (draws, 1)).T
    for together in _exchangeable(runs):
        for draw in range(draws):
            found[together, draw] = together[rng.permutation(len(together))]
    return found


def orders(runs: Runs) -> int:
    """How many different permutations there are."""
    return math.prod(math.factorial(len(together)) for together in _exchangeable(runs))


def _exchangeable(runs: Runs) -> list[Integers]:
    """Sets of settings that may change places: (settings, runs each) places."""
    names = runs.same_setting()
    sizes = Counter(names.tolist())
    families = runs.families or ("",) * runs.count
    classes: dict[tuple[str, int], dict[int, list[int]]] = {}
    for place, (name, family) in enumerate(zip(names.tolist(), families, strict=True)):
        classes.setdefault((family, sizes[name]), {}).setdefault(name, []).append(place)
    return [np.array(list(settings.values()), dtype=np.int64) for settings in classes.values()]


def bootstrap_means(values: Floats, groups: Integers, rng: np.random.Generator, draws: int = 2000) -> Floats:
    """(draws, k) means of values (n, k) over groups drawn with repetition."""
    _, number = np.unique(groups, return_inverse=True)
    count = int(number.max()) + 1
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, number, values)
    taken = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    return np.asarray(taken @ sums / (taken @ np.bincount(number))[:, None])


def corrected_p(values: Floats, groups: Integers, folds: int) -> float:
    """One-sided p-value of a positive mean of paired differences (n,) between left-out errors, from so many folds.

    The corrected t-test of Nadeau and Bengio (2003) over groups of runs: left-out errors hang together, since their
    models share most runs, and a plain paired test of two predictions that are equally good finds one better in up to
    10% of all cases at 5%.
    """
    from scipy.special import stdtr

    _, number = np.unique(groups, return_inverse=True)
    means = np.bincount(number, weights=values) / np.bincount(number)
    count, spread = len(means), float(means.std(ddof=1)) if len(means) > 1 else math.nan
    if not spread > 0:
        return 0.0 if spread == 0 and means[0] > 0 else 1.0
    error = spread * math.sqrt((1 + folds / (folds - 1)) / count)
    return float(stdtr(count - 1, -means.mean() / error))


def percentiles(draws: Floats) -> tuple[Floats, Floats]:
    """Ends (k,) of the 95% interval of draws (draws, k)."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return np.asarray(low), np.asarray(high)
