"""More than one thing at once: a preview beside a long run, a run that is stopped, two people who write."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core.jobs import Jobs
from core.sliders import SteerSettings
from core.store import Store
from tests.browser.conftest import Server
from tests.browser.walking import (
    WORK,
    alone,
    button,
    close_preview,
    generate_now,
    headline,
    keep_latency,
    preview_now,
    slider,
    texts,
    until,
)


@pytest.mark.timeout(900)
def test_cancel_keeps_what_is_written_and_resume_writes_the_rest(
    server: Server, page: Page, abroad: list[str], record_property: Callable[[str, object], None]
) -> None:
    page.goto(f"{server.url}/?queries=20&reps=6&len=48&seed=1")
    run = generate_now(page)
    with Store(server.store) as store:
        until(page, lambda: store.run(run).samples, "the first round is stored")
        seen = preview_now(page)
        assert store.run(run).active, "the run ended before the preview did"
        record_property("first_token_seconds", seen["first"])
        keep_latency("beside a long run", seen["first"])
        close_preview(page)

        before = texts(store, run)
        page.locator(".st-key-cancel").get_by_role("button").click()
        until(page, lambda: not store.run(run).active, "the run has stopped")
        stopped = store.run(run)
        kept = texts(store, run)
        assert stopped.status == "cancelled"
        assert before.items() <= kept.items()
        assert stopped.samples == len(kept) < 120
        expect(headline(page)).to_contain_text(f"stopped at {len(kept)} of 120 samples")
        expect(page.get_by_text(f"It stopped at {len(kept)} of 120 samples. Nothing is lost")).to_be_visible()

        button(page, "Resume").click()
        expect(page.get_by_text(re.compile("done 120$"))).to_be_visible(timeout=WORK)
        assert store.run(run).status == "done"
        whole = texts(store, run)
        assert len(whole) == 120
        assert kept.items() <= whole.items()
        assert store.metrics(run)
    assert abroad == []


@pytest.mark.timeout(900)
def test_two_tabs_write_at_once_what_each_writes_alone(
    server: Server, context: BrowserContext, page: Page, abroad: list[str]
) -> None:
    other = context.new_page()
    tabs = {11: page, 12: other}
    for seed, tab in tabs.items():
        tab.goto(f"{server.url}/?queries=20&reps=4&len=32&seed={seed}")
        expect(button(tab, "Generate 80")).to_be_enabled()
    runs = {seed: generate_now(tab) for seed, tab in tabs.items()}
    with Store(server.store) as store:
        jobs = Jobs(store)
        until(page, lambda: len([job for job in jobs.active() if job.status == "running"]) == 2, "both are running")
        # While both are written: the sliders answer, one tab is reloaded and the other is closed.
        slider(page, "η negative prompting").press("ArrowRight")
        expect(page.get_by_text("Effective temperature T / (1 − η) = 1.33")).to_be_visible()
        assert len(jobs.active()) == 2, "the runs ended before the page answered"
        page.reload()
        other.close()
        expect(page).to_have_url(re.compile(f"run={runs[11]}"))
        expect(page.get_by_text(re.compile("done 80$"))).to_be_visible(timeout=WORK)
        until(page, lambda: not jobs.active(), "both have ended")
        found = {seed: texts(store, run) for seed, run in runs.items()}
    assert found[11] != found[12]
    for seed, written in found.items():
        assert written == alone(SteerSettings(seed=seed, max_new_tokens=32), queries=20, replicates=4)
    assert abroad == []
