"""A person opens the recorded demo on Predict, reads what the map foretells, and acts on it."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable
from functools import cache

import pytest
from playwright.sync_api import Page, expect

from core.atlas import draw_atlas
from core.drawing.numbers import fixed, interval, three
from core.predicting import gather
from core.regression import Evaluation, evaluate
from core.store import Store
from core.tasks import load_task
from pages.predict.scores import Score
from tests.browser import mapping
from tests.browser.conftest import ARTEFACTS, Server
from tests.browser.walking import TASK, WORK, button, headline, picture, slider, until

SURFACE, LEFT_OUT = "predict-surface-chart", "predict-left-out-chart"


@pytest.mark.timeout(600)
def test_the_demo_is_read_asked_and_followed(serve: Callable[..., Server], page: Page, abroad: list[str]) -> None:
    server = serve(STEERSCOPE_DEMO="1")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    began = time.monotonic()
    page.goto(f"{server.url}/predict?task={TASK}&scorer=classifier")
    expect(mapping.chart(page, LEFT_OUT)).to_be_visible(timeout=WORK)
    expect(mapping.chart(page, SURFACE)).to_be_visible()
    seconds = time.monotonic() - began
    with Store(server.store) as store:
        # The first visitor of a fresh server, the demo read into its store, to both charts.
        _keep("first visit", seconds)
        # What the header of the page asks for is what the front end asks for.
        assert sum("/PlotlyChart." in url for url in asked) == 1
        _reads(page, evaluated(store, "classifier", None))
        assert re.search(r"map|alone|estimate", headline(page).inner_text())

        _hover_over_one(page, evaluated(store, "classifier", None))

        page.get_by_role("combobox", name=re.compile("^Scorer")).click()
        page.get_by_role("option", name="Language model").click()
        _reads(page, evaluated(store, "language-model", None))
        expect(page).to_have_url(re.compile("scorer=language-model"))
        page.get_by_role("radio", name="2", exact=True).press("Space")
        _reads(page, evaluated(store, "language-model", 2))

        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            expect(page.locator(".st-key-predict-write-next").get_by_role("button")).to_be_enabled(timeout=WORK)
            mapping.settled(page)
            picture(page, f"predict-{scheme}")

        before = _predicted(page)
        handle = slider(page, re.compile("γ")).first  # type: ignore[arg-type]
        handle.press("ArrowRight")
        expect(button(page, "Place it")).to_be_enabled()
        button(page, "Place it").click()
        after = until(page, lambda: (now := _predicted(page)) != before and now, "the point is foretold")
        assert re.fullmatch(r"predicts [\d.]+ \([\d.]+ – [\d.]+\)", after)
        until(page, lambda: mapping.dots(page, SURFACE, "point:"), "the cross is on the surface")
        (job,) = _jobs(store, "point")
        assert len(job.result["rows"]) == 2 * len(load_task(TASK).with_role("probe"))
        expect(page.get_by_text(re.compile("inside the map|extrapolates")).first).to_be_visible()
        mapping.settled(page)
        picture(page, "predict-point")

        runs = {run.id for run in store.runs()}
        button(page, "Write these 3").click()
        new = until(page, lambda: {run.id for run in store.runs()} - runs, "the settings are runs")
        new = until(page, lambda: len(found := {run.id for run in store.runs()} - runs) == 3 and found, "three runs")
        tried = {json.dumps(store.run(run).settings, sort_keys=True) for run in runs}
        assert all(json.dumps(store.run(run).settings, sort_keys=True) not in tried for run in new)
        assert {store.run(run).role for run in new} == {"probe"}
    assert abroad == []


def evaluated(store: Store, name: str, dimension: int | None) -> Evaluation:
    """What the demo's runs foretell of a score, worked out in this process."""
    atlas, runs = _atlas(store)
    return evaluate(gather(store, atlas, name, runs).runs, dimension=dimension, name=Score(name).unit)


@cache
def _atlas(store: Store):  # type: ignore[no-untyped-def]
    runs = [run for run in store.runs(task=TASK, status="done") if run.role == "probe"]
    return draw_atlas(store, load_task(TASK), runs), runs


def _reads(page: Page, found: Evaluation) -> None:
    """The page says what this evaluation found."""
    expect(page.get_by_text(f"Q² {fixed(found.q2, 2)}")).to_be_visible(timeout=WORK)


def _predicted(page: Page) -> str:
    """What stands beside the sliders."""
    said = page.locator(".st-key-predict-answer").get_by_text("predicts")
    return " ".join(said.inner_text().split()) if said.count() else ""


def _hover_over_one(page: Page, found: Evaluation) -> None:
    """The card of the point that stands most alone says where it was measured, and its interval."""
    dots = mapping.dots(page, LEFT_OUT, "run:")

    def room(key: str) -> float:
        return min(math.dist(_place(dots[key]), _place(dot)) for other, dot in dots.items() if other != key)

    alone = max(dots, key=room)
    (one,) = (each for each in found.predictions if f"run:{each.key}" == alone)
    assert (dots[alone].x, dots[alone].y) == pytest.approx((one.predicted, one.score))
    page.mouse.move(dots[alone].left - 40, dots[alone].top - 40)
    page.mouse.move(*_place(dots[alone]), steps=4)
    card = mapping.chart(page, LEFT_OUT).locator(".hoverlayer .hovertext")
    expect(card).to_contain_text(three(one.score))
    expect(card).to_contain_text(interval(one.low, one.high))


def _place(dot: mapping.Dot) -> mapping.Corner:
    return dot.left, dot.top


def _jobs(store: Store, kind: str):  # type: ignore[no-untyped-def]
    from core.jobs import Jobs

    return Jobs(store).jobs(kind=kind)


def _keep(name: str, seconds: float) -> None:
    """Write down a time with the load of the machine; no test may fail by a wall clock."""
    ARTEFACTS.mkdir(exist_ok=True)
    path = ARTEFACTS / "predict.json"
    told = {"seconds": round(seconds, 2), "load": os.getloadavg()[0], "cores": os.cpu_count()}
    path.write_text(json.dumps({name: told}, indent=2) + "\n", encoding="utf-8")
