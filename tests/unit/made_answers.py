"""Small sets of embedded answers for tests of the map, and slow readings of what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.statistics.answers import Answers

P = 12


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rows of length 1, as an embedder gives them."""
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def generator(key: str, counts: Sequence[int], seed: int, *, chains: int | None = None, noise: float = 0.5) -> Answers:
    """Answers around means of their own; with `chains`, answer k of every query is of chain k % chains."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(len(counts), 1, P))
    vectors = tuple(unit(means[j] + noise * rng.normal(size=(r, P))) for j, r in enumerate(counts))
    tied = None if chains is None else tuple(np.arange(r) % chains for r in counts)
    return Answers(key, vectors, tied)


def fixed(key: str, m: int, seed: int) -> Answers:
    """A deterministic generator."""
    answers = generator(key, [1] * m, seed)
    return replace(answers, deterministic=True)


def in_rounds(key: str, passes: int, m: int, size: int, seed: int) -> Answers:
    """One chain that passes over m queries in rounds of `size`: every cell's answers are of different rounds."""
    answers = generator(key, [passes] * m, seed)
    blocks = -(-m // size)
    rounds = tuple(np.arange(passes) * blocks + j // size for j in range(m))
    return replace(answers, chains=tuple(np.zeros(passes, dtype=int) for _ in range(m)), rounds=rounds)


def ragged(n: int, m: int = 4) -> list[Answers]:
    """Generators of 4 to 8 answers a cell."""
    rng = np.random.default_rng(5)
    return [generator(f"g{i}", rng.integers(4, 9, size=m).tolist(), i) for i in range(n)]


def same_up_to_signs(one: NDArray[np.float64], other: NDArray[np.float64], tolerance: float = 1e-9) -> bool:
    """Whether columns are equal but for a sign each."""
    signs = np.sign((one * other).sum(axis=0))
    return np.allclose(one, other * np.where(signs == 0, 1, signs), atol=tolerance)
