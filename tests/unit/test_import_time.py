"""The dashboard paints before the engine loads: what the pages import loads no heavy library."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

HEAVY = {
    "accelerate",
    "alembic",
    "numba",
    "peft",
    "safetensors",
    "scipy",
    "sentence_transformers",
    "sklearn",
    "tokenizers",
    "torch",
    "transformers",
    "umap",
}


def loaded_by(modules: set[str]) -> set[str]:
    """The top-level packages that are loaded once these modules were imported in a fresh process."""
    script = (
        "import importlib, json, sys\n"
        f"for name in {sorted(modules)!r}:\n    importlib.import_module(name)\n"
        "print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def imported_on_top(path: Path) -> set[str]:
    """The modules of ours that a page's script imports as it starts."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(("core.", "pages.")):
            found.add(node.module)
    return found


def test_the_pages_load_nothing_heavy_before_they_paint() -> None:
    scripts = [REPOSITORY / "app.py", *(REPOSITORY / "pages").rglob("*.py")]
    ours = set().union(*(imported_on_top(path) for path in scripts))
    assert "core.store" in ours
    assert "pages.shared.frame" in ours
    assert not loaded_by(ours) & HEAVY


def test_figures_load_their_library_only_when_one_is_drawn() -> None:
    # Of the pages this cannot be asked: streamlit loads plotly by itself.
    assert not loaded_by({"core.figures", "core.drawing.forces", "core.drawing.marks"}) & (HEAVY | {"plotly", "pandas"})


def test_the_command_line_answers_before_the_engine_loads() -> None:
    assert not loaded_by({"core.cli"}) & HEAVY


def test_a_heavy_import_would_be_noticed() -> None:
    assert "safetensors" in loaded_by({"safetensors"})
