"""What colours, signs and lines of a map say: the bright end is better, a kind is a sign, a trail a neighbour."""

from __future__ import annotations

import itertools
import math
import time
from typing import Any

import numpy as np
import pytest

from core.drawing.kind_key import kind_key
from core.drawing.leaders import Window
from core.drawing.marks import Cloud, Kind, Mark, mark_card
from core.drawing.palette import BASELINE, OUTLINE, REAL, SCORE_SCALE, SETTING_SCALE, SYNTHETIC
from core.drawing.scales import KIND_STYLES, Colour, axis, reach, ticks
from core.figures import BAR, map_figure, map_window, trail_pairs


def marks_of(kinds: list[Kind], seed: int = 0) -> list[Mark]:
    generator = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    marks = []
    for i, kind in enumerate(kinds):
        x, y = generator.normal(0, 0.1, 2)
        outline = np.column_stack([x + 0.03 * np.cos(turn), y + 0.01 * np.sin(turn)])
        marks.append(Mark(f"r{i}", kind, (x, y), f"γ 0.{i}", 40 * (i + 1), f"label {i}", outline, 0.1 * i, 0.0, 1.0))
    return marks


KINDS: list[Kind] = ["real", "heldout", "chosen", "control", "few", "run", "run", "run"]


def traces(marks: list[Mark], **options: Any) -> list[dict[str, Any]]:
    return list(map_figure(marks, **options).to_dict()["data"])


def keys(trace: dict[str, Any]) -> set[str]:
    return {key.removeprefix("run:") for key in trace.get("customdata", ())}


def brightness(shade: str) -> float:
    """Relative luminance (WCAG) of #RRGGBB."""
    parts = [int(shade[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def shade_at(found: dict[str, Any], value: float) -> str:
    """The colour that Plotly gives to a value at one of the ends."""
    share = (value - found["cmin"]) / (found["cmax"] - found["cmin"])
    share = 1 - share if found["reversescale"] else share
    return next(shade for at, shade in found["colorscale"] if at == pytest.approx(share))


@pytest.mark.parametrize(("better", "best"), [("higher", 0.9), ("lower", 0.1)])
def test_the_bright_end_of_a_score_is_always_better(better: Any, best: float) -> None:
    marks = marks_of(["run", "run", "run"])
    colour = Colour("score", {"r0": 0.1, "r1": 0.5, "r2": 0.9}, "score", better)
    found = axis(colour, marks)
    assert found is not None
    assert shade_at(found, best) == SCORE_SCALE[-1]
    assert brightness(shade_at(found, best)) > 5 * brightness(shade_at(found, 1 - best))


def test_a_setting_has_its_own_blues_and_the_bar_names_settings_that_are_on_the_map() -> None:
    marks = marks_of(["run"] * 5)
    colour = Colour("T", dict(zip(["r0", "r1", "r2", "r3", "r4"], (0.3, 0.7, 0.95, 1.5, 1.5), strict=True)), "setting")
    found = axis(colour, marks)
    assert found is not None
    assert [shade for _, shade in found["colorscale"]] == list(SETTING_SCALE)
    assert found["colorbar"]["tickvals"] == [0.3, 0.95, 1.5]
    assert found["colorbar"]["ticktext"] == ["0.30", "0.95", "1.50"]


def test_the_bar_lies_inside_the_frame_seven_pixels_high_with_words_above_and_three_ticks() -> None:
    colour = Colour("Accuracy of a student", {"r5": 0.72, "r6": 0.88}, "score", "higher")
    layout = map_figure(marks_of(KINDS), colour=colour).to_dict()["layout"]
    bar = layout["coloraxis"]["colorbar"]
    assert (bar["orientation"], bar["thickness"], bar["xref"], bar["x"], bar["y"]) == ("h", 7, "paper", 0, 1)
    assert bar["len"] - 2 * bar["xpad"] == BAR
    assert (bar["title"]["text"], bar["title"]["side"]) == ("Accuracy of a student", "top")
    assert len(bar["tickvals"]) == 3


@pytest.mark.parametrize("seed", range(20))
def test_ticks_are_three_evenly_spaced_short_numbers_between_the_ends(seed: int) -> None:
    generator = np.random.default_rng(seed)
    for _ in range(50):
        low = float(generator.normal(0, 10.0 ** generator.integers(-4, 4)))
        high = low + float(10.0 ** generator.uniform(-5, 4))
        found = ticks(low, high)
        assert len(set(found)) == 3
        assert low <= found[0] < found[1] < found[2] <= high
        assert found[2] - found[1] == pytest.approx(found[1] - found[0], rel=1e-6)
        # Far enough apart that the words do not touch.
        assert found[2] - found[0] >= 0.35 * (high - low)


def test_one_wild_value_does_not_swallow_the_scale_and_the_bar_says_that_it_is_beyond() -> None:
    values = [*np.linspace(10, 20, 11), 90_000.0]
    low, high = reach(values)
    assert low == 10
    assert 20 <= high < 60
    marks = marks_of(["run"] * 12)
    colour = Colour("perplexity", {f"r{i}": value for i, value in enumerate(values)}, "score", "lower")
    found = axis(colour, marks)
    assert found is not None
    assert found["colorbar"]["ticktext"][-1].startswith("≥ ")
    assert found["colorbar"]["tickvals"][-1] == found["cmax"] == high


def test_values_that_are_all_alike_still_have_a_scale() -> None:
    for value in (0.0, 3.0, -2.0):
        low, high = reach([value, value])
        assert low < value < high


def test_real_data_keep_their_colour_and_unknown_runs_stay_grey() -> None:
    colour = Colour("s", {"r0": 1.0, "r1": 1.0, "r5": 0.2, "r6": math.nan, "r7": None}, "score", "higher")
    found = traces(marks_of(KINDS), colour=colour, ellipses=False)
    of = {kind: [trace for trace in found if keys(trace) & ids] for kind, ids in (("real", {"r0"}), ("held", {"r1"}))}
    assert [trace["marker"]["color"] for trace in of["real"] + of["held"]] == [REAL, REAL]
    (grey,) = [trace for trace in found if keys(trace) == {"r6", "r7"}]
    assert grey["marker"]["color"] == OUTLINE
    (known,) = [trace for trace in found if "r5" in keys(trace)]
    assert list(known["marker"]["color"]) == [0.2]
    assert known["marker"]["coloraxis"] == "coloraxis"
    assert known["marker"]["line"]["color"] == OUTLINE


def test_nothing_known_gives_no_bar_and_no_error() -> None:
    figure = map_figure(marks_of(KINDS), colour=Colour("s", {}, "score")).to_dict()
    assert "coloraxis" not in figure["layout"]


def test_open_signs_keep_their_ring_and_hold_the_value_inside() -> None:
    colour = Colour("s", {f"r{i}": float(i) for i in range(8)}, "score", "higher")
    found = traces(marks_of(KINDS), colour=colour, ellipses=False)
    for key, shade in (("r2", SYNTHETIC), ("r3", SYNTHETIC), ("r4", BASELINE)):
        ring, inside = [trace for trace in found if key in keys(trace)]
        assert ring["marker"]["symbol"] == "circle-open"
        assert ring["marker"]["color"] == shade
        assert list(inside["marker"]["color"]) == [float(key[1])]
        assert inside["marker"]["size"] < ring["marker"]["size"]


def test_kinds_are_told_apart_by_their_sign_and_the_key_draws_the_same_signs() -> None:
    words = {0.0: "growing pool", 1.0: "real rows only", 2.0: "no negatives"}
    colour = Colour("Written", {"r2": 0.0, "r5": 0.0, "r6": 1.0, "r7": 2.0}, "kind", None, words)
    marks = marks_of(KINDS)
    found = traces(marks, colour=colour, ellipses=False)
    sign = {key: trace["marker"] for trace in found for key in keys(trace) if key in ("r5", "r6", "r7")}
    assert len({marker["symbol"] for marker in sign.values()}) == 3
    assert len({marker["color"] for marker in sign.values()}) == 3
    layout = map_figure(marks, colour=colour, rings=False).to_dict()["layout"]
    drawn = [shape["fillcolor"] for shape in layout["shapes"] if shape.get("xsizemode") == "pixel"]
    assert drawn == [sign[key]["color"] for key in ("r5", "r6", "r7")]
    said = [note["text"] for note in layout["annotations"] if not note["showarrow"]]
    assert said == ["Written", "growing pool", "real rows only", "no negatives"]
    # A kind keeps its sign where another is not on the map.
    fewer, _ = kind_key(colour, [mark for mark in marks if mark.key != "r6"])
    assert [shape["fillcolor"] for shape in fewer] == [drawn[0], drawn[2]]


def test_neighbouring_kinds_differ_in_sign_and_in_lightness() -> None:
    for (symbol, shade), (other, next_shade) in itertools.pairwise(KIND_STYLES):
        assert symbol != other
        light, dark = sorted((brightness(shade), brightness(next_shade)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 1.4


def test_a_card_says_the_value_once() -> None:
    mark = Mark("k", "run", (0, 0), "γ 1", 5, distance=0.25, low=0.1, high=0.4)
    assert Colour("accuracy", {"k": 0.771}, "score").line(mark) == "accuracy: 0.771"
    assert Colour("distance", {"k": 0.25}, "score", "lower").line(mark) == ""
    assert Colour("γ", {"k": 1.0}, "setting").line(mark) == ""
    assert Colour("Written", {"k": 1.0}, "kind", None, {1.0: "no negatives"}).line(mark) == "Written: no negatives"
    assert mark_card(mark, "accuracy: 0.771").split("<br>")[2] == "accuracy: 0.771"


def test_areas_grow_with_the_samples_a_point_stands_on() -> None:
    found = traces(marks_of(KINDS), size_by_n=True, ellipses=False)
    (runs,) = [trace for trace in found if keys(trace) == {"r5", "r6", "r7"}]
    sizes = dict(zip(("r5", "r6", "r7"), runs["marker"]["size"], strict=True))
    assert (sizes["r7"] / sizes["r5"]) ** 2 == pytest.approx(320 / 240, rel=0.02)
    assert runs["marker"]["opacity"] == 1


def test_layers_come_in_order_and_each_can_be_left_out() -> None:
    cloud = Cloud("real", np.zeros((3, 2)), ("1", "2", "3"), ("a", "b", "c"))
    marks, pairs = marks_of(KINDS), [("r5", "r6"), ("r6", "gone")]
    found = traces(marks, clouds=[cloud], trails=pairs)
    assert [trace.get("line", {}).get("color") for trace in found[:4]] == [None, BASELINE, REAL, SYNTHETIC]
    assert all(trace["mode"] == "markers" for trace in found[4:])
    without = traces(marks, clouds=[cloud], ellipses=False, trails=[("r5", "gone")])
    assert all(trace["mode"] == "markers" for trace in without)


@pytest.mark.parametrize(("runs", "last"), [(20, "circle"), (200, "diamond")])
def test_real_data_lie_below_a_few_runs_and_above_a_crowd(runs: int, last: str) -> None:
    found = traces(marks_of(["real", *["run"] * runs]), ellipses=False)
    assert [trace["marker"]["symbol"] for trace in found][-1] == last


def test_a_trail_joins_its_two_marks_and_parts_from_the_next() -> None:
    marks = marks_of(KINDS)
    figure = map_figure(marks, trails=[("r5", "r6"), ("r7", "r5")])
    (line,) = [trace for trace in figure.data if trace.mode == "lines" and trace.line.color == BASELINE]
    expected = [marks[5].xy, marks[6].xy, (np.nan, np.nan), marks[7].xy, marks[5].xy, (np.nan, np.nan)]
    np.testing.assert_allclose(np.column_stack([line.x, line.y]), expected, rtol=1e-6)


def test_trails_are_the_pairs_that_differ_in_one_number_with_none_between() -> None:
    grid = itertools.product((0.0, 0.2, 0.4), (0.0, 0.3), (0.7, 1.0, 1.5), ("uniform", "real-only"), (0, 1))
    names = ("gamma", "eta", "temperature", "policy", "seed")
    settings = {f"r{i}": dict(zip(names, values, strict=True)) for i, values in enumerate(grid)}
    del settings["r20"]
    settings["control"] = {"gamma": 0.0, "eta": 0.0, "temperature": 1.25, "policy": "uniform", "seed": 0}
    expected = set()
    for one, other in itertools.permutations(settings, 2):
        a, b = settings[one], settings[other]
        differ = [name for name in names if a[name] != b[name]]
        if len(differ) != 1 or differ[0] in ("policy", "seed") or a[differ[0]] > b[differ[0]]:
            continue
        name = differ[0]
        between = [
            c
            for c in settings.values()
            if all(c[rest] == a[rest] for rest in names if rest != name) and a[name] < c[name] < b[name]
        ]
        if not between:
            expected.add((one, other))
    found = trail_pairs(settings)
    assert len(found) == len(set(found))
    assert set(found) == expected
    along = {pair for pair in expected if settings[pair[0]]["eta"] != settings[pair[1]]["eta"]}
    assert set(trail_pairs(settings, "eta")) == along


def test_real_data_and_imports_with_other_settings_are_joined_to_nothing() -> None:
    settings = {"real": {}, "a": {"gamma": 0.0}, "b": {"gamma": 1.0, "model": "x"}, "c": {"gamma": True}}
    assert trail_pairs(settings) == ()


def test_the_same_settings_twice_are_both_joined_to_the_next() -> None:
    settings = {"a": {"gamma": 0}, "b": {"gamma": 0.0}, "c": {"gamma": 1}}
    assert set(trail_pairs(settings)) == {("a", "c"), ("b", "c")}


@pytest.mark.parametrize("seed", range(6))
def test_a_window_with_a_bar_keeps_marks_and_labels_from_under_it(seed: int) -> None:
    kinds: list[Kind] = ["real", "chosen", *["run"] * 20]
    marks = marks_of(kinds, seed)
    colour = Colour("score", {mark.key: float(mark.n) for mark in marks}, "score", "higher")
    for width in (360, 510):
        left, right, bottom, top = map_window(marks, bar=True)
        view = Window(left, right, bottom, top, width - 62, 570 - 68)
        places = view.pixels(np.concatenate([np.array([mark.xy for mark in marks])]))
        under = (places[:, 0] < -view.width / 2 + 140) & (places[:, 1] > view.height / 2 - 48)
        assert not under.any()
        notes = map_figure(marks, colour=colour, width=width).to_dict()["layout"]["annotations"]
        ends = view.pixels(np.array([(note["ax"], note["ay"]) for note in notes if note["showarrow"]]))
        assert not ((ends[:, 0] < -view.width / 2 + 140) & (ends[:, 1] > view.height / 2 - 48)).any()


def test_a_lasso_elsewhere_lights_the_same_samples_and_fades_the_others() -> None:
    clouds = [
        Cloud("chosen", np.zeros((4, 2)), ("1", "2", "3", "4"), ("a",) * 4),
        Cloud("real", np.zeros((3, 2)), ("1", "2", "3"), ("a",) * 3),
    ]
    real, chosen = traces([], clouds=clouds, lit=["sample:2", "sample:4", "real:3", "sample:99"])
    assert list(real["selectedpoints"]) == [2]
    assert list(chosen["selectedpoints"]) == [1, 3]
    assert chosen["unselected"]["marker"]["opacity"] == 0.08
    assert chosen["selected"]["marker"]["opacity"] > chosen["marker"]["opacity"]
    # An empty lasso is a selection too; none is not.
    assert [list(trace["selectedpoints"]) for trace in traces([], clouds=clouds, lit=[])] == [[], []]
    assert all("selectedpoints" not in trace for trace in traces([], clouds=clouds))


def test_a_cloud_of_three_axes_shows_its_first_two_on_a_flat_map() -> None:
    points = np.arange(12.0).reshape(4, 3)
    figure = map_figure([], [Cloud("real", points, tuple("abcd"), tuple("abcd"))])
    np.testing.assert_array_equal(np.column_stack([figure.data[0].x, figure.data[0].y]), points[:, :2])


def test_a_map_of_one_axis_is_a_line() -> None:
    cloud = Cloud("real", np.array([[1.0], [2.0]]), ("a", "b"), ("a", "b"))
    figure = map_figure([Mark("k", "real", (1.5, 0.0), "real data", 2)], [cloud], explained=[1.0])
    assert list(figure.data[0].x) == [1.0, 2.0]
    assert list(figure.data[0].y) == [0.0, 0.0]
    assert figure.layout.yaxis.title.text == "Axis 2"


@pytest.mark.parametrize(("generators", "samples", "megabytes"), [(50, 10_000, 2.4), (1_000, 50_000, 2.4)])
def test_large_maps_are_built_quickly_and_stay_small(generators: int, samples: int, megabytes: float) -> None:
    marks = marks_of(["real", "chosen", *["run"] * (generators - 2)])
    points = np.random.default_rng(0).normal(0, 0.1, (samples // 2, 2))
    ids = tuple(str(i) for i in range(len(points)))
    clouds = [Cloud(kind, points, ids, ("some words of a sample " * 20,) * len(ids)) for kind in ("real", "chosen")]
    colour = Colour("s", {mark.key: float(mark.n) for mark in marks}, "score", "higher")
    trails = [(f"r{i}", f"r{i + 1}") for i in range(2, generators - 1)]
    start = time.process_time()
    figure = map_figure(marks, clouds, colour=colour, trails=trails, explained=(0.5, 0.2))
    assert time.process_time() - start < 1.5
    assert len(figure.to_json()) < megabytes * 1e6
    assert sum(len(trace.x) for trace in figure.data[:2]) == samples
