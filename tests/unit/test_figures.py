"""The map and the force strip: what they hold, in what order, and what a hover card may never do."""

from __future__ import annotations

import html
import itertools
import math
from typing import Any

import numpy as np
import pytest

from core.drawing.forces import STRIP_HEIGHT, TokenForce, force_strip, force_table
from core.drawing.leaders import CHARACTER, LINE, Window, place
from core.drawing.marks import HOVER_CHARACTERS, Cloud, Kind, Mark, mark_card, marks_table, text_card
from core.drawing.palette import EXPERT, NEGATIVES, REAL, SYNTHETIC
from core.figures import LABELS, map_figure, map_window

NASTY = "<a href='https://example.com'>x</a> & <b>y</b> %{x}"


def circle(x: float, y: float, radius: float = 0.02) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    return np.column_stack([x + radius * np.cos(turn), y + radius * np.sin(turn)])


def some_marks() -> list[Mark]:
    kinds: list[Kind] = ["real", "heldout", "run", "run", "few", "chosen", "control", "run"]
    marks = []
    for i, kind in enumerate(kinds):
        x, y = 0.2 * math.cos(i), 0.2 * math.sin(i)
        outline = None if kind in ("few", "real") else circle(x, y)
        marks.append(Mark(f"r{i}", kind, (x, y), f"γ 0.{i}", 160, f"label {i}", outline, 0.1 * (7 - i), 0.0, 1.0))
    return marks


def some_clouds() -> list[Cloud]:
    generator = np.random.default_rng(0)
    clouds = []
    for kind in ("chosen", "real"):
        points = generator.normal(0, 0.1, (50, 2))
        clouds.append(Cloud(kind, points, tuple(map(str, range(50))), (NASTY,) * 50))  # type: ignore[arg-type]
    return clouds


def figure(**options: Any) -> dict[str, Any]:
    return map_figure(some_marks(), some_clouds(), explained=(0.46, 0.21), **options).to_dict()


def test_every_trace_is_webgl_so_that_the_order_of_drawing_holds() -> None:
    assert {trace["type"] for trace in figure()["data"]} == {"scattergl"}


def test_clouds_lie_under_ellipses_under_marks_and_real_under_synthetic() -> None:
    traces = figure()["data"]
    sorts = []
    for trace in traces:
        if trace["mode"] == "lines":
            sorts.append("ellipse")
        else:
            sorts.append("cloud" if trace["marker"]["size"] == 4 else "mark")
    assert sorts == ["cloud"] * 2 + ["ellipse"] * 2 + ["mark"] * 6
    assert [trace["marker"]["color"] for trace in traces[:2]] == [REAL, SYNTHETIC]
    assert [trace["marker"]["symbol"] for trace in traces[4:]] == [
        "diamond-open",
        "diamond",
        "circle",
        "circle-open",
        "circle",
        "circle-open",
    ]


def test_ellipses_of_a_colour_are_one_closed_line_with_gaps() -> None:
    lines = [trace for trace in map_figure(some_marks(), some_clouds()).data if trace.mode == "lines"]
    synthetic = next(line for line in lines if line.line.color == SYNTHETIC)
    pieces = [
        list(piece)
        for gap, piece in itertools.groupby(
            zip(synthetic.x.tolist(), synthetic.y.tolist(), strict=True), key=lambda p: math.isnan(p[0])
        )
        if not gap
    ]
    assert len(pieces) == 5
    assert all(piece[0] == piece[-1] and len(piece) == 31 for piece in pieces)


def test_a_mark_without_an_honest_ellipse_gets_none() -> None:
    few = [Mark("a", "few", (0, 0), "γ 1", 2)]
    assert [trace.mode for trace in map_figure(few).data] == ["markers"]


def test_units_are_equal_and_nothing_of_the_theme_is_set() -> None:
    layout = figure()["layout"]
    assert layout["yaxis"]["scaleanchor"] == "x"
    assert layout["xaxis"]["constrain"] == layout["yaxis"]["constrain"] == "range"
    assert layout["showlegend"] is False
    assert not {"paper_bgcolor", "plot_bgcolor", "font"} & set(layout)
    assert layout["shapes"][-1]["xref"] == "x domain"
    # At the top there is room for the mode bar that holds the lasso.
    assert layout["margin"] == {"l": 52, "r": 10, "t": 26, "b": 42}


def test_equal_data_give_an_equal_figure() -> None:
    one, two = (map_figure(some_marks(), some_clouds(), explained=(0.5, 0.2)).to_json() for _ in range(2))
    assert one == two


def test_ids_come_back_with_their_kind() -> None:
    real, chosen, *rest = figure()["data"]
    assert real["customdata"][3] == "real:3"
    assert chosen["customdata"][3] == "sample:3"
    assert {key for trace in rest for key in trace.get("customdata", ())} == {f"run:r{i}" for i in range(8)}


def test_a_lasso_over_samples_never_fades_the_generators() -> None:
    marks = [trace for trace in figure()["data"] if trace["mode"] == "markers" and trace["marker"]["size"] > 4]
    assert all(trace["unselected"]["marker"]["opacity"] == 1 for trace in marks)
    assert all(trace["marker"]["opacity"] == 1 for trace in marks)


def test_rings_are_offered_only_where_the_axes_carry_the_spread() -> None:
    def rings(explained: tuple[float, float] | None) -> int:
        shapes = map_figure(some_marks(), explained=explained).to_dict()["layout"]["shapes"]
        return sum(shape["type"] == "circle" for shape in shapes)

    assert rings((0.4, 0.2)) >= 2
    assert rings((0.4, 0.19)) == 0
    assert rings(None) == 0
    assert not any(
        shape["type"] == "circle"
        for shape in map_figure([Mark("a", "run", (0, 0), "", 1)], explained=(1, 0)).to_dict()["layout"]["shapes"]
    )


def test_rings_are_circles_around_the_real_data_and_lie_below() -> None:
    layout = figure()["layout"]
    for shape in layout["shapes"][:-1]:
        assert (shape["x0"] + shape["x1"]) / 2 == pytest.approx(0.2)
        assert (shape["y0"] + shape["y1"]) / 2 == pytest.approx(0.0)
        assert shape["x1"] - shape["x0"] == pytest.approx(shape["y1"] - shape["y0"])
        assert shape["layer"] == "below"


def test_at_most_six_leaders_end_in_data_coordinates_the_important_first() -> None:
    leaders = [note for note in figure()["layout"]["annotations"] if note["showarrow"]]
    assert len(leaders) == LABELS
    assert all(note["axref"] == "x" and note["ayref"] == "y" for note in leaders)
    assert [note["text"] for note in leaders[:3]] == ["<b>label 0</b>", "<b>label 5</b>", "label 6"]


@pytest.mark.parametrize("seed", range(8))
def test_labels_keep_apart_and_inside_and_cover_no_mark(seed: int) -> None:
    generator = np.random.default_rng(seed)
    marks = generator.uniform(-1, 1, (14, 2))
    window = Window(-1.4, 1.4, -1.4, 1.4, 310, 250)
    words = ["real", "this run", "matched temperature", "held-out real", "expert only", "negative only"]
    targets = [(tuple(mark), word) for mark, word in zip(marks, words, strict=False)]
    places = place(targets, marks, generator.normal(0, 0.4, (300, 2)), window)  # type: ignore[arg-type]
    boxes = []
    for (x, y), word in zip(window.pixels(np.array(places)), words, strict=True):
        half = CHARACTER * len(word) / 2
        boxes.append((x - half, y - LINE / 2, x + half, y + LINE / 2))
    for left, bottom, right, top in boxes:
        assert left >= -155
        assert right <= 155
        assert bottom >= -125
        assert top <= 125
        inside = [(left < x < right) and (bottom < y < top) for x, y in window.pixels(marks)]
        assert not any(inside)
    for one, other in itertools.combinations(boxes, 2):
        apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
        assert apart


def test_the_window_holds_every_ellipse_and_follows_no_far_sample() -> None:
    marks = some_marks()
    far = Cloud("real", np.array([[50.0, 50.0]] * 20), ("1",) * 20, ("x",) * 20)
    left, right, bottom, top = map_window(marks, [far])
    for mark in marks:
        points = [mark.xy] if mark.outline is None else mark.outline
        assert all(left < x < right and bottom < y < top for x, y in points)
    assert right < 2
    assert map_window([]) == (-1.0, 1.0, -1.0, 1.0)


def test_a_given_window_is_kept() -> None:
    layout = figure(window=(-3.0, 3.0, -2.0, 2.0))["layout"]
    assert list(layout["xaxis"]["range"]) == [-3.0, 3.0]
    assert list(layout["yaxis"]["range"]) == [-2.0, 2.0]


def tags(card: str) -> str:
    """What is left of a card once our own markup is gone."""
    return card.replace("<b>", "").replace("</b>", "").replace("<br>", "\n")


def test_cards_hold_no_markup_of_the_text_and_at_most_four_lines() -> None:
    for text in (NASTY, NASTY * 20, "&" * 500, "word " * 100, "", "\n\n"):
        card = text_card(text, "real")
        assert "<" not in tags(card)
        lines = tags(card).split("\n")
        assert len(lines) <= 4
        shown = html.unescape(" ".join(lines[1:]))
        assert len(shown) <= HOVER_CHARACTERS + 4
        assert card.count("&") == tags(card).count("&")
    assert html.unescape(tags(text_card("a < b", "s"))) == "s\na < b"
    mark = Mark("k", "chosen", (0, 0), NASTY, 7, distance=0.021, low=0.003, high=0.039, score=NASTY)
    assert "<" not in tags(mark_card(mark))
    assert tags(mark_card(mark)).split("\n")[1] == "distance to real 0.0210, 95% 0.0030 to 0.0390"
    assert tags(mark_card(mark)).split("\n")[3] == "n = 7"


def test_labels_and_ticks_are_escaped() -> None:
    mark = Mark("k", "real", (0, 0), "γ", 7, label=NASTY)
    (note,) = map_figure([mark]).to_dict()["layout"]["annotations"]
    assert "<a" not in note["text"]
    (tick,) = force_strip([TokenForce(NASTY, 1, 1)]).to_dict()["layout"]["xaxis"]["ticktext"]
    assert "<" not in tick


def test_the_table_twin_is_sorted_by_distance_with_the_unknown_last() -> None:
    marks = [*some_marks(), Mark("new", "run", (0, 0), "γ 9", 3)]
    table = marks_table(marks)
    assert list(table["Setting"]) == [f"γ 0.{i}" for i in range(7, -1, -1)] + ["γ 9"]
    assert table["Distance to real"].isna().tolist() == [False] * 8 + [True]
    assert table["95% interval"].iloc[-1] == "–"


FORCES = [TokenForce(" The", 0.5, 0.2), TokenForce("\n", -0.25, 0.75, True), TokenForce(" ", 0.0, -0.1)]


def test_the_strip_draws_the_expert_up_and_the_negatives_down() -> None:
    strip = force_strip(FORCES).to_dict()
    expert, negatives = strip["data"]
    assert (expert["marker"]["color"], list(expert["y"])) == (EXPERT, [0.5, -0.25, 0.0])
    assert (negatives["marker"]["color"], list(negatives["y"])) == (NEGATIVES, [-0.2, -0.75, 0.1])
    assert strip["layout"]["height"] == STRIP_HEIGHT
    assert list(strip["layout"]["xaxis"]["ticktext"]) == ["The", "⏎", "␣"]


def test_the_strips_twin_holds_the_same_numbers() -> None:
    table = force_table(FORCES)
    assert table["Towards the expert, nats"].tolist() == [0.5, -0.25, 0.0]
    assert table["Away from negatives, nats"].tolist() == [0.2, 0.75, -0.1]
    assert table["Another token was likelier"].tolist() == [False, True, False]


def test_a_strip_of_nothing_has_the_same_height() -> None:
    assert force_strip([]).layout.height == STRIP_HEIGHT
