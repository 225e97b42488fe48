"""A Gaussian process of one number over columns: for surfaces and for what to try next.

The model and its results are those of scikit-learn's GaussianProcessRegressor, which tests compare it with; without it
a page need not import scikit-learn before its first picture, and a fit takes a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.statistics.answers import Floats

Likelihood = Callable[[Floats], tuple[float, Floats]]

ROUND_OFF = 1e-8
"""Added to the diagonal, in units of the variance of the values."""


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A fitted process: centre and scale of the values, white: its own estimate of noise beyond the known one.

    columns: (n, k) that it was fitted to; variance, lengths (k,): of its squared exponential, for values of
    centre 0 and scale 1; factor: (n, n) lower Cholesky factor of their covariance; weights: (n,) its inverse
    times these values.
    """

    columns: Floats
    variance: float
    lengths: Floats
    factor: Floats
    weights: Floats
    centre: float
    scale: float
    white: float

    @classmethod
    def of(cls, columns: Floats, values: Floats, noise: Floats | None = None, *, alike: bool = True) -> Gaussian:
        """Fitted to values (n,) at columns (n, k) with known variances of noise (n,) by marginal likelihood.

        alike: one length for all columns, which coordinates of a map want; else one each, which sliders want.
        """
        from scipy.linalg import cho_factor, cho_solve

        n, k = columns.shape
        centre, scale = float(values.mean()), float(values.std()) or 1.0
        span = float(np.ptp(columns, axis=0).max(initial=0.0)) or 1.0
        free = 1 if alike else k
        start = np.log([1.0, *[span / 2] * free, 0.1])
        bounds = np.log([(1e-2, 1e2), *[(span / 20, span * 20)] * free, (1e-6, 2.0)])
        known = np.zeros(n) if noise is None else noise / scale**2
        scaled, diagonal = (values - centre) / scale, known + ROUND_OFF
        theta = _least(negative_likelihood(columns, scaled, diagonal, alike=alike), start, bounds)
        variance, white = float(np.exp(theta[0])), float(np.exp(theta[-1]))
        lengths = np.broadcast_to(np.exp(theta[1:-1]), (k,))
        covariance = _smooth(columns, columns, variance, lengths) + np.diag(diagonal + white)
        factor = cho_factor(covariance, lower=True, check_finite=False)
        weights = cho_solve(factor, scaled, check_finite=False)
        return cls(columns, variance, lengths, np.tril(factor[0]), weights, centre, scale, white * scale**2)

    def mean(self, columns: Floats) -> Floats:
        """(k,) expected values at some columns."""
        return np.asarray(self._near(columns) @ self.weights * self.scale + self.centre)

    def errors(self, columns: Floats) -> Floats:
        """(k,) standard errors of the expected values, noise left out."""
        seen = self._seen(columns)
        return np.asarray(np.sqrt(np.maximum(self.variance - (seen**2).sum(axis=0), 0.0)) * self.scale)

    def covariance(self, columns: Floats) -> Floats:
        """(k, k) of the expected values, noise left out."""
        seen = self._seen(columns)
        own = _smooth(columns, columns, self.variance, self.lengths)
        return np.asarray((own - seen.T @ seen) * self.scale**2)

    def _near(self, columns: Floats) -> Floats:
        return _smooth(columns, self.columns, self.variance, self.lengths)

    def _seen(self, columns: Floats) -> Floats:
        """(n, k) what the values tell of these places (Rasmussen and Williams 2006, algorithm 2.1)."""
        from scipy.linalg import solve_triangular

        return np.asarray(solve_triangular(self.factor, self._near(columns).T, lower=True, check_finite=False))


def _smooth(rows: Floats, others: Floats, variance: float, lengths: Floats) -> Floats:
    """(t, n) squared exponential between rows (t, k) and others (n, k)."""
    from scipy.spatial.distance import cdist

    return np.asarray(variance * np.exp(-0.5 * cdist(rows / lengths, others / lengths, "sqeuclidean")))


def _least(negative: Likelihood, start: Floats, bounds: Floats) -> Floats:
    """Where the likelihood is largest, by L-BFGS-B from the usual start and from a second one drawn within bounds."""
    from scipy.optimize import minimize

    search: Any = minimize  # its types do not know what jac=True means
    second = np.random.RandomState(0).uniform(bounds[:, 0], bounds[:, 1])
    found = [search(negative, one, method="L-BFGS-B", jac=True, bounds=bounds) for one in (start, second)]
    return np.asarray(min(found, key=lambda each: float(each.fun)).x)


def negative_likelihood(columns: Floats, values: Floats, noise: Floats, *, alike: bool) -> Likelihood:
    """What `Gaussian.of` minimises, of theta = log(variance, length or lengths, white noise), with its gradient.

    Rasmussen and Williams (2006), equations 5.8 and 5.9: scikit-learn's own is the same number and takes four
    times as long for the few runs that there are. inf where the covariance cannot be factored.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    n = len(values)
    gaps = (columns.T[:, :, None] - columns.T[:, None]) ** 2
    if alike:
        gaps = gaps.sum(axis=0, keepdims=True)
    flat, unit = gaps.reshape(len(gaps), -1), np.eye(n)

    def at(theta: Floats) -> tuple[float, Floats]:
        variance, narrow, white = np.exp(theta[0]), np.exp(-2 * theta[1:-1]), np.exp(theta[-1])
        smooth = variance * np.exp(-0.5 * (narrow @ flat)).reshape(n, n)
        try:
            factor = cho_factor(smooth + np.diag(white + noise), lower=True, check_finite=False)
        except LinAlgError:
            return np.inf, np.zeros(len(theta))
        inverse = cho_solve(factor, unit, check_finite=False)
        weights = inverse @ values
        log_likelihood = -0.5 * values @ weights - np.log(np.diagonal(factor[0])).sum() - 0.5 * n * np.log(2 * np.pi)
        pull = np.outer(weights, weights) - inverse
        by_smooth = (pull * smooth).ravel()
        slopes = [by_smooth.sum(), *(narrow * (flat @ by_smooth)), white * np.trace(pull)]
        return -float(log_likelihood), -0.5 * np.array(slopes)

    return at
