"""Small sets of runs with scores, for tests of prediction, and the slow readings it is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.regressing.runs import Runs
from core.statistics.answers import Answers
from tests.unit.made_answers import P, unit

M = 4


def answered(keys: Sequence[str], warmth: NDArray[np.float64], seed: int = 0, *, r: int = 5) -> tuple[Answers, ...]:
    """Generators whose means move along one direction with `warmth` (n,)."""
    rng = np.random.default_rng(seed)
    queries, along = rng.normal(size=(2, M, 1, P))
    return tuple(
        Answers(key, tuple(unit(queries[j] + w * along[j] + 0.4 * rng.normal(size=(r, P))) for j in range(M)))
        for key, w in zip(keys, warmth, strict=True)
    )


def scored(
    n: int, seed: int = 0, *, noise: float = 0.02, errors: float | None = None, families: Sequence[str] | None = None
) -> Runs:
    """Runs whose score rises with temperature, which moves their answers; gamma changes nothing."""
    rng = np.random.default_rng(seed + 100)
    warmth = rng.uniform(-1, 1, size=n)
    keys = tuple(f"run-{i}" for i in range(n))
    return Runs(
        keys=keys,
        answers=answered(keys, warmth, seed),
        settings=tuple(
            {"temperature": float(w), "gamma": float(g)} for w, g in zip(warmth, rng.random(n), strict=True)
        ),
        scores=0.5 + 0.2 * warmth + noise * rng.normal(size=n),
        errors=None if errors is None else np.full(n, errors),
        families=None if families is None else tuple(families),
    )


def stacked_means(runs: Runs) -> NDArray[np.float64]:
    """(n, m p) rows vec(X_i)/sqrt(m), not centred."""
    rows = [np.concatenate([v.mean(axis=0, dtype=np.float64) for v in each.vectors]) for each in runs.answers]
    return np.stack(rows) / np.sqrt(M)
