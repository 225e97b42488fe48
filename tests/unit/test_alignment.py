"""A refit is turned towards the earlier map, so that points do not jump."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.perspective import fit_map
from tests.unit.made_answers import ragged


def test_aligning_turns_a_map_onto_the_earlier_one() -> None:
    generators = ragged(5)
    fitted = fit_map(generators)
    c, s = np.cos(2.0), np.sin(2.0)
    q = np.array([[c, s], [s, -c]])
    earlier = replace(fitted, points=fitted.points @ q)
    aligned = fit_map(generators, align_to=earlier)
    assert np.allclose(aligned.points, earlier.points, atol=1e-7)
    for ours, before in zip(aligned.covariances, fitted.covariances, strict=True):
        assert before is not None
        assert np.allclose(ours, q.T @ before @ q, atol=1e-9)
    assert np.allclose(aligned.clouds[1], fitted.clouds[1] @ q, atol=1e-7)
    assert aligned.explained.sum() == pytest.approx(fitted.explained.sum())


def test_a_new_generator_on_an_aligned_map_keeps_the_others_near() -> None:
    generators = ragged(6)
    before = fit_map(generators[:5])
    flipped = replace(before, points=before.points * [-1, -1])
    after = fit_map(generators, align_to=flipped)
    together = np.sum(after.points[:5] * flipped.points)
    assert together > 0.8 * np.linalg.norm(after.points[:5]) * np.linalg.norm(flipped.points)


def test_a_map_aligned_to_a_line_or_to_strangers_is_still_a_map() -> None:
    generators = ragged(5)
    plane = fit_map(generators, align_to=fit_map(generators[:2]))
    assert np.linalg.norm(plane.points) == pytest.approx(np.linalg.norm(fit_map(generators).points))
    strangers = fit_map([replace(g, key=f"other {g.key}") for g in generators])
    assert np.array_equal(fit_map(generators, align_to=strangers).points, fit_map(generators).points)
    deep = fit_map(generators, dimension=3, align_to=plane)
    assert deep.points.shape == (5, 3)
