"""From the end of a lasso on the map to the lit sample view and the table of its texts, at 10,000 samples.

    python -m tests.bench.lasso [--json] [--samples 10000] [--rounds 7]

The true app in a true browser (Chromium, software WebGL) on a store of its own: twenty runs of a bundled task, drawn
all at once. Their texts have made-up vectors and places, so that nothing is written or embedded for it; neither is
looked at by a lasso. A lasso is drawn with the mouse around some hundreds of samples, each time elsewhere; the clock
starts at the release of the button and stops at the first frame in which the sample view is lit, and at the first in
which the table holds as many texts. Median over rounds, the first of which, where everything is cold, is not counted.

lit_ms     from the release of the button to the other chart being lit
table_ms   to the table of texts
samples    points on each chart; selected: those within a lasso, median
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from core.arranging import arranged
from core.embedding import DIMENSION, EMBEDDER, content_key
from core.sliders import SteerSettings
from core.storage.records import NewRun, NewSample, Run
from core.store import Store
from core.tasks import Task, load_task
from tests.browser import mapping
from tests.browser.conftest import FLAGS, REPOSITORY, serving
from tests.browser.mapping import MAP, SAMPLES, Corner
from tests.browser.walking import TASK, WORK, until

RUNS = 20
WATCH = """(samples) => {
    const seen = {lit: null, table: null, selected: 0};
    window.lassoSeen = seen;
    const bright = () => {
        const traces = document.querySelector(`.st-key-${samples} .js-plotly-plot`)?._fullData ?? [];
        return traces.reduce((sum, trace) => sum + (trace.selectedpoints?.length ?? 0), 0);
    };
    const before = bright();
    let start = null;
    const look = () => {
        seen.selected = bright();
        if (start !== null && seen.selected && seen.selected !== before) {
            const number = seen.selected.toLocaleString("en"), now = performance.now() - start;
            seen.lit ??= now;
            const heads = [...document.querySelectorAll("[data-testid=data-grid-canvas] th")];
            const words = [`${number} selected`, `500 of ${number}`];
            if (heads.some((each) => words.includes(each.textContent))) seen.table ??= now;
        }
        if (seen.lit === null || seen.table === null) requestAnimationFrame(look);
    };
    document.addEventListener("mouseup", () => { start = performance.now(); }, {capture: true, once: true});
    requestAnimationFrame(look);
}"""
"""Looks at every frame, from the release of the button on, whether the other chart and the table are there."""


def fill(store: Store, task: Task, samples: int) -> list[Run]:
    """RUNS runs with so many samples together, their vectors near those of their run, and places for all of them."""
    rng = np.random.default_rng(0)
    queries = task.with_role("probe")
    replicates = -(-samples // (RUNS * len(queries)))
    real = [row.text for row in task.references("probe")]
    at = rng.standard_normal((len(queries), DIMENSION))
    _embed(store, real, np.repeat(at, len(real) // len(queries), axis=0), rng)
    runs = []
    for number in range(RUNS):
        settings = SteerSettings(gamma=0.2 * (number // 5), eta=0.0, temperature=0.6 + 0.2 * (number % 5))
        new = NewRun(
            kind="steer",
            task=task.name,
            settings=settings.as_dict(),
            queries=tuple(query.id for query in queries),
            replicates=replicates,
            expected=replicates * len(queries),
        )
        run = store.create_run(new, "done")
        texts = {
            (query.id, j): f"Answer {j} of run {number} to {query.text}, as long as such an answer usually is."
            for query in queries
            for j in range(replicates)
        }
        store.add_round(
            run.id,
            [NewSample(query=query, replicate=j, chain=j, round=0, text=text) for (query, j), text in texts.items()],
        )
        away = 0.05 * number * rng.standard_normal(DIMENSION)
        _embed(store, list(texts.values()), np.repeat(at + away, replicates, axis=0), rng)
        runs.append(store.run(run.id))
    view = store.coordinates(arranged(store, task, runs).view)
    every = [*real, *(sample.text for run in runs for sample in store.samples(run.id))]
    places = rng.standard_normal((len(every), 2))
    view.put({content_key(text): (float(x), float(y)) for text, (x, y) in zip(every, places, strict=True)})
    return runs


def _embed(store: Store, texts: list[str], means: np.ndarray, rng: np.random.Generator) -> None:
    """Unit vectors around these means."""
    made = means + rng.standard_normal(means.shape)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    store.vectors(EMBEDDER).put(
        {content_key(text): row.astype(np.float32) for text, row in zip(texts, made, strict=True)}
    )


def measure(page: Page, url: str, rounds: int) -> dict[str, float]:
    """The medians over rounds."""
    page.goto(f"{url}/perspective?task={TASK}")
    mapping.chart(page, MAP).wait_for(timeout=WORK)
    page.get_by_role("combobox", name="Samples of").click()
    page.get_by_role("option", name="every run").click()
    task = load_task(TASK)
    until(page, lambda: len(mapping.dots(page, MAP)) > len(task.references("probe")) + 1_000, "every run is drawn")
    until(page, lambda: len(mapping.dots(page, SAMPLES)) == len(mapping.dots(page, MAP)), "in both charts")
    mapping.settled(page)
    lit, filled, counts = [], [], []
    for number in range(rounds + 1):
        points = mapping.dots(page, MAP)
        middle = sorted(points.values(), key=lambda one: one.left)[len(points) // 4 : -len(points) // 4]
        centre = middle[137 * number % len(middle)]
        corners = _circle(centre.left, centre.top, 25 + 3 * number)
        page.evaluate(WATCH, SAMPLES)
        mapping.lasso(page, corners)
        seen = until(
            page,
            lambda: None not in (now := page.evaluate("window.lassoSeen")).values() and now,
            "the samples of the lasso are lit and listed",
            seconds=30,
        )
        # A new lasso must not take hold of the old one.
        page.locator(".st-key-perspective-clear").get_by_role("button").click()
        until(page, lambda: mapping.lit(page, MAP) is None, "nothing is faded")
        mapping.settled(page)
        if number:
            lit.append(seen["lit"])
            filled.append(seen["table"])
            counts.append(seen["selected"])
    return {
        "lit_ms": statistics.median(lit),
        "table_ms": statistics.median(filled),
        "table_ms_slowest": max(filled),
        "samples": len(points),
        "selected": statistics.median(counts),
    }


def _circle(across: float, down: float, radius: float) -> list[Corner]:
    turns = [math.tau * i / 24 for i in range(24)]
    return [(across + radius * math.cos(turn), down + radius * math.sin(turn)) for turn in turns]


def main() -> None:
    """Print the medians, as lines or as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    chromium = os.environ.get("STEERSCOPE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("This needs Chromium; install it or name one in STEERSCOPE_CHROMIUM.")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'store.db'}"
        with Store(url) as store:
            fill(store, load_task(TASK), options.samples)
        with (
            serving(REPOSITORY / "app.py", Path(folder) / "server", STEERSCOPE_STORE=url) as server,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(WORK)
            found = measure(page, server.url, options.rounds)
            browser.close()
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:18}{value:12,.0f}")


if __name__ == "__main__":
    main()
