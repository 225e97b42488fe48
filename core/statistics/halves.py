"""One generator's answers, split in halves A and B so that axes and points never share an answer.

`dkps.md`, "Uncertainty of a point", step 1, with whole chains as the unit where answers are tied. Each half
of a cell needs two units: 4 answers, and of chains at least 6 in all (coverage is in `core.statistics.ellipses`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from core.statistics.answers import Answers, CellNoise, Floats, Integers, Units, cell_noise

A, B, BOTH = 0, 1, 2
LEAST_ANSWERS = 4
LEAST_CHAINS = 6


@dataclass(frozen=True, eq=False)
class Halves:
    """The halves of one generator and what the map reads from them.

    half: (m, U) A, B or BOTH for every unit; units_per_half and counts: (2, m) units and answers of each
    half; means: (2, m, p); split: False where halves cannot be formed and both hold every answer;
    full: means and noise of whole cells; tau: (2,) noise of each half's mean, None where unknown.
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

    @property
    def chained(self) -> bool:
        """Whether answers of one chain are tied across queries."""
        return self.answers.chains is not None and not self.answers.deterministic

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
        key = self.answers.key
        if self.answers.deterministic:
            return None
        if self.chained and self.units.n_chains < LEAST_CHAINS:
            return f"{key} was written in {self.units.n_chains} chains, and an ellipse needs {LEAST_CHAINS}."
        if not self.split or self.units_per_half.min() < 2:
            what, few = "chains" if self.chained else "answers", int(self.units.per_cell.min())
            return f"{key} has {few} {what} for some query, and an ellipse needs {LEAST_ANSWERS} for each."
        return None

    def noise_rows(self) -> Floats:
        """(m, p): sqrt(r^A r^B)/r (mean A - mean B), which has the covariance of the cell means' noise."""
        scale = np.sqrt(self.counts[A] * self.counts[B]) / self.counts.sum(axis=0)
        return np.asarray(scale[:, None] * (self.means[A] - self.means[B]))

    def kappa(self) -> float:
        """trace(Cov^A Cov^B) of the two halves' stacked means: how often their noise meets by chance.

        Independent answers: (1/m^2) sum_j trace(S^A_j S^B_j) / (r^A_j r^B_j). Chains: the same trace
        over the whole (mp, mp) covariances, because a chain's answers move together across queries.
        0 for a generator without an ellipse.
        """
        if self.answers.deterministic or self.reason is not None:
            return 0.0
        (in_a, in_b), (r_a, r_b) = self.weights, self.counts
        # Inner products of residuals S_u - c_u mean of its half, without forming the residuals.
        meet = self.units.grams * in_a[:, :, None] * in_b[:, None, :]
        meet = meet - (self.units.sizes * in_a)[:, :, None] * meet.sum(axis=1)[:, None, :]
        meet = (meet - meet.sum(axis=2)[:, :, None] * (self.units.sizes * in_b)[:, None, :]) / len(r_a)
        if not self.chained:
            return float(np.sum((meet**2).sum(axis=(1, 2)) * r_a * r_b / ((r_a - 1) * (r_b - 1))))
        total, chain = self.units.n_chains, np.maximum(self.units.chain, 0)
        pair = chain[:, :, None] * total + chain[:, None, :]
        met = np.bincount(pair.ravel(), meet.ravel(), total**2)
        t_a, t_b = np.bincount(self.half_of_chain, minlength=2)
        return float(np.sum(met**2) * t_a * t_b / ((t_a - 1) * (t_b - 1)))


def halve(answers: Answers, seed: int) -> Halves:
    """Split a generator that has answered every query.

    Answers (or chains) are taken in pairs, one to each half by a coin seeded with `seed` and the
    generator's key; the coin turns from cell to cell, so odd answers go to A and B in turn. Neither
    the other generators nor answers that come later change the side of an answer. Where some cell
    would leave a half empty, nothing is split and both halves hold everything.
    """
    units = Units.of(answers)
    full = cell_noise(answers, units)
    tied = answers.chains is not None
    m, width = units.sizes.shape
    position = np.maximum(units.chain, 0) if tied else np.broadcast_to(np.arange(width), (m, width))
    digest = int.from_bytes(hashlib.blake2b(answers.key.encode(), digest_size=8).digest(), "big")
    coins = np.random.default_rng([seed, digest]).random(max(width, units.n_chains) // 2 + 1) < 0.5
    half = (position + (0 if tied else np.arange(m)[:, None]) + coins[position // 2]) % 2
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
        )
    counts = (units.sizes * mine).sum(axis=2)
    first = (mine[A].astype(np.float64)[:, None, :] @ units.sums)[:, 0]
    whole = full.means * units.answers_per_cell[:, None]
    means = np.stack([first, whole - first]) / counts[:, :, None]
    tau = None
    if full.noise is not None:
        # Noise of one unit is the cell's noise times its units; a half's mean divides it by the half's own.
        tau = np.asarray((full.noise * units.per_cell / per_half).mean(axis=1))
    return Halves(answers, units, half, per_half, counts, means, True, full, tau)
