"""Boxes that hold a generator's true point with a stated probability, whatever its answers look like.

`dkps.md`, "Guarantees the interface can state", 1. The axes must not have been fitted to the answers that are
placed, answers (or chains) are independent, and how many there are was fixed beforehand. Nothing else is
assumed: no normality, no equal spreads, no large numbers.

Measured coverage at nominal .95 and .70, 500 placements a design (two-point, rare-event, mixed and small-variance
answers, even and unequal blocks, r from 2 to 100, m from 1 to 50): Hoeffding .986-1.0 and .85-1.0, Bernstein .998-1.0
and .98-1.0, the one to read .986-1.0 and .85-1.0. Bernstein is the shorter from about 500 answers on where they
vary little (half-width .039 against .121), and for rare events.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import SettingsError, StatisticsError
from core.statistics.answers import Answers, Floats, Integers

LONGEST = 1 + 1e-3
"""Unit vectors may be this long after float32 and float16; a longer vector would void every bound."""


@dataclass(frozen=True, eq=False)
class Box:
    """Half-widths (d,) of axis-parallel boxes around `point`, each holding all d axes at once.

    hoeffding, bernstein: each holds with probability >= 1 - delta for who decided on it before looking;
    None for Bernstein where nothing repeats. smaller: the one to read without having decided, the smaller
    of both at delta/2 each; Hoeffding's where Bernstein's could not win whatever the answers.
    Where there is no box all are None and `reason` says why in one sentence.
    """

    hoeffding: Floats | None
    bernstein: Floats | None
    delta: float
    reason: str | None = None
    smaller: Floats | None = None
    point: Floats | None = None


def without_box(delta: float, reason: str) -> Box:
    """No box, and why."""
    return Box(None, None, delta, reason)


def check_delta(delta: float) -> None:
    """SettingsError unless delta is a probability strictly between 0 and 1."""
    if not 0 < delta < 1:
        raise SettingsError(f"A box that may miss with probability {delta} says nothing; give delta between 0 and 1.")


def one_chain(answers: Answers) -> bool:
    """Whether all answers are tied to one another, so that nothing in them repeats independently."""
    if answers.deterministic or answers.chains is None:
        return False
    return len(np.unique(np.concatenate(answers.chains))) < 2


@dataclass(frozen=True, eq=False)
class Terms:
    """What the bounds need of the independent terms whose sum is a point, each (d,).

    A term lies in [-h, h] on an axis. squares: sum of h^2; largest: largest h; variance: unbiased
    estimate of the variance of the sum of all terms with repeats; known: sum of h^2 over terms
    without, which bounds their variance; inflation: largest n/(n-1) over groups of n repeats, 1 where
    there is none.
    """

    squares: Floats
    largest: Floats
    variance: Floats
    known: Floats
    inflation: float

    @property
    def repeats(self) -> bool:
        """Whether any variance could be estimated."""
        return self.inflation > 1


def combined(parts: Sequence[Terms]) -> Terms:
    """The terms of a sum of independent sums."""
    return Terms(
        np.sum([part.squares for part in parts], axis=0),
        np.max([part.largest for part in parts], axis=0),
        np.sum([part.variance for part in parts], axis=0),
        np.sum([part.known for part in parts], axis=0),
        max(part.inflation for part in parts),
    )


def about_centre(own: Terms, total: Terms, n: int, *, inside: bool) -> Terms:
    """Terms of a point about the mean of n points whose terms together are `total`.

    inside: the point is one of the n, so that its own terms weigh 1 - 1/n and the others' 1/n.
    """
    weight = 1 - 2 / n if inside else 1.0
    largest = (1 - 1 / n if inside else 1.0) * own.largest
    return Terms(
        weight * own.squares + total.squares / n**2,
        np.maximum(largest, total.largest / n),
        weight * own.variance + total.variance / n**2,
        weight * own.known + total.known / n**2,
        max(own.inflation, total.inflation),
    )


def terms(blocks: Floats, answers: Answers) -> Terms:
    """Independent terms of the point of `answers` on axes blocks (m, p, d), V'V = I.

    Independent answers: one term an answer, V_j'x / (sqrt(m) r_j), repeats within a query. Chains: one term
    a chain, the sum of its answers', which may reach as far as its parts together. Chains that
    answered different queries only make the estimated variance too large, never too small. Raises
    StatisticsError where a query is unanswered or a vector is longer than 1.
    """
    m, _, d = blocks.shape
    if answers.deterministic:
        return Terms(np.zeros(d), np.zeros(d), np.zeros(d), np.zeros(d), 1.0)
    counts = answers.counts
    if len(counts) != m or counts.min() == 0:
        raise StatisticsError(f"{answers.key} has not answered every query of the axes; finish it first.")
    placed = np.concatenate([x.astype(np.float64) @ v for x, v in zip(answers.vectors, blocks, strict=True)])
    lengths = max(float(np.linalg.norm(x, axis=1).max()) for x in answers.vectors)
    if lengths > LONGEST:
        raise StatisticsError(f"A vector of {answers.key} has length {lengths:.3g}, not 1; normalise and embed again.")
    cell = np.repeat(np.arange(m), counts)
    weight = (1 / (math.sqrt(m) * counts))[cell][:, None]
    y, h = weight * placed, weight * np.linalg.norm(blocks, axis=1)[cell]
    if answers.chains is None:
        group = cell
    else:
        _, chain = np.unique(np.concatenate(answers.chains), return_inverse=True)
        y, h = (_summed(part, chain) for part in (y, h))
        group = np.zeros(len(y), dtype=np.int64)
    size = np.bincount(group)
    off = y - (_summed(y, group) / size[:, None])[group]
    alone = size[group] == 1
    correction = (size / np.maximum(size - 1, 1))[group]
    return Terms(
        squares=np.asarray((h**2).sum(axis=0)),
        largest=np.asarray(h.max(axis=0)),
        variance=np.asarray((correction[:, None] * off**2).sum(axis=0)),
        known=np.asarray((h[alone] ** 2).sum(axis=0)),
        inflation=float(correction.max()) if not alone.all() else 1.0,
    )


def _summed(rows: Floats, group: Integers) -> Floats:
    """Sums of (N, d) rows by group number: (groups, d)."""
    sums = np.zeros((int(group.max()) + 1, rows.shape[1]))
    np.add.at(sums, group, rows)
    return sums


def hoeffding_width(found: Terms, delta: float) -> Floats:
    """sqrt(2 log(2d/delta) sum h^2), Hoeffding's inequality on both sides of d axes (1963)."""
    check_delta(delta)
    return np.asarray(np.sqrt(2 * math.log(2 * len(found.squares) / delta) * found.squares))


def bernstein_width(found: Terms, delta: float) -> Floats:
    """sqrt(2 L v) + R L/3, with v bounded from the answers; L = log(3d/delta), R = 2 max h.

    Bernstein's inequality on both sides and Maurer and Pontil's on the variance (2009, theorem 10 for
    independent terms that need not be alike): sqrt(v) <= sqrt(v_hat + a R^2 L/2) + R sqrt(a L/2), where v_hat sums
    variances within queries and a is the inflation. Terms without repeats add the largest variance they can have.
    """
    check_delta(delta)
    log = math.log(3 * len(found.squares) / delta)
    reach, a = 2 * found.largest, found.inflation
    root = np.sqrt(found.variance + a * reach**2 * log / 2) + reach * math.sqrt(a * log / 2)
    return np.asarray(np.sqrt(2 * log * (root**2 + found.known)) + reach * log / 3)


def box(found: Terms, delta: float, point: Floats | None = None) -> Box:
    """Both boxes of these terms, and the one to read."""
    hoeffding = hoeffding_width(found, delta)
    if not found.repeats:
        return Box(hoeffding, None, delta, None, hoeffding, point)
    bernstein = bernstein_width(found, delta)
    quiet = Terms(found.squares, found.largest, np.zeros_like(found.variance), found.known, found.inflation)
    # Decided by blocks and counts alone, so it costs nothing of delta.
    if np.all(bernstein_width(quiet, delta / 2) >= hoeffding):
        return Box(hoeffding, bernstein, delta, None, hoeffding, point)
    smaller = np.minimum(hoeffding_width(found, delta / 2), bernstein_width(found, delta / 2))
    return Box(hoeffding, bernstein, delta, None, smaller, point)


def hoeffding_box(blocks: Floats, counts: Integers, delta: float) -> Floats:
    """Half-widths (d,) for independent answers, from their number alone.

    blocks: (m, p, d) with V'V = I; counts: (m,) answers to each query.
    sqrt(2 log(2d/delta) (1/m) sum_j ||V_jl||^2 / r_j).
    """
    squares = (np.einsum("jpd,jpd->jd", blocks, blocks) / np.asarray(counts)[:, None]).mean(axis=0)
    nothing = np.zeros_like(squares)
    return hoeffding_width(Terms(np.asarray(squares), nothing, nothing, nothing, 1.0), delta)


def bernstein_box(blocks: Floats, answers: Answers, delta: float) -> Floats | None:
    """Half-widths (d,) from the answers' variance within queries, or over chains; None where nothing repeats."""
    found = terms(blocks, answers)
    return bernstein_width(found, delta) if found.repeats or answers.deterministic else None
