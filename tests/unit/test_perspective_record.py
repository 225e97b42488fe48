"""A map that was stored comes back exactly, and a damaged one is refused in one sentence."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from core.errors import StatisticsError
from core.perspective import PerspectiveMap, fit_map
from tests.unit.made_answers import fixed, generator, ragged


def every_kind() -> PerspectiveMap:
    """A map with all that may be unknown: no ellipse, no noise, infinite degrees of freedom."""
    generators = [*ragged(4), generator("tied", [8] * 4, 7, chains=8), generator("once", [1] * 4, 8)]
    generators += [generator("three", [3] * 4, 9), fixed("fixed", 4, 10)]
    return fit_map(generators, reference=[g.key for g in generators[:7]])


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(equal(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("fitted", [every_kind(), fit_map(ragged(1)), fit_map(ragged(5), dimension=3)])
def test_a_stored_map_comes_back_exactly(fitted: PerspectiveMap) -> None:
    record = json.loads(json.dumps(fitted.record(), allow_nan=False))
    again = PerspectiveMap.restore(fitted.arrays(), record)
    for field in fields(PerspectiveMap):
        assert equal(getattr(fitted, field.name), getattr(again, field.name)), field.name


def test_a_restored_map_draws_and_places_as_before() -> None:
    fitted = every_kind()
    again = PerspectiveMap.restore(fitted.arrays(), fitted.record())
    new = generator("new", [5] * 4, 50)
    assert np.array_equal(fitted.place(new).covariance, again.place(new).covariance)
    assert np.array_equal(fitted.ellipse(0), again.ellipse(0))
    assert fitted.difference(0, 4).radius == again.difference(0, 4).radius
    assert fitted.as_dict() == again.as_dict()


def test_the_arrays_hold_numbers_only() -> None:
    arrays = every_kind().arrays()
    assert {array.dtype.kind for array in arrays.values()} <= {"f", "i"}


def test_a_damaged_map_is_refused() -> None:
    fitted = fit_map(ragged(4))
    arrays, record = fitted.arrays(), fitted.record()
    without = {name: array for name, array in arrays.items() if name != "basis"}
    damaged: list[tuple[Any, Any]] = [
        (without, record),
        (arrays | {"points": arrays["points"][:2]}, record),
        (arrays | {"cloud_lengths": arrays["cloud_lengths"] - 1}, record),
        (arrays | {"taus": arrays["taus"][:1]}, record),
        (arrays, {**record, "keys": record["keys"][:1]}),
        (arrays, {name: value for name, value in record.items() if name != "warnings"}),
    ]
    for some, told in damaged:
        with pytest.raises(StatisticsError, match="is damaged; draw it again"):
            PerspectiveMap.restore(some, told)
    with pytest.raises(StatisticsError, match="another version"):
        PerspectiveMap.restore(arrays, {**record, "version": 99})


def test_a_map_of_energy_distances_places_nobody() -> None:
    energy = replace(fit_map(ragged(4)), variant="energy")
    with pytest.raises(StatisticsError, match="draw it with this run"):
        energy.place(generator("new", [4] * 4, 1))
