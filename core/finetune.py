"""Fine-tuning an expert: a LoRA adapter on a base model, trained on prompts and their responses.

It knows prompts, responses and a folder to write; it does not know tasks, where rows come from, or
what the expert is used for. The loop is a generator: a worker may interleave it with other work, and
closing it cancels the training and leaves no file behind.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import warnings
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import SettingsError
from core.finetune_settings import FinetuneSettings
from core.noise import generator
from core.training_rows import Encoded, Example, encode_rows, response_loss

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Progress:
    """Where a training stands; losses are nats per token of the responses, their end tokens among them.

    step, steps: done, and at most; loss: of the step's batch (NaN before the first step);
    held_out: the latest held-out loss (NaN before the first look); best, best_step: the lowest so far
    and its step, where 0 is the start; left_out: rows longer than max_tokens; folder: where the adapter
    was saved, None until the end.
    """

    step: int
    steps: int
    loss: float = math.nan
    held_out: float = math.nan
    best: float = math.inf
    best_step: int = 0
    left_out: int = 0
    folder: Path | None = None


def finetune(
    base: str | Path,
    examples: Sequence[Example],
    held_out: Sequence[Example],
    folder: str | Path,
    settings: FinetuneSettings | None = None,
    *,
    device: str = "cpu",
    base_name: str | None = None,
    start: str | Path | None = None,
) -> Iterator[Progress]:
    """Train a LoRA adapter on a base and save the weights with the lowest held-out loss.

    base: folder or hub name; folder: where the adapter is written, whole or not at all, when the
    generator ends; base_name: what adapter_config.json calls the base; start: folder of an adapter to go
    on from, which brings its own rank and alpha. Yields before the first step,
    after every optimiser step, and within each look at the held-out rows; the last value has its
    `folder` set. Closing the generator cancels. The global random state is left alone.

    Raises SettingsError where there is nothing to learn from or to stop on, or the two overlap;
    ModelError where the base cannot be loaded.
    """
    settings = settings or FinetuneSettings()
    for kind, rows in (("training", examples), ("held-out", held_out)):
        if not rows:
            raise SettingsError(f"There is no {kind} example; give at least one.")
        if not all(row.prompt.strip() and row.response.strip() for row in rows):
            raise SettingsError(f"A {kind} example has an empty prompt or response; fill it or drop the row.")
    shared = len(set(examples) & set(held_out))
    if shared:
        raise SettingsError(
            f"{shared} of the held-out examples are also trained on, so their loss could not say when "
            "to stop; take them out of one of the two."
        )
    return _finetune(str(base), examples, held_out, Path(folder), settings, device, base_name, start)


def _finetune(
    base: str,
    examples: Sequence[Example],
    held_out: Sequence[Example],
    folder: Path,
    settings: FinetuneSettings,
    device: str,
    base_name: str | None,
    start: str | Path | None,
) -> Iterator[Progress]:
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    model, tokenizer = load_trainable(base, settings, device, start)
    rows = encode_rows(tokenizer, examples, settings.max_tokens)
    checks = encode_rows(tokenizer, held_out, settings.max_tokens)
    if not rows or not checks:
        kind = "training" if not rows else "held-out"
        raise SettingsError(
            f"Every {kind} example is longer than {settings.max_tokens} tokens; raise max_tokens or shorten them."
        )
    state = Progress(0, settings.steps, left_out=len(examples) + len(held_out) - len(rows) - len(checks))
    losses = learn(model, rows, tokenizer, settings, device)
    best: dict[str, Tensor] = {}
    worse = 0
    for step in range(settings.steps + 1):
        loss = next(losses) if step else math.nan
        state = replace(state, step=step, loss=loss)
        if step % settings.evaluate_every == 0 or step == settings.steps:
            value = yield from _held_out_loss(model, checks, tokenizer, device, settings.batch_size, state)
            state = replace(state, held_out=value)
            worse += 1
            if value < state.best or not best:
                worse = 0
                state = replace(state, best=value, best_step=step)
                best = {k: v.detach().cpu().clone() for k, v in get_peft_model_state_dict(model).items()}
            if worse >= settings.patience:
                break
        yield state
    # Half precision is what the file holds, so the loss that is told is the one of the rounded weights.
    kept = {name: value.half().contiguous() for name, value in best.items()}
    set_peft_model_state_dict(model, {name: value.float() for name, value in kept.items()})
    value = yield from _held_out_loss(model, checks, tokenizer, device, settings.batch_size, state)
    _save(folder, kept, model.peft_config["default"], base_name)
    yield replace(state, held_out=value, best=value, folder=folder)


def load_trainable(
    base: str, settings: FinetuneSettings, device: str, start: str | Path | None = None
) -> tuple[Any, Any]:
    """The base in float32 with a fresh, seeded LoRA on the linear layers of attention and MLP; its tokenizer.

    Float32 on every device: in half precision the small steps of an adapter are rounded away.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    from core.models import load_adapter, load_model, load_tokenizer

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    under = load_model(base, device).float()
    if start is not None:
        return load_adapter(under, base, str(start), trainable=True).train(), load_tokenizer(base)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        with warnings.catch_warnings():
            # PEFT reads an attribute of transformers under its old name.
            warnings.simplefilter("ignore", FutureWarning)
            model = get_peft_model(under, config)
    return model.train(), load_tokenizer(base)


def learn(
    model: Any, rows: Sequence[Encoded], tokenizer: Any, settings: FinetuneSettings, device: str
) -> Iterator[float]:
    """Train the model's free parameters in place, `settings.steps` AdamW steps in seeded batches of the rows.

    Yields the batch's loss after each step, in nats per learned token.
    """
    import torch

    learned = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        learned, lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=settings.weight_decay
    )
    batches = _batches(rows, settings)
    for step in range(1, settings.steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = settings.rate(step)
        summed, tokens = response_loss(model, next(batches), tokenizer, device)
        (summed / tokens).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learned, settings.clip)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        yield float(summed.detach()) / tokens


def _held_out_loss(
    model: Any, rows: Sequence[Encoded], tokenizer: Any, device: str, batch_size: int, state: Progress
) -> Generator[Progress, None, float]:
    """Nats per learned token of the held-out rows, as the generator's return value."""
    import torch

    total, tokens = 0.0, 0
    order = sorted(rows, key=lambda row: len(row.ids))
    model.eval()
    for begin in range(0, len(order), batch_size):
        with torch.no_grad():
            summed, count = response_loss(model, order[begin : begin + batch_size], tokenizer, device)
        total, tokens = total + float(summed), tokens + count
        if begin + batch_size < len(order):
            yield state
    model.train()
    return total / tokens


def _batches(rows: Sequence[Encoded], settings: FinetuneSettings) -> Iterator[list[Encoded]]:
    """Seeded batches without end: every pass takes each row once, rows of like length together."""
    passed = 0
    while True:
        draw = generator("finetune", settings.seed, passed)
        order = draw.permutation(len(rows))
        reach = settings.batch_size * 16
        batches = []
        for begin in range(0, len(order), reach):
            near = sorted(order[begin : begin + reach].tolist(), key=lambda i: len(rows[i].ids))
            batches += [near[at : at + settings.batch_size] for at in range(0, len(near), settings.batch_size)]
        for index in draw.permutation(len(batches)):
            yield [rows[i] for i in batches[index]]
        passed += 1


def _save(folder: Path, weights: dict[str, Tensor], config: Any, base_name: str | None) -> None:
    """Write the adapter beside its place and move it there in one step; an older one gives way."""
    from safetensors.torch import save_file

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        fresh, old = Path(scratch) / "new", Path(scratch) / "old"
        fresh.mkdir()
        save_file(weights, fresh / "adapter_model.safetensors", metadata={"format": "pt"})
        (fresh / "adapter_model.safetensors").chmod(0o644)
        config.inference_mode = True
        config.save_pretrained(str(fresh))
        path = fresh / "adapter_config.json"
        head = json.loads(path.read_text(encoding="utf-8"))
        # PEFT keeps the names in a set, whose order is chance, and notes where the base was loaded from.
        head["target_modules"] = sorted(head["target_modules"])
        head["base_model_name_or_path"] = base_name
        path.write_text(json.dumps(head, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        card = folder / "README.md"
        if card.is_file():
            shutil.copy2(card, fresh / "README.md")
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
