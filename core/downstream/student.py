"""A student: a fresh LoRA on a base, trained for a fixed number of steps, then asked to write or to be measured.

The number of steps is fixed beforehand and nothing held out is looked at while it learns: rows to stop on would have
to come from the very rows that judge it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from core.decoding import Row, Written, collect, decode
from core.downstream.scorer import Steps
from core.errors import ModelError, StatisticsError
from core.finetune import learn, load_trainable
from core.finetune_settings import FinetuneSettings
from core.models import ModelPair, PairSpec, assemble, load_model, load_tokenizer
from core.settings import settings
from core.sliders import SteerSettings
from core.training_rows import Example, encode_rows, response_loss

TOGETHER = 32
"""Rows that are measured or written together: steps short enough for other jobs to take turns."""


def bundled_base() -> str:
    """The base that students start from unless another is named: equal for all runs, whoever wrote them."""
    found = sorted((settings().assets / "models").glob("*/config.json"))
    if not found:
        raise ModelError(f"There is no base model in {settings().assets / 'models'}; name one for the students.")
    return str(found[0].parent)


@lru_cache(maxsize=8)
def base_digest(base: str) -> str:
    """What changes with a base's weights or tokenizer: part of every recipe."""
    return PairSpec("", "", base, base).fingerprint


def train(base: str, examples: Sequence[Example], recipe: FinetuneSettings, seed: int, device: str) -> Steps[ModelPair]:
    """A student that learned the examples; StatisticsError where none of them fits the recipe's length."""
    model, tokenizer = load_trainable(base, replace(recipe, seed=seed), device)
    yield 0.0
    rows = encode_rows(tokenizer, examples, recipe.max_tokens)
    if not rows:
        raise StatisticsError(
            f"None of the {len(examples)} answers can be learned: all are empty or longer than "
            f"{recipe.max_tokens} tokens; ask for other answers."
        )
    for step, loss in enumerate(learn(model, rows, tokenizer, replace(recipe, seed=seed), device), start=1):
        if not math.isfinite(loss):
            raise StatisticsError(
                f"The student's loss is {loss} after {step} steps, so it learned nothing; lower its learning rate."
            )
        yield step / recipe.steps
    return student(base, model.merge_and_unload().eval(), tokenizer, device)


def untrained(base: str, device: str) -> ModelPair:
    """The student before it learned: the base itself."""
    return student(base, load_model(base, device).float(), load_tokenizer(base), device)


def student(base: str, model: Any, tokenizer: Any, device: str) -> ModelPair:
    """A model alone as a pair of itself, so that decoding is the one that runs use."""
    return assemble(PairSpec("student", "student", base, base), "two-models", model, model, model, tokenizer, device)


def bits_per_byte(judged: ModelPair, examples: Sequence[Example]) -> Steps[float]:
    """Code length of the responses and their ends given their prompts, in bits per byte of UTF-8 text.

    A response's end counts as one byte. Rows longer than the window are left out.
    """
    import torch

    nats, sizes = 0.0, 0
    kept = [one for one in examples if encode_rows(judged.tokenizer, [one], judged.window)]
    for start in range(0, len(kept), TOGETHER):
        some = kept[start : start + TOGETHER]
        with torch.inference_mode():
            rows = encode_rows(judged.tokenizer, some, judged.window)
            summed, _ = response_loss(judged.expert, rows, judged.tokenizer, judged.device)
        nats += float(summed)
        sizes += sum(len(one.response.strip().encode("utf-8", "replace")) + 1 for one in some)
        yield min(1.0, (start + TOGETHER) / len(kept))
    if not sizes:
        raise StatisticsError("Every held-out row is longer than the student's window; choose another base.")
    return nats / sizes / math.log(2)


def answers(judged: ModelPair, prompts: Sequence[str], max_new_tokens: int) -> Steps[list[str]]:
    """The greedy answer to each prompt."""
    greedy = SteerSettings(gamma=0.0, eta=0.0, top_k=1, max_new_tokens=max_new_tokens)
    rows = [Row(judged.encode(prompt.rstrip()), (), 0) for prompt in prompts]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].prompt))
    texts = [""] * len(rows)
    for start in range(0, len(order), TOGETHER):
        some = order[start : start + TOGETHER]
        written = [Written() for _ in some]
        for column in decode(judged, greedy, [rows[i] for i in some]):
            if column is not None:
                collect(written, column)
            yield start / len(order)
        for i, one in zip(some, written, strict=True):
            texts[i] = judged.decode(one.tokens)
    return texts
