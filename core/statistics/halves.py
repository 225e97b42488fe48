"""One generator's answers, split in halves A and B so that axes and points never share an answer.

`dkps.md`, "Uncertainty of a point", step 1, with whole chains as the unit where answers are tied. Each half
of a cell needs two units: 4 answers, and of chains at least 6 in all (coverage is in `core.statistics.ellipses`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.statistics.answers import Answers, CellNoise, Floats, Integers, Units, cell_noise

A, B, BOTH = 0, 1, 2
LEAST_ANSWERS = 4
LEAST_CHAINS = 6


@dataclass(frozen=True, eq=False)
class Halves:
    """The halves of one generator and what the map reads from them.

    half: (m, U) A, B or BOTH for every unit; units_per_half and counts: (2, m) units and answers of each
    half; means: (2, m, p); split: False where halves cannot be formed and both hold every answer;
    full: means and noise of whole cells; tau: (2,) noise of each half's mean, None where unknown;
    noise: (splits, m, p) sqrt(r^A r^B)/r (mean A - mean B) of so many random halvings, which has the
    covariance of the cell means' noise; empty where nothing is split.
    """

    answers: Answers
    units: Units
    half: Integers
    units_per_half: Integers
    counts: Floats
    means: Floats
    split: bool
    full: CellNoise
    tau: Floats | None
    noise: NDArray[np.float32]

    @property
    def chained(self) -> bool:
        """Whether answers of one chain (or round) are tied across queries."""
        return self.units.kind != "answers" and not self.answers.deterministic

    @property
    def half_of_chain(self) -> Integers:
        """(T,) half of every chain."""
        half = np.empty(self.units.n_chains, dtype=np.int64)
        present = self.units.sizes > 0
        half[self.units.chain[present]] = self.half[present]
        return half

    @property
    def weights(self) -> Floats:
        """(2, m, U): 1/r of the half for its units, 0 for the other's and for padding."""
        mine = np.stack([(self.half == h) & (self.units.sizes > 0) for h in (A, B)])
        return np.asarray(mine / self.counts[:, :, None])

    @property
    def reason(self) -> str | None:
        """One sentence why this generator's own spread carries no ellipse; None where it does."""
        key, what = self.answers.key, self.units.kind
        if self.answers.deterministic:
            return None
        if self.chained and self.units.n_chains < LEAST_CHAINS:
            return f"{key} was written in {self.units.n_chains} {what}, and an ellipse needs {LEAST_CHAINS}."
        if not self.split or self.units_per_half.min() < 2:
            few = int(self.units.per_cell.min())
            return f"{key} has {few} {what} for some query, and an ellipse needs {LEAST_ANSWERS} for each."
        return None

    def kappa(self) -> float:
        """trace(Cov^A Cov^B) of the two halves' stacked means: how often their noise meets by chance.

        Independent answers: (1/m^2) sum_j trace(S^A_j S^B_j) / (r^A_j r^B_j). Chains: the same trace
        over the whole (mp, mp) covariances, because a chain's answers move together across queries.
        0 for a generator without an ellipse.
        """
        if self.answers.deterministic or self.reason is not None:
            return 0.0
        (in_a, in_b), (u_a, u_b) = self.weights, self.units_per_half
        scale = np.sqrt(u_a * u_b / ((u_a - 1) * (u_b - 1))) / len(u_a)
        if not self.chained:
            pairs = zip(self.units.sums, in_a, in_b, self.units.sizes, strict=True)
            return float(np.sum(scale**2 * [_common(*cell) for cell in pairs]))
        sums = self.units.sums
        # Inner products of residuals S_u - c_u mean of its half, without forming the residuals.
        meet = (sums @ sums.transpose(0, 2, 1)) * in_a[:, :, None] * in_b[:, None, :]
        meet = meet - (self.units.sizes * in_a)[:, :, None] * meet.sum(axis=1)[:, None, :]
        meet = meet - meet.sum(axis=2)[:, :, None] * (self.units.sizes * in_b)[:, None, :]
        total, chain = self.units.n_chains, np.maximum(self.units.chain, 0)
        pair = chain[:, :, None] * total + chain[:, None, :]
        met = np.bincount(pair.ravel(), (meet * scale[:, None, None]).ravel(), total**2)
        return float(np.sum(met**2))


def _common(sums: Floats, in_a: Floats, in_b: Floats, sizes: Floats) -> float:
    """trace(R_A'R_A R_B'R_B) of a cell's weighted residuals about each half's mean, by the smaller of two roads."""
    a, b = ((w[w > 0, None] * (sums[w > 0] - sizes[w > 0, None] * (w @ sums))) for w in (in_a, in_b))
    if min(len(a), len(b)) < sums.shape[1]:
        return float(np.sum((a @ b.T) ** 2))
    return float(np.sum((a.T @ a) * (b.T @ b)))


def halve(answers: Answers, seed: int, splits: int = 1) -> Halves:
    """Split a generator that has answered every query.

    Answers (or chains) are taken in pairs, one to each half by a coin; the coin turns from cell to cell,
    so odd answers go to A and B in turn. The coins follow from `seed` and the place of the pair alone:
    the same data under another name give the same map, neither the other generators nor answers that
    come later change the side of an answer, and where two runs share their noise (a copied run, common
    seeds) what they share falls into the same half of both, so that axes are never fitted to it and
    then judged by it. Where some cell would leave a half empty, nothing is split and both halves hold
    everything. splits: how many halvings `noise` is taken from.
    """
    units = Units.of(answers)
    full = cell_noise(answers, units)
    m, width = units.sizes.shape
    sides = _sides(units, seed, splits)
    half = sides[0]
    mine = np.stack([(half == h) & (units.sizes > 0) for h in (A, B)])
    per_half = np.asarray(mine.sum(axis=2))
    if answers.deterministic or per_half.min() == 0:
        return Halves(
            answers=answers,
            units=units,
            half=np.full((m, width), BOTH),
            units_per_half=np.stack([units.per_cell] * 2),
            counts=np.stack([units.answers_per_cell] * 2),
            means=np.stack([full.means] * 2),
            split=answers.deterministic,
            full=full,
            tau=None if full.tau is None else np.full(2, full.tau),
            noise=np.zeros((0, m, answers.width), dtype=np.float32),
        )
    counts = (units.sizes * mine).sum(axis=2)
    # (m, splits, p): the sums of A, the first by the halves themselves.
    in_a = (sides.transpose(1, 0, 2) == A) & (units.sizes > 0)[:, None, :]
    first = in_a.astype(np.float64) @ units.sums
    whole = full.means * units.answers_per_cell[:, None]
    means = np.stack([first[:, 0], whole - first[:, 0]]) / counts[:, :, None]
    r_a = (in_a * units.sizes[:, None, :]).sum(axis=2)
    r_b = units.answers_per_cell[:, None] - r_a
    # Chains that skip queries may leave a half of some cell empty in another halving.
    whole_cells = ((r_a > 0) & (r_b > 0)).all(axis=0)
    r_a, r_b, first = r_a[:, whole_cells], r_b[:, whole_cells], first[:, whole_cells]
    # sqrt(rA rB)/r (S_A/rA - (S - S_A)/rB) = (S_A - rA mean) / sqrt(rA rB).
    noise = (first - r_a[:, :, None] * full.means[:, None, :]) / np.sqrt(r_a * r_b)[:, :, None]
    tau = None
    if full.noise is not None:
        # Noise of one unit is the cell's noise times its units; a half's mean divides it by the half's own.
        tau = np.asarray((full.noise * units.per_cell / per_half).mean(axis=1))
    return Halves(
        answers, units, half, per_half, counts, means, True, full, tau, noise.transpose(1, 0, 2).astype(np.float32)
    )


def _sides(units: Units, seed: int, splits: int) -> Integers:
    """(splits, m, U) A or B for every unit, padding included."""
    m, width = units.sizes.shape
    if units.kind == "answers":
        position, turn = np.arange(width)[None, :], np.arange(m)[:, None]
    else:
        # The place of a chain among those of its stratum: rounds of other queries never unbalance a cell.
        order = np.argsort(units.strata, kind="stable")
        starts = np.searchsorted(units.strata[order], units.strata[order])
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order)) - starts
        position, turn = place[np.maximum(units.chain, 0)], np.zeros((m, 1), dtype=np.int64)
    pairs = max(width, units.n_chains) // 2 + 1
    coins = np.stack([np.random.default_rng([seed, number]).random(pairs) < 0.5 for number in range(splits)])
    return np.asarray((position + turn + coins[:, position // 2]) % 2)
