"""One branch of the decoding loop: a model reading contexts, with a preallocated cache of its own.

It does not know about guidance or sampling. Contexts that several rows share are read once. Where it
pays, their cache is also *kept* once: the rows of a group stand side by side as query positions of one
batch entry, and a mask shows each row the shared context and its own tokens only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

PREFILL_TOKENS = 1024
"""Tokens read by one prefill forward at most: a unit of work other jobs may have to wait for."""

Forward = Callable[..., Any]
"""A causal language model's forward, as transformers defines it."""


class Branch:
    """A model on the contexts of `rows`, one context a row (equal contexts are read once).

    forward: the model; pad: token id that fills the left; device: where tensors live.
    rows: one token-id sequence a row, none empty; length: new tokens a row may get at most.
    """

    def __init__(
        self,
        forward: Forward,
        rows: Sequence[Sequence[int]],
        *,
        length: int,
        pad: int,
        layers: int,
        device: str,
    ) -> None:
        distinct = list(dict.fromkeys(tuple(row) for row in rows))
        where = {context: number for number, context in enumerate(distinct)}
        self._forward, self._pad, self._device, self._length = forward, pad, device, length
        self._contexts = distinct
        self._owner = [where[tuple(row)] for row in rows]
        self._width = max(len(context) for context in distinct)
        self._layers = layers
        shared = len(rows) / len(distinct)
        # A shared cache is read once instead of `shared` times, but every row then also scans the
        # tokens of its companions; measured, that pays once the context is longer than what they write.
        self.grouped = shared >= 2 and self._width >= length * 2
        self._slots: Tensor
        self._place: Tensor
        self._position: Tensor
        self._mask: Tensor
        self._cache: Any = None

    def prefill(self) -> Iterator[Tensor | None]:
        """Read the contexts in chunks: yields None after each, at last the logits (rows, V) of the first token."""
        import torch

        from core.cache import preallocated

        per_chunk = max(1, PREFILL_TOKENS // self._width)
        chunks = [self._contexts[i : i + per_chunk] for i in range(0, len(self._contexts), per_chunk)]
        capacity = self._width + self._length * (self._group_size() if self.grouped else 1)
        caches, logits = [], []
        for number, chunk in enumerate(chunks):
            ids, mask = left_padded(chunk, self._width, self._pad, self._device)
            cache = preallocated(self._layers, self._width if len(chunks) > 1 else capacity)
            # a padding position has to be some valid position; its keys are masked for ever
            position = (mask.cumsum(-1) - 1).clamp(min=0)
            out = self._forward(
                input_ids=ids,
                attention_mask=mask,
                position_ids=position,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            caches.append(cache)
            logits.append(out.logits[:, -1])
            if number + 1 < len(chunks):
                yield None
        owner = torch.tensor(self._owner, device=self._device)
        lengths = torch.tensor([len(context) for context in self._contexts], device=self._device)
        self._position = lengths[owner]
        self._start(caches, capacity, owner, lengths)
        yield torch.cat(logits)[owner]

    def step(self, tokens: Tensor) -> Tensor:
        """Append one token a living row (rows,) and return the logits of the next (rows, V)."""
        import torch

        written = self._cache.get_seq_length()
        entries, group = self._slots.shape
        # column written + g of an entry holds what slot g just received: visible to slot g alone
        diagonal = torch.arange(group, device=tokens.device)
        self._mask[:, 0, diagonal, written + diagonal] = 0.0
        out = self._forward(
            input_ids=tokens[self._slots],
            attention_mask=self._mask[:, :, :, : written + group],
            position_ids=self._position[self._slots],
            past_key_values=self._cache,
            use_cache=True,
        )
        self._position = self._position + 1
        logits: Tensor = out.logits.reshape(entries * group, -1)
        return logits[self._place]

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but these (indices into the living rows), and the memory of the dropped."""
        import torch

        self._position = self._position[rows]
        if not self.grouped:
            self._cache.batch_select_indices(rows)
            self._mask = self._mask[rows]
            self._lay_out(torch.arange(len(rows), device=rows.device))
            return
        entries, group = self._slots.shape
        place = self._place[rows]
        entry, slot = place // group, place % group
        left = torch.unique(entry)
        if len(left) == entries and int(torch.bincount(entry, minlength=entries).max()) == group:
            # every group still has all its slots in use somewhere: rows only change their numbers
            self._lay_out(entry, slot, entries, group)
            return
        self._regroup(entry, slot, left)

    def nbytes(self) -> int:
        """Bytes that the cache holds."""
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in self._cache.layers)

    def _group_size(self) -> int:
        return max(self._owner.count(number) for number in range(len(self._contexts)))

    def _start(self, caches: list[Any], capacity: int, owner: Tensor, lengths: Tensor) -> None:
        """Join the prefilled chunks, lay the rows out over them and hide the left padding."""
        import torch

        from core.cache import joined

        cache = caches[0] if len(caches) == 1 else joined(caches, capacity)
        if not self.grouped and len(owner) != len(lengths):
            cache.batch_select_indices(owner)
        self._cache = cache
        real = torch.arange(self._width, device=self._device) >= self._width - lengths[:, None]
        if self.grouped:
            seen = [0] * len(self._contexts)
            slot = []
            for number in self._owner:
                slot.append(seen[number])
                seen[number] += 1
            group = max(seen)
            self._lay_out(owner, torch.tensor(slot, device=self._device), len(lengths), group)
        else:
            group, real = 1, real[owner]
            self._lay_out(torch.arange(len(owner), device=self._device))
        dtype = cache.layers[0].keys.dtype
        self._mask = torch.full(
            (len(real), 1, group, capacity), torch.finfo(dtype).min, dtype=dtype, device=self._device
        )
        self._mask[:, :, :, : self._width].masked_fill_(real[:, None, None, :], 0.0)

    def _lay_out(self, entry: Tensor, slot: Tensor | None = None, entries: int | None = None, group: int = 1) -> None:
        """Note which (entry, slot) holds which row; an empty slot repeats row 0 and is never read."""
        import torch

        entries = len(entry) if entries is None else entries
        self._place = entry * group + (0 if slot is None else slot)
        slots = torch.zeros(entries * group, dtype=torch.long, device=entry.device)
        slots[self._place] = torch.arange(len(entry), device=entry.device)
        self._slots = slots.reshape(entries, group)

    def _regroup(self, entry: Tensor, slot: Tensor, left: Tensor) -> None:
        """Drop entries without rows and slots without rows, and the columns that dropped slots wrote."""
        import torch

        old_group = self._slots.shape[1]
        counts = torch.bincount(entry, minlength=self._slots.shape[0])[left]
        group = int(counts.max())
        written = self._cache.get_seq_length()
        steps = (written - self._width) // old_group
        new_entry = torch.searchsorted(left, entry)
        order = torch.argsort(new_entry * old_group + slot)
        # kept[e, g] is the old slot that becomes slot g of entry e; unused ones repeat slot 0, hidden below
        kept = torch.zeros(len(left), group, dtype=torch.long, device=entry.device)
        new_slot = torch.zeros_like(slot)
        begin = torch.cumsum(counts, 0) - counts
        new_slot[order] = torch.arange(len(slot), device=slot.device) - begin[new_entry[order]]
        kept[new_entry, new_slot] = slot
        tail = self._width + torch.arange(steps, device=entry.device)[None, :, None] * old_group + kept[:, None]
        tail = tail.reshape(len(left), steps * group)
        context = torch.arange(self._width, device=entry.device).expand(len(left), -1)
        capacity = self._width + (self._length) * group
        for layer in self._cache.layers:
            layer.take(left, torch.cat([context, tail], dim=1), capacity)
        mask = torch.full(
            (len(left), 1, group, capacity),
            torch.finfo(self._mask.dtype).min,
            dtype=self._mask.dtype,
            device=entry.device,
        )
        mask[..., : self._width] = self._mask[left][:, :, :1, : self._width]
        own = torch.eye(group, dtype=torch.bool, device=entry.device).repeat(1, steps)
        mask[..., self._width : self._width + steps * group].masked_fill_(own, 0.0)
        self._mask = mask
        self._lay_out(new_entry, new_slot, len(left), group)


def left_padded(contexts: Sequence[Sequence[int]], width: int, pad: int, device: str) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask (contexts, width), padded on the left."""
    import torch

    ids = torch.full((len(contexts), width), pad, dtype=torch.long)
    mask = torch.zeros((len(contexts), width), dtype=torch.long)
    for number, context in enumerate(contexts):
        ids[number, width - len(context) :] = torch.tensor(context, dtype=torch.long)
        mask[number, width - len(context) :] = 1
    return ids.to(device), mask.to(device)
