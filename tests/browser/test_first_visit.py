"""The first visitor of a fresh server arrives by a deep link."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect


@pytest.mark.parametrize("path", ["/", "/predict", "/runs?task=comments"])
def test_every_link_opens_its_page_at_once(serve: Callable[..., Any], page: Page, abroad: list[str], path: str) -> None:
    server = serve(STEERSCOPE_WORKERS="0")
    page.goto(server.url + path)
    title = path.strip("/").partition("?")[0].capitalize() or "Generate"
    expect(page).to_have_title(f"{title} · Steerscope")
    expect(page.get_by_test_id("stSidebarNavLink").first).to_be_visible()
    expect(page.get_by_role("button", name="Copy link to this view")).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)
    if "comments" in path:
        expect(page).to_have_url(re.compile(r"task=Online\+comments"))
    assert abroad == []


def test_the_copied_link_restores_task_and_page(serve: Callable[..., Any], page: Page) -> None:
    server = serve(STEERSCOPE_WORKERS="0")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(server.url + "/runs?task=translation")
    expect(page).to_have_url(re.compile(r"task=English"))
    page.get_by_role("button", name="Copy link to this view").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    other = page.context.new_page()
    other.goto(link)
    expect(other).to_have_title("Runs · Steerscope")
    expect(other.get_by_role("combobox", name=re.compile("Task"))).to_have_value(re.compile("English"))
