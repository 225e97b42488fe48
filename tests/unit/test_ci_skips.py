"""In a CI a skipped browser test, or one without the shared data, is a failure; on a laptop it is a skip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SKIP = "def test_it():\n    pytest.skip('{reason}')"
MODULE = "pytest.skip('{reason}', allow_module_level=True)"
BODIES = {
    "test_data": SKIP.format(reason="needs ../shared"),
    "test_module": MODULE.format(reason="needs ../shared"),
    "browser/test_chromium": SKIP.format(reason="no chromium"),
    "test_gpu": SKIP.format(reason="needs a GPU"),
    "test_expected": "@pytest.mark.xfail(reason='../shared')\ndef test_it():\n    assert False",
}
"""Files that hold one test each."""

SKIPPED, XFAILED, FAILED = {"skipped"}, {"pytest.xfail"}, {"failure", "error"}
"""What the report calls them; an error is a file that could not be read to its end."""


@pytest.fixture(scope="module", params=[False, True], ids=["laptop", "ci"])
def ends(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[bool, dict[str, str]]:
    """Whether it is a CI, and how each of BODIES ends there: one pytest run with the project's own conftest."""
    folder = tmp_path_factory.mktemp("skips")
    for name, body in BODIES.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"import pytest\n\n{body}\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"CI": "true"} if request.param else {}
    report = folder / "report.xml"
    options = ["-q", "-p", "tests.conftest", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    options += [f"--rootdir={folder}", "-c", "/dev/null", f"--junit-xml={report}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == int(request.param), done.stdout + done.stderr
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        place = f"{case.get('classname')}.{case.get('name')}"
        (name,) = (name for name in BODIES if Path(name).name in place)
        assert name not in found, "it ended twice"
        (end,) = case
        found[name] = "pytest.xfail" if end.get("type") == "pytest.xfail" else end.tag
    return request.param, found


@pytest.mark.parametrize("name", ["test_data", "test_module", "browser/test_chromium"])
def test_a_skip_of_what_must_run_fails_in_ci_only(ends: tuple[bool, dict[str, str]], name: str) -> None:
    in_ci, found = ends
    assert found[name] in (FAILED if in_ci else SKIPPED)


def test_another_skip_stays_a_skip(ends: tuple[bool, dict[str, str]]) -> None:
    assert ends[1]["test_gpu"] in SKIPPED


def test_an_expected_failure_stays_one(ends: tuple[bool, dict[str, str]]) -> None:
    assert ends[1]["test_expected"] in XFAILED
