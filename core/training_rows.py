"""Rows to learn from as token ids: what of them is read, what is learned, and the loss on the latter.

It knows prompts, responses and tokenizers; it does not know optimisers or adapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

UNREAD = -100
"""The label that torch's cross-entropy leaves out: prompt tokens and padding carry it."""


@dataclass(frozen=True)
class Example:
    """One row to learn: the prompt, which is only read, and the response, which is learned with its end."""

    prompt: str
    response: str


@dataclass(frozen=True)
class Encoded:
    """One row as token ids, and how many of them at the front are read and not learned."""

    ids: tuple[int, ...]
    read: int


def encode_rows(tokenizer: Any, examples: Sequence[Example], max_tokens: int) -> list[Encoded]:
    """The rows as start token, prompt, " " + response and end token, none longer than max_tokens.

    The tokens that are read are those of the prompt alone, as it stands when the expert writes: where
    the joined text is cut otherwise, the tokens from the first difference on are learned.
    """
    start = [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]
    if tokenizer.eos_token_id is None:
        raise ModelError("The base's tokenizer names no end-of-text token, so an expert cannot learn to stop.")
    encoded = []
    for example in examples:
        prompt = example.prompt.rstrip()
        alone = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        joined = tokenizer(f"{prompt} {example.response.strip()}", add_special_tokens=False)["input_ids"]
        read = next(
            (i for i, (a, b) in enumerate(zip(alone, joined, strict=False)) if a != b),
            min(len(alone), len(joined)),
        )
        ids = (*start, *joined, int(tokenizer.eos_token_id))
        if len(ids) <= max_tokens:
            encoded.append(Encoded(ids, len(start) + read))
    return encoded


def collate(rows: Sequence[Encoded], pad: int) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, attention mask and labels (rows, longest), padded on the right; prompt and padding are UNREAD."""
    import torch

    length = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), length), pad, dtype=torch.long)
    mask = torch.zeros((len(rows), length), dtype=torch.long)
    labels = torch.full((len(rows), length), UNREAD, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
        mask[i, : len(row.ids)] = 1
        labels[i, row.read : len(row.ids)] = ids[i, row.read : len(row.ids)]
    return ids, mask, labels


def response_loss(model: Any, rows: Sequence[Encoded], tokenizer: Any, device: str) -> tuple[Tensor, int]:
    """Summed cross-entropy of the rows' learned tokens, in nats, and how many they are."""
    import torch

    pad = tokenizer.pad_token_id
    ids, mask, labels = (t.to(device) for t in collate(rows, tokenizer.eos_token_id if pad is None else pad))
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
    targets = labels[:, 1:]
    learned = targets != UNREAD
    loss = torch.nn.functional.cross_entropy(logits[learned].float(), targets[learned], reduction="sum")
    return loss, int(learned.sum())
