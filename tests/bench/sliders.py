"""The table in README: what gamma and eta do to diversity, coherence, copies and distance to real.

    python -m tests.bench.sliders [--tasks hypotheses,comments] [--replicates 8] [--store URL]

Writes a grid of runs with the bundled models and, for every eta, the control that any claim about it needs:
the expert alone at the matched temperature T / (1 - eta). What the store holds is not written again, so the
script can be stopped and started. It prints the table as Markdown.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from core.settings import data_folder
from core.sliders import SteerSettings
from core.storage.records import Metric
from core.store import Store

GAMMAS = (0.0, 0.2, 0.4, 0.7, 1.0)
ETAS = (0.0, 0.2, 0.4, 0.6, 0.8)
COLUMNS = {
    "distinct_2": ("distinct-2", 3, 1),
    "diversity_product": ("diversity product", 3, 1),
    "self_similarity": ("self-similarity", 3, 1),
    "expert_perplexity": ("perplexity, expert", 1, 1),
    "base_perplexity": ("perplexity, base", 0, 1),
    "unknown_words": ("unknown words, %", 1, 100),
    "copied_8grams": ("copied 8-grams, %", 1, 100),
    "distance_to_real": ("distance to real", 3, 1),
}


def grid() -> list[SteerSettings]:
    """Every gamma with every eta."""
    return [SteerSettings(gamma=gamma, eta=eta) for gamma in GAMMAS for eta in ETAS]


def controls() -> list[SteerSettings]:
    """The expert alone at the temperature that each eta amounts to."""
    return [SteerSettings(gamma=0.0, eta=eta).matched_temperature() for eta in ETAS if eta]


def sweep(task: str, replicates: int, environment: dict[str, str]) -> None:
    """Write what is missing, by the command line that users have."""
    temperatures = ",".join(repr(settings.temperature) for settings in controls())
    for options in (
        ["--gamma", ",".join(map(str, GAMMAS)), "--eta", ",".join(map(str, ETAS))],
        ["--gamma", "0", "--eta", "0", "--temperature", temperatures],
    ):
        command = [sys.executable, "-c", "from core.cli import app; app()", "sweep", "--task", task]
        subprocess.run(
            [*command, *options, "--max-new-tokens", "48", "--replicates", str(replicates)],
            check=True,
            env=environment,
            stdout=subprocess.DEVNULL,
        )


def table(store: Store, task: str) -> str:
    """The grid and the controls of one task as a Markdown table."""
    runs = {
        SteerSettings.from_mapping(run.settings): {metric.name: metric for metric in store.metrics(run.id)}
        for run in store.runs(task=task, status="done", kind="steer")
    }
    heads = [label for label, _, _ in COLUMNS.values()]
    lines = ["| setting | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    first = next(metrics for metrics in runs.values())
    real = [_number(first[name].reference, digits, scale) for name, (_, digits, scale) in COLUMNS.items()]
    lines.append("| **real rows** | " + " | ".join(real) + " |")
    for settings in grid():
        lines.append(f"| γ {settings.gamma:g} · η {settings.eta:g} | " + " | ".join(_row(runs[settings])) + " |")
    for settings in controls():
        eta = 1 - 1 / settings.temperature
        name = f"expert alone, T {settings.temperature:.2f} (matches η {eta:.1f})"
        lines.append(f"| {name} | " + " | ".join(_row(runs[settings])) + " |")
    return "\n".join(lines)


def _row(metrics: dict[str, Metric]) -> list[str]:
    cells = []
    for name, (_, digits, scale) in COLUMNS.items():
        metric = metrics[name]
        cell = _number(metric.value, digits, scale)
        if (
            metric.value is not None
            and metric.low is not None
            and metric.high is not None
            and name == "distance_to_real"
        ):
            cell += f" ± {_number((metric.high - metric.low) / 2, digits, scale)}"
        cells.append(cell)
    return cells


def _number(value: float | None, digits: int, scale: float) -> str:
    return "–" if value is None else f"{value * scale:,.{digits}f}"


def main() -> None:
    """Write the runs and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", default="hypotheses,comments")
    parser.add_argument("--replicates", type=int, default=8)
    parser.add_argument("--store", default=f"sqlite:///{data_folder() / 'sliders.db'}")
    options = parser.parse_args()
    environment = {**os.environ, "STEERSCOPE_STORE": options.store}
    for task in options.tasks.split(","):
        sweep(task, options.replicates, environment)
        print(f"### {task}\n\n{table(Store(options.store), task)}\n", flush=True)


if __name__ == "__main__":
    main()
