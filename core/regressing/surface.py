"""The predicted score over the drawn map, and how sure it is: a picture, not the prediction that was judged.

It stands on the points as they are drawn (cross-fitted coordinates are for drawing, `dkps.md`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsError, StatisticsError
from core.regressing.gaussian import Gaussian
from core.regressing.nested import steady_argmin
from core.regressing.runs import LEAST_RUNS
from core.regressing.smoothers import weights
from core.statistics.answers import Floats
from core.statistics.placement import leverages

DRAWS = 200
MARGIN = 0.25
"""What the grid shows beyond the outermost points, as a share of their longer span: room to fade in."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A grid over two axes. x: (k,), y: (k,); values, errors: (k, k) score and its standard error, row by y.

    known: (k, k) whether the place is no farther out than the runs themselves, by leverage.
    """

    x: Floats
    y: Floats
    values: Floats
    errors: Floats
    known: NDArray[np.bool_]


def surface(
    points: Floats,
    scores: Floats,
    noise: Floats | None = None,
    *,
    model: Literal["gaussian process", "ridge"] = "gaussian process",
    size: int = 40,
    seed: int = 0,
) -> Surface:
    """The score over the first two of the drawn points (n, d >= 2), from scores (n,) with variances `noise` (n,).

    Gaussian process: mean and standard error by marginal likelihood. Ridge: a plane, its penalty chosen by
    leave-one-out, its error by a bootstrap over runs with scores redrawn within their errors. Raises StatisticsError
    where there are too few points or they do not fit together, SettingsError for another model.
    """
    if len(points) < LEAST_RUNS or points.ndim != 2 or points.shape[1] < 2 or len(scores) != len(points):
        raise StatisticsError(f"A score surface needs {LEAST_RUNS} runs with a score on a map of two axes; score more.")
    if not np.isfinite(scores).all() or not np.isfinite(points).all():
        raise StatisticsError("A score or a place on the map is not a finite number; leave that run out.")
    if model not in ("gaussian process", "ridge"):
        raise SettingsError(f"A surface of the model {model!r} is not drawn; choose gaussian process or ridge.")
    own = np.asarray(points[:, :2], dtype=np.float64)
    low, high = own.min(axis=0), own.max(axis=0)
    room = MARGIN * float((high - low).max())
    x, y = (np.linspace(low[axis] - room, high[axis] + room, size) for axis in (0, 1))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    if model == "ridge":
        values, errors = _plane(own, scores, np.zeros(len(scores)) if noise is None else noise, grid, seed)
    else:
        process = Gaussian.of(own, scores, noise)
        values, errors = process.mean(grid), process.errors(grid)
    centre = own.mean(axis=0)
    known = leverages(grid - centre, own - centre) <= leverages(own - centre, own - centre).max() * (1 + 1e-9)
    shape = (size, size)
    return Surface(x, y, values.reshape(shape), errors.reshape(shape), known.reshape(shape))


def _plane(own: Floats, scores: Floats, noise: Floats, grid: Floats, seed: int) -> tuple[Floats, Floats]:
    """A ridge plane over the grid, and its bootstrap standard error."""
    n = len(own)
    errors = []
    for i in range(n):
        rest = np.delete(np.arange(n), i)
        foretold = weights("ridge", own[None, rest], own[None, [i]])[:, 0] @ scores[rest]
        errors.append((foretold - scores[i]) ** 2)
    best = int(steady_argmin(np.sum(errors, axis=0)[:, None])[0])
    rng = np.random.default_rng(seed)
    drawn = np.empty((DRAWS, len(grid)))
    for number in range(DRAWS):
        taken = rng.integers(n, size=n)
        moved = scores[taken] + np.sqrt(noise[taken]) * rng.normal(size=n)
        drawn[number] = weights("ridge", own[None, taken], grid[None])[best] @ moved
    return weights("ridge", own[None], grid[None])[best] @ scores, drawn.std(axis=0)
