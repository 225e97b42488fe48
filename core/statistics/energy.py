"""The energy variant: a map and a distance that see how answers spread, not only where their mean lies.

Means are blind to spread: two temperatures with equal means are one point. The energy distance of two sets of
answers is zero only where their distributions are equal, and it is a *squared* Hilbert distance
(`dkps.md`, "Seeing spread"; Székely and Rizzo 2013). So the answers of a query are given coordinates in that
Hilbert space, and everything that holds for means there holds as it stands: the cross-fitted map, the
debiased distance and its intervals, chains, clouds. No formula is written twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from core.errors import StatisticsError
from core.perspective import PerspectiveMap, fit_map
from core.statistics.answers import Answers, Floats, restrict, shared_queries
from core.statistics.distances import Distance, distance

MOST_ANSWERS = 3000
"""Answers to one query, all generators together: every pair of them is compared."""

TINY = 1e-10


def energy_features(generators: Sequence[Answers]) -> tuple[Answers, ...]:
    """The same answers as vectors f with ||f(x) - f(y)||^2 = 2 ||x - y|| within a query, over shared queries.

    So ||mean f_i - mean f_k||^2 is the energy distance of the two cells, all pairs counted, and the trace of
    the covariance of f is g, the mean distance of two different answers. The vectors of a query span what its
    answers span; a shorter one is padded with zeros. Raises StatisticsError where no query was answered by
    all, or a query has more than MOST_ANSWERS answers.
    """
    used = shared_queries(generators)
    if not used:
        raise StatisticsError("No query was answered by every generator; finish a run or leave one out.")
    parts = [restrict(answers, used) for answers in generators]
    counts = np.array([part.counts for part in parts])
    if (most := int(counts.sum(axis=0).max())) > MOST_ANSWERS:
        raise StatisticsError(
            f"The energy map compares all pairs of answers and a query has {most:,} of them; "
            f"choose runs with at most {MOST_ANSWERS:,} together, or the map of means."
        )
    cells = [_features(np.concatenate([part.vectors[j] for part in parts])) for j in range(len(used))]
    width = max(cell.shape[1] for cell in cells)
    ends = np.cumsum(counts, axis=0)
    found = []
    for i, part in enumerate(parts):
        rows = tuple(
            np.pad(
                cell.astype(np.float32)[ends[i, j] - counts[i, j] : ends[i, j]], ((0, 0), (0, width - cell.shape[1]))
            )
            for j, cell in enumerate(cells)
        )
        found.append(replace(part, vectors=rows))
    return tuple(found)


def energy_distance(a: Answers, b: Answers) -> Distance:
    """Debiased energy distance, the mean over queries both have answered, with its interval.

    0 where the two answer alike in distribution; the rules of `core.statistics.distances.distance` decide
    the standard error and where none is honest. Raises StatisticsError as that does.
    """
    if not shared_queries([a, b]):
        return distance(a, b)
    first, second = energy_features([a, b])
    return distance(first, second)


def fit_energy_map(
    generators: Sequence[Answers],
    *,
    dimension: int = 2,
    seed: int = 0,
    align_to: PerspectiveMap | None = None,
    reference: Collection[str] | None = None,
) -> PerspectiveMap:
    """The cross-fitted map on which squared distances are energy distances; arguments as for `fit_map`.

    `place` on it takes answers in the coordinates of this map alone, so runs to be placed are given here,
    outside `reference`. Raises StatisticsError as `fit_map` and `energy_features` do.
    """
    if not generators:
        return fit_map(generators)
    used = shared_queries(generators)
    drawn = fit_map(energy_features(generators), dimension=dimension, seed=seed, align_to=align_to, reference=reference)
    index = tuple(np.stack([np.asarray(used)[pairs[:, 0]], pairs[:, 1]], axis=1) for pairs in drawn.cloud_index)
    return replace(drawn, variant="energy", query_indices=used, cloud_index=index)


def _features(vectors: Floats) -> Floats:
    """(N, k) coordinates with squared distances 2 ||x - y||: classical MDS, exact because it embeds."""
    apart = pair_distances(vectors, vectors)
    # -||x - y|| is conditionally positive definite: centred twice it is a Gram matrix.
    middle = apart.mean(axis=0)
    values, basis = np.linalg.eigh(middle[:, None] + middle[None, :] - apart - middle.mean())
    kept = values > TINY * max(float(values[-1]), TINY)
    return np.asarray(basis[:, kept] * np.sqrt(values[kept]))


def pair_distances(first: Floats, second: Floats) -> Floats:
    """(N, M) Euclidean distances of two sets of rows; equal rows are exactly 0 apart."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)))
