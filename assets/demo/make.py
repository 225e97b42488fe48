"""Make the recorded demo: `python assets/demo/make.py --store sqlite:////path/to/work.db`.

Two sweeps of 36 settings (γ 0, .2, .4; η 0, .2, .4; T .3, .7, 1, 1.5), eight answers to each probe query, and
every scorer that fits, three students each. Everything is done by `steerscope` and kept in the work store, so the
script goes on where it was stopped; on two cores it takes about five hours. Two copies of it with another `--scorers`
may share a store and the work.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from core.demo import demo_folder, save_demo
from core.downstream.scorers import fitting
from core.store import Store
from core.tasks import load_task

TASKS = ("hypotheses", "translation")
GRID = {"gamma": "0,0.2,0.4", "eta": "0,0.2,0.4", "temperature": "0.3,0.7,1,1.5"}
REPLICATES = 8
SEEDS = 3


def steerscope(store: str, *words: str) -> None:
    """One command of the command line, on the work store."""
    command = [sys.executable, "-c", "from core.cli import app; app()", *words, "--store", store]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Sweep, score, and write the files."""
    parser = argparse.ArgumentParser(description="Make the recorded demo.")
    parser.add_argument("--store", required=True, help="SQLAlchemy URL of the work store; kept between runs.")
    parser.add_argument("--scorers", default="", help="Only these, separated by commas, and write no files.")
    parser.add_argument("--files-only", action="store_true", help="Write the files from what the work store has.")
    options = parser.parse_args()
    only = set(filter(None, options.scorers.split(",")))
    for task in TASKS if not options.files_only else ():
        grid = [word for name, values in GRID.items() for word in (f"--{name}", values)]
        steerscope(options.store, "sweep", "--task", task, *grid, "--replicates", str(REPLICATES))
        for scorer in fitting(load_task(task)):
            if not only or scorer.name in only:
                words = ("--all", "--task", task, "--scorer", scorer.name, "--seeds", str(SEEDS))
                steerscope(options.store, "score", *words)
    if only:
        return
    store = Store(options.store)
    chosen = [run for run in store.runs(status="done") if run.task in TASKS and run.role == "probe"]
    size = save_demo(store, chosen, demo_folder())
    print(f"{len(chosen)} runs, {size / 1e6:.1f} MB in {demo_folder()}")


if __name__ == "__main__":
    main()
