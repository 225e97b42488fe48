"""What a person does on the pages and what they see, and the texts that the same settings write alone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from playwright.sync_api import Locator, Page, expect

from core.generation import generate, plan
from core.models import ModelPair, available_pairs, load_pair
from core.sliders import SteerSettings
from core.storage.records import Unit
from core.store import Store
from core.tasks import load_task
from tests.browser.conftest import ARTEFACTS

T = TypeVar("T")
TASK = "hypotheses"
WORK = 120_000
"""Milliseconds for work of the models, which a busy machine makes slow."""

WATCH_PREVIEW = """() => {
    const seen = {first: null, counts: []};
    let clicked = null;
    window.previewSeen = seen;
    document.addEventListener("click", (event) => {
        if (event.target.closest("button")?.textContent.startsWith("Preview")) clicked = performance.now();
    }, {capture: true});
    new MutationObserver(() => {
        const box = document.querySelector(".st-key-preview");
        if (box === null || clicked === null) return;
        const cards = [...box.textContent.matchAll(/(\\d+) tokens?/g)];
        const tokens = cards.reduce((sum, card) => sum + Number(card[1]), 0);
        if (tokens === 0 || tokens === seen.counts.at(-1)) return;
        seen.first ??= (performance.now() - clicked) / 1000;
        seen.counts.push(tokens);
    }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
"""Counts the tokens on the page whenever it changes, from the click on Preview on."""


def until(page: Page, found: Callable[[], T], what: str, seconds: float = WORK / 1000) -> T:
    """Look again and again, as a person would, until something is there; what: said where it never is."""
    for _ in range(int(seconds / 0.05)):
        if answer := found():
            return answer
        # Not time.sleep: it would stop the browser's requests too, which pass through this process.
        page.wait_for_timeout(50)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def slider(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name)


def button(page: Page, name: str) -> Locator:
    """A button by the beginning of its words; icons have names of their own before them."""
    return page.get_by_role("button", name=re.compile(rf"(^|\s|[a-z_]){name}"))


def choose_task(page: Page, title: str) -> None:
    page.get_by_role("combobox", name=re.compile("^Task")).click()
    page.get_by_role("option", name=re.compile(f"^{title}")).click()


def headline(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def samples(page: Page) -> Locator:
    """The cards of the newest samples."""
    return page.locator("[class*=st-key-sample-]")


def generate_now(page: Page) -> str:
    """Press Generate and return the run that the address names from then on."""
    before = _run_named(page)
    page.get_by_role("button", name=re.compile(r"^Generate \d")).click()
    return until(page, lambda: (now := _run_named(page)) != before and now, "the address names the new run")


def _run_named(page: Page) -> str:
    found = re.search(r"[?&]run=([\w-]+)", page.url)
    return found.group(1) if found else ""


def preview_now(page: Page) -> dict[str, Any]:
    """Press Preview and wait for its end; returns seconds to the first token and the tokens seen since."""
    page.evaluate(WATCH_PREVIEW)
    page.get_by_role("button", name=re.compile(r"^Preview \d")).click()
    # The badge of a preview that has ended.
    expect(page.get_by_text(re.compile(r"^\W*(visibility)?\s*8 samples$"))).to_be_visible(timeout=WORK)
    return dict(page.evaluate("window.previewSeen"))


def close_preview(page: Page) -> None:
    # By role: a button with a tooltip stands there twice, once hidden.
    page.locator(".st-key-close-preview").get_by_role("button").click()
    expect(page.locator(".st-key-preview")).to_have_count(0)


def keep_latency(name: str, seconds: float) -> None:
    """Write down a first-token latency with the load of the machine; no test may fail by a wall clock."""
    ARTEFACTS.mkdir(exist_ok=True)
    path = ARTEFACTS / "first-token.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[name] = {"seconds": round(seconds, 3), "load": os.getloadavg()[0], "cores": os.cpu_count()}
    path.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def picture(page: Page, name: str) -> None:
    """A screenshot for the artefacts, without a tooltip under the mouse."""
    ARTEFACTS.mkdir(exist_ok=True)
    page.mouse.move(0, 0)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.screenshot(path=ARTEFACTS / f"{name}.png", animations="disabled")


def texts(store: Store, run: str) -> dict[Unit, str]:
    """What a run has stored, by query and replicate."""
    return {(sample.query, sample.replicate): sample.text for sample in store.samples(run)}


def alone(settings: SteerSettings, queries: int, replicates: int) -> dict[Unit, str]:
    """What the bundled pair writes with these settings in this process, without server, store or queue."""
    work = plan(load_task(TASK), settings, role="probe", queries=queries, replicates=replicates)
    written = [sample for batch in generate(_pair(), work, batch_size=64) for sample in batch or ()]
    return {(sample.query, sample.replicate): sample.text for sample in written}


@cache
def _pair() -> ModelPair:
    return load_pair(available_pairs(TASK)[0], layout="merged")
