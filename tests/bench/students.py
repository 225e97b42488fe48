"""What a scorer costs and what its students can do: one run of about 160 samples, one seed, one core.

    python -m tests.bench.students --store URL [--task translation] [--json]
    python -m tests.bench.students --store URL --tatoeba [--seeds 3]

The store is one that `assets/demo/make.py` worked in. --tatoeba judges translation students of the coldest and the
warmest settings on test pairs of Tatoeba too, where ../shared has them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

from core.downstream.answers import material, usual_replicates
from core.downstream.languages import Direction, learned
from core.downstream.material import Material, Row, written
from core.downstream.scorer import Workshop, at_once, finished
from core.downstream.scorers import fitting
from core.downstream.student import bundled_base, train
from core.downstream.translation import BACK, FORWARD, RECIPE, measures_of, translated
from core.embedding import EMBEDDER, vectors_of
from core.settings import REPOSITORY
from core.storage.records import Run
from core.store import Store
from core.tasks import Query, Task, load_task
from core.threads import share_cores

TATOEBA = REPOSITORY.parent / "shared" / "data" / "tatoeba-en-fr.jsonl.gz"
PAIRS = 200
"""Test pairs of Tatoeba that a student is judged on, evenly spread over the file."""


def costs(store: Store, task: Task) -> Iterator[tuple[str, float, float]]:
    """Seconds of wall clock and of processor time of every scorer that fits, for the newest scored run."""
    shop = Workshop(lambda texts: vectors_of(texts, store.vectors(EMBEDDER)), at_once)
    rows = material(store, task, holders(store, task)[0], usual_replicates(task))
    for scorer in fitting(task):
        wall, cpu = time.perf_counter(), time.process_time()
        finished(scorer.score(rows, 0, shop))
        yield scorer.name, time.perf_counter() - wall, time.process_time() - cpu


def holders(store: Store, task: Task) -> list[Run]:
    """The runs that hold answers to train queries."""
    return [run for run in store.runs(task=task.name, status="done") if run.role == "train"]


def tatoeba(task: Task) -> tuple[Row, ...]:
    """Test pairs as rows of a task whose queries are English."""
    with gzip.open(TATOEBA, "rt", encoding="utf-8") as file:
        pairs = [each for each in map(json.loads, file) if each["split"] == "test"]
    spread = pairs[:: max(1, len(pairs) // PAIRS)][:PAIRS]
    return tuple(
        Row(Query(f"tatoeba-{i}", "test", each["en"], None, (each["fr"],)), each["fr"]) for i, each in enumerate(spread)
    )


def judged(rows: Material, other: Material, direction: Direction, seed: int) -> tuple[float, ...]:
    """chrF and BLEU of one student on the task's own test pairs and on the other ones."""
    name = BACK if direction == "back" else FORWARD
    measures = measures_of(name, "a student")
    pairs = learned(rows.task, written(rows.rows), direction)
    student = finished(train(bundled_base(), pairs, RECIPE, seed, "cpu"))
    found = [finished(translated(student, each, direction, measures)).values for each in (rows, other)]
    return tuple(values[measure] for values in found for measure in (name, f"{name}.bleu"))


def translations(store: Store, task: Task, seeds: int) -> Iterator[str]:
    """A line of a table for each direction and temperature: means over settings without steering and seeds."""
    extra = tatoeba(task)
    queries = {row.query.id: row.query for row in extra}
    for direction in ("forward", "back"):
        for warm in (0.3, 1.5):
            (run,) = (each for each in holders(store, task) if plain(each, warm))
            rows = material(store, task, run, usual_replicates(task))
            wider = replace(task, queries=(*task.queries, *queries.values()))
            other = Material(wider, rows.rows, extra, rows.copies)
            found = [judged(rows, other, direction, seed) for seed in range(seeds)]
            cells = [f"{fmean(column):.1f} ± {spread(column):.1f}" for column in zip(*found, strict=True)]
            yield f"| {direction} | {warm:g} | " + " | ".join(cells) + " |"


def plain(run: Run, temperature: float) -> bool:
    """Whether the expert alone wrote the run at this temperature."""
    found = run.settings
    return (found["gamma"], found["eta"], found["temperature"]) == (0, 0, temperature)


def spread(values: Sequence[float]) -> float:
    """The standard error of a mean."""
    return stdev(values) / math.sqrt(len(values))


def main() -> None:
    """Print the costs, or the table of translations."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--task", default="")
    parser.add_argument("--store", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tatoeba", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    share_cores()
    with Store(options.store) as store:
        if options.tatoeba:
            if not Path(TATOEBA).exists():
                raise SystemExit(f"There are no Tatoeba pairs at {TATOEBA}.")
            print("| student | T | chrF, own test pairs | BLEU | chrF, Tatoeba | BLEU |\n|---|---|---:|---:|---:|---:|")
            for line in translations(store, load_task("translation"), options.seeds):
                print(line, flush=True)
            return
        found = {
            f"{task}: {name}": {"seconds": round(wall, 1), "cpu_seconds": round(cpu, 1)}
            for task in ([options.task] if options.task else ["hypotheses", "translation"])
            for name, wall, cpu in costs(store, load_task(task))
        }
    if options.json:
        print(json.dumps(found, indent=1))
        return
    for name, each in found.items():
        print(f"{name:36} {each['seconds']:6.1f} s, {each['cpu_seconds']:6.1f} s of processor time")


if __name__ == "__main__":
    main()
