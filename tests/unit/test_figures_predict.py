"""What the figures of a prediction say: opacity is what is known, red is a miss, an interval is the one computed."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.drawing.null_chart import BINS, histogram
from core.drawing.palette import BASELINE, MISSED, SCORE_SCALE, SYNTHETIC
from core.drawing.raster import png, shaded
from core.drawing.surface_picture import round_step, settled, support
from core.figures import (
    PredictMark,
    baseline_alt,
    baseline_figure,
    left_out_alt,
    left_out_figure,
    null_alt,
    null_figure,
    residual_alt,
    residual_figure,
    surface_alt,
    surface_figure,
    surface_window,
)
from core.regression import Evaluation, Prediction, Surface, evaluate
from tests.unit.hostile import HOSTILE
from tests.unit.scored_runs import scored

K = 25
TAG = "<img src=x onerror=alert(1)>"


def grid(values: Any, errors: Any, known: Any = None) -> Surface:
    x = np.linspace(-1, 1, K)
    whole = np.ones((K, K))
    return Surface(x, x, values * whole, errors * whole, np.ones((K, K), dtype=bool) if known is None else known)


def runs_on(scores: Mapping[tuple[float, float], float]) -> list[PredictMark]:
    return [PredictMark(f"r{i}", f"γ 0.{i}", x, y, "run", score) for i, ((x, y), score) in enumerate(scores.items())]


EVERYWHERE = runs_on(
    {
        (float(x), float(y)): float(i % 2)
        for i, (x, y) in enumerate((x, y) for x in np.linspace(-1, 1, 9) for y in np.linspace(-1, 1, 9))
    }
)
"""Runs at 0 and 1 in turn, so close that each place has support, with a standard deviation of nearly 0.5."""

RISING = np.linspace(0, 1, K)[None, :]


def picture(figure: Any) -> np.ndarray:
    head, body = figure.layout.images[0].source.split(",", 1)
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGBA"), dtype=int)


def contours(figure: Any) -> list[Any]:
    return [trace for trace in figure.data if trace.type == "contour"]


def test_a_png_holds_the_very_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, size=(7, 11, 4), dtype=np.uint8)
    body = png(pixels).split(",", 1)[1]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(body)))), pixels)
    ends = shaded(np.array([[0.0, 1.0]]), np.array([[1.0, 0.5]]))
    assert ["#{:02X}{:02X}{:02X}".format(*pixel[:3]) for pixel in ends[0]] == [SCORE_SCALE[0], SCORE_SCALE[-1]]
    assert ends[0, :, 3].tolist() == [255, 128]


def test_opacity_falls_with_the_error_and_ends_where_the_mean_would_do_as_well() -> None:
    found = picture(surface_figure(grid(RISING, 0.6 * RISING), EVERYWHERE, name="score", better="higher"))
    across = found[len(found) // 2, 20:-20, 3]
    assert np.all(np.diff(across) <= 1)
    assert across[0] > 215
    assert across[-1] == 0
    # Halfway: error 0.3 beside a standard deviation of 0.5.
    assert found[len(found) // 2, found.shape[1] // 2, 3] == pytest.approx(255 * 0.92 * (1 - 0.36), abs=3)


def test_the_bright_end_is_better_and_the_picture_stands_upright() -> None:
    above = RISING.T * np.ones((1, K))
    marks = EVERYWHERE
    for better, bright in (("higher", 0), ("lower", 1)):
        found = picture(surface_figure(grid(above, 0.05), marks, name="score", better=better))[20:-20, 100, :3]  # type: ignore[arg-type]
        ends = (found[0].sum(), found[-1].sum())
        assert ends[bright] > 1.5 * ends[1 - bright]


def test_support_is_of_the_nearest_runs_only() -> None:
    surface = grid(0.5, 0.1)
    points = np.array([[0.0, 0.0], [0.1, 0.0], [0.0, 0.5], [0.6, 0.6]])
    found = support(surface, points)
    x, y = np.meshgrid(surface.x, surface.y)
    nearest = np.min([np.hypot(x - a, y - b) for a, b in points], axis=0)
    assert np.all(found[nearest > 0.3 * 0.6] == 0)
    assert found[12, 12] == pytest.approx(1)
    assert np.all((found >= 0) & (found <= 1))
    assert np.all(settled(grid(0.0, 2.0), np.array([0.0, 1.0])) == 0)


def test_contour_lines_are_round_and_only_where_something_is_known() -> None:
    known = np.ones((K, K), dtype=bool)
    known[:, :6] = False
    lines = contours(surface_figure(grid(RISING, 0.55 * RISING.T, known), EVERYWHERE, name="score", better="higher"))
    assert len(lines) == 2
    drawn = ~np.isnan(np.asarray(lines[0]["z"], dtype=float))
    assert not drawn[:, :6].any()
    # Rows near the top are unsure, those near the bottom are not.
    assert drawn[1, 6:].all()
    assert not drawn[-1].any()
    levels = [line["contours"]["start"] for line in lines] + [line["contours"]["size"] for line in lines]
    assert all(level == pytest.approx(round(level, 1)) for level in levels)
    pale, dark = lines
    assert pale["contours"]["end"] < dark["contours"]["start"]
    assert "255,255,255" in pale["line"]["color"]
    assert contours(surface_figure(grid(0.5, 0.1), EVERYWHERE, name="score")) == []


@pytest.mark.parametrize(("span", "step"), [(0.8, 0.1), (0.81, 0.2), (0.0034, 0.0005), (37, 5), (8, 1)])
def test_steps_are_round(span: float, step: float) -> None:
    assert round_step(span) == pytest.approx(step)


EVERY_KIND = [
    *runs_on({(0.0, 0.0): 0.2, (0.5, 0.1): 0.6, (-0.5, 0.4): 0.9}),
    PredictMark("w", "γ 0.9", 0.2, -0.4, "waiting", predicted=0.5, low=0.3, high=0.7),
    PredictMark("real", "real data", 0.1, 0.3, "real"),
    PredictMark("p", "γ 0.25", 0.3, 0.3, "point", predicted=0.8613, low=0.8461, high=0.8774),
    PredictMark("n", "γ 0.35", -0.3, -0.3, "next", predicted=0.95, low=0.9, high=1.0, number=1),
]


def test_every_kind_has_its_sign_and_its_card() -> None:
    figure = surface_figure(None, EVERY_KIND, name="accuracy", better="higher").to_dict()
    shown = {key: trace for trace in figure["data"] for key in trace.get("customdata", ())}
    assert set(shown) == {"run:r0", "run:r1", "run:r2", "run:w", "real:real", "point:p", "next:n"}
    assert shown["run:r0"]["marker"]["color"] == [0.2, 0.6, 0.9]
    assert shown["run:w"]["marker"]["symbol"] == "circle-open"
    assert shown["run:w"]["marker"]["color"] == BASELINE
    assert shown["next:n"]["text"] == ["<b>1</b>"]
    assert shown["run:w"]["hovertext"] == ["<b>γ 0.9</b><br>no score yet<br>predicted 0.500, 90% 0.300 to 0.700"]
    assert "slider point 0.861" in " ".join(each["text"] for each in figure["layout"]["annotations"])
    left, right, bottom, top = surface_window(None, EVERY_KIND)
    assert all(left < mark.x < right and bottom < mark.y < top for mark in EVERY_KIND)


def test_the_surface_in_words() -> None:
    said = surface_alt(grid(RISING, 0.1), EVERY_KIND, name="accuracy", better="higher")
    assert "3 runs with a score" in said
    assert "predicts 0.00 to 1.00; higher is better" in said
    assert "The best run so far is γ 0.2, at 0.900." in said
    assert "The slider point is predicted to reach 0.861, 90% interval 0.846 to 0.877." in said
    assert "1 run has no score yet." in said
    assert "The best run so far is γ 0.0, at 0.200." in surface_alt(None, EVERY_KIND, name="loss", better="lower")


def test_an_empty_surface_is_drawn() -> None:
    figure = surface_figure(None, [], name="accuracy")
    assert list(figure.data) == []
    assert surface_window(None, []) == (-1.0, 1.0, -1.0, 1.0)


def foretold(
    key: str, score: float | None, predicted: float, ends: tuple[float, float] | None, error: float | None = None
) -> Prediction:
    low, high = ends or (None, None)
    return Prediction(key, score, error, predicted, low, high, 0.1, False, None)


LEFT_OUT = [
    foretold("in", 0.50, 0.52, (0.4, 0.6), 0.01),
    foretold("edge", 0.70, 0.62, (0.5, 0.7)),
    foretold("above", 0.90, 0.60, (0.5, 0.7)),
    foretold("below", 0.30, 0.45, (0.35, 0.55)),
    foretold("just", 0.61, 0.50, (0.4, 0.6)),
    foretold("none", 0.55, 0.58, None),
    foretold("new", None, 0.6, (0.5, 0.7)),
]
NAMES = {"above": "η 0.6", "below": "η 0.4"}


def test_misses_are_red_and_the_two_worst_are_named() -> None:
    figure = left_out_figure(LEFT_OUT, NAMES, name="accuracy").to_dict()
    points = [trace for trace in figure["data"] if trace["mode"] == "markers"]
    by_colour = {trace["marker"]["color"]: [key[4:] for key in trace["customdata"]] for trace in points}
    assert by_colour == {SYNTHETIC: ["in", "edge", "none"], MISSED: ["above", "below", "just"]}
    assert points[0]["marker"]["symbol"] == ["circle", "circle", "circle-open"]
    assert [each["text"] for each in figure["layout"]["annotations"]] == ["η 0.6 misses", "η 0.4 misses"]
    bars = [trace for trace in figure["data"] if trace["mode"] == "lines" and trace["line"]["width"] == 1.4]
    assert bars[0]["x"] == [0.4, 0.6, None, 0.5, 0.7, None]
    assert bars[0]["y"] == [0.5, 0.5, None, 0.7, 0.7, None]
    errors = next(trace for trace in figure["data"] if trace["mode"] == "lines" and trace["line"]["width"] < 1)
    assert errors["x"] == [0.52, 0.52, None]
    assert errors["y"][:2] == pytest.approx([0.49, 0.51])
    assert figure["layout"]["xaxis"]["range"] == figure["layout"]["yaxis"]["range"]
    diagonal = figure["layout"]["shapes"][0]
    assert (diagonal["x0"], diagonal["x1"]) == (diagonal["y0"], diagonal["y1"])


def test_left_out_runs_in_words() -> None:
    said = left_out_alt(LEFT_OUT, NAMES, name="accuracy")
    off = np.mean([0.02, 0.08, 0.30, 0.15, 0.11, 0.03])
    assert said == (
        f"6 runs, each predicted without itself: off by {off:.3f} accuracy on average. "
        "2 of 5 intervals hold what was measured. Missed: η 0.6, η 0.4, just."
    )
    assert "too few runs for intervals" in left_out_alt(LEFT_OUT[5:6], {}, name="accuracy")
    assert left_out_alt([], {}, name="accuracy") == "No run has a measured accuracy yet."
    assert len(left_out_figure([], {}, name="accuracy").data) == 0


def test_residuals_are_sorted_and_their_ends_named() -> None:
    figure = residual_figure(LEFT_OUT, NAMES, name="accuracy").to_dict()
    points = [trace for trace in figure["data"] if trace["mode"] == "markers"]
    left = {i: y for trace in points for i, y in zip(trace["x"], trace["y"], strict=True)}
    assert [left[i] for i in range(1, 7)] == pytest.approx([-0.15, -0.03, -0.02, 0.08, 0.11, 0.30])
    assert {i for trace in points if trace["marker"]["color"] == MISSED for i in trace["x"]} == {1, 5, 6}
    assert [each["text"] for each in figure["layout"]["annotations"]] == ["η 0.4", "η 0.6"]
    assert residual_alt(LEFT_OUT, NAMES, name="accuracy").endswith(
        "Most overrated: η 0.4, by 0.150. Most underrated: η 0.6, by 0.300."
    )


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(scored(14), permutations=19)


def test_the_interval_of_a_baseline_is_the_bootstrap_of_its_mean_error(evaluation: Evaluation) -> None:
    scores = scored(14).scores
    off = np.array([abs(score - np.delete(scores, i).mean()) for i, score in enumerate(scores)])
    rng = np.random.default_rng(5)
    draws = [off[rng.integers(14, size=14)].mean() for _ in range(4000)]
    low, high = np.quantile(draws, [0.025, 0.975])
    mean = next(each for each in evaluation.baselines if each.name == "mean")
    assert mean.mae == pytest.approx(off.mean())
    assert (mean.mae_low, mean.mae_high) == pytest.approx((low, high), abs=0.08 * (high - low))
    unknown = next(each for each in evaluation.baselines if each.mae is None)
    assert unknown.mae_low is None
    assert unknown.reason


def test_baselines_stand_in_order_with_their_intervals(evaluation: Evaluation) -> None:
    figure = baseline_figure(evaluation, name="accuracy").to_dict()
    names = figure["layout"]["yaxis"]["ticktext"]
    known = sorted((each for each in evaluation.baselines if each.mae is not None), key=lambda each: each.mae or 0)
    assert names[: 1 + len(known)] == ["Map (this fit)", *(each.name.capitalize() for each in known)]
    grey, blue = (
        [t for t in figure["data"] if t["mode"] == "lines" and t["line"]["color"] == c] for c in (BASELINE, SYNTHETIC)
    )
    assert blue[0]["x"] == [evaluation.mae_low, evaluation.mae_high, None]
    assert grey[0]["x"] == [end for each in known for end in (each.mae_low, each.mae_high, None)]
    assert figure["layout"]["shapes"][0]["x0"] == evaluation.mae
    reasons = [each["text"] for each in figure["layout"]["annotations"]]
    assert len(reasons) == len(evaluation.baselines) - len(known) > 0
    said = baseline_alt(evaluation, name="accuracy")
    assert f"the best baseline, {known[0].name}" in said
    gain = known[0].gain_low, known[0].gain_high
    assert said.endswith("not told apart.") == (gain[0] <= 0 <= gain[1])  # type: ignore[operator]


def test_the_null_counts_every_shuffle_once(evaluation: Evaluation) -> None:
    counts, edges = histogram(evaluation.null, evaluation.q2)
    assert counts.sum() == len(evaluation.null) == 19
    assert len(edges) == BINS + 1
    assert edges[0] < evaluation.q2 < edges[-1]
    far, _ = histogram(np.array([*np.linspace(-0.2, 0.2, 40), -90.0]), 0.5)
    assert far.sum() == 41
    # Without fences the rest would share one bin.
    assert (far[1:] > 0).sum() > 5
    figure = null_figure(evaluation).to_dict()
    assert [shape["x0"] for shape in figure["layout"]["shapes"] if shape["type"] == "line"] == [evaluation.q2]
    as_well = sum(value >= evaluation.q2 for value in evaluation.null.tolist())
    said = null_alt(evaluation)
    assert said.startswith(f"Of 19 shuffles of the scores {as_well or 'none'} reach")
    assert f"p = {(1 + as_well) / 20:.2g}" in said


@pytest.mark.parametrize("hostile", [TAG, *HOSTILE[-6:]])
def test_what_others_wrote_is_shown_as_it_stands(hostile: str, evaluation: Evaluation) -> None:
    marks = [PredictMark("r", hostile, 0, 0, "run", 0.3), PredictMark("p", hostile, 1, 0, "next", number=1)]
    figures = [
        surface_figure(grid(RISING, 0.1), [*marks, *EVERYWHERE], name=hostile),
        left_out_figure(LEFT_OUT, {"above": hostile, "in": hostile}, name=hostile),
        residual_figure(LEFT_OUT, {"above": hostile}, name=hostile),
        baseline_figure(evaluation, name=hostile),
    ]
    for figure in figures:
        said = str(figure.to_dict())
        assert "<img" not in said
        assert "<script" not in said
        assert "<a " not in said


def test_equal_input_gives_an_equal_figure() -> None:
    one, other = (surface_figure(grid(RISING, 0.1), EVERY_KIND, name="score") for _ in range(2))
    assert one.to_json() == other.to_json()
