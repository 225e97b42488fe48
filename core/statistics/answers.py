"""The embedded answers of one generator, which of them are independent, and how noisy their means are.

Knows nothing of maps or distances; both read answers through the `Units` made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import StatisticsError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Answers:
    """What one generator answered, as unit vectors.

    vectors: one (r_j, p) array a query, unit rows, in the order of the map's queries; (0, p) where
    the query is not answered (yet). chains: for every answer the chain that wrote it, answers of
    different chains being independent; None where all answers are independent of one another.
    deterministic: the generator always answers the same, so one answer is its mean.

    Raises StatisticsError where arrays do not fit together or hold a value that is not finite.
    """

    key: str
    vectors: tuple[NDArray[np.float32], ...]
    chains: tuple[NDArray[Any], ...] | None = None
    deterministic: bool = False

    def __post_init__(self) -> None:
        if not self.vectors:
            raise StatisticsError(f"{self.key} has no queries; give one array of answers a query.")
        widths = {array.shape[1] if array.ndim == 2 else -1 for array in self.vectors}
        if len(widths) != 1 or -1 in widths:
            raise StatisticsError(
                f"The answers of {self.key} are not rows of one length; embed them all with one embedder."
            )
        if not all(np.isfinite(array).all() for array in self.vectors):
            raise StatisticsError(f"The vectors of {self.key} hold values that are not finite; embed again.")
        lengths = [len(array) for array in self.vectors]
        if self.chains is not None and [len(chain) for chain in self.chains] != lengths:
            raise StatisticsError(f"The chains of {self.key} do not name one chain for every answer.")

    @property
    def counts(self) -> Integers:
        """Answers to each query, (m,)."""
        return np.array([len(array) for array in self.vectors], dtype=np.int64)

    @property
    def width(self) -> int:
        """Length p of a vector."""
        return int(self.vectors[0].shape[1])


def restrict(answers: Answers, query_indices: Sequence[int]) -> Answers:
    """The same generator over some of its queries, in the order given."""
    if tuple(query_indices) == tuple(range(len(answers.vectors))):
        return answers
    return Answers(
        answers.key,
        tuple(answers.vectors[j] for j in query_indices),
        None if answers.chains is None else tuple(answers.chains[j] for j in query_indices),
        answers.deterministic,
    )


def shared_queries(generators: Sequence[Answers]) -> tuple[int, ...]:
    """Indices of the queries that every generator has answered at least once.

    Raises StatisticsError where generators differ in the number of queries or the length of vectors.
    """
    if len({(len(answers.vectors), answers.width) for answers in generators}) > 1:
        raise StatisticsError("The generators differ in their queries or embedder; compare runs of one task.")
    answered = np.all([answers.counts > 0 for answers in generators], axis=0)
    return tuple(int(j) for j in np.flatnonzero(answered))


@dataclass(frozen=True, eq=False)
class Units:
    """The independent pieces of every cell, padded to one number U a query.

    A unit is one answer, or all answers of one chain to one query. sums: (m, U, p) sums of a unit's
    answers; sizes: (m, U) how many they are, 0 for padding; chain: (m, U) 0..T-1, or -1 for padding and
    where answers are independent; rows: (N,) the unit of every answer, as a flat index into (m, U).
    """

    sums: Floats
    sizes: Floats
    chain: Integers
    rows: Integers
    n_chains: int

    @property
    def per_cell(self) -> Integers:
        """Units in each cell, (m,)."""
        return np.asarray((self.sizes > 0).sum(axis=1))

    @property
    def answers_per_cell(self) -> Floats:
        """Answers in each cell, (m,)."""
        return np.asarray(self.sizes.sum(axis=1))

    @cached_property
    def grams(self) -> Floats:
        """Inner products of the sums within each cell, (m, U, U)."""
        return np.asarray(self.sums @ self.sums.transpose(0, 2, 1))

    @classmethod
    def of(cls, answers: Answers) -> Units:
        """Units of a generator that has answered every query."""
        counts = answers.counts
        vectors = np.concatenate(answers.vectors, dtype=np.float64)
        cell = np.repeat(np.arange(len(counts)), counts)
        if answers.chains is None:
            unit_cell, unit_chain, rows = cell, np.full(len(cell), -1), np.arange(len(cell))
            n_chains = 0
        else:
            names, chain = np.unique(np.concatenate(answers.chains), return_inverse=True)
            codes, rows = np.unique(cell * len(names) + chain, return_inverse=True)
            unit_cell, unit_chain = np.divmod(codes, len(names))
            n_chains = len(names)
        per_cell = np.bincount(unit_cell)
        width = int(per_cell.max())
        place = unit_cell * width + np.arange(len(unit_cell)) - (np.cumsum(per_cell) - per_cell)[unit_cell]
        rows = place[rows]
        sizes = np.bincount(rows, minlength=len(counts) * width).astype(np.float64)
        sums = np.zeros((len(sizes), vectors.shape[1]))
        if len(unit_cell) == len(rows):
            sums[rows] = vectors
        else:
            np.add.at(sums, rows, vectors)
        padded = np.full(len(sizes), -1)
        padded[place] = unit_chain
        shape = (len(counts), width)
        return cls(sums.reshape(*shape, -1), sizes.reshape(shape), padded.reshape(shape), rows, n_chains)


@dataclass(frozen=True, eq=False)
class CellNoise:
    """Squared noise of every cell's mean.

    means: (m, p). noise: (m,) unbiased estimates of E||mean - true mean||^2, which is
    gamma_hat_ij / r_ij where every answer is a unit, or None where no cell has two units. borrowed:
    (m,) cells of one unit, which take the generator's mean gamma_hat.
    """

    means: Floats
    noise: Floats | None
    borrowed: NDArray[np.bool_]

    @property
    def tau(self) -> float | None:
        """Noise of the generator, tau_i = (1/m) sum_j noise_ij; None where it cannot be estimated."""
        return None if self.noise is None else float(self.noise.mean())


def cell_noise(answers: Answers, units: Units) -> CellNoise:
    """Cell means and their noise.

    With U units of sizes c_u in a cell of r answers the noise is U/(U-1) sum_u ||S_u - c_u mean||^2 / r^2:
    the trace of the covariance of one answer over r where every answer is its own unit.
    """
    r, sizes = units.answers_per_cell, units.sizes
    means = units.sums.sum(axis=1) / r[:, None]
    if answers.deterministic:
        return CellNoise(means, np.zeros(len(r)), np.zeros(len(r), dtype=bool))
    count = units.per_cell
    single = count < 2
    if single.all():
        return CellNoise(means, None, single)
    with_mean = units.grams.sum(axis=2) / r[:, None]
    squares = np.trace(units.grams, axis1=1, axis2=2) - 2 * (sizes * with_mean).sum(axis=1)
    squares += (sizes**2).sum(axis=1) * with_mean.sum(axis=1) / r
    noise = np.maximum(squares, 0.0) / r**2 * count / np.maximum(count - 1, 1)
    noise[single] = (noise * count)[~single].mean()
    return CellNoise(means, noise, single)
