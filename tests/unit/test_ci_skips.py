"""In a CI a skipped browser test, or one without the shared data, is a failure; on a laptop it is a skip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def outcome(folder: Path, body: str, ci: bool) -> str:
    """The last line of a pytest run over one file with the project's own conftest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test_one.py").write_text(f"import pytest\n\n{body}\n")
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"CI": "true"} if ci else {}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"--rootdir={folder}", "-c", "/dev/null", str(folder)],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip().splitlines()[-1]


SKIP = "def test_it():\n    pytest.skip('{reason}')"
MODULE = "pytest.skip('{reason}', allow_module_level=True)"


@pytest.mark.parametrize("body", [SKIP, MODULE])
def test_a_skip_without_shared_data_fails_in_ci_only(tmp_path: Path, body: str) -> None:
    body = body.format(reason="needs ../shared")
    assert "1 skipped" in outcome(tmp_path / "a", body, ci=False)
    assert "skipped" not in outcome(tmp_path / "b", body, ci=True)
    assert "1 failed" in outcome(tmp_path / "c", body, ci=True) or "1 error" in outcome(tmp_path / "d", body, ci=True)


def test_a_skipped_browser_test_fails_in_ci(tmp_path: Path) -> None:
    assert "1 failed" in outcome(tmp_path / "browser", SKIP.format(reason="no chromium"), ci=True)


def test_another_skip_stays_a_skip_in_ci(tmp_path: Path) -> None:
    assert "1 skipped" in outcome(tmp_path, SKIP.format(reason="needs a GPU"), ci=True)


def test_an_expected_failure_stays_one_in_ci(tmp_path: Path) -> None:
    body = "@pytest.mark.xfail(reason='../shared')\ndef test_it():\n    assert False"
    assert "1 xfailed" in outcome(tmp_path, body, ci=True)
