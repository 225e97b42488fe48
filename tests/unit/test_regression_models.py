"""Every model equals scikit-learn's on a map refitted by scikit-learn's PCA."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor

from core.errors import SettingsError
from core.regressing.designs import ColumnDesigns, MapDesigns, squares_too
from core.regressing.features import Evidence
from core.regressing.smoothers import MODELS, Candidate, Model, candidates, weights
from tests.unit.scored_runs import scored, stacked_means

TRAIN, LEFT = np.arange(2, 12), np.array([0, 1])
SIZES = (1, 2, 4)


def by_sklearn(model: Model, one: Candidate, train: Any, scores: Any, target: Any) -> Any:
    """Predictions of the same candidate by another library."""
    if model == "ridge":
        longest = ((train - train.mean(axis=0)) ** 2).sum(axis=0).max()
        return Ridge(alpha=one.penalty * longest).fit(train, scores).predict(target)
    if model == "least squares":
        return LinearRegression().fit(train, scores).predict(target)
    if model == "nearest neighbours":
        return KNeighborsRegressor(one.neighbours).fit(train, scores).predict(target)
    apart = np.linalg.norm(train[:, None] - train[None], axis=2)[np.triu_indices(len(train), 1)]
    kernel = RBF(one.length * np.sqrt(np.median(apart**2)), "fixed")
    process = GaussianProcessRegressor(kernel, alpha=one.noise, optimizer=None)
    # The mean of the scores is put back with the weights that the process itself uses.
    return process.fit(train, scores - scores.mean()).predict(target) + scores.mean()


@pytest.mark.parametrize("model", MODELS)
def test_models_on_the_refitted_map_equal_a_pipeline_of_pca_and_sklearn(model: Model) -> None:
    runs = scored(12)
    rows = stacked_means(runs)
    design = MapDesigns(Evidence.of(runs.answers), SIZES).columns(TRAIN)
    found = weights(model, design[:, TRAIN], design[:, LEFT])
    choices = candidates(model, SIZES)
    assert len(found) == len(choices)
    for w, one in zip(found, choices, strict=True):
        pca = PCA(one.size, svd_solver="full").fit(rows[TRAIN])
        train, target = pca.transform(rows[TRAIN]), pca.transform(rows[LEFT])
        expected = by_sklearn(model, one, train, runs.scores[TRAIN], target)
        assert np.allclose(w @ runs.scores[TRAIN], expected, atol=1e-7)


@pytest.mark.parametrize("model", MODELS)
def test_weights_sum_to_one_and_a_flat_design_foretells_the_mean(model: Model) -> None:
    rng = np.random.default_rng(1)
    train = rng.normal(size=(2, 8, 3))
    train[1] = 0
    found = weights(model, train, np.concatenate([train[:, :2], train[:, :1] + 1], axis=1) * [[[1]], [[0]]])
    assert np.allclose(found.sum(axis=2), 1)
    flat = found[len(found) // 2 :]
    if model != "nearest neighbours":
        assert np.allclose(flat, 1 / 8)


def test_features_stand_beside_coordinates_at_the_size_of_the_first_axis() -> None:
    runs = scored(12)
    evidence = Evidence.of(runs.answers, ("spread",))
    design = MapDesigns(evidence, SIZES).columns(TRAIN)
    assert design.shape == (3, 12, 5)
    assert np.allclose((design[:, TRAIN, 4] ** 2).sum(axis=1), (design[0, TRAIN, 0] ** 2).sum())
    # gamma_hat is the trace of the covariance of one answer, worked out by numpy.
    traces = [np.mean([np.trace(np.cov(v.T)) for v in each.vectors]) for each in runs.answers]
    assert np.allclose(evidence.extra[:, 0], np.log(traces), atol=1e-5)
    assert np.corrcoef(design[0, :, 4], np.log(traces))[0, 1] > 1 - 1e-9


def test_the_distance_to_real_is_the_debiased_one() -> None:
    runs = scored(6)
    real = runs.answers[-1]
    found = Evidence.of(runs.answers[:-1], ("distance to real",), real).extra[:, 0]
    for value, each in zip(found, runs.answers[:-1], strict=True):
        u = [
            ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
            - np.trace(np.cov(a.T)) / len(a)
            - np.trace(np.cov(b.T)) / len(b)
            for a, b in zip(each.vectors, real.vectors, strict=True)
        ]
        assert value == pytest.approx(np.mean(u), abs=1e-5)


def test_columns_are_standardised_by_the_training_runs_alone() -> None:
    rng = np.random.default_rng(2)
    given = np.column_stack([rng.normal(size=9), np.r_[np.zeros(6), np.ones(3)]])
    train = np.arange(6)
    plain, bent = ColumnDesigns(tuple(squares_too(given))).columns(train)
    own = given[train, 0]
    assert np.allclose(plain[:, 0], (given[:, 0] - own.mean()) / own.std())
    assert not plain[:, 1].any()  # does not vary in training
    assert not plain[:, 2].any()
    assert bent[:, 2].any()  # the square of the first column; two values have none


def test_a_model_that_does_not_exist_is_named() -> None:
    with pytest.raises(SettingsError, match="no model named 'forest'"):
        candidates("forest", (1,))  # type: ignore[arg-type]
