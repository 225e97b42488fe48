"""How likely a model finds given texts: mean nats per token of answers after their prompts, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.branches import left_padded
from core.models import ModelPair
from core.tasks import Task

BATCH_TOKENS = 1024
"""Tokens in one forward at most: a unit of work that other jobs may have to wait for."""

Scored = tuple[tuple[int, ...], tuple[int, ...]]
"""Token ids of a prompt and of the answer that follows it."""


def mean_nats(
    forward: Callable[..., Any], items: Sequence[Scored], *, pad: int, device: str
) -> Iterator[NDArray[np.float64] | None]:
    """Mean of -log p per answer token, one value an item, NaN for an empty answer.

    Yields None after each batch and, at last, the values (n,), so that a worker can do other work between.
    """
    import torch

    values = np.full(len(items), np.nan)
    order = sorted((i for i, item in enumerate(items) if item[1]), key=lambda i: len(items[i][0] + items[i][1]))
    while order:
        width = 0
        batch: list[int] = []
        while order and (len(batch) + 1) * max(width, _length(items[order[0]])) <= max(
            BATCH_TOKENS, _length(items[order[0]])
        ):
            width = max(width, _length(items[order[0]]))
            batch.append(order.pop(0))
        with torch.inference_mode():
            ids, mask = left_padded([items[i][0] + items[i][1] for i in batch], width, pad, device)
            position = (mask.cumsum(-1) - 1).clamp(min=0)
            logits = forward(input_ids=ids, attention_mask=mask, position_ids=position).logits
            for row, i in enumerate(batch):
                answer = len(items[i][1])
                logs = torch.log_softmax(logits[row, -answer - 1 : -1].float(), dim=-1)
                chosen = logs.gather(1, ids[row, -answer:, None])
                values[i] = -float(chosen.mean())
        yield None
    yield values


def answer_ids(pair: ModelPair, text: str) -> tuple[int, ...]:
    """The tokens of a written answer as the model would write it: a leading space, and the end at last."""
    ids = tuple(pair.tokenizer(" " + text, add_special_tokens=False)["input_ids"])
    return (*ids, *sorted(pair.stops)[:1]) if text else ()


def reference_items(pair: ModelPair, task: Task, role: str = "probe") -> list[Scored]:
    """Prompts and real rows of a role, in the order of `Task.references`."""
    return [
        (pair.encode(task.prompt(query)), answer_ids(pair, text))
        for query in task.queries
        if query.role == role
        for text in query.references
    ]


def _length(item: Scored) -> int:
    return len(item[0]) + len(item[1])
