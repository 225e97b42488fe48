"""A key-value cache that is allocated once and written in place.

transformers' DynamicCache copies the whole cache at every step; for a long negative context that copy
costs more than the attention. Imported only where torch is already loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin


class PreallocatedLayer(CacheLayerMixin):  # type: ignore[misc]
    """Keys and values (entries, heads, capacity, head size) of one layer, of which `length` positions are used."""

    is_sliding = False

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self.length = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Allocate for the shapes of the first states."""
        entries, heads, _, size = key_states.shape
        self.dtype, self.device = key_states.dtype, key_states.device
        self.keys = key_states.new_zeros(entries, heads, self.capacity, size)
        self.values = value_states.new_zeros(entries, heads, self.capacity, value_states.shape[-1])
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write the states behind the used positions and return views of all used ones."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        end = self.length + key_states.shape[-2]
        self.keys[:, :, self.length : end] = key_states
        self.values[:, :, self.length : end] = value_states
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Length and offset of the positions that a mask covers."""
        return self.length + query_length, 0

    def get_seq_length(self) -> int:
        """Positions in use."""
        return self.length

    def get_max_length(self) -> int:
        """Positions there is room for."""
        return self.capacity

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these entries only (repeats allowed)."""
        assert self.keys is not None
        assert self.values is not None
        self.keys, self.values = self.keys[indices], self.values[indices]

    def take(self, entries: Tensor, positions: Tensor, capacity: int) -> None:
        """Keep entries (e,) and, of each, positions (e, used), in that order, with room for `capacity`."""
        assert self.keys is not None
        assert self.values is not None
        self.keys, self.values = (_moved(states, entries, positions, capacity) for states in (self.keys, self.values))
        self.capacity, self.length = capacity, positions.shape[1]


def _moved(states: Tensor, entries: Tensor, positions: Tensor, capacity: int) -> Tensor:
    heads, size = states.shape[1], states.shape[3]
    index = positions[:, None, :, None].expand(-1, heads, -1, size)
    moved = states.new_zeros(len(entries), heads, capacity, size)
    moved[:, :, : positions.shape[1]] = states[entries].gather(2, index)
    return moved


def preallocated(layers: int, capacity: int) -> Cache:
    """An empty cache of that many layers with room for `capacity` positions."""
    return Cache(layers=[PreallocatedLayer(capacity) for _ in range(layers)])


def joined(caches: Sequence[Cache], capacity: int) -> Cache:
    """One cache over the entries of several that hold the same number of positions."""
    whole = preallocated(len(caches[0].layers), capacity)
    for number, layer in enumerate(whole.layers):
        parts: list[Any] = [cache.layers[number] for cache in caches]
        used = parts[0].length
        keys = torch.cat([part.keys[:, :, :used] for part in parts])
        values = torch.cat([part.values[:, :, :used] for part in parts])
        layer.update(keys, values)
    return whole
