"""Keyed noise: every draw is a pure function of what it belongs to, so batching and company change nothing.

The stream of one (key, step) is SplitMix64 (Steele, Lea, Flood 2014), which gives its i-th output
without the ones before it: token w always meets the same number, however many rows are drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def noise_key(*parts: object) -> int:
    """A 64-bit key from what a draw belongs to (seed, settings, pair, query, replicate, ...)."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def generator(*parts: object) -> np.random.Generator:
    """A numpy generator of its own for whatever `parts` name."""
    return np.random.Generator(np.random.Philox(noise_key(*parts)))


def splitmix64(states: NDArray[np.uint64], index: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Outputs number `index` (rows, k), counted from 0, of SplitMix64 from each of the states (rows,)."""
    with np.errstate(over="ignore"):
        z = states[:, None] + (index.astype(np.uint64) + np.uint64(1)) * _GAMMA
        z ^= z >> np.uint64(30)
        z *= _MIX_1
        z ^= z >> np.uint64(27)
        z *= _MIX_2
        z ^= z >> np.uint64(31)
    return z


def gumbel(keys: Iterable[int], step: int, tokens: NDArray[np.integer]) -> NDArray[np.float32]:
    """Standard Gumbel noise of the tokens (rows, k) at one step of the rows that `keys` name: (rows, k).

    Sampling by argmax(log p + Gumbel) is exact (Gumbel-max), and a rounding error of 1e-6 in log p
    flips it about a thousand times less often than an inverse CDF in float32.
    """
    states = np.array([noise_key(key, step) for key in keys], dtype=np.uint64)
    bits = splitmix64(states, tokens)
    # 53 bits, shifted by half a unit: strictly inside (0, 1)
    uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return (-np.log(-np.log(uniform))).astype(np.float32)
