"""The sample view, the scree, and text of strangers in every place of a figure that shows any."""

from __future__ import annotations

import html
import json
import unicodedata
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from core.drawing.forces import TokenForce, force_strip
from core.drawing.kind_key import kind_key
from core.drawing.labels import words_of
from core.drawing.marks import HOVER_BUDGET, HOVER_CHARACTERS, Cloud, Mark, hover_characters, mark_card, text_card
from core.drawing.palette import BASELINE, REAL, SYNTHETIC
from core.drawing.scales import Colour, axis
from core.drawing.scree import MOST
from core.drawing.text import cut, escaped, readable
from core.figures import map_figure, sample_figure, scree_figure, scree_table, solid_figure
from tests.unit.hostile import HOSTILE

STRANGE = (
    *HOSTILE,
    "\"quotes\" 'and' &quot;",
    "<script>alert(1)</script>" * 9,
    "x" * 1_000_000,
    " " * 1_000_000 + "y",
    "",
)


class Markup(HTMLParser):
    """The tags and the text of a piece of markup."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[Any] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def view(count: int = 6, **options: Any) -> Any:
    kinds = ["real" if i % 3 == 0 else "synthetic" for i in range(count)]
    points = np.random.default_rng(0).normal(size=(count, 2))
    return sample_figure(points, kinds, [str(i) for i in range(count)], [f"text {i}" for i in range(count)], **options)


def test_real_samples_are_orange_diamonds_and_the_fewer_lie_on_top() -> None:
    below, above = view().to_dict()["data"]
    assert (below["marker"]["color"], below["marker"]["symbol"]) == (SYNTHETIC, "circle")
    assert (above["marker"]["color"], above["marker"]["symbol"]) == (REAL, "diamond")
    assert list(below["customdata"]) == ["sample:1", "sample:2", "sample:4", "sample:5"]
    assert list(above["customdata"]) == ["real:0", "real:3"]
    assert list(above["hovertext"]) == ["<b>real</b><br>text 0", "<b>real</b><br>text 3"]
    assert {below["type"], above["type"]} == {"scattergl"}


def test_samples_stand_where_they_were_put() -> None:
    figure = view()
    points = np.random.default_rng(0).normal(size=(6, 2))
    np.testing.assert_allclose(np.column_stack([figure.data[1].x, figure.data[1].y]), points[[0, 3]], rtol=1e-6)
    for name, column in (("xaxis", 0), ("yaxis", 1)):
        low, high = figure.layout[name].range
        assert low < points[:, column].min()
        assert high > points[:, column].max()


def test_the_sample_view_promises_no_units() -> None:
    layout = view().to_dict()["layout"]
    for name in ("xaxis", "yaxis"):
        assert layout[name]["showticklabels"] is False
        assert "title" not in layout[name]
    assert layout["height"] == 236
    assert layout["dragmode"] == "lasso"
    assert layout["shapes"][0]["xref"] == "x domain"


def test_a_lasso_on_the_map_lights_the_same_samples() -> None:
    synthetic, real = view(lit={"real:3", "sample:3", "sample:5"}).to_dict()["data"]
    assert list(synthetic["selectedpoints"]) == [3]
    assert list(real["selectedpoints"]) == [1]
    assert synthetic["unselected"]["marker"]["opacity"] == 0.08
    assert all("selectedpoints" not in trace for trace in view().to_dict()["data"])


def test_no_samples_give_an_empty_frame_and_equal_samples_an_equal_figure() -> None:
    assert len(view(0).data) == 0
    assert view(1).layout.xaxis.range[0] < view(1).layout.xaxis.range[1]
    assert view().to_json() == view().to_json()


@pytest.mark.parametrize("count", [1, 4_000, 10_000, 24_000, 25_000, 50_000, 10**7])
def test_hover_texts_shrink_with_their_number_and_end_where_they_would_say_nothing(count: int) -> None:
    each = hover_characters(count)
    assert each * count <= max(HOVER_BUDGET, HOVER_CHARACTERS)
    assert each == 0 or 40 < each <= HOVER_CHARACTERS
    assert (each == 0) == (count >= 25_000)


def test_without_hover_texts_the_samples_can_still_be_selected() -> None:
    count = 26_000
    cloud = Cloud("real", np.zeros((count, 2)), tuple(map(str, range(count))), ("words",) * count)
    for figure in (
        map_figure([], [cloud]),
        sample_figure(np.zeros((count, 2)), ["real"] * count, cloud.ids, cloud.texts),
    ):
        (trace,) = figure.data
        assert trace.hovertext is None
        assert trace.hoverinfo == "none"
        assert trace.customdata[-1] == f"real:{count - 1}"


def naive(text: str) -> str:
    """What `readable` does, one character after another, from the Unicode data base."""
    shown = []
    text = text.replace("\r\n", "\n")
    for character in text:
        if character in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029":
            shown.append("⏎")
        elif character == "\t":
            shown.append(" ")
        elif unicodedata.category(character) == "Cs" or character == "\0":
            shown.append("\ufffd")
        elif unicodedata.category(character) != "Cc" and unicodedata.bidirectional(character) not in TURNING:
            shown.append(character)
    return "".join(shown)


TURNING = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u061c\u200e\u200f"
"""Invisible too, though their own class is that of a letter."""


def test_readable_is_the_slow_walk_over_the_unicode_data_base() -> None:
    for point in [*range(0x700), *range(0x1FF0, 0x2100), *range(0xD7F0, 0xD810), *range(0xDFF0, 0xE010), 0xFEFF]:
        character = chr(point)
        assert readable(f"a{character}b") == ("ab" if character in MARKS else naive(f"a{character}b")), hex(point)
    for text in HOSTILE:
        assert readable(text) == naive(text).translate(dict.fromkeys(map(ord, MARKS)))


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
def test_a_card_shows_the_text_as_it_is(text: str) -> None:
    card = text_card(text, "sample")
    markup = Markup(card)
    assert markup.tags == {"b", "br"}
    assert markup.attributes == []
    assert len(card.split("<br>")) <= 4
    shown = html.unescape(card.partition("<br>")[2].replace("<br>", " "))
    flat = readable(" ".join(text.split()))
    kept = "".join(shown.removesuffix("…").split())
    assert "".join(flat.split()).startswith(kept) if flat else shown == "(empty)"
    # All of it where it fits.
    assert len(flat) > 140 or not flat or kept == "".join(flat.split())
    card.encode("utf-8")


def test_quotation_marks_are_not_spelled_out() -> None:
    # Plotly knows no &quot; and would show it as it stands.
    assert escaped('say "it\'s" & <go>') == 'say "it\'s" &amp; &lt;go&gt;'
    (tick,) = force_strip([TokenForce('"', 1, 1)]).to_dict()["layout"]["xaxis"]["ticktext"]
    assert tick == '"'


def test_a_cut_text_ends_in_an_ellipsis_and_keeps_its_length() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abcde…"
    assert cut("abcd fg", 6) == "abcd…"


def words_in(whole: dict[str, Any]) -> list[str]:
    """Everything that a figure writes as markup."""
    layout = whole["layout"]
    notes = layout.get("annotations", []) + layout.get("scene", {}).get("annotations", [])
    cards = [card for trace in whole["data"] for card in trace.get("hovertext", [])]
    return cards + [note["text"] for note in notes]


@pytest.mark.parametrize("draw", [map_figure, solid_figure])
def test_nothing_of_a_strange_text_becomes_markup_in_a_figure(draw: Any) -> None:
    marks = [
        Mark(f"r{i}", "chosen" if i else "real", (i % 7, i // 7), text, 3, label=text, score=text, z=1.0)
        for i, text in enumerate(STRANGE)
    ]
    cloud = Cloud("chosen", np.zeros((len(STRANGE), 3)), tuple(text[:99] for text in STRANGE), STRANGE)
    whole = json.loads(draw(marks, [cloud]).to_json())
    words = words_in(whole)
    assert len(words) >= 2 * len(STRANGE) + 6
    for word in words:
        assert Markup(word).tags <= {"b", "br"}
        assert Markup(word).attributes == []
        assert len(html.unescape(word)) < 500


def test_nothing_of_a_strange_text_becomes_markup_in_the_sample_view() -> None:
    figure = sample_figure(np.zeros((len(STRANGE), 2)), ["x"] * len(STRANGE), [""] * len(STRANGE), STRANGE)
    words = words_in(json.loads(figure.to_json()))
    assert len(words) == len(STRANGE)
    assert set().union(*(Markup(word).tags for word in words)) == {"b", "br"}


@pytest.mark.parametrize("scale", ["score", "setting", "kind"])
def test_nothing_of_a_strange_name_becomes_markup_beside_a_label_a_bar_or_a_key(scale: Any) -> None:
    for text in STRANGE:
        marks = [Mark("a", "chosen", (0, 0), text, 3, label=text), Mark("b", "run", (0, 0), text, 3)]
        colour = Colour(text, {"a": 1.0, "b": 2.0}, scale, "higher", {1.0: text, 2.0: text})
        bar, (_, notes) = axis(colour, marks), kind_key(colour, marks)
        words = [note["text"] for note in notes] + [words_of(marks[0])["text"]]
        words += [] if bar is None else [bar["colorbar"]["title"]["text"], *bar["colorbar"]["ticktext"]]
        assert len(words) >= 3
        for word in words:
            assert Markup(word).tags <= {"b"}
            assert len(html.unescape(word)) <= 40
        assert Markup(mark_card(marks[0], colour.line(marks[0]))).tags == {"b", "br"}


SCREE = [0.5, 0.2, 0.05, 0.01, -0.02]
NOISE = [0.06, 0.05, 0.04, 0.03, 0.02]


def test_the_scree_shows_the_maps_axes_in_blue_and_what_is_negative_as_it_is() -> None:
    bars, noise = scree_figure(SCREE, NOISE, 2, 2).to_dict()["data"]
    assert list(bars["y"]) == SCREE
    assert list(bars["x"]) == [1, 2, 3, 4, 5]
    assert list(bars["marker"]["color"]) == [SYNTHETIC] * 2 + [BASELINE] * 3
    assert list(noise["y"]) == NOISE
    low, high = scree_figure(SCREE, NOISE, 2).layout.yaxis.range
    assert low < -0.02
    assert high > 0.5


def test_the_elbow_stands_after_its_axis_and_only_where_there_is_one() -> None:
    def uprights(elbow: int | None) -> list[float]:
        shapes = scree_figure(SCREE, NOISE, 2, elbow).to_dict()["layout"]["shapes"]
        return [shape["x0"] for shape in shapes if shape["type"] == "line"]

    assert uprights(3) == [3.5]
    assert uprights(None) == []
    assert uprights(5) == []


def test_a_long_scree_is_cut_and_says_so_while_its_table_is_whole() -> None:
    values = np.linspace(1, -0.1, 300)
    figure = scree_figure(values, values / 10, 2)
    assert len(figure.data[0].x) == MOST
    assert f"{MOST} of 300 axes" in [note.text for note in figure.layout.annotations]
    table = scree_table(values, values[:200] / 10, [0.4, 0.2])
    assert table["Axis"].tolist() == list(range(1, 301))
    assert table["Spread, noise subtracted"].tolist() == values.tolist()
    assert table["Noise alone"].notna().sum() == 200
    assert table["Share of the spread"].dropna().tolist() == [0.4, 0.2]


@pytest.mark.parametrize("scree", [[], [0.0], [-0.1], [0.3]])
def test_a_scree_of_next_to_nothing_is_drawn_at_the_same_height(scree: list[float]) -> None:
    figure = scree_figure(scree, scree, 2, None)
    assert figure.layout.height == 220
    assert figure.layout.yaxis.range[0] < figure.layout.yaxis.range[1]
