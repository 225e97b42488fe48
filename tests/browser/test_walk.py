"""A first visit as a person makes it: preview, generate, ask why, reload, and find the run again."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core.drawing.numbers import DASH
from core.store import Store
from pages.shared.plain import JOINER
from tests.browser.conftest import Server
from tests.browser.walking import (
    WORK,
    button,
    choose_task,
    close_preview,
    generate_now,
    headline,
    keep_latency,
    picture,
    preview_now,
    samples,
    slider,
)

GAMMA, ETA = "γ contrastive guidance", "η negative prompting"
WORDS = "p:has(> span[style*='background']:not(.stMarkdownBadge))"
"""Coloured prose."""

WRONG_LINKS = {
    "?g=9&e=0.4": "gamma is '9'; give a value from 0 to 4.",
    "?e=1": "eta is 1, but subtract mode needs eta below 1",
    "?queries=99": "queries is '99'; give a whole number from 1 to 20.",
    "?len=0&seed=-1": "max_new_tokens is '0'; give a value from 1 to 512. 1 other value",
    "?mode=upside": "mode is 'upside'; choose one of subtract, balanced.",
    "?run=r-nothing": "There is no run r-nothing in this store",
}


def test_a_first_visit_up_to_a_streamed_preview(
    server: Server, page: Page, abroad: list[str], record_property: Callable[[str, object], None]
) -> None:
    page.goto(server.url)
    expect(page).to_have_title("Generate · Steerscope")
    expect(headline(page)).to_contain_text("hypotheses")

    choose_task(page, "Online comments")
    expect(headline(page)).to_contain_text("comments")
    expect(page.get_by_role("combobox", name="Model pair")).to_have_value(re.compile("comments expert"))
    choose_task(page, "Research hypotheses")
    expect(headline(page)).to_contain_text("hypotheses")
    expect(page.get_by_role("combobox", name="Model pair")).to_have_value(re.compile("hypotheses expert"))

    expect(page.get_by_text("Effective temperature T / (1 − η) = 1.25")).to_be_visible()
    slider(page, ETA).press("ArrowRight")
    expect(slider(page, ETA)).to_have_value("0.25")
    expect(page.get_by_text("Effective temperature T / (1 − η) = 1.33")).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]e=0\.25"))

    # The first one waits for the models to be loaded; the second is what a person meets from then on.
    preview_now(page)
    close_preview(page)
    seen = preview_now(page)
    assert len(seen["counts"]) >= 2, "the text did not grow on the page"
    assert seen["counts"] == sorted(seen["counts"])
    record_property("first_token_seconds", seen["first"])
    keep_latency("models warm", seen["first"])
    assert page.locator(".st-key-preview").inner_text().strip()
    with Store(server.store) as store:
        assert store.runs() == [], "a preview was stored"
    assert abroad == []


def test_a_link_made_by_hand_says_what_is_wrong_with_it(
    server: Server, context: BrowserContext, abroad: list[str]
) -> None:
    for link, sentence in WRONG_LINKS.items():
        # A tab, so a session, of its own.
        page = context.new_page()
        page.goto(f"{server.url}/{link}")
        told = page.get_by_test_id("stAlert")
        expect(told, link).to_have_count(1)
        assert sentence in (told.text_content() or "").replace(JOINER, "")
        # What is right in the link is kept, the rest is as on a fresh page, and the address forgets what was wrong.
        expect(slider(page, GAMMA)).to_have_value("0.2")
        expect(slider(page, ETA)).to_have_value("0.4" if "e=0.4" in link else "0.2")
        expect(page).not_to_have_url(re.compile(r"[?&](g=9|e=1|queries|len|seed|mode|run=r-nothing)"))
        expect(button(page, "Generate 160")).to_be_enabled()
        slider(page, GAMMA).press("ArrowRight")
        expect(slider(page, GAMMA)).to_have_value("0.25")
        expect(page).to_have_url(re.compile(r"[?&]g=0\.25"))
        page.close()
    assert abroad == []


@pytest.mark.timeout(900)
def test_a_run_from_the_button_to_its_restored_settings(server: Server, page: Page, abroad: list[str]) -> None:
    asked_for = f"{server.url}/?queries=10&reps=8&len=28&g=0.4&e=0.25&seed=3"
    page.goto(asked_for)
    expect(button(page, "Generate 80")).to_be_enabled()
    run = generate_now(page)

    expect(page.get_by_text(re.compile(r"writing [1-9]\d* \W*/\W* 80"))).to_be_visible(timeout=WORK)
    expect(samples(page).first).to_contain_text(re.compile(r"replicate \d"))
    place = page.get_by_role("figure", name=re.compile("^Map of this task's runs"))
    expect(place).to_be_visible(timeout=WORK)
    expect(place).to_contain_text("this run")
    expect(page.get_by_text(re.compile("done 80$"))).to_be_visible(timeout=WORK)
    cards = page.get_by_test_id("stMetric")
    expect(cards).to_have_count(6)
    for card in cards.all():
        expect(card).to_contain_text(re.compile(r"\d.*(real|floor) \d"))
        expect(card.get_by_test_id("stMetricValue")).not_to_have_text(DASH)
    expect(headline(page)).to_contain_text(re.compile("real hypotheses"))

    with Store(server.store) as store:
        stored = store.run(run)
        assert (stored.status, stored.samples, stored.settings["seed"]) == ("done", 80, 3)
        asked = store.samples(run, newest=True, limit=1)[0]
    samples(page).first.get_by_role("button").click()
    strip = page.get_by_role("figure", name=re.compile("^Bars of what moved each of"))
    expect(strip).to_be_visible(timeout=WORK)
    expect(strip.locator(".bars .point")).to_have_count(2 * len(asked.token_ids))
    words = page.locator(WORDS).filter(has_not_text="towards the expert")
    shown = (words.text_content() or "").replace(JOINER, "").removesuffix("(end)")
    assert shown.split() == asked.text.split()

    address = page.url
    page.reload()
    expect(page.get_by_text(re.compile("done 80$"))).to_be_visible()
    expect(samples(page).first).to_contain_text(re.compile(r"replicate \d"))
    expect(place).to_be_visible()
    expect(strip).to_be_visible(timeout=WORK)
    expect(page).to_have_url(address)

    page.get_by_role("radio", name="Expert only").click()
    expect(slider(page, GAMMA)).to_have_value("0")
    page.get_by_role("link", name="Runs").click()
    button(page, "Restore settings").click()
    expect(page).to_have_title("Generate · Steerscope")
    expect(slider(page, GAMMA)).to_have_value("0.4")
    expect(slider(page, ETA)).to_have_value("0.25")
    expect(page.get_by_text("Batch: 10 queries × 8, seed 3")).to_be_visible()
    expect(page).to_have_url(re.compile("len=28"))

    button(page, "Run the control").click()
    expect(page.get_by_text(re.compile("control done$"))).to_be_visible(timeout=WORK)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{asked_for}&run={run}")
        expect(place).to_contain_text("this run")
        expect(page.get_by_text(re.compile("control done$"))).to_be_visible()
        picture(page, f"generate-{scheme}")
        page.goto(f"{server.url}/runs?run={run}")
        expect(page.get_by_role("figure", name=re.compile("^Map of"))).to_contain_text("this run")
        expect(page.get_by_test_id("stMetric")).to_have_count(9)
        picture(page, f"runs-{scheme}")
    assert abroad == []
