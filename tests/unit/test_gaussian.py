"""The Gaussian process of surfaces and suggestions is scikit-learn's, its likelihood worked out faster."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from core.regressing.gaussian import ROUND_OFF, Gaussian, negative_likelihood

CASES = [(20, 3, False), (20, 3, True), (6, 1, False), (30, 2, True)]


def made(n: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n * 10 + k)
    columns = rng.random((n, k))
    return columns, np.sin(3 * columns[:, 0]) + 0.1 * rng.normal(size=n), np.full(n, 0.01) * rng.random(n)


def theirs(columns: np.ndarray, values: np.ndarray, noise: np.ndarray, *, alike: bool) -> GaussianProcessRegressor:
    """The same model by scikit-learn alone."""
    span = float(np.ptp(columns, axis=0).max())
    lengths = span / 2 if alike else np.full(columns.shape[1], span / 2)
    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * RBF(lengths, (span / 20, span * 20)) + WhiteKernel(0.1, (1e-6, 2.0))
    process = GaussianProcessRegressor(
        kernel, alpha=noise / values.var() + ROUND_OFF, n_restarts_optimizer=1, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return process.fit(columns, (values - values.mean()) / values.std())


@pytest.mark.parametrize(("n", "k", "alike"), CASES)
def test_the_likelihood_and_its_slopes_are_those_of_sklearn(n: int, k: int, alike: bool) -> None:
    columns, values, noise = made(n, k)
    process = theirs(columns, values, noise, alike=alike)
    scaled = (values - values.mean()) / values.std()
    own = negative_likelihood(columns, scaled, noise / values.var() + ROUND_OFF, alike=alike)
    for theta in np.random.default_rng(1).uniform(-1.5, 1.5, size=(5, len(process.kernel_.theta))):
        value, slopes = process.log_marginal_likelihood(theta, eval_gradient=True)
        found, downhill = own(theta)
        assert found == pytest.approx(-value, rel=1e-9)
        assert downhill == pytest.approx(-slopes, rel=1e-7, abs=1e-9)


def test_a_covariance_that_cannot_be_factored_is_never_chosen() -> None:
    columns = np.zeros((3, 1))  # three times the same place
    value, slopes = negative_likelihood(columns, np.array([1.0, 0, -1]), np.full(3, -1e-3), alike=True)(
        np.array([0.0, 0.0, -30.0])
    )
    assert value == np.inf
    assert slopes.tolist() == [0, 0, 0]


@pytest.mark.parametrize(("n", "k", "alike"), CASES)
def test_what_is_foretold_is_what_sklearn_foretells(n: int, k: int, alike: bool) -> None:
    columns, values, noise = made(n, k)
    own, process = Gaussian.of(columns, values, noise, alike=alike), theirs(columns, values, noise, alike=alike)
    places = np.random.default_rng(2).random((15, k))
    mean, spread = process.predict(places, return_std=True)
    assert own.mean(places) == pytest.approx(mean * values.std() + values.mean(), abs=1e-5)
    white = process.kernel_.k2.noise_level
    assert own.errors(places) == pytest.approx(np.sqrt(np.maximum(spread**2 - white, 0)) * values.std(), abs=1e-5)
