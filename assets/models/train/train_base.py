"""Train a base model of the bundled kind from scratch: `python assets/models/train/train_base.py --out folder`.

A small Llama on the mixture of `base-corpus.jsonl.gz`: byte-level BPE, Muon on the matrices and AdamW
on the rest, short windows first and longer ones later. `--preset small` is the recipe of
`assets/models/base`; `--preset larger` is the same with 37 million parameters, meant for a GPU.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[3]
END, PAD = "<|end|>", "<|pad|>"
REPEATS = {
    **dict.fromkeys(("comve", "cqa", "tldr"), 4),
    **dict.fromkeys(("comve_x", "creak", "goemotions", "stories"), 3),
    **dict.fromkeys(("tatoeba", "pairs", "wikitalk", "strategyqa", "onestop", "clinc"), 2),
}
"""How often a source is read; sources not named here are read once."""
MUON_RATE, ADAM_RATE = 0.012, 3e-3
WARMUP, FINAL_RATE = 60, 0.03
HELD_OUT_SHARE = 0.005
"""Share of the documents that are kept out, to be measured on."""


@dataclass(frozen=True)
class Phase:
    """Steps of `batch` windows of `length` tokens, at `rate` of the full learning rates."""

    steps: int
    batch: int
    length: int
    rate: float


@dataclass(frozen=True)
class Preset:
    """A model's shape and how long it is trained."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    feed_forward: int
    phases: tuple[Phase, ...]
    context: int = 512


PRESETS = {
    "small": Preset(6144, 256, 8, 4, 768, (Phase(1600, 32, 256, 1.0), Phase(1610, 16, 512, 0.65))),
    "larger": Preset(6144, 512, 10, 8, 1536, (Phase(3000, 128, 256, 1.0), Phase(2000, 64, 512, 0.65))),
}


def main() -> None:
    """Read the corpus, train the tokenizer and the model, and write both."""
    parser = argparse.ArgumentParser(description="Train a base model of the bundled kind from scratch.")
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small")
    parser.add_argument("--rows", type=int, help="read only so many documents of the corpus")
    parser.add_argument("--steps", type=int, nargs=2, metavar=("SHORT", "LONG"), help="steps of the two phases")
    parser.add_argument("--batch", type=int, nargs=2, metavar=("SHORT", "LONG"), help="windows a step")
    for name in ("vocabulary", "width", "layers", "heads"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--tokenizer-rows", type=int, default=150_000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--float32", action="store_true", help="no bfloat16 autocast")
    parser.add_argument("--compile", action="store_true", help="torch.compile: slow to start, then faster")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    preset = shaped(PRESETS[options.preset], options)
    documents, held_out = read_corpus(options.data / "base-corpus.jsonl.gz", options.rows, options.seed)
    tokenizer = train_tokenizer(documents[: options.tokenizer_rows], preset.vocabulary)
    tokens, checks = pack(tokenizer, documents), pack(tokenizer, held_out)
    print(f"{len(documents):,} documents, {len(tokens):,} tokens, vocabulary {tokenizer.get_vocab_size():,}")
    model = new_model(preset, tokenizer.get_vocab_size())
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    began = time.monotonic()
    losses = train(model.to(options.device), tokens, checks, preset, options)
    save(model, tokenizer, preset, options.out)
    report = {
        "preset": asdict(preset),
        "documents": len(documents),
        "tokens": len(tokens),
        "held_out_nats_per_token": losses,
        "seconds": round(time.monotonic() - began, 1),
    }
    (options.out / "training.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report["held_out_nats_per_token"]))


def shaped(preset: Preset, options: argparse.Namespace) -> Preset:
    """The preset with what the command line changes of it."""
    changes: dict[str, Any] = {
        name: getattr(options, name)
        for name in ("vocabulary", "width", "layers", "heads")
        if getattr(options, name) is not None
    }
    if "width" in changes:
        changes["feed_forward"] = 3 * changes["width"]
    phases = preset.phases
    for name, field in (("steps", "steps"), ("batch", "batch")):
        values: Sequence[int] | None = getattr(options, name)
        if values is not None:
            phases = tuple(replace(p, **{field: v}) for p, v in zip(phases, values, strict=True))
    return replace(preset, phases=phases, **changes)


def read_corpus(path: Path, rows: int | None, seed: int) -> tuple[list[str], list[str]]:
    """The documents to learn, each source as often as the mixture asks, and held-out ones, in seeded order."""
    documents: list[str] = []
    held_out: list[str] = []
    draw = random.Random(seed)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            if rows is not None and number >= rows:
                break
            row = json.loads(line)
            if draw.random() < HELD_OUT_SHARE:
                held_out.append(row["text"])
            else:
                documents += [row["text"]] * REPEATS.get(row["source"], 1)
    draw.shuffle(documents)
    draw.shuffle(held_out)
    return documents, held_out or [documents.pop()]


def train_tokenizer(documents: Sequence[str], vocabulary: int) -> Any:
    """Byte-level BPE without a prefix space; ids 0 and 1 are the end and the padding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents, trainer)
    return tokenizer


def pack(tokenizer: Any, documents: Sequence[str]) -> NDArray[np.uint16]:
    """All documents end to end, each closed by the end token."""
    end = tokenizer.token_to_id(END)
    parts = []
    for begin in range(0, len(documents), 4096):
        for encoding in tokenizer.encode_batch(documents[begin : begin + 4096], add_special_tokens=False):
            parts.append(np.array([*encoding.ids, end], dtype=np.uint16))
    return np.concatenate(parts)


def new_model(preset: Preset, vocabulary: int) -> Any:
    """A Llama of the preset's shape with fresh weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=preset.width,
            intermediate_size=preset.feed_forward,
            num_hidden_layers=preset.layers,
            num_attention_heads=preset.heads,
            num_key_value_heads=preset.heads,
            max_position_embeddings=preset.context,
            rms_norm_eps=1e-6,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=0,
            pad_token_id=1,
        )
    )


def train(
    model: Any, tokens: NDArray[np.uint16], held_out: NDArray[np.uint16], preset: Preset, options: argparse.Namespace
) -> list[float]:
    """Run the phases; held-out nats per token at the end of each."""
    import torch

    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    chosen = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    optimisers = (
        torch.optim.Muon(matrices, lr=MUON_RATE, momentum=0.95, weight_decay=0.02),
        torch.optim.AdamW(rest, lr=ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0),
    )
    peaks = (MUON_RATE, ADAM_RATE)
    forward = torch.compile(model) if options.compile else model
    draw = np.random.default_rng(options.seed)
    total = sum(phase.steps for phase in preset.phases)
    losses: list[float] = []
    step = 0
    for phase in preset.phases:
        model.train()
        windows = batches(tokens, phase, draw)
        for _ in range(phase.steps):
            step += 1
            share = phase.rate * min(step / WARMUP, 1.0) * (1.0 - (1.0 - FINAL_RATE) * step / total)
            for optimiser, peak in zip(optimisers, peaks, strict=True):
                for group in optimiser.param_groups:
                    group["lr"] = peak * share
            loss = window_loss(forward, next(windows), options)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimiser in optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
            if step % 100 == 0 or step == total:
                print(f"  {step:5d}/{total}  loss {float(loss.detach()):.3f}", flush=True)
        losses.append(round(held_out_loss(model, held_out, phase, options), 4))
        print(f"held-out after {step} steps, windows of {phase.length}: {losses[-1]:.3f}", flush=True)
    return losses


def batches(tokens: NDArray[np.uint16], phase: Phase, draw: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Batches (batch, length + 1) of windows in a fresh random order on every pass."""
    length = min(phase.length, len(tokens) - 2)
    while True:
        offset = int(draw.integers(min(length, len(tokens) - length - 1)))
        starts = draw.permutation(np.arange(offset, len(tokens) - length, length))
        starts = np.resize(starts, math.ceil(len(starts) / phase.batch) * phase.batch)
        for begin in range(0, len(starts), phase.batch):
            rows = [tokens[at : at + length + 1] for at in starts[begin : begin + phase.batch]]
            yield np.stack(rows).astype(np.int64)


def window_loss(model: Any, windows: NDArray[np.int64], options: argparse.Namespace) -> Any:
    """Mean cross-entropy of the next token, in nats."""
    import torch

    ids = torch.from_numpy(windows).to(options.device)
    kind = torch.device(options.device).type
    lower = nullcontext() if options.float32 else torch.autocast(kind, dtype=torch.bfloat16)
    with lower:
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())


def held_out_loss(model: Any, tokens: NDArray[np.uint16], phase: Phase, options: argparse.Namespace) -> float:
    """Nats per token on at most 200 windows that were never trained on."""
    import torch

    model.eval()
    length = min(phase.length, len(tokens) - 1)
    starts = range(0, len(tokens) - length, length)[:200]
    with torch.no_grad():
        losses = [
            float(window_loss(model, tokens[None, at : at + length + 1].astype(np.int64), options)) for at in starts
        ]
    return sum(losses) / len(losses)


def save(model: Any, tokenizer: Any, preset: Preset, folder: Path) -> None:
    """Write weights in float16, configuration and tokenizer in Hugging Face format."""
    import torch
    from transformers import GenerationConfig

    folder.mkdir(parents=True, exist_ok=True)
    count = sum(p.numel() for p in model.parameters())
    model.config.steerscope_parameters = f"{count / 1e6:.1f} M parameters"
    model.generation_config = GenerationConfig(bos_token_id=0, eos_token_id=0, pad_token_id=1, do_sample=True)
    model.to("cpu", torch.float16).save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    tokenizer.save(str(folder / "tokenizer.json"))
    head = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END,
        "eos_token": END,
        "pad_token": PAD,
        "padding_side": "left",
        "model_max_length": preset.context,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(head, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
