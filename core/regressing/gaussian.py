"""A Gaussian process of one number over columns, by scikit-learn: for surfaces and for what to try next."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.statistics.answers import Floats

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
        process = GaussianProcessRegressor(
            kernel + WhiteKernel(0.1, (1e-6, 2.0)), alpha=known + ROUND_OFF, n_restarts_optimizer=1, random_state=0
        )
        with warnings.catch_warnings():
            # A length at its bound says that the values do not depend on the column, or are all noise.
            warnings.simplefilter("ignore", ConvergenceWarning)
            process.fit(columns, (values - centre) / scale)
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
