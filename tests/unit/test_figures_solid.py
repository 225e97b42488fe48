"""The map of three axes: true ellipsoids, equal units, the same signs, and nothing that flat maps alone can do."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from core.drawing.marks import Cloud, Kind, Mark, marks_table
from core.drawing.palette import REAL, SYNTHETIC
from core.drawing.scales import KIND_STYLES, Colour
from core.drawing.solid import ellipsoid_lines
from core.figures import solid_figure

KINDS: list[Kind] = ["real", "heldout", "chosen", "control", "few", "run", "run", "run"]


def covariance(generator: np.random.Generator) -> np.ndarray:
    root = generator.normal(0, 0.02, (3, 3))
    return root @ root.T + 1e-5 * np.eye(3)


def world(seed: int = 0) -> tuple[list[Mark], dict[str, tuple[np.ndarray, float]]]:
    generator = np.random.default_rng(seed)
    marks, ellipsoids = [], {}
    for i, kind in enumerate(KINDS):
        x, y, z = generator.normal(0, 0.1, 3)
        marks.append(Mark(f"r{i}", kind, (x, y), f"γ 0.{i}", 10, f"label {i}", distance=0.1, z=z))
        if kind != "few":
            ellipsoids[f"r{i}"] = (covariance(generator), 2.8)
    return marks, ellipsoids


def pieces(trace: Any) -> list[np.ndarray]:
    points = np.column_stack([trace.x, trace.y, trace.z])
    gaps = np.isnan(points).any(axis=1)
    return [points[list(rows)] for gap, rows in itertools.groupby(range(len(points)), key=gaps.__getitem__) if not gap]


def test_great_circles_lie_on_the_ellipsoid_and_in_its_principal_planes() -> None:
    generator = np.random.default_rng(3)
    point, sigma = generator.normal(size=3), covariance(generator)
    lines = ellipsoid_lines(point, sigma, 2.5)
    for circle in lines:
        away = circle - point
        squared = np.einsum("ij,jk,ik->i", away, np.linalg.inv(sigma), away)
        np.testing.assert_allclose(np.sqrt(squared), 2.5)
        np.testing.assert_allclose(circle[0], circle[-1], atol=1e-12)
        # In a plane spanned by two axes: the third direction is an eigenvector of the covariance.
        normal = np.linalg.svd(away)[2][-1]
        np.testing.assert_allclose(sigma @ normal, (normal @ sigma @ normal) * normal, atol=1e-12)


def test_a_flat_covariance_gives_a_flat_ellipsoid() -> None:
    lines = ellipsoid_lines(np.zeros(3), np.diag([1.0, 4.0, 0.0]), 1.0)
    assert np.isfinite(lines).all()
    assert np.abs(lines[..., 2]).max() == 0
    assert np.abs(lines[..., 1]).max() == pytest.approx(2)


def test_ellipsoids_are_three_closed_lines_a_mark_in_one_trace_a_colour() -> None:
    marks, ellipsoids = world()
    lines = [trace for trace in solid_figure(marks, ellipsoids=ellipsoids).data if trace.mode == "lines"]
    assert [line.line.color for line in lines] == [REAL, SYNTHETIC]
    assert [len(pieces(line)) for line in lines] == [3 * 2, 3 * 5]
    assert all((piece[0] == piece[-1]).all() for line in lines for piece in pieces(line))


def test_no_ellipsoid_where_none_is_given() -> None:
    marks, _ = world()
    assert {trace.mode for trace in solid_figure(marks).data} == {"markers"}


def test_units_are_equal_and_the_box_holds_every_mark_and_ellipsoid() -> None:
    marks, ellipsoids = world()
    figure = solid_figure(marks, ellipsoids=ellipsoids, explained=(0.5, 0.2, 0.1, 0.05))
    scene = figure.to_dict()["layout"]["scene"]
    ranges = np.array([scene[f"{name}axis"]["range"] for name in "xyz"])
    sides = ranges[:, 1] - ranges[:, 0]
    np.testing.assert_allclose(sides, sides[0])
    assert len(set(scene["aspectratio"].values())) == 1
    assert scene["camera"]["projection"]["type"] == "orthographic"
    for trace in figure.data:
        points = np.column_stack([trace.x, trace.y, trace.z])
        points = points[~np.isnan(points).any(axis=1)]
        assert ((points > ranges[:, 0]) & (points < ranges[:, 1])).all()
    assert [scene[f"{name}axis"]["title"]["text"] for name in "xyz"] == ["Axis 1 · 50%", "Axis 2 · 20%", "Axis 3 · 10%"]


def test_samples_outside_the_box_are_left_out_with_their_ids() -> None:
    marks, _ = world()
    points = np.array([[0, 0, 0], [9, 9, 9], [0.01, 0, 0], [0, 0, -9]], dtype=float)
    cloud = Cloud("chosen", points, tuple("abcd"), ("one", "two", "three", "four"))
    trace = solid_figure(marks, [cloud]).data[0]
    assert list(trace.customdata) == ["sample:a", "sample:c"]
    assert [text.rpartition("<br>")[2] for text in trace.hovertext] == ["one", "three"]


def test_what_has_no_third_axis_lies_at_zero_on_it() -> None:
    flat = Cloud("real", np.full((5, 2), 0.1), tuple("abcde"), tuple("abcde"))
    figure = solid_figure([Mark("k", "run", (0.1, 0.2), "γ", 3)], [flat])
    assert list(figure.data[0].z) == [0.0] * 5
    assert list(figure.data[1].z) == [0.0]


def test_signs_and_colours_are_those_of_the_flat_map() -> None:
    marks, ellipsoids = world()
    values = {f"r{i}": float(i % 6) for i in range(8)}
    for colour in (Colour("s", values, "score", "lower"), Colour("k", values, "kind"), None):
        # Plotly itself refuses a symbol that it does not know in space.
        figure = solid_figure(marks, ellipsoids=ellipsoids, colour=colour, trails=[("r5", "r6")], size_by_n=True)
        seen = {key for trace in figure.data if trace.mode == "markers" for key in trace.customdata}
        assert seen == {f"run:r{i}" for i in range(8)}
    assert {trace["type"] for trace in figure.to_dict()["data"]} == {"scatter3d"}
    every = {f"r{i}": float(i) for i in range(len(KIND_STYLES) + 1)}
    many = [Mark(key, "run", (0.0, value), "γ", 3, z=0.0) for key, value in every.items()]
    solid_figure(many, colour=Colour("k", every, "kind"))


def test_at_most_six_words_and_equal_data_give_an_equal_figure() -> None:
    marks, ellipsoids = world()
    one, two = (solid_figure(marks, ellipsoids=ellipsoids).to_json() for _ in range(2))
    assert one == two
    notes = solid_figure(marks).to_dict()["layout"]["scene"]["annotations"]
    assert len(notes) == 6
    assert [note["text"] for note in notes[:2]] == ["<b>label 0</b>", "<b>label 2</b>"]


def test_an_empty_map_is_a_box() -> None:
    assert solid_figure([]).to_dict()["layout"]["scene"]["xaxis"]["range"] == [-1.0, 1.0]


def test_the_table_twin_has_the_third_axis_where_there_is_one() -> None:
    marks, _ = world()
    table = marks_table(marks)
    expected = [mark.z for mark in sorted(marks, key=lambda mark: mark.key)]
    assert table["Axis 3"].tolist() == pytest.approx(expected)
    assert "Axis 3" not in marks_table([Mark("k", "run", (0, 0), "γ", 3)])
