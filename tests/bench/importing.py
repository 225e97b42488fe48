"""How long an import takes and how much memory: 100,000 rows of ten runs, as CSV, JSON lines and Parquet.

    python -m tests.bench.importing [--rows 100000] [--embed 2000] [--json]

Each file is imported by the command line in a process of its own, without embedding; then a small one with it.
Memory is the largest of any process that took part; a process inherits the peak of the one that starts it, so
this one stays small, and the files are written by another (`--write FOLDER`).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 10
WORDS = 14
FORMS = ("csv", "jsonl", "parquet")
COMMAND = [sys.executable, "-c", "from core.cli import app; app()", "import"]


def rows(count: int) -> list[dict[str, object]]:
    """Answers of random words to the probe queries of a bundled task."""
    import random

    from core.settings import settings
    from core.tasks import load_task

    rng = random.Random(0)
    words = (settings().assets / "vocabulary" / "words.txt").read_text(encoding="utf-8").split()
    queries = [query.id for query in load_task("hypotheses").with_role("probe")]
    return [
        {
            "query": queries[number // RUNS % len(queries)],
            "text": " ".join(rng.choices(words, k=WORDS)),
            "run": f"run {number % RUNS}",
            "gamma": number % RUNS / 10,
            "bleu": 30.0 + number % RUNS,
        }
        for number in range(count)
    ]


def write(folder: Path, count: int) -> None:
    """The rows in every form."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = rows(count)
    with (folder / "generations.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(made[0]))
        writer.writeheader()
        writer.writerows(made)
    lines = "".join(json.dumps(row) + "\n" for row in made)
    (folder / "generations.jsonl").write_text(lines, encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(made), folder / "generations.parquet")


def have_written(folder: str, count: int) -> dict[str, Path]:
    """The same by a process of its own; the files by their form."""
    words = [sys.executable, "-m", "tests.bench.importing", "--rows", str(count), "--write", folder]
    subprocess.run(words, check=True)
    return {form: Path(folder) / f"generations.{form}" for form in FORMS}


def bring(path: Path, *options: str) -> dict[str, float]:
    """Import a file into a new store; seconds and peak bytes."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "STEERSCOPE_DATA": folder, "STEERSCOPE_STORE": f"sqlite:///{folder}/store.db"}
        words = [*COMMAND, str(path), "--task", "hypotheses", "--settings", "gamma", "--scores", "bleu", *options]
        began = time.perf_counter()
        process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"the import of {path.name} failed")
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime, "peak_bytes": used.ru_maxrss * 1024}


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--embed", type=int, default=2_000, help="rows of the import that is embedded and measured")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        write(given.write, given.rows)
        return
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for form, path in have_written(folder, given.rows).items():
            found[form] = {"rows": given.rows, **bring(path, "--no-embed")}
        if given.embed:
            path = have_written(folder, given.embed)["csv"]
            found["csv, embedded and measured"] = {"rows": given.embed, **bring(path)}
    if given.json:
        print(json.dumps(found))
        return
    print("| file | rows | seconds | seconds of processor | peak memory, MB |\n|---|---:|---:|---:|---:|")
    for form, one in found.items():
        memory = one["peak_bytes"] / 1e6
        print(f"| {form} | {one['rows']:,} | {one['seconds']:.1f} | {one['cpu_seconds']:.1f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
