"""Do the ellipses and intervals cover what they say? The table in assets/documents/coverage.md.

    python -m tests.bench.coverage [--maps 1000] [--processes 2] [--results FILE] [--write]

Simulates generators whose true means are known (tests/statistics/worlds.py) and counts how often what a map
shows holds the truth. A design that stands in the results file is not simulated again, so the script can be
stopped and started. --write puts the table into the documentation.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.statistics.measuring import ENERGY_DESIGNS, KINDS, Share, measure, measure_bootstrap, measure_energy
from tests.statistics.worlds import NOISE, grid

DOCUMENT = Path(__file__).resolve().parents[2] / "assets" / "documents" / "coverage.md"
BOOTSTRAPS = ((3, 20, 8), (5, 5, 8), (5, 20, 8), (10, 10, 4), (10, 20, 8), (10, 50, 8), (30, 20, 8))
"""n, m and r of the populations of queries."""

Result = dict[str, Any]


def work(name: str, index: int, maps: int) -> tuple[str, Result]:
    """One row; the name says which table it belongs to."""
    if name.startswith("energy"):
        found = measure_energy(ENERGY_DESIGNS[index], maps // 10)
    elif name.startswith("queries"):
        found = measure_bootstrap(*BOOTSTRAPS[index], maps=maps // 4)
    else:
        found = measure(grid()[index], maps)
    return name, {kind: asdict(share) for kind, share in found.items()} | {"maps": maps}


def rows() -> Iterator[tuple[str, int]]:
    """Every row of every table: its name and its number."""
    yield from ((str(design), index) for index, design in enumerate(grid()))
    yield from ((f"queries n{n} m{m} r{r}", index) for index, (n, m, r) in enumerate(BOOTSTRAPS))
    yield from ((f"energy {design}", index) for index, design in enumerate(ENERGY_DESIGNS))


def shown(share: Share) -> str:
    """`.953`, `.953*` where it was shown only for some, `none` where never."""
    if math.isnan(share.held):
        return "none"
    return f"{share.held:.3f}".replace("0.", ".", 1) + ("*" if share.shown < 0.999 else "")


def share_of(result: Result, kind: str) -> Share:
    """One cell of the results file."""
    return Share(**result[kind])


def document(results: dict[str, Result], maps: int) -> str:
    """The whole page, from the results."""
    parts = [
        "# Measured coverage",
        f"""\
Written by `python -m tests.bench.coverage --write`: {maps:,} simulated maps a row, answers are 24-dimensional unit
vectors with known true means and skewed, anisotropic noise (`tests/statistics/worlds.py`). Nominal is .95
everywhere. The standard error of a cell is at most about .01 (one flag a map: .007; ellipses of a map go together).
`noise` is the aim of tau / lambda_d ({", ".join(f"{name} {value:g}" for name, value in NOISE.items())}; mixed has
generators whose noise differs by a factor of 6 on one map), r is the number of answers a query, `both` puts chained
generators beside independent ones. `none`: nothing is shown there; `*`: shown only where it is honest, and counted
where it is shown.""",
        "\n".join(f"- **{kind}**: {words}" for kind, words in KINDS.items()),
        _table(results),
        _summary(results),
        f"## The energy variant\n\n{maps // 10:,} maps a row: all pairs of answers are compared in each.",
        _energy(results),
        f"## A population of queries\n\n{maps // 4:,} maps a row, each drawn again 100 times.",
        _population(results),
    ]
    return "\n\n".join(parts) + "\n"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _head(names: list[str], left: int) -> list[str]:
    return [_line(names), "|" + "---|" * left + "---:|" * (len(names) - left)]


def _table(results: dict[str, Result]) -> str:
    lines = _head(["noise", "n", "m", "r", "answers", *KINDS], 5)
    for design in grid():
        found = results[str(design)]
        low, high = design.replicates
        r = str(low) if low == high else f"{low}-{high}"
        cells = [shown(share_of(found, kind)) for kind in KINDS]
        lines.append(_line([design.noise, str(design.n), str(design.m), r, design.tied, *cells]))
    return "\n".join(lines)


def _summary(results: dict[str, Result]) -> str:
    lines = _head(["over the designs", *KINDS], 1)
    for name, number in (("lowest", min), ("mean", lambda all_: sum(all_) / len(all_)), ("highest", max)):
        cells = []
        for kind in KINDS:
            held = [share_of(results[str(design)], kind).held for design in grid()]
            cells.append(f"{number([each for each in held if not math.isnan(each)]):.3f}".replace("0.", ".", 1))
        lines.append(_line([name, *cells]))
    return "\n".join(lines)


def _energy(results: dict[str, Result]) -> str:
    lines = _head(["noise", "n", "m", "r", "answers", "ellipse", "distance"], 5)
    for design in ENERGY_DESIGNS:
        found = results.get(f"energy {design}")
        if found is None:
            continue  # not simulated yet: the script was stopped
        low, high = design.replicates
        r = str(low) if low == high else f"{low}-{high}"
        cells = [shown(share_of(found, kind)) for kind in ("ellipse", "distance")]
        lines.append(_line([design.noise, str(design.n), str(design.m), r, design.tied, *cells]))
    return "\n".join(lines)


def _population(results: dict[str, Result]) -> str:
    lines = _head(["n", "m", "r", "ellipse over the population"], 3)
    for n, m, r in BOOTSTRAPS:
        found = results[f"queries n{n} m{m} r{r}"]
        lines.append(_line([str(n), str(m), str(r), shown(share_of(found, "queries"))]))
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path("coverage-results.json"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    results: dict[str, Result] = json.loads(options.results.read_text()) if options.results.exists() else {}
    missing = [(name, index) for name, index in rows() if results.get(name, {}).get("maps") != options.maps]
    with ProcessPoolExecutor(options.processes) as pool:
        for name, found in (
            pool.map(work, *zip(*missing, strict=True), [options.maps] * len(missing)) if missing else ()
        ):
            results[name] = found
            options.results.write_text(json.dumps(results, indent=1))
            words = "  ".join(f"{kind} {shown(share_of(found, kind))}" for kind in found if kind != "maps")
            print(f"{name:<36} {words}", flush=True)
    if options.write:
        DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
        DOCUMENT.write_text(document(results, options.maps))
        print(f"written to {DOCUMENT}")


if __name__ == "__main__":
    main()
