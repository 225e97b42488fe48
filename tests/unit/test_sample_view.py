"""Places of a few texts, the exact neighbours that UMAP is given, and the names of views: no UMAP here."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.sample_view import FEW, SampleView, closest, lay_out, view_id


def unit_rows(n: int, p: int = 384, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((n, p))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def apart(points: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = points.astype(np.float64)
    return np.linalg.norm(wide[:, None] - wide[None], axis=2)


def test_no_text_has_no_place_and_one_lies_at_the_origin() -> None:
    assert lay_out(unit_rows(0)).shape == (0, 2)
    assert lay_out(unit_rows(1)).tolist() == [[0.0, 0.0]]


def test_two_texts_lie_on_a_line_as_far_apart_as_they_are() -> None:
    rows = unit_rows(2)
    points = lay_out(rows)
    assert points[:, 1].tolist() == [0.0, 0.0]
    assert apart(points)[0, 1] == pytest.approx(np.linalg.norm(rows[0] - rows[1]), abs=1e-6)


def test_three_texts_keep_all_their_distances() -> None:
    rows = unit_rows(3)
    np.testing.assert_allclose(apart(lay_out(rows)), apart(rows), atol=1e-6)


def test_a_few_texts_lie_on_their_principal_plane() -> None:
    rows = unit_rows(FEW - 1)
    centred = rows - rows.mean(axis=0)
    left, values, _ = np.linalg.svd(centred.astype(np.float64), full_matrices=False)
    points = lay_out(rows)
    np.testing.assert_allclose(np.abs(points), np.abs(left[:, :2] * values[:2]), atol=1e-5)
    np.testing.assert_array_equal(points, lay_out(rows.copy()))


def test_equal_texts_share_one_place() -> None:
    assert lay_out(np.repeat(unit_rows(1), 5, axis=0)).tolist() == [[0.0, 0.0]] * 5


@pytest.mark.parametrize("n", [1, 2, 3, FEW - 1])
def test_a_text_that_is_laid_out_is_placed_where_it_lies(n: int) -> None:
    rows = unit_rows(n)
    points = lay_out(rows)
    np.testing.assert_allclose(SampleView(rows, points).place(rows[::-1]), points[::-1], atol=1e-6)


def test_nothing_to_place_is_no_error() -> None:
    assert SampleView(unit_rows(0), lay_out(unit_rows(0))).place(unit_rows(0)).shape == (0, 2)
    assert SampleView(unit_rows(5), lay_out(unit_rows(5))).place(unit_rows(0)).shape == (0, 2)


def test_the_neighbours_are_those_of_a_full_sort() -> None:
    rows, among = unit_rows(150, 32, seed=1), unit_rows(80, 32, seed=2)
    numbers, distances = closest(rows, among, 7)
    table = 1 - rows.astype(np.float64) @ among.T.astype(np.float64)
    expected = np.argsort(table, axis=1)[:, :7]
    np.testing.assert_array_equal(numbers, expected)
    np.testing.assert_allclose(distances, np.take_along_axis(table, expected, axis=1), atol=1e-6)


def test_a_text_is_its_own_nearest_and_no_distance_is_negative() -> None:
    rows = unit_rows(40)
    numbers, distances = closest(rows, rows, 3)
    np.testing.assert_array_equal(numbers[:, 0], np.arange(40))
    assert distances.min() >= 0
    assert distances[:, 0].max() < 1e-6


def test_neighbours_do_not_depend_on_the_company_to_the_last_bit() -> None:
    rows, among = unit_rows(200, seed=3), unit_rows(90, seed=4)
    _, together = closest(rows, among, 15)
    alone = np.concatenate([closest(rows[i : i + 1], among, 15)[1] for i in range(200)])
    np.testing.assert_array_equal(together, alone)


def test_a_view_is_named_by_everything_that_decides_its_places() -> None:
    keys = ["a" * 64, "b" * 64]
    name = view_id("task", keys)
    assert len(name) == 64
    assert int(name, 16) >= 0
    assert view_id("task", keys[::-1], 0) == name
    others = {view_id("other", keys), view_id("task", keys[:1]), view_id("task", keys, 1), view_id("task", [])}
    assert len(others | {name}) == 5
