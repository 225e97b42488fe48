"""Simulated generators whose true means are known exactly, and the designs that coverage is measured in.

Every cell answers from a finite set of unit vectors, so its mean is a plain average; noise is skewed and
anisotropic. With chains, every chain draws one of many tempers that shift its answers to all queries together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.statistics.answers import Answers

P = 24
TEMPERS, ATOMS = 40, 60
NOISE = {"light": 0.05, "middle": 0.5, "heavy": 4.0, "mixed": 0.5}
"""tau / lambda_d that a design aims at; `mixed` has cold and hot generators on one map."""

Noise = Literal["light", "middle", "heavy", "mixed"]
Tied = Literal["independent", "chains", "both"]


@dataclass(frozen=True)
class Design:
    """n generators, m queries, replicates (fewest, most) of a cell, and which generators answer in chains.

    Where generators answer in chains, all their cells hold the same chains; `both` puts chained generators
    beside independent ones.
    """

    noise: Noise
    n: int
    m: int
    replicates: tuple[int, int]
    tied: Tied = "independent"

    def __str__(self) -> str:
        low, high = self.replicates
        r = str(low) if low == high else f"{low}-{high}"
        return f"{self.noise} n{self.n} m{self.m} r{r} {self.tied}"

    @property
    def chained(self) -> tuple[bool, ...]:
        """Which generators answer in chains."""
        return tuple(self.tied == "chains" or (self.tied == "both" and i % 2 == 0) for i in range(self.n))

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(n, m) answers of every cell: fixed by the design, like a plan made before the answers."""
        rng = np.random.default_rng(self.n * 1000 + self.m)
        low, high = self.replicates
        free = rng.integers(low, high + 1, size=(self.n, self.m))
        tied = np.repeat(rng.integers(low, high + 1, size=(self.n, 1)), self.m, axis=1)
        return np.where(np.array(self.chained)[:, None], tied, free)

    @cached_property
    def world(self) -> World:
        """Generators as far apart as the design's noise ratio asks: found by scaling what tells them apart."""
        scale = np.geomspace(0.3, 1.8, self.n) if self.noise == "mixed" else np.ones(self.n)
        r = 1 / float(np.mean(1 / self.counts))
        signal = 0.6
        for _ in range(6):
            ratio = self._world(signal, scale, atoms=8, tempers=8).noise_ratio(r)
            signal = float(np.clip(signal * np.sqrt(ratio / NOISE[self.noise]), 1e-3, 6.0))
        return self._world(signal, scale, TEMPERS, ATOMS)

    def _world(self, signal: float, scale: NDArray[np.float64], tempers: int, atoms: int) -> World:
        tied = self.tied != "independent"
        return World.make(
            self.n,
            self.m,
            signal,
            chain=0.5 if tied else 0.0,
            scale=scale,
            tempers=tempers if tied else 1,
            atoms=12 if tied else atoms,
        )

    def draw(self, rng: np.random.Generator) -> list[Answers]:
        """One set of answers."""
        return [self.world.answers(i, self.counts[i], tied, rng, key=f"g{i}") for i, tied in enumerate(self.chained)]


@dataclass(frozen=True)
class World:
    """atoms: (n, tempers, m, K, p) unit vectors, all equally likely within a generator's cell."""

    atoms: NDArray[np.float32]

    @classmethod
    def make(
        cls,
        n: int,
        m: int,
        signal: float,
        *,
        chain: float = 0.0,
        scale: NDArray[np.float64] | None = None,
        tempers: int | None = None,
        atoms: int | None = None,
        seed: int = 3,
    ) -> World:
        """signal: how far generators differ; chain: size of a temper's shift beside the noise's .6.

        scale: (n,) factors of the noise; 1 unless given. Where signal is 0 all generators are one.
        """
        rng = np.random.default_rng(seed)
        tempers = tempers or (TEMPERS if chain else 1)
        count = atoms or (12 if chain else ATOMS)
        places = rng.normal(size=(n, 2)) * [1, 0.7]
        loadings = 0.4 * rng.normal(size=(2, m, P)) + 0.6 * rng.normal(size=(2, 1, P))
        queries = rng.normal(size=(m, P))
        queries /= np.linalg.norm(queries, axis=1, keepdims=True)
        centres = queries + signal * np.einsum("nk,kmp->nmp", places, loadings) / np.sqrt(P)
        stretch = rng.permutation(np.geomspace(2, 0.3, P))
        noise = 0.6 * stretch * (rng.gamma(1.0, size=(n, tempers, m, count, P)) - 1) / np.sqrt(P)
        shift = chain * (rng.gamma(1.0, size=(n, tempers, 1, 1, P)) - 1) / np.sqrt(P)
        factors = np.ones(n) if scale is None else np.asarray(scale)
        x = centres[:, None, :, None] + factors[:, None, None, None, None] * (noise + shift)
        if signal == 0:
            x[:] = x[0]
        return cls((x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32))

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """True means, (n, m, p)."""
        return np.asarray(self.atoms.mean(axis=(1, 3), dtype=np.float64))

    def noise_ratio(self, r: float) -> float:
        """True tau of r answers over the second true eigenvalue."""
        gamma = 1.0 - (self.means**2).sum(axis=-1).mean()  # of unit vectors
        rows = (self.means - self.means.mean(axis=0)).reshape(len(self.atoms), -1)
        return float(gamma / r / np.linalg.eigvalsh(rows @ rows.T / self.atoms.shape[2])[-2])

    def thinned(self, atoms: int) -> World:
        """A world of at most so many possible answers a cell; its distributions are small enough to embed."""
        tempers = min(self.atoms.shape[1], 6)
        return World(self.atoms[:, :tempers, :, : atoms // tempers])

    def distribution(self, i: int) -> Answers:
        """Generator i as all its possible answers, once each: its mean is the true one."""
        _, tempers, m, atoms, p = self.atoms.shape
        cells = self.atoms[i].transpose(1, 0, 2, 3).reshape(m, tempers * atoms, p)
        return Answers(f"true{i}", tuple(cells))

    def squared_distance(self, i: int, k: int) -> float:
        """True D^2 of two generators."""
        return float(((self.means[i] - self.means[k]) ** 2).sum(axis=-1).mean())

    def answers(
        self, i: int, counts: NDArray[np.int64], tied: bool, rng: np.random.Generator, key: str = "g"
    ) -> Answers:
        """Answers of generator i, counts (m,) to each query; answer k of a tied generator is its chain k's."""
        _, tempers, m, atoms, _ = self.atoms.shape
        total = int(counts.sum())
        cell = np.repeat(np.arange(m), counts)
        if tied:
            of_chain = rng.integers(tempers, size=int(counts.max()))
            temper = np.concatenate([of_chain[:r] for r in counts])
        else:
            temper = rng.integers(tempers, size=total)
        rows = self.atoms[i, temper, cell, rng.integers(atoms, size=total)]
        ends = np.concatenate([[0], np.cumsum(counts)])
        vectors = tuple(rows[a:b] for a, b in pairwise(ends.tolist()))
        chains = tuple(np.arange(r) for r in counts) if tied else None
        return Answers(key, vectors, chains)


def grid() -> tuple[Design, ...]:
    """The designs of the coverage table: every n and m, each with several noises, replicates and ties."""
    noises: tuple[Noise, ...] = ("light", "middle", "heavy", "mixed")
    made = []
    for a, n in enumerate((3, 5, 10, 30)):
        for b, m in enumerate((1, 5, 20, 50)):
            # A Latin square: over the table every noise meets every n, every m and both kinds of replicates.
            made.append(Design(noises[(a + b) % 4], n, m, (5, 5)))
            made.append(Design(noises[(a + b + 2) % 4], n, m, (4, 9)))
            made.append(Design(noises[(a - b + 1) % 4], n, m, (8, 8) if (a + b) % 2 else (6, 12), "chains"))
            made.append(Design(noises[(a - b + 3) % 4], n, m, (6, 12) if (a + b) % 2 else (8, 8), "both"))
    return tuple(made)
