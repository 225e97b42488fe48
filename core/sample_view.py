"""The sample view: single texts as points in two dimensions, by UMAP; only its neighbourhoods mean something.

Some texts are laid out among themselves; every other one is then placed beside those it resembles, without
moving anything. Distances, sizes and gaps in the picture say nothing: UMAP keeps neighbours, not geometry.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.embedding import EMBEDDER

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

NEIGHBOURS = 15
"""Neighbours that UMAP keeps together: its default. On the bundled hypotheses 5, 10 and 30 kept fewer of them."""
MIN_DISTANCE = 0.1
FEW = NEIGHBOURS + 1
"""Below this many texts there are no neighbourhoods: they lie on the plane in which they differ most."""
_ROWS_AT_ONCE = 512
_BLOCK = 64


def view_id(task: str, keys: Sequence[str], seed: int = 0) -> str:
    """The name of a view, 64 hexadecimal characters: equal where everything that decides a place is equal.

    keys: content keys of the texts that are laid out among themselves, in any order.
    """
    made = (version("umap-learn"), EMBEDDER, NEIGHBOURS, MIN_DISTANCE, FEW, seed, task, *sorted(keys))
    return hashlib.sha256("\0".join(map(str, made)).encode()).hexdigest()


def lay_out(vectors: Floats, seed: int = 0) -> Floats:
    """(n, 2) places of (n, p) unit rows among themselves; equal input gives equal places.

    None at all where n is 0; the origin for one row; from FEW rows on by UMAP (McInnes, Healy & Melville 2018)
    on cosine distances, begun from the principal plane, below that the principal plane itself.
    """
    if len(vectors) < FEW:
        return ((vectors - _centre(vectors)) @ _plane(vectors)).astype(np.float32)
    flat = ((vectors - _centre(vectors)) @ _plane(vectors)).astype(np.float64)
    # Texts that the embedder cannot tell apart must not begin in one place: nothing would part them.
    scale = float(np.abs(flat).max()) or 1.0
    flat += 1e-4 * scale * np.random.default_rng(seed).standard_normal(flat.shape)
    return np.asarray(_umap(vectors, flat, seed, epochs=None).embedding_, dtype=np.float32)


class SampleView:
    """Texts that are laid out, ready to have others placed among them.

    vectors: (n, p) unit rows, points: (n, 2) their places from `lay_out`, seed: the one it had. A view made
    again from the same three places every text where it was before, in another process too.
    """

    def __init__(self, vectors: Floats, points: Floats, seed: int = 0) -> None:
        self.vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self.points = np.ascontiguousarray(points, dtype=np.float32)
        self.seed = seed

    def place(self, vectors: Floats) -> Floats:
        """(k, 2) places of (k, p) unit rows by UMAP's transform, or on the plane of a few laid out texts.

        A text's place does not depend on those that are placed with it.
        """
        if len(self.vectors) < FEW:
            return ((vectors - _centre(self.vectors)) @ _plane(self.vectors)).astype(np.float32)
        placed = [np.zeros((0, 2), dtype=np.float32)]
        for start in range(0, len(vectors), _ROWS_AT_ONCE):
            # UMAP weighs every row of a call against the strongest tie in it. A laid out text comes along:
            # its tie to itself is the strongest there can be.
            rows = np.concatenate([self.vectors[:1], vectors[start : start + _ROWS_AT_ONCE]])
            placed.append(np.asarray(self._model.transform(rows), dtype=np.float32)[1:])
        return np.concatenate(placed)

    @cached_property
    def _model(self) -> Any:
        model = _umap(self.vectors, self.points, self.seed, epochs=0)  # the ties only: nothing moves
        model.embedding_ = self.points  # UMAP stretches its beginning, the stored places are as they shall be
        return model.set_params(n_epochs=None)


def closest(rows: Floats, among: Floats, k: int) -> tuple[Ints, Floats]:
    """(m, k) row numbers and cosine distances of the nearest unit rows `among`, nearest first, without approximation.

    Rows are multiplied in blocks of one size, so that a distance is the same to the last bit whatever rows come along.
    """
    found = [np.zeros((0, k), dtype=np.int32)]
    distances = [np.zeros((0, k), dtype=np.float32)]
    block = np.zeros((_BLOCK, rows.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), _BLOCK):
        size = min(_BLOCK, len(rows) - start)
        block[:size] = rows[start : start + size]
        table = np.maximum(np.float32(1) - block @ among.T, np.float32(0))[:size]
        order = np.argpartition(table, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(table, order, axis=1)
        sorting = np.lexsort((order, near), axis=1)
        found.append(np.take_along_axis(order, sorting, axis=1).astype(np.int32))
        distances.append(np.take_along_axis(near, sorting, axis=1))
    return np.concatenate(found), np.concatenate(distances)


def _centre(vectors: Floats) -> NDArray[np.float64]:
    return vectors.mean(axis=0, dtype=np.float64) if len(vectors) else np.zeros(vectors.shape[1])


def _plane(vectors: Floats) -> NDArray[np.float64]:
    """(p, 2) the two directions of most spread, zeros where there is none; the largest entry of each is positive."""
    rows = vectors - _centre(vectors)
    spread, axes = np.linalg.eigh(rows.T @ rows)
    plane = axes[:, ::-1][:, :2]
    largest = plane[np.abs(plane).argmax(axis=0), [0, 1]]
    spans: NDArray[np.float64] = plane * np.sign(largest) * (spread[::-1][:2] > 1e-9 * max(len(vectors), 1))
    return spans


def _umap(vectors: Floats, begin: NDArray[np.floating[Any]], seed: int, epochs: int | None) -> Any:
    """A fitted model. It gets its neighbours from us: exact ones, and most of UMAP's compiling falls away."""
    with warnings.catch_warnings():
        # It says on import that TensorFlow, which only its parametric variant wants, is not there.
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        from pynndescent import NNDescent
        from umap import UMAP

    class Exact(NNDescent):  # type: ignore[misc]
        """The neighbours among the laid out rows, behind the name by which UMAP asks for them."""

        _angular_trees = True

        def __init__(self) -> None:
            """It has nothing to build."""

        def query(self, rows: Floats, k: int, epsilon: float) -> tuple[Ints, Floats]:
            return closest(rows, vectors, k)

    index = Exact()
    return UMAP(
        n_neighbors=NEIGHBOURS,
        min_dist=MIN_DISTANCE,
        metric="cosine",
        # Two opposite texts are far apart, and that is all: UMAP would lose them.
        disconnection_distance=float("inf"),
        precomputed_knn=(*closest(vectors, vectors, NEIGHBOURS), index),
        init=np.asarray(begin, dtype=np.float32),
        n_epochs=epochs,
        random_state=seed,
        transform_seed=seed,
        n_jobs=1,  # with a seed it has to be
    ).fit(vectors)
