"""Train, measure and describe the bundled experts: `python assets/models/train/train_experts.py --task hypotheses`.

Each expert is a LoRA adapter, trained by `core.finetune` in two stages (see `material.py`), written to
`<base>/experts/<task>/` with a model card whose every number is measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from card import Measured, Stage, write_card
from material import MAKERS, Material
from phrases import runs

from core.decoding import Row, write
from core.finetune import Progress, finetune
from core.finetune_settings import FinetuneSettings
from core.measures.wording import words
from core.models import ModelPair, PairSpec, load_pair
from core.neighbours import TrainingIndex
from core.noise import noise_key
from core.sliders import SteerSettings
from core.tasks import Task, load_task
from core.training_rows import Example, encode_rows, response_loss

REPOSITORY = Path(__file__).resolve().parents[3]
SAMPLES = 200
CHECKS = 150


@dataclass(frozen=True)
class Recipe:
    """The settings of both stages; the second goes on from the first and keeps its rank and alpha."""

    broad: FinetuneSettings
    close: FinetuneSettings


BROAD = FinetuneSettings(batch_size=32, steps=300, evaluate_every=50, patience=2, warmup=30)
CLOSE = FinetuneSettings(batch_size=16, steps=100, evaluate_every=10, patience=3, warmup=10, learning_rate=1e-3)
RECIPES = {
    "hypotheses": Recipe(replace(BROAD, steps=270, evaluate_every=45), CLOSE),
    "comments": Recipe(replace(BROAD, steps=108, evaluate_every=36), CLOSE),
    "commonsense": Recipe(replace(BROAD, steps=150, evaluate_every=50), CLOSE),
    "translation": Recipe(replace(BROAD, steps=180, evaluate_every=60), replace(CLOSE, evaluate_every=15)),
}


def main() -> None:
    """Train the experts that are asked for, one after another."""
    parser = argparse.ArgumentParser(description="Train the bundled experts and write their model cards.")
    parser.add_argument("--task", choices=sorted(MAKERS), action="append", help="default: all four")
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--base", type=Path, default=REPOSITORY / "assets" / "models" / "base")
    parser.add_argument("--out", type=Path, help="folder of the adapters; default: experts/ in the base")
    parser.add_argument("--broad", type=Path, help="keep the first stage's adapters here and go on from them")
    parser.add_argument("--describe", action="store_true", help="only measure what an earlier --broad run trained")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)
    for name in options.task or sorted(MAKERS):
        with tempfile.TemporaryDirectory() as scratch:
            stage = (options.broad or Path(scratch)) / name
            task = load_task(name)
            material = MAKERS[name](task, options.data, random.Random(options.seed))
            print(f"{name}: {len(material.broad)} public rows, {len(material.own)} rows of the task", flush=True)
            if not options.describe:
                train_expert(task, material, stage, options)
            describe(task, material, stage, options)


def train_expert(task: Task, material: Material, stage: Path, options: argparse.Namespace) -> None:
    """Both stages of one expert; what each found is noted beside the first stage's adapter."""
    recipe = RECIPES[task.name]
    common: dict[str, Any] = {"device": options.device, "base_name": f"assets/models/{options.base.name}"}
    if not (stage / "broad.json").is_file():
        # A row that stands twice must not be on both sides.
        rows = list(dict.fromkeys(material.broad))
        random.Random(options.seed).shuffle(rows)
        checks, rows = rows[:CHECKS], rows[CHECKS:]
        settings = replace(recipe.broad, seed=options.seed)
        note(stage, "broad", finetune(options.base, rows, checks, stage, settings, **common))
    settings = replace(recipe.close, seed=options.seed)
    rows, checks = list(material.close), list(material.held_out)
    training = finetune(options.base, rows, checks, adapter(task, options), settings, start=stage, **common)
    note(stage, "close", training)


def adapter(task: Task, options: argparse.Namespace) -> Path:
    """The folder of a task's adapter."""
    return Path(options.out or options.base / "experts") / task.name


def note(stage: Path, name: str, training: Any) -> None:
    """Run a training to its end and keep what its card will say of it."""
    began = time.monotonic()
    end = follow(training, name)
    found = Stage(end.best_step, end.best, time.monotonic() - began)
    (stage / f"{name}.json").write_text(json.dumps(asdict(found)), encoding="utf-8")


def describe(task: Task, material: Material, stage: Path, options: argparse.Namespace) -> None:
    """Measure a trained expert and write its card."""
    broad, close = (
        Stage(**json.loads((stage / f"{name}.json").read_text(encoding="utf-8"))) for name in ("broad", "close")
    )
    folder = adapter(task, options)
    pair = load_pair(PairSpec("", "", str(options.base), str(folder)), device=options.device)
    texts, ended = samples(pair, task, options.seed)
    copies = TrainingIndex([row.response for row in (*material.broad, *material.close)]).find(
        [text for _, text in texts]
    )
    measured = Measured(
        broad=broad,
        close=close,
        own=tuple(nats(pair, model, material.held_out) for model in (pair.base, pair.expert)),
        real=tuple(nats(pair, model, material.real_held_out) for model in (pair.base, pair.expert)),
        samples=texts,
        ended=ended,
        on_topic=on_topic(texts),
        verbatim=float(copies.verbatim.mean()),
        copied=float(copies.copied.sum() / max(copies.total.sum(), 1)),
        any_copied=float(copies.any_copied.mean()),
        device=options.device,
        cores=os.cpu_count() or 1,
    )
    write_card(folder / "README.md", task, material, RECIPES[task.name], measured)
    print((folder / "README.md").read_text(encoding="utf-8"), flush=True)


def follow(training: Any, stage: str) -> Progress:
    """Run a training to its end, telling each look at the held-out rows."""
    state = Progress(0, 0)
    told = float("nan")
    began = time.monotonic()
    for state in training:
        if state.held_out != told and state.held_out == state.held_out:
            told = state.held_out
            print(
                f"  {stage} {state.step:4d}/{state.steps}  loss {state.loss:.3f}  held-out {told:.3f}  "
                f"{time.monotonic() - began:.0f} s",
                flush=True,
            )
    return state


def nats(pair: ModelPair, model: Any, examples: Sequence[Example]) -> float:
    """Nats per token of the responses, end tokens among them, under one of the pair's models."""
    import torch

    rows = encode_rows(pair.tokenizer, examples, pair.window)
    with torch.inference_mode():
        parts = [
            response_loss(model, rows[begin : begin + 32], pair.tokenizer, pair.device)
            for begin in range(0, len(rows), 32)
        ]
    return sum(float(loss) for loss, _ in parts) / sum(tokens for _, tokens in parts)


def samples(pair: ModelPair, task: Task, seed: int) -> tuple[list[tuple[str, str]], float]:
    """SAMPLES answers of the expert alone to the probe queries, T = 1, top-k 10; the share that ended."""
    queries = task.with_role("probe")
    settings = SteerSettings(gamma=0.0, eta=0.0, top_k=10, max_new_tokens=task.max_new_tokens, seed=seed)
    asked = [queries[i % len(queries)] for i in range(SAMPLES)]
    written = []
    for begin in range(0, SAMPLES, 50):
        rows = [
            Row(pair.encode(task.prompt(query)), (), noise_key("expert card", seed, query.id, begin + i))
            for i, query in enumerate(asked[begin : begin + 50])
        ]
        written += write(pair, settings, rows)
    texts = [(query.text, pair.decode(one.tokens)) for query, one in zip(asked, written, strict=True)]
    return texts, sum(one.finish == "end" for one in written) / SAMPLES


def on_topic(texts: Sequence[tuple[str, str]]) -> float:
    """Share of the samples that hold a content word of their query, equal in its first four letters."""
    held = 0
    for query, text in texts:
        stems = {run[0][:4] for run in runs(query.split(",")[0], 1)}
        held += any(word[:4] in stems for word in words(text))
    return held / len(texts)


if __name__ == "__main__":
    main()
