"""The embedded answers of one generator, which of them are independent, and how noisy their means are.

Knows nothing of maps or distances; both read answers through the `Units` made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

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
    rounds: for every answer the round of its chain that wrote it; where all answers are of one chain
    the round stands in for the chain, which is approximate because rounds follow one another.
    deterministic: the generator always answers the same, so one answer is its mean.

    Raises StatisticsError where arrays do not fit together or hold a value that is not finite.
    """

    key: str
    vectors: tuple[NDArray[np.float32], ...]
    chains: tuple[NDArray[Any], ...] | None = None
    deterministic: bool = False
    rounds: tuple[NDArray[Any], ...] | None = None

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
        if self.rounds is not None and [len(number) for number in self.rounds] != lengths:
            raise StatisticsError(f"The rounds of {self.key} do not name one round for every answer.")

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
        None if answers.rounds is None else tuple(answers.rounds[j] for j in query_indices),
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

    A unit is one answer, or all answers of one chain to one query; where everything is of one chain,
    all answers of one round to one query. sizes: (m, U) answers in a unit, 0 for padding; chain: (m, U)
    chain (or round) 0..T-1, or -1 for padding and where answers are independent; rows: (N,) the unit of
    every answer, as a flat index into (m, U); strata: (T,) groups of chains that share no query with
    another group (rounds of one block of queries); one group where every chain passes over all queries.
    """

    answers: Answers
    sizes: Floats
    chain: Integers
    rows: Integers
    strata: Integers
    kind: Literal["answers", "chains", "rounds"]

    @property
    def n_chains(self) -> int:
        """T chains, or rounds; 0 where answers are independent."""
        return len(self.strata)

    @property
    def per_cell(self) -> Integers:
        """Units in each cell, (m,)."""
        return np.asarray((self.sizes > 0).sum(axis=1))

    @property
    def answers_per_cell(self) -> Floats:
        """Answers in each cell, (m,)."""
        return np.asarray(self.sizes.sum(axis=1))

    @property
    def sums(self) -> Floats:
        """(m, U, p) sums of a unit's answers. Made anew on every call: a map of many runs cannot hold them all."""
        return self.summed(np.concatenate(self.answers.vectors, dtype=np.float64))

    def summed(self, values: Floats) -> Floats:
        """(m, U, k) sums over each unit of (N, k) values, one row an answer, query by query."""
        count = self.sizes.size
        if len(self.rows) == count and self.sizes.min() == 1:
            # Every answer is its own unit and nothing is padded: rows are already in place.
            sums = values
        else:
            sums = np.zeros((count, values.shape[1]))
            np.add.at(sums, self.rows, values)
        return np.asarray(sums.reshape(*self.sizes.shape, -1))

    @cached_property
    def products(self) -> tuple[Floats, Floats, Floats]:
        """Inner products within each cell, (m, U) each: of a unit's sum with itself, with the sum of all
        units, and with their sum weighted by size. No (U, U) table: a cell may hold thousands of answers.
        """
        sums = self.sums
        own = np.einsum("jup,jup->ju", sums, sums)
        every = (sums @ sums.sum(axis=1)[:, :, None])[:, :, 0]
        weighted = (sums @ (self.sizes[:, None, :] @ sums).transpose(0, 2, 1))[:, :, 0]
        return own, every, weighted

    @classmethod
    def of(cls, answers: Answers) -> Units:
        """Units of a generator that has answered every query."""
        counts = answers.counts
        cell = np.repeat(np.arange(len(counts)), counts)
        kind, tied = _tied(answers)
        if tied is None:
            unit_cell, unit_chain, rows = cell, np.full(len(cell), -1), np.arange(len(cell))
            n_chains = 0
        else:
            names, chain = np.unique(tied, return_inverse=True)
            codes, rows = np.unique(cell * len(names) + chain, return_inverse=True)
            unit_cell, unit_chain = np.divmod(codes, len(names))
            n_chains = len(names)
        per_cell = np.bincount(unit_cell)
        width = int(per_cell.max())
        place = unit_cell * width + np.arange(len(unit_cell)) - (np.cumsum(per_cell) - per_cell)[unit_cell]
        rows = place[rows]
        shape = (len(counts), width)
        sizes = np.bincount(rows, minlength=shape[0] * width).astype(np.float64)
        padded = np.full(len(sizes), -1)
        padded[place] = unit_chain
        strata = _strata(unit_cell, unit_chain, n_chains) if n_chains else np.zeros(0, dtype=np.int64)
        return cls(answers, sizes.reshape(shape), padded.reshape(shape), rows, strata, kind)


def _tied(answers: Answers) -> tuple[Literal["answers", "chains", "rounds"], NDArray[Any] | None]:
    """What ties answers together, and its name for every answer, (N,)."""
    if answers.chains is None:
        return "answers", None
    chains = np.concatenate(answers.chains)
    if answers.rounds is not None and len(np.unique(chains)) == 1:
        return "rounds", np.concatenate(answers.rounds)
    return "chains", chains


def _strata(cell: Integers, chain: Integers, total: int) -> Integers:
    """(T,) numbers of the groups of chains that are connected through the queries they answered."""
    here = np.zeros((int(cell.max()) + 1, total), dtype=bool)
    here[cell, chain] = True
    labels = np.arange(total)
    while True:
        lowest = np.where(here, labels, total).min(axis=1)
        spread = np.where(here, lowest[:, None], total).min(axis=0)
        if np.array_equal(spread, labels):
            return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)
        labels = spread


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
    starts = np.concatenate([[0], np.cumsum(answers.counts)[:-1]])
    means = np.add.reduceat(np.concatenate(answers.vectors, dtype=np.float64), starts) / r[:, None]
    if answers.deterministic:
        return CellNoise(means, np.zeros(len(r)), np.zeros(len(r), dtype=bool))
    count = units.per_cell
    single = count < 2
    if single.all():
        return CellNoise(means, None, single)
    own, every, _ = units.products
    with_mean = every / r[:, None]
    squares = own.sum(axis=1) - 2 * (sizes * with_mean).sum(axis=1)
    squares += (sizes**2).sum(axis=1) * with_mean.sum(axis=1) / r
    noise = np.maximum(squares, 0.0) / r**2 * count / np.maximum(count - 1, 1)
    noise[single] = (noise * count)[~single].mean()
    return CellNoise(means, noise, single)
