"""How the map grows with generators, queries, answers and vectors; `perspective --growth` writes its document.

    python -m tests.bench.growth --point 1000 10 8 384      one design, in a process of its own, as JSON
    python -m tests.bench.perspective --growth              all of them, then assets/documents/scaling.{md,svg}

Seconds are processor time with one BLAS thread, so that they mean the same whoever else uses the machine. Memory
is what the process holds at most beyond the answers themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from core.perspective import fit_map
from core.statistics.answers import Answers
from core.statistics.gram import LEAST_LANCZOS, MOST_DENSE
from core.statistics.plain import pca_map, plain_map
from tests.bench.log_plot import Panel, draw

DOCUMENTS = Path(__file__).resolve().parents[2] / "assets" / "documents"

BASE = {"n": 200, "m": 10, "r": 8, "p": 384}
GROWTH = {
    "n": (50, 200, 1000, 2500, 5000),
    "m": (2, 10, 50, 200),
    "r": (4, 8, 32, 100),
    "p": (64, 384, 1024, 4096),
}
WHAT = {"n": "generators", "m": "queries", "r": "answers to each query", "p": "numbers in a vector"}
ROADS = {
    "fit_map": "map with ellipses and clouds",
    "reference": "the same, 200 fit it",
    "plain": "plain map and distances",
    "randomised": "plain map, randomised",
    "place": "one generator placed",
}
REFERENCE = 200


def answers_of(n: int, m: int, r: int, p: int) -> Iterator[Answers]:
    """Unit vectors around means that differ along three directions."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((3, m * p), dtype=np.float32)
    common = rng.standard_normal(m * p, dtype=np.float32)
    for i in range(n):
        mean = common + (0.5 * rng.standard_normal(3)).astype(np.float32) @ directions
        rows = mean.reshape(m, 1, p) + np.float32(0.5) * rng.standard_normal((m, r, p), dtype=np.float32)
        rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
        yield Answers(f"g{i}", tuple(rows))


def peak() -> int:
    """Most bytes this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def seconds(road: Callable[[], object]) -> float:
    """Processor seconds of a road."""
    start = time.process_time()
    road()
    return time.process_time() - start


def point(n: int, m: int, r: int, p: int) -> dict[str, float]:
    """All roads at one design, from the same answers."""
    # Everything imported and warm before the clock starts.
    fit_map(list(answers_of(4, 2, 4, 8)))
    plain_map(np.random.default_rng(0).normal(size=(LEAST_LANCZOS + 1, 2, 3)), 2)
    *generators, late = answers_of(n + 1, m, r, p)
    before = peak()
    found: dict[str, float] = {"answer_bytes": sum(a.nbytes for g in generators for a in g.vectors)}
    drawn = []
    found["fit_map"] = seconds(lambda: drawn.append(fit_map(generators)))
    found["peak_bytes"] = peak() - before
    found["place"] = seconds(lambda: [drawn[0].place(late) for _ in range(20)]) / 20
    if n > REFERENCE:
        chosen = [g.key for g in generators[:REFERENCE]]
        found["reference"] = seconds(lambda: fit_map(generators, reference=chosen))
    means = np.stack([[cell.mean(axis=0) for cell in g.vectors] for g in generators])
    found["plain"] = seconds(lambda: plain_map(means, 2).squared_distances())
    found["randomised"] = seconds(lambda: pca_map(means, 2, seed=0))
    return found


def measured(name: str, value: int) -> dict[str, float]:
    """`point` in a process of its own, so that memory is this design's alone."""
    design = {**BASE, name: value}
    command = [sys.executable, "-m", "tests.bench.growth", "--point", *(str(design[key]) for key in "nmrp")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def write_document() -> None:
    """Measure every design and write scaling.md and scaling.svg."""
    designs = [(name, value) for name, values in GROWTH.items() for value in values]
    figures = {}
    for name, value in designs:
        figures[name, value] = measured(name, value)
        print(f"{name} = {value}: {figures[name, value]['fit_map']:.1f} s", flush=True)
    panels = [
        Panel(
            f"{WHAT[name]} {name}",
            {
                label: [(v, figures[name, v][road]) for v in values if road in figures[name, v]]
                for road, label in ROADS.items()
            },
        )
        for name, values in GROWTH.items()
    ]
    DOCUMENTS.mkdir(parents=True, exist_ok=True)
    (DOCUMENTS / "scaling.svg").write_text(draw(panels, "processor seconds"), encoding="utf-8")
    tables = "\n".join(table(name, {value: figures[name, value] for value in GROWTH[name]}) for name in GROWTH)
    text = DOCUMENT.format(cores=os.cpu_count(), tables=tables, reference=REFERENCE, dense=MOST_DENSE, **BASE)
    (DOCUMENTS / "scaling.md").write_text(text, encoding="utf-8")


def table(name: str, rows: dict[int, dict[str, float]]) -> str:
    """One Markdown table: a design a line."""
    fixed = ", ".join(f"{key} = {value}" for key, value in BASE.items() if key != name)
    head = " | ".join([name, *ROADS.values(), "answers", "memory beyond them"])
    lines = [f"### Growth with {WHAT[name]}", "", f"{fixed}.", "", f"| {head} |"]
    lines.append("|---:" * (len(ROADS) + 3) + "|")
    for value, found in rows.items():
        cells = [f"{value:,}", *(_time(found.get(road)) for road in ROADS)]
        cells += [_size(found["answer_bytes"]), _size(found["peak_bytes"])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _time(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value * 1e3:.2g} ms" if value < 0.1 else f"{value:.2g} s" if value < 10 else f"{value:.0f} s"


def _size(value: float) -> str:
    return f"{value / 2**20:,.0f} MiB"


DOCUMENT = """# How the map grows

Written by `python -m tests.bench.perspective --growth`. Processor seconds with one BLAS thread, on a machine with
{cores} processor cores and no graphics card. Where a table varies one number the others stay at n = {n} generators,
m = {m} queries, r = {r} answers to each query and p = {p} numbers in a vector, in two dimensions.

![Seconds against generators, queries, answers and numbers in a vector](scaling.svg)

- **Map with ellipses and clouds**: `fit_map` from all answers, as the page and `steerscope map` draw it.
- **The same, {reference} fit it**: {reference} generators fit axes and centre (`--reference`), the others are placed on
  them.
- **Plain map and distances**: from cell means, every distance included, by one Gram matrix (`plain_map`).
- **Plain map, randomised**: from cell means, no distances and no n x n matrix (`pca_map` with a seed).
- **One generator placed**: point, cloud and ellipse on a map that stays as it is.

{tables}
## What to expect

Up to about a thousand generators everything is linear in the number of answers: reading them, halving them and
projecting them cost more than any decomposition. In m, r and p it stays so. Beyond, two terms in n take over: the
Gram matrix of the means (n²mp multiplications) and the eigenvalues of the scree (about n³). The axes themselves
are cheap at any size, because only the leading eigenvectors are sought (Lanczos, beyond {dense} generators).

With many generators the noise floor of the scree is taken from one halving of the answers instead of several: one
already averages the noise.

## Beyond 5,000 generators

- **Fit a reference and place the rest.** Choose a few hundred generators that span the settings and place all others
  on their axes (`steerscope map --reference`). Each costs what "one generator placed" says, none sees the others,
  and an ellipse on a fixed map is the narrower one: nothing of the answers is spent on axes. The map then speaks
  about the axes and the centre of the reference.
- **Randomised axes.** The plain map needs no n x n matrix at all: a few passes over the means find the leading axes
  (Halko, Martinsson and Tropp 2011). Axes that stand clear of the rest come out as by the exact road (1e-8 in the
  tests); axes whose eigenvalues lie close together are found only roughly, and such axes mean little.
- **Refits.** The Grams of single queries, which make any subset of queries a matter of sums, take about n²m/2
  numbers: 0.45 GB for 1,000 generators and 100 queries, half of it in single precision (squared distances off by up
  to 3e-6). Beyond that keep the means and sum the Gram of the chosen queries anew (`summed_gram`).
- **Numbers in a vector** matter least: reduce them only where reading the answers themselves is too slow.
"""


def main() -> None:
    """Measure one design and print it as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--point", type=int, nargs=4, metavar=("N", "M", "R", "P"), required=True)
    options = parser.parse_args()
    with threadpool_limits(1):
        print(json.dumps(point(*options.point)))


if __name__ == "__main__":
    main()
