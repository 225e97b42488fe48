"""The worst case: how far all points of a map together can lie from the true configuration, by a proof.

`dkps.md`, "Guarantees the interface can state", 4. Shown as the worst case, never as the headline: it is
tens of times the error, and vacuous as soon as noise is a third of the smallest axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import SettingsError
from core.statistics.answers import Answers, CellNoise, Floats, Units, cell_noise, restrict, shared_queries
from core.statistics.axes import eigenvalues, gram, stacked
from core.statistics.boxes import check_delta, one_chain
from core.statistics.distances import leave_one_out

LEAST_UNITS = 3


@dataclass(frozen=True)
class WorstCase:
    """total: bound of ||psi_hat W - psi||_F, over all n points and after the best rotation W, with
    probability 1 - delta if the true configuration has `dimension` axes. vacuous: noise is too large for
    any bound, and total is None. epsilon: bound of the error of the debiased Gram; smallest: its d-th eigenvalue.
    reason: one sentence where there is no total.
    """

    total: float | None
    vacuous: bool
    reason: str | None
    delta: float = 0.05
    epsilon: float | None = None
    smallest: float | None = None


def worst_case(generators: Sequence[Answers], dimension: int = 2, *, delta: float = 0.05) -> WorstCase:
    """2 eps / sqrt(2 (sqrt 2 - 1) (lambda_d - eps)) with eps^2 = E||B_deb - B||_F^2 / delta.

    Tu et al. 2016, lemma 5.14, with Eckart and Young's 2 for the rank-d part; the mean square is the delete-one
    jackknife of the debiased Gram over answers, or over chains where they tie queries. Psi_hat is the
    plain debiased scaling of all answers, not the cross-fitted display. Raises SettingsError for a delta or
    dimension that make no sense, StatisticsError where generators do not share one query list.
    """
    check_delta(delta)
    if dimension < 1:
        raise SettingsError(f"A map of {dimension} dimensions has no worst case; choose 2 or 3.")
    used = shared_queries(generators)
    if not used or len(generators) <= dimension:
        few = "No query was answered by all" if not used else f"{len(generators)} generators span no {dimension} axes"
        return WorstCase(None, False, f"{few}, so there is no configuration to bound.", delta)
    shared = [restrict(answers, used) for answers in generators]
    units = [Units.of(answers) for answers in shared]
    for answers, own in zip(shared, units, strict=True):
        if answers.deterministic:
            continue
        if one_chain(answers):
            lone = f"{answers.key} was written in one chain, so nothing in it repeats independently"
            return WorstCase(None, False, f"{lone}; write several chains.", delta)
        if own.per_cell.min() < LEAST_UNITS:
            few = f"{answers.key} has {int(own.per_cell.min())} {own.kind} for some query"
            return WorstCase(None, False, f"{few}, and the worst case needs {LEAST_UNITS} for each.", delta)
    cells = [cell_noise(answers, own) for answers, own in zip(shared, units, strict=True)]
    means = np.stack([cell.means for cell in cells])
    across = np.ascontiguousarray(means.transpose(1, 2, 0))
    squared = sum(_moved(i, means[i], across, own) for i, own in enumerate(units))
    epsilon = math.sqrt(squared / delta)
    smallest = float(eigenvalues(gram(stacked(means), np.array([_tau(cell) for cell in cells])))[dimension - 1])
    if smallest <= epsilon:
        reason = "The worst case is vacuous: noise may be as large as the smallest axis; more answers sharpen it."
        return WorstCase(None, True, reason, delta, epsilon, smallest)
    total = 2 * epsilon / math.sqrt(2 * (math.sqrt(2) - 1) * (smallest - epsilon))
    return WorstCase(total, False, None, delta, epsilon, smallest)


def _tau(cell: CellNoise) -> float:
    return 0.0 if cell.tau is None else cell.tau


def _moved(i: int, means: Floats, across: Floats, units: Units) -> float:
    """Jackknife estimate of generator i's part of E||B_deb - B||_F^2.

    Leaving a unit out changes row and column i of the Gram before centring, and i's own noise: the
    change is e_i f' + f e_i' - f_i e_i e_i', f (n,), whose centred Frobenius norm has a closed form.
    means: (m, p) of generator i; across: (m, p, n) of all.
    """
    if units.answers.deterministic:
        return 0.0
    m = len(units.sizes)
    left = units.answers_per_cell[:, None] - units.sizes
    # What the mean of a cell moves by when one of its units is left out.
    shifts = (units.sizes[:, :, None] * means[:, None] - units.sums) / left[:, :, None]
    f = shifts @ across
    f[:, :, i] = leave_one_out(units, np.zeros_like(means))
    present = units.sizes > 0
    if units.kind == "answers":
        f = np.where(present[:, :, None], f, 0.0) / m
        count = units.per_cell[:, None]
        f = np.where(present[:, :, None], f - f.sum(axis=1, keepdims=True) / count[:, :, None], 0.0)
        weights = np.broadcast_to((count - 1) / count, present.shape)
        return float(np.sum(weights * _centred_squares(f, i)))
    summed = np.zeros((units.n_chains, f.shape[2]))
    np.add.at(summed, units.chain[present], f[present] / m)
    summed -= summed.mean(axis=0)
    return float((units.n_chains - 1) / units.n_chains * np.sum(_centred_squares(summed, i)))


def _centred_squares(f: Floats, i: int) -> Floats:
    """||H (e_i f' + f e_i' - f_i e_i e_i') H||_F^2 over the last axis of f (..., n)."""
    n = f.shape[-1]
    own = f[..., i]
    # Halved on the diagonal, the change is e_i g' + g e_i'.
    g = f.copy()
    g[..., i] = own / 2
    g = g - g.mean(axis=-1, keepdims=True)
    return np.asarray(2 * ((1 - 1 / n) * (g**2).sum(axis=-1) + g[..., i] ** 2))
