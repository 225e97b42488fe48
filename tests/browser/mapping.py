"""What a person does on the Perspective page, what the charts then show, and runs to draw a map of."""

from __future__ import annotations

import itertools
import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from playwright.sync_api import Download, Locator, Page, expect

from core.embedding import EMBEDDER, embed, load_embedder
from core.exports import Form
from core.sliders import SteerSettings
from core.storage.records import NewRun, NewSample, Run
from core.store import Store
from core.tasks import Query, Task, load_task
from tests.browser.walking import TASK, WORK

MAP, SAMPLES = "perspective-map-chart", "perspective-samples-chart"
"""Keys of the two charts."""

QUERIES, REPLICATES = 10, 5
DECIMALS = 9
"""Of places read off a chart: Plotly reckons its axes from pixels again and again, and the last bit of one varies."""

COORDINATES = """([key, prefix]) => {
    const chart = document.querySelector(`.st-key-${key} .js-plotly-plot`);
    const found = {};
    if (!chart?._fullLayout?.xaxis) return found;
    const {xaxis, yaxis} = chart._fullLayout, box = chart.getBoundingClientRect();
    for (const trace of chart._fullData) {
        if (!trace.customdata?.length || trace.mode !== "markers") continue;
        trace.customdata.forEach((id, i) => {
            if (!prefix.some((each) => id.startsWith(each))) return;
            const px = box.left + xaxis._offset + xaxis.d2p(trace.x[i]);
            const py = box.top + yaxis._offset + yaxis.d2p(trace.y[i]);
            found[id] = [trace.x[i], trace.y[i], px, py];
        });
    }
    return found;
}"""
LIT = """(key) => {
    const chart = document.querySelector(`.st-key-${key} .js-plotly-plot`);
    const traces = (chart?._fullData ?? []).filter((trace) => /^(sample|real):/.test(trace.customdata?.[0]));
    if (traces.every((trace) => trace.selectedpoints === undefined || trace.selectedpoints === null)) return null;
    return traces.flatMap((trace) => [...(trace.selectedpoints ?? [])].map((i) => trace.customdata[i])).sort();
}"""
WINDOW = """(key) => {
    const {xaxis, yaxis} = document.querySelector(`.st-key-${key} .js-plotly-plot`)._fullLayout;
    return [...xaxis.range, ...yaxis.range];
}"""
LINES = """(key) => {
    const chart = document.querySelector(`.st-key-${key} .js-plotly-plot`);
    return (chart?._fullData ?? []).filter((trace) => trace.mode === "lines").map(
        (trace) => [...trace.x].map((x, i) => Number.isNaN(x) || x === null ? null : [x, trace.y[i]]));
}"""


CLEAR = 6.0
"""Pixels between two points that a lasso passes, at least."""


@dataclass(frozen=True)
class Dot:
    """A point of a chart: where it lies on its axes, and where on the page."""

    x: float
    y: float
    left: float
    top: float


Corner = tuple[float, float]


# Runs


def fill(store: Store, *, queries: int = QUERIES, replicates: int = REPLICATES) -> list[Run]:
    """Ten finished runs of the task: two values of each slider, one with real negatives alone, one control."""
    task = load_task(TASK)
    asked = task.with_role("probe")[:queries]
    sliders = [
        SteerSettings(gamma=gamma, eta=eta, temperature=heat, max_new_tokens=28)
        for gamma, eta, heat in itertools.product((0.0, 0.4), (0.0, 0.4), (0.7, 1.3))
    ]
    steered = sliders[-1]
    made = [write_run(store, task, settings, asked, replicates) for settings in sliders]
    made.append(write_run(store, task, steered.with_(policy="real-only"), asked, replicates))
    made.append(write_run(store, task, steered.matched_temperature(), asked, replicates, parent=made[7].id))
    embed_now(store, [row.text for row in task.references("probe")])
    for number, run in enumerate(made):
        store.put_scores(run.id, {"bleu": 0.2 + 0.01 * (7 * number % 10)})
    return made


def write_run(
    store: Store,
    task: Task,
    settings: SteerSettings,
    asked: Sequence[Query],
    replicates: int,
    *,
    parent: str | None = None,
) -> Run:
    """A finished run whose answers lie the farther from the real rows the more its sliders push."""
    new = NewRun(
        kind="steer",
        task=task.name,
        settings=settings.as_dict(),
        pair="0123456789ab",
        pair_spec={"name": f"base/{task.name}", "label": "base + expert"},
        queries=tuple(query.id for query in asked),
        replicates=replicates,
        expected=replicates * len(asked),
        parent=parent,
    )
    run = store.create_run(new, "done")
    draw = random.Random(settings.key() + str(parent))
    # Each slider pulls towards something else; heat makes the words of a text less alike.
    first, second, *_, last = task.with_role("train")
    pulls = [(0.5 + settings.gamma, first), (0.9 * settings.eta, second), (0.3 * settings.temperature - 0.2, last)]
    samples = [
        NewSample(
            query=query.id,
            replicate=replicate,
            chain=replicate,
            round=place // settings.round_size,
            text=_mixed(draw, query, pulls),
        )
        for replicate in range(replicates)
        for place, query in enumerate(asked)
    ]
    store.add_round(run.id, samples, seconds=0.2 * len(samples))
    embed_now(store, [sample.text for sample in samples])
    return store.run(run.id)


def embed_now(store: Store, texts: Sequence[str]) -> None:
    """The vectors of these texts, into the store."""
    for _ in embed(texts, load_embedder(), store.vectors(EMBEDDER)):
        pass


def _mixed(draw: random.Random, query: Query, pulls: Sequence[tuple[float, Query]]) -> str:
    """Two real rows of the query joined, with some of their words from rows of other queries."""
    one, other = draw.sample(query.references, 2)
    words = [*one.split()[: draw.randint(3, 9)], *other.split()[-draw.randint(3, 9) :]]
    for share, strange in pulls:
        given = " ".join(strange.references).split()
        words = [draw.choice(given) if draw.random() < share / 2 else word for word in words]
    return " ".join(words)


# Steps


def open_map(page: Page, url: str, task: str = TASK) -> None:
    """Open the page of a task and wait until both charts stand."""
    page.goto(f"{url}/perspective?task={task}")
    expect(chart(page, MAP)).to_be_visible(timeout=WORK)
    # The first one compiles UMAP and lays out the real rows.
    expect(chart(page, SAMPLES)).to_be_visible(timeout=3 * WORK)
    settled(page)


def chart(page: Page, key: str) -> Locator:
    """The chart that is seen: until the page has been drawn to its end, an older one lies hidden behind it."""
    return page.locator(f".st-key-{key} .js-plotly-plot").filter(visible=True)


def settled(page: Page) -> None:
    """Wait until nothing is being drawn or asked for."""
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=WORK)
    expect(page.locator("[data-stale=true]")).to_have_count(0, timeout=WORK)


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=name)


def dots(page: Page, key: str, *kinds: str) -> dict[str, Dot]:
    """The points of a chart by id: samples and real rows, or others by the beginning of their ids."""
    found = page.evaluate(COORDINATES, [key, list(kinds or ("sample:", "real:"))])
    return {name: Dot(*(round(number, DECIMALS) for number in place)) for name, place in found.items()}


def window(page: Page, key: str) -> list[float]:
    """Ends of the axes of a chart: left, right, bottom, top, to nine decimals."""
    ends = [float(end) for end in page.evaluate(WINDOW, key)]
    assert all(math.isfinite(end) for end in ends), ends
    return [round(end, DECIMALS) for end in ends]


def lit(page: Page, key: str) -> list[str] | None:
    """The ids that are bright while others are faded; None where none is faded."""
    found: list[str] | None = page.evaluate(LIT, key)
    return found


def lines(page: Page, key: str) -> list[list[Corner]]:
    """The lines of a chart, piece by piece."""
    found: list[list[Corner]] = []
    for trace in page.evaluate(LINES, key):
        for whole, part in itertools.groupby(trace, key=lambda point: point is not None):
            if whole:
                found.append([(x, y) for x, y in part])
    return found


def ellipse_area(page: Page, run: str) -> float | None:
    """The area of a run's ellipse on the map, in its units; None where it has no mark or no ellipse."""
    marks = dots(page, MAP, run)
    if run not in marks:
        return None
    goal = (marks[run].x, marks[run].y)
    closed = [line for line in lines(page, MAP) if len(line) > 4 and math.dist(line[0], line[-1]) < 1e-9]
    line = min(closed, key=lambda line: math.dist(_middle(line), goal), default=None)
    # The middle of its corners, of which one stands there twice.
    return None if line is None or math.dist(_middle(line), goal) > 0.05 * math.sqrt(_area(line)) else _area(line)


def _middle(line: Sequence[Corner]) -> Corner:
    return sum(x for x, _ in line) / len(line), sum(y for _, y in line) / len(line)


def _area(line: Sequence[Corner]) -> float:
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in itertools.pairwise(line))) / 2


def ring(points: Mapping[str, Dot], count: int, corners: int = 72) -> list[Corner]:
    """Corners of a circle on the page, near the middle of all points, around `count` to twice as many of every kind.

    Of many such circles the one whose line is the farthest from any point: a mouse moves by whole pixels, and
    Plotly straightens a lasso by one or two.
    """
    half = len(points) // 2
    places = np.array([(one.left, one.top) for one in points.values()])
    _, kinds = np.unique([name.partition(":")[0] for name in points], return_inverse=True)
    middle = np.sort(places, axis=0)[half]
    most = min(2 * count, len(points) - 1)
    # As near to the middle as will do: farther away a circle may leave the chart.
    for reach in (24, 48, 96):
        found = []
        for aside in itertools.product(range(-reach, reach + 1, reach // 4), repeat=2):
            away = np.linalg.norm(places - middle - aside, axis=1)
            order = np.argsort(away)
            enough = [i for i in range(count - 1, most) if len(set(kinds[order[: i + 1]])) == len(set(kinds))]
            found += [(away[order[i + 1]] - away[order[i]], away[order[i : i + 2]].mean(), *aside) for i in enough]
        room, radius, across, down = (float(number) for number in max(found, default=(0.0, 0.0, 0.0, 0.0)))
        if room > CLEAR:
            break
    assert room > CLEAR, f"no circle passes {CLEAR / 2} pixels from every point"
    across, down = across + float(middle[0]), down + float(middle[1])
    turns = [math.tau * i / corners for i in range(corners)]
    return [(across + radius * math.cos(turn), down + radius * math.sin(turn)) for turn in turns]


def lasso(page: Page, corners: Sequence[Corner]) -> None:
    """Draw a lasso with the mouse; the charts hold the tool from the start."""
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=2)
    page.mouse.move(*corners[0], steps=2)
    page.mouse.up()


def inside(points: Mapping[str, Dot], corners: Sequence[Corner]) -> list[str]:
    """The ids of the points within a polygon on the page, by counting crossings."""
    return sorted(name for name, one in points.items() if _crossings((one.left, one.top), corners) % 2)


def _crossings(point: Corner, corners: Sequence[Corner]) -> int:
    x, y = point
    edges = zip(corners, [*corners[1:], corners[0]], strict=True)
    return sum((y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1) for (x1, y1), (x2, y2) in edges)


# Tables


def rows(table: Locator) -> list[dict[str, str]]:
    """All rows of a table as a screen reader finds them, scrolled through to its end."""
    grid = table.locator("[data-testid=data-grid-canvas] table")
    expect(grid).to_have_count(1)
    total = int(grid.get_attribute("aria-rowcount") or 0)
    found: dict[int, dict[str, str]] = {}
    names: list[str] = []
    page = table.page
    for _ in range(200):
        state = grid.evaluate(
            """(grid) => [[...grid.querySelectorAll("thead th")].map((cell) => [cell.ariaColIndex, cell.textContent]),
                [...grid.querySelectorAll("tbody tr")].map((row) =>
                    [row.ariaRowIndex, [...row.children].map((cell) => [cell.ariaColIndex, cell.textContent])])]"""
        )
        names = [name for _, name in state[0]]
        heads = dict(state[0])
        for number, cells in state[1]:
            found[int(number)] = {heads[at]: text for at, text in cells if at in heads}
        if len(found) >= total - 1:
            break
        box = table.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        # Less than it shows; and what a screen reader finds follows a fifth of a second later.
        page.mouse.wheel(0, 100)
        page.wait_for_timeout(250)
    assert len(found) == total - 1, f"{len(found)} of {total - 1} rows were found under {names}"
    return [found[number] for number in sorted(found)]


TABLES = {
    "texts": "The selected texts",
    "distances": "Every run with its distance",
    "boxes": "The box of every point",
    "marks": "Map of ",
    "specks": "Samples on the map",
    "pair": "Difference on the map",
    "budget": "Answers, answers a query",
}
"""How the words for those who cannot see a table begin."""


def table(page: Page, name: str) -> Locator:
    """A table of the page."""
    return page.get_by_role("region", name=re.compile(f"^{TABLES[name]}"))


def selected_ids(page: Page) -> list[str]:
    """The ids behind the table of texts, by its own export: exactly the samples that are selected."""
    got = exported(page, "jsonl").path()
    lines = [json.loads(line) for line in got.read_text(encoding="utf-8").splitlines()]
    return sorted(_id(line) for line in lines if "text" in line)


def exported(page: Page, form: Form) -> Download:
    """Press Export and one of its forms, and wait for the whole file."""
    # The file of a selection that is being replaced is gone before it is asked for.
    settled(page)
    page.locator(".st-key-perspective-export").get_by_role("button").first.click()
    with page.expect_download() as waiting:
        page.locator(f".st-key-perspective-export-{form}").get_by_role("button").click()
    # Before anything is pressed: a download that goes on ends with what started it.
    waiting.value.path()
    page.keyboard.press("Escape")
    return waiting.value


def _id(line: dict[str, Any]) -> str:
    if line["kind"] == "real":
        return f"real:{line['query']}/{line['replicate']}"
    return f"sample:{line['sample']}"
