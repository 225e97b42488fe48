"""A Gaussian process of one number over columns, by scikit-learn: for surfaces and for what to try next."""

from __future__ import annotations

import warnings
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
    """A fitted process: centre and scale of the values, white: its own estimate of noise beyond the known one."""

    process: Any
    centre: float
    scale: float
    white: float

    @classmethod
    def of(cls, columns: Floats, values: Floats, noise: Floats | None = None, *, alike: bool = True) -> Gaussian:
        """Fitted to values (n,) at columns (n, k) with known variances of noise (n,) by marginal likelihood.

        alike: one length for all columns, which coordinates of a map want; else one each, which sliders want.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

        n, k = columns.shape
        centre, scale = float(values.mean()), float(values.std()) or 1.0
        span = float(np.ptp(columns, axis=0).max(initial=0.0)) or 1.0
        lengths = span / 2 if alike else np.full(k, span / 2)
        kernel = ConstantKernel(1.0, (1e-2, 1e2)) * RBF(lengths, (span / 20, span * 20))
        known = np.zeros(n) if noise is None else noise / scale**2
        scaled, diagonal = (values - centre) / scale, known + ROUND_OFF
        process = GaussianProcessRegressor(
            kernel + WhiteKernel(0.1, (1e-6, 2.0)),
            alpha=diagonal,
            optimizer=_optimizer(negative_likelihood(columns, scaled, diagonal, alike=alike)),
            n_restarts_optimizer=1,
            random_state=0,
        )
        with warnings.catch_warnings():
            # A length at its bound says that the values do not depend on the column, or are all noise.
            warnings.simplefilter("ignore", ConvergenceWarning)
            process.fit(columns, scaled)
        return cls(process, centre, scale, float(process.kernel_.k2.noise_level) * scale**2)

    def mean(self, columns: Floats) -> Floats:
        """(k,) expected values at some columns."""
        return np.asarray(self.process.predict(columns) * self.scale + self.centre)

    def errors(self, columns: Floats) -> Floats:
        """(k,) standard errors of the expected values, noise left out."""
        _, total = self.process.predict(columns, return_std=True)
        return np.asarray(np.sqrt(np.maximum(total**2 * self.scale**2 - self.white, 0.0)))

    def covariance(self, columns: Floats) -> Floats:
        """(k, k) of the expected values, noise left out."""
        _, total = self.process.predict(columns, return_cov=True)
        return np.asarray(total * self.scale**2 - self.white * np.eye(len(columns)))


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


def _optimizer(negative: Likelihood) -> Callable[..., tuple[Floats, float]]:
    """scikit-learn's own way to the optimum, L-BFGS-B within bounds, over a likelihood that is quicker than its own."""

    def minimise(_: Any, start: Floats, bounds: Any) -> tuple[Floats, float]:
        from scipy.optimize import minimize

        found = minimize(negative, start, method="L-BFGS-B", jac=True, bounds=bounds)
        return found.x, float(found.fun)

    return minimise
