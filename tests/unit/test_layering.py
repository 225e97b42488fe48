"""The house rules of imports: core points downwards and never at the pages, pages never at each other.

And one of the pages: they never stop the script.
"""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

LOWEST = ("core.errors", "core.settings", "core.tasks")
"""The bottom of the library: each may import only those before it."""


def module_name(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for folder in ("core", "pages") for path in (REPOSITORY / folder).rglob("*.py")}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            assert node.module is not None
            # `from core import figures` names a module, `from core.figures import x` does not.
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in SOURCES else node.module


def package(module: str) -> str:
    return module.partition(".")[0]


CORE = sorted(name for name in SOURCES if package(name) == "core" and not name.startswith("core.migrations"))
PAGES = sorted(name for name in SOURCES if package(name) == "pages")


@pytest.mark.parametrize("name", CORE)
def test_core_never_imports_streamlit_or_pages(name: str) -> None:
    assert not {package(found) for found in imports(SOURCES[name])} & {"streamlit", "pages", "app"}


def test_core_has_no_circle() -> None:
    graph = {name: {found for found in imports(SOURCES[name]) if found in SOURCES and found != "core"} for name in CORE}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as circle:
        pytest.fail("imports go in a circle: " + " <- ".join(circle.args[1]))


@pytest.mark.parametrize("name", LOWEST)
def test_the_lowest_modules_import_only_downwards(name: str) -> None:
    below = set(LOWEST[: LOWEST.index(name)])
    assert {found for found in imports(SOURCES[name]) if package(found) == "core"} <= below


@pytest.mark.parametrize("name", PAGES)
def test_a_page_imports_core_shared_blocks_and_its_own_sections_only(name: str) -> None:
    own = ".".join(name.split(".")[:2]) if name.count(".") > 1 else name
    for found in imports(SOURCES[name]):
        if package(found) != "pages":
            continue
        inside = found == own or found.startswith(own + ".")
        # The server prepares what pages show first, each by its own module for it.
        inside = inside or (own == "pages.serving" and found.endswith(".ahead"))
        assert inside or found.startswith("pages.shared"), f"{name} imports {found}"


def test_the_walk_sees_imports_inside_functions(tmp_path: Path) -> None:
    source = tmp_path / "x.py"
    source.write_text("import json\ndef f():\n    from core import errors\n    import torch.nn\n")
    assert sorted(imports(source)) == ["core.errors", "json", "torch.nn"]


def test_every_page_but_the_first_has_a_file_where_its_deep_link_arrives() -> None:
    folders = {path.parent.name for path in (REPOSITORY / "pages").glob("*/page.py")}
    arrivals = {path.stem.partition("_")[2] for path in (REPOSITORY / "pages").glob("0_*.py")}
    assert arrivals == folders - {"generate"}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_stops_the_script(name: str) -> None:
    # A click that came while the page was being drawn waits for its end; st.stop() throws it away.
    calls = [node.func for node in ast.walk(ast.parse(SOURCES[name].read_text())) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Attribute) and ast.unparse(call) == "st.stop"]


Function = tuple[str, str]
"""A module and a function in it."""

Functions = dict[Function, tuple[bool, set[Function]]]
"""Whether each is a fragment, and which functions of the pages it names."""


def _is_fragment(node: ast.AST) -> bool:
    return ast.unparse(node.func if isinstance(node, ast.Call) else node) == "st.fragment"


def _functions(source: str, module: str) -> Functions:
    """Every function of a page's module."""
    tree = ast.parse(source)
    own = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    known: dict[str, Function] = {name: (module, name) for name in own}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and package(node.module or "") == "pages":
            known |= {alias.asname or alias.name: (str(node.module), alias.name) for alias in node.names}
    wrapped = {
        each.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _is_fragment(node)
        for each in node.args
        if isinstance(each, ast.Name)
    }
    return {
        (module, name): (
            name in wrapped or any(_is_fragment(each) for each in node.decorator_list),
            {known[each.id] for each in ast.walk(node) if isinstance(each, ast.Name) and each.id in known},
        )
        for name, node in own.items()
    }


def nested_fragments(functions: Functions) -> set[Function]:
    """Functions within which one fragment would draw another."""
    found = set()
    for start, (fragment, _) in functions.items():
        if not fragment:
            continue
        reached, waiting = set(), [start]
        while waiting:
            each = waiting.pop()
            if each in reached or each not in functions:
                continue
            reached.add(each)
            waiting += functions[each][1]
        if any(functions[each][0] for each in reached - {start}):
            found.add(start)
    return found


def test_the_walk_finds_a_fragment_in_a_fragment() -> None:
    outer = (
        "from pages.b import drawn\ndef page():\n st.fragment(part)(1)\ndef part(x):\n step()\ndef step():\n drawn()\n"
    )
    inner = "@st.fragment(run_every=2)\ndef _clock():\n    pass\ndef drawn():\n    _clock()\n"
    functions = _functions(outer, "pages.a") | _functions(inner, "pages.b")
    assert nested_fragments(functions) == {("pages.a", "part")}
    assert nested_fragments(_functions(outer, "pages.a")) == set()


def test_no_fragment_draws_another() -> None:
    # What is drawn twice in a row is thrown away once, but not what a fragment within it drew: the page goes blank.
    pages = {name: path.read_text(encoding="utf-8") for name, path in SOURCES.items() if package(name) == "pages"}
    functions = {key: found for name, source in pages.items() for key, found in _functions(source, name).items()}
    assert sum(fragment for fragment, _ in functions.values()) > 10
    assert nested_fragments(functions) == set()
