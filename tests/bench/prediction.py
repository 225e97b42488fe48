"""What the map foretells of every score of the recorded demo, against what simpler models foretell: README's table.

    python -m tests.bench.prediction [--store URL] [--model ridge] [--write]

Without --store the recorded demo is read into a store in memory's place, a temporary file. --write puts the table
between its marks in README.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.atlas import draw_atlas
from core.demo import demo_folder, load_demo
from core.downstream.scorers import measure_of
from core.downstream.summary import scored
from core.errors import SteerscopeError
from core.predicting import gather, score_names
from core.regressing.baselines import MEAN, SETTINGS, TEMPERATURE
from core.regressing.smoothers import MODELS, Model
from core.regression import Evaluation, evaluate
from core.settings import REPOSITORY
from core.store import Store
from core.tasks import load_task

TASKS = ("hypotheses", "translation")
README = REPOSITORY / "README.md"
BEGIN, END = "<!-- prediction table -->", "<!-- end of prediction table -->"
HEAD = (
    "| task | score | runs, T 0.3 to 1.5 | real rows | Q² | p | mean error | 90% interval | inside | mean | T alone "
    "| settings | helps |",
    "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
)
PERMUTATIONS = 999


def evaluations(store: Store, model: Model) -> Iterator[tuple[str, str, Evaluation | SteerscopeError]]:
    """Task, score and what the prediction of it is worth; the reason where there is none."""
    for task in TASKS:
        runs = [run for run in store.runs(task=task, status="done") if run.role == "probe"]
        atlas = draw_atlas(store, load_task(task), runs)
        for name in score_names(store, task):
            try:
                found = gather(store, atlas, name, runs)
                yield task, name, evaluate(found.runs, model=model, permutations=PERMUTATIONS, name=name)
            except SteerscopeError as error:
                yield task, name, error


def row(store: Store, task: str, name: str, found: Evaluation | SteerscopeError) -> str:
    """One line of the table."""
    if isinstance(found, SteerscopeError):
        return f"| {task} | {name} |{' – |' * 10} {found} |"
    seen = scored(store, task, name)
    arrow = {"higher": " ↑", "lower": " ↓"}.get(measure.better if (measure := measure_of(name)) else "", "")
    real = [one.real for one in seen if one.real is not None]
    runs = found.fitted.runs
    ends = []
    for warm in (0.3, 1.5):
        some = [score for score, each in zip(runs.scores, runs.settings, strict=True) if each["temperature"] == warm]
        ends.append(f"{sum(some) / len(some):.3g}" if some else "–")
    errors = {each.name: "–" if each.mae is None else f"{each.mae:.3g}" for each in found.baselines}
    cells = [
        task,
        f"{name}{arrow}",
        " to ".join(ends),
        f"{sum(real) / len(real):.3g}" if real else "–",
        f"{found.q2:.2f}",
        f"{found.p_value:.3f}",
        f"{found.mae:.3g}",
        "–" if found.width is None else f"± {found.width / 2:.3g}",
        "–" if found.coverage is None else f"{found.coverage:.0%}",
        errors[MEAN],
        errors[TEMPERATURE],
        errors[SETTINGS],
        "yes" if found.helps else "no",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table and every verdict, or put the table into README."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", help="SQLAlchemy URL of a store with the demo's runs.")
    parser.add_argument("--model", choices=MODELS, default="ridge")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Store(options.store or f"sqlite:///{folder}/demo.db") as store:
        if options.store is None:
            load_demo(store, demo_folder())
        lines = [*HEAD]
        for task, name, found in evaluations(store, options.model):
            lines.append(row(store, task, name, found))
            print(lines[-1], getattr(found, "verdict", ""), flush=True)
    if options.write:
        write(README, "\n".join(lines))


def write(path: Path, table: str) -> None:
    """Put a table between the marks of a document."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise SystemExit(f"{path.name} has no marks {BEGIN} and {END}.")
    path.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


if __name__ == "__main__":
    main()
