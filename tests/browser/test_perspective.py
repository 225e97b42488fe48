"""The Perspective page in a real browser: what it shows, lassos both ways, news, hostile text, a run in progress."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from playwright.sync_api import Page, Request, expect
from scipy.linalg import orthogonal_procrustes

from core.drawing.text import readable
from core.exports import neutralised
from core.importing.embedded import embed_run
from core.importing.generations import import_generations
from core.jobs import Jobs
from core.models import available_pairs
from core.sliders import SteerSettings
from core.storage.records import NewRun, NewSample, Run
from core.store import Store
from core.tasks import load_task, own_tasks, task_folders
from tests.browser import mapping
from tests.browser.conftest import ARTEFACTS, Server
from tests.browser.mapping import MAP, SAMPLES, Corner, Dot
from tests.browser.walking import TASK, WORK, button, headline, picture, until
from tests.unit.hostile import HOSTILE


@pytest.fixture(scope="module")
def store(server: Server) -> Iterator[Store]:
    """The store of the server with ten finished runs."""
    with Store(server.store) as opened:
        mapping.fill(opened)
        yield opened


@pytest.mark.timeout(900)
def test_everything_on_the_page_by_keyboard(server: Server, store: Store, page: Page, abroad: list[str]) -> None:
    mapping.open_map(page, server.url)
    expect(page).to_have_title("Perspective · Steerscope")
    expect(headline(page)).to_contain_text("real hypotheses")
    expect(page.get_by_text(re.compile(r"10 runs, 10 queries, 5 replicates; axis noise"))).to_be_visible()
    seen = mapping.dots(page, MAP, "run:")
    assert len(seen) == 12  # with both halves of the real data
    left, right, bottom, top = mapping.window(page, MAP)
    assert all(left < one.x < right and bottom < one.y < top for one in seen.values())
    expect(mapping.chart(page, MAP)).to_contain_text(re.compile(r"Axis 1 · \d+% of the spread"))
    expect(page.get_by_text(re.compile(r"◆ real ◇ held out.*ellipse: the mean, 95%"))).to_be_visible()

    # What colours the runs: from the scores to a setting, which draws its own bar.
    _press(page, "radio", "γ")
    expect(mapping.chart(page, MAP).locator(".infolayer")).to_contain_text("γ")
    assert mapping.window(page, MAP) == [left, right, bottom, top]
    for layer, trace in (("Samples", "samples"), ("Ellipses", "lines"), ("Trails", "lines")):
        before = _drawn(page)
        _press(page, "button", layer)
        until(page, lambda before=before, trace=trace: _drawn(page)[trace] < before[trace], f"{layer} are gone")
        _press(page, "button", layer)
        until(page, lambda before=before: _drawn(page) == before, f"{layer} are back")

    _press(page, "radio", "3-D")
    expect(page.locator(f".st-key-{MAP}-solid .gl-container canvas").first).to_be_visible(timeout=WORK)
    _press(page, "radio", "Table")
    marks = mapping.table(page, "marks")
    expect(marks).to_be_visible()
    # A row of the twin, marked by keyboard, is a selection like any other.
    specks = mapping.table(page, "specks")
    mapping.settled(page)
    specks.locator("canvas").first.focus()
    until(
        page, lambda: page.evaluate("document.activeElement.getAttribute('role')") == "gridcell", "a cell is in focus"
    )
    page.keyboard.press("Shift+Space")
    expect(mapping.table(page, "texts")).to_be_visible()
    (row,) = mapping.rows(mapping.table(page, "texts"))
    assert row["Text"] == mapping.rows(specks)[0]["Text"]
    twin = mapping.rows(marks)
    assert len(twin) == 12
    assert "real data" in twin[0]["Setting"]
    page.locator(".st-key-perspective-clear").get_by_role("button").press("Enter")
    expect(page.get_by_text("Nothing is selected")).to_be_visible()
    until(page, lambda: mapping.lit(page, SAMPLES) is None, "nothing is faded")
    _press(page, "radio", "2-D")
    expect(mapping.chart(page, MAP)).to_be_visible(timeout=WORK)
    mapping.settled(page)
    assert mapping.lit(page, MAP) is None
    assert mapping.lit(page, SAMPLES) is None
    assert mapping.window(page, MAP) == [left, right, bottom, top]

    mapping.tab(page, "Distances").press("Enter")
    expect(page.get_by_text(re.compile(r"Test: .* permutations"))).to_be_visible(timeout=WORK)
    ranked = mapping.rows(mapping.table(page, "distances"))
    assert len(ranked) == 10
    values = [float(one["To real"]) for one in ranked]
    assert values == sorted(values)
    assert all(re.search(r"differs|not told apart|no test", one["Test"]) for one in ranked)
    # Faster than the page can follow.
    for name in 3 * ("Guarantees", "Distances") + ("Guarantees",):
        mapping.tab(page, name).press("Enter")
    boxes = mapping.rows(mapping.table(page, "boxes"))
    assert [one["Generator"] for one in boxes[:2]] == ["real", "held-out real"]
    assert len(boxes) == 12
    expect(page.get_by_text(re.compile("^Worst case from the literature"))).to_be_visible()

    expect(mapping.chart(page, "perspective-scree")).to_contain_text("noise alone")
    expect(page.get_by_text(re.compile(r"τ/λ [\d.]+"))).to_have_count(2)
    budget = mapping.table(page, "budget")
    before = mapping.rows(budget)
    page.get_by_role("spinbutton", name="± on each axis").fill("0.05")
    page.keyboard.press("Enter")
    until(page, lambda: mapping.rows(budget) != before, "a smaller box takes more answers")
    after = mapping.rows(budget)
    assert all(_whole(new["Answers"]) > _whole(old["Answers"]) for new, old in zip(after, before, strict=True))
    pair = mapping.table(page, "pair")
    assert {row["In words"] for row in mapping.rows(pair)[-2:]} == {"not tested"}
    button(page, "Test whether they are the same").press("Enter")
    until(page, lambda: mapping.rows(pair)[-1]["Value"].startswith("p "), "the test has ended")
    assert {row["In words"] for row in mapping.rows(pair)[-2:]} <= {"differ", "not told apart"}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        mapping.tab(page, "Distances").click()
        expect(mapping.table(page, "distances")).to_be_visible()
        mapping.settled(page)
        picture(page, f"perspective-{scheme}")
    assert abroad == []


@pytest.mark.timeout(900)
def test_a_lasso_on_either_chart_lights_the_other_and_opens_the_texts(
    server: Server, store: Store, page: Page, abroad: list[str]
) -> None:
    mapping.open_map(page, server.url)
    points = mapping.dots(page, MAP)
    corners = mapping.ring(points, 12)
    chosen = mapping.inside(points, corners)
    assert {name.partition(":")[0] for name in chosen} == {"real", "sample"}, "one kind of samples alone is no test"
    mapping.lasso(page, corners)
    _holds(page, chosen)
    assert mapping.selected_ids(page) == chosen
    read = mapping.rows(mapping.table(page, "texts"))
    assert sorted(row["Text"] for row in read) == sorted(readable(text) for text in _texts(store, chosen))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        mapping.settled(page)
        _holds(page, chosen)
        picture(page, f"perspective-lasso-{scheme}")

    # The other way, of other samples; those that the map does not stand on are no part of it.
    points = mapping.dots(page, SAMPLES)
    on_map = mapping.dots(page, MAP)
    corners = mapping.ring(points, 9)
    others = mapping.inside(points, corners)
    assert others != chosen
    mapping.lasso(page, corners)
    until(page, lambda: mapping.lit(page, SAMPLES) == others, "the sample view holds its lasso")
    drawn = sorted(set(others) & on_map.keys())
    until(page, lambda: mapping.lit(page, MAP) == drawn, "the map is lit")
    expect(mapping.table(page, "texts")).to_be_visible()
    assert mapping.selected_ids(page) == drawn

    # It outlives a visit to another page, a change of colour and of tab.
    page.get_by_role("link", name="Runs").click()
    expect(page).to_have_title("Runs · Steerscope")
    page.get_by_role("link", name="Perspective").click()
    expect(mapping.chart(page, MAP)).to_be_visible(timeout=WORK)
    _holds(page, drawn, others)
    _press(page, "radio", "η")
    expect(mapping.chart(page, MAP).locator(".infolayer")).to_contain_text("η")
    _holds(page, drawn, others)
    mapping.tab(page, "Guarantees").click()
    expect(mapping.table(page, "boxes")).to_be_visible()
    _holds(page, drawn, others)
    mapping.tab(page, "Selected texts").click()
    expect(mapping.table(page, "texts")).to_be_visible()

    # Searched, kept as a subset, taken away, and opened again.
    word = max(read[0]["Text"].split(), key=len)
    search = page.get_by_role("searchbox", name="Search")
    page.locator(".st-key-perspective-clear").get_by_role("button").click()
    expect(page.get_by_text("Nothing is selected")).to_be_visible()
    until(page, lambda: mapping.lit(page, MAP) is None and mapping.lit(page, SAMPLES) is None, "nothing is faded")
    search.fill(word)
    found = mapping.table(page, "texts")
    expect(found).to_be_visible()
    assert all(word.lower() in row["Text"].lower() for row in mapping.rows(found))
    search.fill("")
    mapping.lasso(page, corners)
    until(page, lambda: mapping.lit(page, MAP) == drawn, "the map is lit again")
    page.locator(".st-key-perspective-subsets").get_by_role("button").first.click()
    page.get_by_role("textbox", name=re.compile("^Keep")).fill("odd <b>ones</b>")
    page.get_by_role("button", name="Save").click()
    until(page, lambda: store.subsets(TASK), "the subset is stored")
    assert sorted(store.subsets(TASK)[0].samples) == drawn
    assert abroad == []


@pytest.mark.timeout(900)
def test_nothing_jumps_when_a_run_lands_under_a_selection(
    server: Server, store: Store, page: Page, abroad: list[str], record_property: Callable[[str, object], None]
) -> None:
    mapping.open_map(page, server.url)
    points = mapping.dots(page, MAP)
    corners = mapping.ring(points, 10)
    chosen = mapping.inside(points, corners)
    mapping.lasso(page, corners)
    _holds(page, chosen)
    window, before = mapping.window(page, MAP), mapping.dots(page, MAP, "run:", "sample:", "real:")
    views = mapping.window(page, SAMPLES)
    page.evaluate(f"document.querySelector('.st-key-{MAP} .js-plotly-plot').walked = true")

    task = load_task(TASK)
    new = SteerSettings(gamma=0.2, eta=0.2, max_new_tokens=28)
    asked = task.with_role("probe")[: mapping.QUERIES]
    run = mapping.write_run(store, task, new, asked, mapping.REPLICATES)
    expect(page.get_by_text("1 new run since you selected.")).to_be_visible()
    mapping.settled(page)
    assert mapping.window(page, MAP) == window
    assert mapping.window(page, SAMPLES) == views
    assert mapping.dots(page, MAP, "run:", "sample:", "real:") == before
    assert page.evaluate(f"document.querySelector('.st-key-{MAP} .js-plotly-plot').walked"), "the map was mounted anew"
    _holds(page, chosen)

    button(page, "Redraw").click()
    until(page, lambda: f"run:{run.id}" in mapping.dots(page, MAP, "run:"), "the new run is on the map")
    mapping.settled(page)
    _holds(page, chosen)
    assert mapping.window(page, MAP) == window
    after = mapping.dots(page, MAP, "run:")
    old = {name: one for name, one in before.items() if name.startswith("run:")}
    assert after.keys() == {*old, f"run:{run.id}"}
    drawn, places = (np.array([[side[name].x, side[name].y] for name in old]) for side in (after, old))
    moved = float(np.linalg.norm(drawn - places, axis=1).max())
    _keep(record_property, "old points moved, share of the window", [moved / (window[1] - window[0])])
    # A new run is a new map; turned as it is, no other turn of it brings the old points nearer to where they were.
    turn, _ = orthogonal_procrustes(drawn, places)
    assert np.linalg.norm(drawn - places) <= 1.001 * np.linalg.norm(drawn @ turn - places) + 1e-6
    assert moved < 0.1 * (window[1] - window[0])
    assert abroad == []


LONG = "1 MB of " + "words and " * 100_000
"""Far more than any answer."""

FORMULAS = ("=HYPERLINK(A1)", "+1+1", "-2+3", "@SUM(A1)", "=cmd|' /C calc'!A0")
ATTACKS = (
    "<script>window.attacked = 1; alert(1)</script>",
    '<img src=attack.png onerror="window.attacked = 1; alert(1)">',
    '<svg onload="window.attacked = 1"><a href=https://attack.example.com>click</a></svg>',
    "<b>bold</b> %{x} <br> <a href='https://attack.example.com'>away</a>",
    "\u202edesrever si siht\u202c and \u2066isolated\u2069",
)
"""What would run, load, lead away or turn the reading order, were it not shown as text."""

INJECTED = "[onerror], [onload], img[src*=attack], a[href*=attack], a[href*='example.com'], script:text('attacked')"


@pytest.mark.timeout(900)
def test_hostile_text_is_shown_as_text_everywhere(
    server: Server, page: Page, abroad: list[str], tmp_path: Path
) -> None:
    told: list[str] = []
    asked: list[str] = []

    def listen(request: Request) -> None:
        asked.append(request.url)

    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    page.on("request", listen)
    with Store(server.store) as store:
        written = _hostile_runs(store, tmp_path)
        mapping.open_map(page, server.url, "hostile")
        expect(headline(page)).to_contain_text(re.compile("real"))
        # Everything at once, with the samples of every run.
        page.get_by_role("combobox", name=re.compile("^Samples of")).click()
        page.get_by_role("option", name="every run").click()
        for key in (MAP, SAMPLES):
            until(page, lambda key=key: len(mapping.dots(page, key)) >= len(written), "all are drawn", 300)
        mapping.settled(page)
        for key in (MAP, SAMPLES):
            _hover_over(page, key)
        mapping.lasso(page, _around(mapping.dots(page, MAP)))
        until(page, lambda: len(mapping.lit(page, SAMPLES) or ()) >= len(written), "the sample view is lit")
        rows = mapping.rows(mapping.table(page, "texts"))
        shown = {row["Text"] for row in rows}
        for text in written:
            assert readable(text[:1_000]) + ("…" if len(text) > 1_000 else "") in shown, text[:80]
        assert len(mapping.selected_ids(page)) == len(rows)

        kept = {row["text"] for row in _sheet(mapping.exported(page, "csv").path())}
        assert {neutralised(text).replace("\r\n", "\n") for text in written if "\r" not in text} <= kept
        assert {f"'{formula}" for formula in FORMULAS} <= kept
        assert not {text for text in kept if text.startswith(("=", "+", "-", "@"))}

        for name in ("Distances", "Guarantees"):
            mapping.tab(page, name).click()
            mapping.settled(page)
        names = {row["Generator"] for row in mapping.rows(mapping.table(page, "boxes"))}
        assert any(ATTACKS[1] in name for name in names), names
        page.get_by_role("radio", name="Table").click()
        assert any(ATTACKS[0] in row["Setting"] for row in mapping.rows(mapping.table(page, "marks")))
        page.get_by_role("radio", name="3-D").click()
        expect(page.locator(f".st-key-{MAP}-solid .gl-container canvas").first).to_be_visible(timeout=WORK)
        mapping.tab(page, "Selected texts").click()
        page.locator(".st-key-perspective-subsets").get_by_role("button").first.click()
        page.get_by_role("textbox", name=re.compile("^Keep")).fill(ATTACKS[0])
        page.get_by_role("button", name="Save").click()
        until(page, lambda: store.subsets("hostile"), "the subset is stored")
        page.keyboard.press("Escape")
        page.get_by_role("radio", name="2-D").click()
        expect(mapping.chart(page, MAP)).to_be_visible(timeout=WORK)
        mapping.settled(page)
        picture(page, "perspective-hostile")
        page.get_by_role("link", name="Runs").click()
        expect(page).to_have_title("Runs · Steerscope")
        mapping.settled(page)
    assert page.locator(INJECTED).count() == 0
    assert page.evaluate("window.attacked") is None
    assert told == []
    assert [url for url in asked if "attack" in url] == []
    assert abroad == []


@pytest.mark.timeout(900)
def test_a_run_in_progress_appears_on_the_map_and_its_ellipse_shrinks(
    server: Server, store: Store, page: Page, abroad: list[str], record_property: Callable[[str, object], None]
) -> None:
    mapping.open_map(page, server.url)
    before = mapping.dots(page, MAP, "run:")
    task = load_task(TASK)
    asked = tuple(query.id for query in task.with_role("probe")[: mapping.QUERIES])
    settings = SteerSettings(gamma=0.3, eta=0.0, max_new_tokens=28, seed=9)
    pair = available_pairs(TASK)[0]
    new = NewRun(
        kind="steer",
        task=TASK,
        settings=settings.as_dict(),
        pair=pair.fingerprint,
        pair_spec=asdict(pair),
        queries=asked,
        replicates=20,
        expected=20 * len(asked),
    )
    run = Jobs(store).submit("generate", run=new).run
    assert run is not None
    areas: list[float] = []

    def watched() -> bool:
        area = mapping.ellipse_area(page, f"run:{run}")
        if area is not None and (not areas or area != areas[-1]):
            areas.append(area)
            if len(areas) == 2:
                expect(page.get_by_text(re.compile("is being written; watching is not testing"))).to_be_visible()
                picture(page, "perspective-live")
        return store.run(run).status == "done"

    until(page, watched, "the run is done")
    _keep(record_property, "areas of the ellipse while the run was written", areas)
    assert len(areas) >= 2, "it was never seen to shrink"
    assert areas[-1] < areas[0]
    expect(page.get_by_text(re.compile("is being written"))).to_have_count(0, timeout=WORK)
    expect(page.get_by_text(re.compile(rf"^.*{len(before) - 1} runs, 10 queries"))).to_be_visible(timeout=WORK)
    after = until(
        page, lambda: (now := mapping.dots(page, MAP, "run:")).keys() > before.keys() and now, "it has a place"
    )
    assert after.keys() == {*before, f"run:{run}"}
    assert abroad == []


@pytest.mark.timeout(900)
def test_what_there_is_no_map_or_no_real_data_for_is_said(
    server: Server, page: Page, abroad: list[str], tmp_path: Path
) -> None:
    lines = [
        {"run": f"model {run}", "query": query, "text": f"{word} said of {query} the {number}. time", "heat": run / 2}
        for run, word in enumerate(("Once", "Often", "Rarely"))
        for query in ("rain", "snow")
        for number in range(6)
    ]
    with Store(server.store) as store:
        _imported(store, tmp_path / "three.jsonl", lines, "no-real-rows", settings=("heat",))
        _imported(store, tmp_path / "one.jsonl", lines[:12], "one-run", settings=("heat",))
        alone = load_task("comments")
        mapping.write_run(store, alone, SteerSettings(gamma=0.2, eta=0.0), alone.with_role("probe")[:4], 4)
        mapping.embed_now(store, [row.text for row in alone.references("probe")])
    mapping.open_map(page, server.url, "no-real-rows")
    expect(headline(page)).to_have_text("3 runs on one map, with no real data to compare them with.")
    expect(page.get_by_text("◆ real")).to_have_count(0)
    mapping.tab(page, "Distances").click()
    expect(page.get_by_text("This task has no real rows, so there is nothing to be near to.")).to_be_visible()
    points = mapping.dots(page, MAP)
    corners = mapping.ring(points, 4)
    mapping.lasso(page, corners)
    _holds(page, mapping.inside(points, corners))
    mapping.settled(page)
    picture(page, "perspective-no-real")

    page.goto(f"{server.url}/perspective?task=one-run")
    expect(headline(page)).to_contain_text("make no map yet")
    expect(page.get_by_text(re.compile("needs at least two generators that answered the same queries"))).to_be_visible()
    page.goto(f"{server.url}/perspective?task=comments")
    expect(headline(page)).to_contain_text("real comments")
    expect(mapping.chart(page, MAP)).to_be_visible(timeout=WORK)
    page.goto(f"{server.url}/perspective?task=translation")
    expect(headline(page)).to_contain_text("is on the map yet")
    expect(page.get_by_text("No runs on this map yet")).to_be_visible()
    assert abroad == []


def _press(page: Page, role: Literal["radio", "button"], name: str) -> None:
    """Choose by keyboard."""
    page.locator(".st-key-perspective-toolbar").get_by_role(role, name=name, exact=True).press("Space")
    mapping.settled(page)


def _drawn(page: Page) -> dict[str, int]:
    """How many points and how many lines the map has."""
    return {"samples": len(mapping.dots(page, MAP)), "lines": len(mapping.lines(page, MAP))}


def _holds(page: Page, chosen: list[str], elsewhere: list[str] | None = None) -> None:
    """Both charts light these samples, and as many texts are selected. elsewhere: in the sample view, if others too."""
    until(page, lambda: mapping.lit(page, MAP) == chosen, "the map is lit")
    until(page, lambda: set(mapping.lit(page, SAMPLES) or ()) >= set(chosen), "the sample view is lit")
    assert mapping.lit(page, SAMPLES) == (elsewhere or chosen)


def _keep(record_property: Callable[[str, object], None], name: str, values: list[float]) -> None:
    """Write down what was measured, among the artefacts and in the report."""
    record_property(name, values)
    ARTEFACTS.mkdir(exist_ok=True)
    path = ARTEFACTS / "perspective.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(known | {name: [round(value, 5) for value in values]}, indent=2) + "\n", "utf-8")


def _texts(store: Store, ids: Sequence[str]) -> list[str]:
    """The texts of samples and real rows, from where they are kept."""
    by_id = load_task(TASK).by_id
    numbers = [int(key) for kind, _, key in (one.partition(":") for one in ids) if kind == "sample"]
    real = [key.rpartition("/") for kind, _, key in (one.partition(":") for one in ids) if kind == "real"]
    written = [sample.text for sample in store.chosen(numbers).values()]
    return written + [by_id[query].references[int(number)] for query, _, number in real]


def _whole(number: str) -> int:
    return int(number.replace(",", ""))


def _around(points: Mapping[str, Dot]) -> list[Corner]:
    """A box on the page around all points."""
    across, down = [one.left for one in points.values()], [one.top for one in points.values()]
    left, right, top, bottom = min(across) - 3, max(across) + 3, min(down) - 3, max(down) + 3
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _hover_over(page: Page, key: str) -> None:
    """The cards of some points: text and nothing else."""
    for place in list(mapping.dots(page, key).values())[::9]:
        page.mouse.move(place.left, place.top, steps=2)
        page.wait_for_timeout(60)
        card = mapping.chart(page, key).locator(".hoverlayer .hovertext")
        if card.count():
            assert card.locator("a, image, img, script, foreignObject").count() == 0


def _sheet(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(10**8)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _imported(store: Store, path: Path, lines: Sequence[Mapping[str, object]], name: str, **more: Any) -> list[Run]:
    """Runs of a new task from a file of JSON lines, with vectors."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    new = None if name in {folder.name for folder in task_folders()} else name
    brought = import_generations(store, path, task=None if new else name, new_task=new, **more)
    found = [store.run(run) for run in brought.runs]
    for run in found:
        for _ in embed_run(store, run):
            pass
    return found


def _hostile_runs(store: Store, folder: Path) -> list[str]:
    """A task of hostile words with hostile real rows, and runs of them that were imported; returns the runs' texts."""
    texts = [
        text for text in (*ATTACKS, *FORMULAS, *HOSTILE) if text.strip() and "\ud800" not in text and "\0" not in text
    ]
    place = own_tasks() / "hostile"
    place.mkdir(parents=True)
    head = {"title": f"Odd {ATTACKS[1]}", "description": ATTACKS[0], "template": "{query}", "response": "answer"}
    (place / "task.json").write_text(json.dumps(head | {"plural": f"answers {ATTACKS[3]}"}), encoding="utf-8")
    asked = {"q1": ATTACKS[0], "q2": FORMULAS[0]}
    rows = [
        {"id": key, "role": "probe", "text": text, "label": ATTACKS[1], "references": [f"{t} {key}" for t in texts[:9]]}
        for key, text in asked.items()
    ]
    (place / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    task = load_task("hostile")
    mapping.embed_now(store, [row.text for row in task.references("probe")])
    half = len(texts) // 2
    lines = [
        {"run": f"{word} run", "query": query, "text": text, "note": word, ATTACKS[1]: word, "=1+1": score}
        for word, part, score in ((ATTACKS[0], texts[:half], 0.5), (FORMULAS[0], texts[half:], 0.25))
        for text in part
        for query in asked
    ]
    _imported(store, folder / "<b>odd<b>.jsonl", lines, "hostile", settings=("note", ATTACKS[1]), scores=("=1+1",))
    # Longer than an import takes, and words that no file of text can hold.
    more = [LONG, *(text for text in HOSTILE if "\ud800" in text), *(f"{ATTACKS[1]} {i}" for i in range(5))]
    new = NewRun(kind="imported", task="hostile", settings={"note": ATTACKS[2]}, queries=tuple(asked), note=ATTACKS[1])
    run = store.create_run(new, "done")
    samples = [
        NewSample(query=query, replicate=i, chain=i, round=0, text=text)
        for query in asked
        for i, text in enumerate(more)
    ]
    store.add_round(run.id, samples)
    mapping.embed_now(store, [sample.text for sample in store.samples(run.id)])
    return [*texts, *(sample.text for sample in store.samples(run.id))]
