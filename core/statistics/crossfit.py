"""The cross-fit: axes, points and clouds as bare arrays, in the order of `dkps.md`.

Knows nothing of ellipses, reasons or the screen; `core.perspective` adds those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.statistics.answers import Floats
from core.statistics.axes import eigenvalues, gram, inverse_root, polar, principal_axes, stacked, steady_signs, turn
from core.statistics.halves import BOTH, A, B, Halves
from core.statistics.placement import on_axes
from core.statistics.scree import elbow, noise_floor


class CrossFit:
    """Axes from one half, points from the other. Read the attributes that its methods are named for.

    halves: the n generators that fit the map, over the same m queries; where some of them could not be
    split nothing is crossed, and every axis has seen every answer. earlier: points of an earlier map by
    generator key, towards which the display is turned. Coordinates are those of V until `t` (rank,
    dimension) brings them to the display.
    """

    def __init__(self, halves: Sequence[Halves], dimension: int, earlier: Mapping[str, Floats]) -> None:
        self.halves, self.dimension = halves, dimension
        self.m = halves[0].counts.shape[1]
        self.crossed = all(h.split for h in halves)
        self._axes()
        self._points()
        self._scree()
        self._display(earlier)

    def _axes(self) -> None:
        """Steps 2 and 3: each half's axes, V_B turned onto V_A, each half's centre."""
        tau = np.array([np.zeros(2) if h.tau is None else h.tau for h in self.halves])
        means = np.stack([h.means for h in self.halves])
        first, second = (principal_axes(means[:, h], tau[:, h], self.dimension) for h in (A, B))
        self.rank = rank = min(first.shape[2], second.shape[2])
        first, second = first[:, :, :rank], second[:, :, :rank]
        meet = np.einsum("jpa,jpb->ab", second, first)
        self.axes = np.stack([first, second @ polar(meet) if rank else second])
        self.cosines = np.linalg.svd(meet, compute_uv=False) if rank else np.zeros(0)
        self.centre = means.mean(axis=0)

    def _points(self) -> None:
        """Every half on the other half's axes, averaged: psi (n, rank) in V coordinates."""
        first, second = self.axes.reshape(2, self.centre[A].size, self.rank)
        placed = [h.means[B].ravel() @ first + h.means[A].ravel() @ second for h in self.halves]
        middle = self.centre[B].ravel() @ first + self.centre[A].ravel() @ second
        self.psi = (np.stack(placed) - middle) / (2 * np.sqrt(self.m))

    def _scree(self) -> None:
        """Debiased eigenvalues of the whole answers, and of noise alone."""
        taus = [h.full.tau for h in self.halves]
        known = np.array([0.0 if tau is None else tau for tau in taus])
        self.scree = eigenvalues(gram(stacked(np.stack([h.full.means for h in self.halves])), known))
        self.noise_floor = noise_floor(self.halves)
        self.elbow = elbow(self.scree)
        smallest = float(self.scree[self.rank - 1]) if self.rank else 0.0
        unknown = any(tau is None for tau in taus)
        self.noise_ratio = None if unknown or smallest <= 0 else float(known.mean()) / smallest
        self.noise_axis = self.rank > 0 and smallest <= 0

    def _display(self, earlier: Mapping[str, Floats]) -> None:
        """Step 7, signs, and the turn towards an earlier map: `t` is (rank, dimension)."""
        middle = self.axes.mean(axis=0)
        t = inverse_root(np.einsum("jpa,jpb->ab", middle, middle)) if self.rank else np.zeros((0, 0))
        t = np.pad(t, ((0, 0), (0, self.dimension - self.rank)))
        rotation = np.diag(steady_signs(self.psi @ t))
        shared = [i for i, h in enumerate(self.halves) if h.answers.key in earlier]
        if shared:
            target = np.zeros((len(shared), self.dimension))
            for row, i in zip(target, shared, strict=True):
                before = earlier[self.halves[i].answers.key][: self.dimension]
                row[: len(before)] = before
            rotation = rotation @ turn((self.psi @ t @ rotation)[shared], target)
        self.t = t @ rotation
        self.points = self.psi @ self.t
        positive = np.maximum(self.scree, 0.0)
        share = np.zeros(self.dimension)
        share[: self.rank] = positive[: self.rank] / (positive.sum() or 1.0)
        self.explained = share @ rotation**2
        self.blocks = np.sqrt(self.m) * self.axes @ self.t
        self.both = np.concatenate(list(self.blocks), axis=2)
        self.offsets = np.einsum("hjp,hjpd->hjd", self.centre[[B, A]], self.blocks)

    def values(self, i: int) -> Floats:
        """(N, 2d) answers of a generator on the displayed axes of half A and of half B, not yet centred."""
        return on_axes(self.halves[i].answers, self.both)

    def cloud(self, i: int, values: Floats) -> tuple[Floats, Floats]:
        """Single answers (N, d), each on the axes it did not help to fit, and the weights of their mean."""
        halves, d = self.halves[i], self.dimension
        cell = np.repeat(np.arange(self.m), halves.answers.counts)
        half = halves.half.ravel()[halves.units.rows]
        on_a, on_b = values[:, :d] - self.offsets[A, cell], values[:, d:] - self.offsets[B, cell]
        r = halves.counts[np.where(half == B, B, A), cell]
        cloud = np.where((half == B)[:, None], on_a, np.where((half == A)[:, None], on_b, (on_a + on_b) / 2))
        return cloud, np.where(half == BOTH, 1.0, 0.5) / (self.m * r)
