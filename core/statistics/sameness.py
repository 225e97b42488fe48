"""Same generator or not: a permutation test on the answers, with whole chains as labels where chains tie them.

`dkps.md`, "Guarantees the interface can state", 2. Three designs, chosen by how the answers came, never by what
they say:
- "answers": independent on both sides; labels shuffled within each query. Exact.
- "chains": both in chains that answered the same queries equally often; whole chains shuffled. Exact.
- "by query": tied answers beside independent ones, or chains that differ in what they answered, as long as one
  chain answers a query at most once. Within a query the answers are then still exchangeable, across
  queries they are not: each query is tested alone, and e times the geometric mean of their p-values is a
  p-value whatever ties them (Vovk and Wang, Combining p-values via averaging, 2020). Never too small, often too large.
It asks whether two generators answer with the same *distribution*; whether means are equal is read off the
interval of D^2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsError
from core.statistics.answers import Answers, Floats, Integers, restrict, shared_queries
from core.statistics.boxes import one_chain

Statistic = Literal["mean", "energy"]
Design = Literal["answers", "chains", "by query", "none"]
TIE = 1e-9
"""Statistics nearer than this are ties: round-off must not tell a labelling from its mirror image."""
AT_ONCE = 4_000_000
"""Labels held at a time."""


@dataclass(frozen=True)
class Sameness:
    """p of "a and b are the same generator"; None with a reason where no test holds.

    statistic: "mean" sees where answers lie (the debiased D^2), "energy" also how they spread. observed: its
    value over the `queries` tested. permutations: labellings compared, all there are where they are few.
    smallest: the least p this design can reach. exact: p is uniform under the null, up to its steps;
    False where it holds its level but may be larger than need be. reason: one sentence where p is None or not exact.
    """

    p: float | None
    statistic: Statistic
    observed: float | None
    permutations: int
    smallest: float
    exact: bool
    reason: str | None
    design: Design = "none"
    queries: int = 0


@dataclass(frozen=True, eq=False)
class _Cell:
    """One exchangeable group of units: pair is the (N, N) kernel between them, the first r of them a's."""

    pair: Floats
    r: int

    @property
    def size(self) -> int:
        return len(self.pair)

    @property
    def labellings(self) -> int:
        return math.comb(self.size, self.r)

    @property
    def mirrored(self) -> int:
        """How many labellings share one value whatever the answers: a and b of equal size may be swapped."""
        return 2 if 2 * self.r == self.size else 1

    def values(self, labels: Floats) -> Floats:
        """(B,) statistic for labels (B, N), 1 where a unit is called a's.

        2 mean between - mean within a - mean within b, over pairs of different units. With half the squared
        distance as kernel this is the debiased squared gap of the means; with the distance, of energy.
        A side of one unit has no pairs and takes the spread of the other.
        """
        a, b = self.r, self.size - self.r
        rows = self.pair.sum(axis=1)
        within_a = np.einsum("bn,bn->b", labels @ self.pair, labels)
        reach = labels @ rows
        within_b = rows.sum() - 2 * reach + within_a
        between = 2 * (reach - within_a) / (a * b)
        spread_a = within_a / (a * (a - 1)) if a > 1 else within_b / (b * (b - 1))
        spread_b = within_b / (b * (b - 1)) if b > 1 else within_a / (a * (a - 1))
        return np.asarray(between - spread_a - spread_b)

    def all_labels(self) -> Floats:
        """Every labelling, (C(N, r), N); the first is the one observed."""
        chosen = np.array(list(combinations(range(self.size), self.r)))
        labels = np.zeros((len(chosen), self.size))
        np.put_along_axis(labels, chosen, 1.0, axis=1)
        return labels

    def own_labels(self) -> Floats:
        """The labelling observed, (1, N)."""
        return np.asarray(np.arange(self.size) < self.r, dtype=np.float64)[None]

    def some_labels(self, count: int, rng: np.random.Generator) -> Floats:
        """(count, N) labellings, uniform over all."""
        return rng.permuted(np.repeat(self.own_labels(), count, axis=0), axis=1)


def same(a: Answers, b: Answers, *, permutations: int = 999, statistic: Statistic = "mean", seed: int = 0) -> Sameness:
    """Permutation test over the queries both have answered.

    p = (1 + #{T_b >= T}) / (1 + permutations), or the exact share over all labellings where there are no more
    than that. `observed` equals the debiased distance where every cell has two answers. Raises
    SettingsError for an unknown statistic or no permutations, StatisticsError where the two do not share
    one query list.
    """
    if statistic not in get_args(Statistic):
        raise SettingsError(f"There is no statistic {statistic}; choose mean or energy.")
    if permutations < 1:
        raise SettingsError(f"A test of {permutations} permutations says nothing; give at least 1, better 999.")
    used = shared_queries([a, b])
    a, b = restrict(a, used) if used else a, restrict(b, used) if used else b
    design, kept, why_not = _design(a, b, len(used))
    if design == "none":
        return Sameness(None, statistic, None, 0, 1.0, False, why_not)
    a, b = restrict(a, kept), restrict(b, kept)
    pairs = [_kernel(x, y, statistic) for x, y in zip(a.vectors, b.vectors, strict=True)]
    rng = np.random.default_rng(seed)
    if design == "chains":
        assert a.chains is not None
        assert b.chains is not None
        chains = zip(a.chains, b.chains, strict=True)
        merged = np.mean([_by_chain(pair, x, y) for pair, (x, y) in zip(pairs, chains, strict=True)], axis=0)
        cells = [_Cell(merged, len(np.unique(a.chains[0])))]
    else:
        cells = [_Cell(pair, int(r)) for pair, r in zip(pairs, a.counts, strict=True)]
    if design == "by query":
        tested = [_test([cell], permutations, rng) for cell in cells]
        ps, smallest = _averaged([p for p, _, _, _ in tested]), _averaged([least for _, _, least, _ in tested])
        observed, done = float(np.mean([value for _, value, _, _ in tested])), max(n for *_, n in tested)
        return Sameness(ps, statistic, observed, done, smallest, len(cells) == 1, why_not, design, len(cells))
    p, observed, smallest, done = _test(cells, permutations, rng)
    return Sameness(p, statistic, observed, done, smallest, True, None, design, len(kept))


def _design(a: Answers, b: Answers, shared: int) -> tuple[Design, Sequence[int], str | None]:
    """Which labels may be shuffled, over which of the shared queries; and why p is None or not exact."""
    instead = "read the interval of their distance instead"
    if shared == 0:
        return "none", (), f"{a.key} and {b.key} answered no query in common; finish one of them."
    for one in (a, b):
        if one.deterministic:
            return "none", (), f"{one.key} always answers the same, so its labels cannot be shuffled; {instead}."
        if one_chain(one):
            return "none", (), f"{one.key} was written in one chain, so nothing in it repeats; write several chains."
    movable = [j for j in range(shared) if len(a.vectors[j]) + len(b.vectors[j]) > 2]
    if not movable:
        return "none", (), f"{a.key} and {b.key} have one answer a query, so a swap changes nothing; add answers."
    tied = [one.chains for one in (a, b) if one.chains is not None]
    if not tied:
        return "answers", movable, None
    if len(tied) == 2:
        # Whole chains are exchangeable over the queries that all of them answered equally often.
        totals = [len(np.unique(np.concatenate(chains))) for chains in tied]
        alike = [j for j in range(shared) if _alike([chains[j] for chains in tied], totals)]
        if alike and sum(totals) > 2:
            return "chains", alike, None
    once = [j for j in movable if all(len(np.unique(chains[j])) == len(chains[j]) for chains in tied)]
    if not once:
        what = f"{a.key} and {b.key} are tied differently, and some chain answered every query more than once"
        return "none", (), f"{what}, so no shuffle of answers holds; {instead}."
    if len(once) == 1:
        return "by query", once, None
    what = "Answers tied in chains cannot be shuffled with others across queries"
    how = "each query is tested alone and p is e times their geometric mean"
    return "by query", once, f"{what}, so {how}: never too small, often too large; the interval of D² is sharper."


def _alike(cells: Sequence[Integers], totals: Sequence[int]) -> bool:
    """Whether all chains of both generators answered this query, and all equally often."""
    found = [np.unique(cell, return_counts=True)[1] for cell in cells]
    everyone = all(len(sizes) == total for sizes, total in zip(found, totals, strict=True))
    return everyone and len(np.unique(np.concatenate(found))) == 1


def _kernel(a: NDArray[np.float32], b: NDArray[np.float32], statistic: Statistic) -> Floats:
    """(N, N) half squared distances, or distances, of the pooled answers to one query; 0 on the diagonal."""
    pooled = np.concatenate([a, b], dtype=np.float64)
    # About their mean, so that answers that hardly differ lose no digits.
    pooled -= pooled.mean(axis=0)
    inner = pooled @ pooled.T
    squares = np.diagonal(inner)
    half = np.maximum((squares[:, None] + squares) / 2 - inner, 0.0)
    np.fill_diagonal(half, 0.0)
    return half if statistic == "mean" else np.asarray(np.sqrt(2 * half))


def _by_chain(pair: Floats, a: Integers, b: Integers) -> Floats:
    """(T, T) mean kernel between the chains of a and those of b after them, 0 on the diagonal."""
    first, second = np.unique(a, return_inverse=True)[1], np.unique(b, return_inverse=True)[1]
    chain = np.concatenate([first, second + first.max() + 1])
    member = np.eye(int(chain.max()) + 1)[chain]
    member /= member.sum(axis=0)
    means = member.T @ pair @ member
    np.fill_diagonal(means, 0.0)
    return np.asarray(means)


def _test(cells: Sequence[_Cell], permutations: int, rng: np.random.Generator) -> tuple[float, float, float, int]:
    """p, observed mean over cells, least p the labels allow, and labellings compared."""
    m = len(cells)
    every = math.prod(cell.labellings for cell in cells)
    distinct = every // math.prod(cell.mirrored for cell in cells)
    if every <= permutations + 1:
        values = np.zeros(1)
        for cell in cells:
            values = np.add.outer(values, cell.values(cell.all_labels()) / m).ravel()
        observed = float(values[0])
        return float(np.mean(values >= observed - TIE)), observed, 1 / distinct, every
    observed = sum(float(cell.values(cell.own_labels())[0]) for cell in cells) / m
    return (
        _counted(cells, observed, permutations, rng),
        observed,
        max(1 / distinct, 1 / (permutations + 1)),
        permutations,
    )


def _counted(cells: Sequence[_Cell], observed: float, permutations: int, rng: np.random.Generator) -> float:
    """(1 + #{T_b >= T}) / (1 + b) over random labellings, some at a time."""
    m, reached, left = len(cells), 0, permutations
    while left > 0:
        now = min(left, max(1, AT_ONCE // max(cell.size for cell in cells)))
        values = sum((cell.values(cell.some_labels(now, rng)) for cell in cells), np.zeros(now)) / m
        reached += int(np.sum(values >= observed - TIE))
        left -= now
    return (1 + reached) / (1 + permutations)


def _averaged(ps: Sequence[float]) -> float:
    """One p-value of several that may be tied in any way."""
    if len(ps) == 1:
        return ps[0]
    return min(1.0, math.e * math.exp(sum(math.log(p) for p in ps) / len(ps)))
