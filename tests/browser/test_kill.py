"""SIGKILL of server and worker in the middle of a run whose pool grows."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.jobs import Jobs
from core.scheduling.processes import fate
from core.sliders import SteerSettings
from core.store import Store
from tests.browser.conftest import Server
from tests.browser.walking import WORK, alone, button, generate_now, headline, texts, until

SETTINGS = SteerSettings(chains=2, round_size=2, max_new_tokens=24, seed=5)
"""Two chains whose rounds read all the earlier ones of theirs."""


@pytest.mark.timeout(900)
def test_a_killed_run_is_kept_and_resumes_to_the_same_texts(
    serve: Callable[..., Server], page: Page, abroad: list[str], tmp_path: Path
) -> None:
    assert SETTINGS.pool_grows
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    server = serve(name="first", STEERSCOPE_STORE=url)
    page.goto(f"{server.url}/?queries=8&reps=4&chains=2&round=2&len=24&seed=5")
    run = generate_now(page)
    with Store(url) as store:
        until(page, lambda: store.run(run).samples >= 8, "two rounds of each chain are stored")
        job = Jobs(store).of_run(run)
        assert job is not None
        assert job.owner is not None
        worker = job.owner
        # The server first: it would start another worker.
        server.stop(signal.SIGKILL)
        os.kill(int(worker.rsplit(":", 2)[1]), signal.SIGKILL)
        until(page, lambda: fate(worker) == "dead", "the worker is dead")
        kept = texts(store, run)
        assert 8 <= len(kept) < 32, "the run was not in the middle"

        again = serve(name="second", STEERSCOPE_STORE=url)
        page.goto(again.url)
        expect(headline(page)).to_contain_text(f"stopped at {len(kept)} of 32 samples")
        expect(page.get_by_text("was interrupted")).to_be_visible()
        expect(page.get_by_text(f"It stopped at {len(kept)} of 32 samples. Nothing is lost")).to_be_visible()
        assert store.run(run).status == "interrupted"
        assert texts(store, run) == kept

        button(page, "Resume").click()
        expect(page.get_by_text(re.compile("done 32$"))).to_be_visible(timeout=WORK)
        whole = texts(store, run)
        assert kept.items() <= whole.items()
        assert store.metrics(run)
    assert whole == alone(SETTINGS, queries=8, replicates=4)
    assert abroad == []
