"""The plain map by Grams against the common road: SciPy's pdist on flattened means, then an eigendecomposition.

    python -m tests.bench.perspective [--json] [--rounds 5]
    python -m tests.bench.perspective --growth          writes assets/documents/scaling.md and its figure

300 generators, 100 queries, 384 dimensions, in float64, from cell means; before anything is timed the two roads
are held against each other to 1e-8. The roads take turns, round by round, and each ratio is the median over rounds
of the ratio within a round. All have one BLAS thread, because pdist has one. Wall time, but for `place_ms`, which
is processor time: work, whoever else is waiting.

map_over_scipy    a plain map with all distances (`plain_map`): how many times the common road's time
refit_over_scipy  the same on a random half of the queries, from Grams that are kept (`PlainGrams.fit`)
place_ms          one generator more on a map of 1,000: its place, its distances to all, its row of every Gram
peak_bytes        most that map, distances, Grams and refit hold at once, beyond the means they are given

Printed beside them without --json: the map together with the making of the Grams that refits use, and single
precision with its largest error of a squared distance.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.spatial.distance import pdist, squareform
from threadpoolctl import threadpool_limits

from core.statistics.plain import plain_map
from core.statistics.query_grams import PlainGrams

Array = NDArray[np.floating]

GENERATORS, QUERIES, WIDTH = 300, 100, 384
LARGE = 1_000
DIMENSION = 2
CLOSE = 1e-8


def cell_means(n: int, m: int, p: int, seed: int) -> Array:
    """Means of unit vectors: generators that differ along three directions, and a little in every other."""
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((3, m, p), dtype=np.float32)
    means = rng.standard_normal((n, m, p), dtype=np.float32) * np.float32(0.2)
    means += np.einsum("nl,lmp->nmp", rng.standard_normal((n, 3), dtype=np.float32) * 0.5, directions, optimize=True)
    means += rng.standard_normal((m, p), dtype=np.float32)
    means /= np.linalg.norm(means, axis=-1, keepdims=True)
    return means.astype(np.float64)


def common_road(means: Array) -> tuple[Array, Array]:
    """Points and distances as most implementations make them: pdist, double centring, eigenvectors."""
    n, m, _ = means.shape
    distances = squareform(pdist(means.reshape(n, -1))) / np.sqrt(m)
    squared = distances**2
    mean = squared.mean(axis=0)
    b = -0.5 * (squared - mean - mean[:, None] + mean.mean())
    values, vectors = eigh(b, subset_by_index=(n - DIMENSION, n - 1))
    return vectors[:, ::-1] * np.sqrt(values[::-1]), distances


def our_map(means: Array) -> tuple[Array, Array]:
    """The same from one Gram matrix."""
    fit = plain_map(means, DIMENSION)
    return fit.points, np.sqrt(np.maximum(fit.squared_distances(), 0.0))


def our_refit(grams: PlainGrams, queries: NDArray[np.int64]) -> tuple[Array, Array]:
    """The same over some queries, from Grams that are kept."""
    fit = grams.fit(DIMENSION, queries=queries)
    return fit.points, np.sqrt(np.maximum(fit.squared_distances(), 0.0))


def check(ours: tuple[Array, Array], theirs: tuple[Array, Array]) -> None:
    """Stop where the roads differ: a quick answer that is another answer is no answer."""
    points, distances = ours
    signs = np.sign((points * theirs[0]).sum(axis=0))
    off = max(np.abs(points * signs - theirs[0]).max(), np.abs(distances - theirs[1]).max())
    if not off < CLOSE:
        raise SystemExit(f"The roads differ by {off:.1e}; nothing was timed.")


def timed(road: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds that a road takes."""
    start = clock()
    road()
    return clock() - start


def peak_bytes(means: Array, queries: NDArray[np.int64]) -> int:
    """Most memory held at once by map, distances, Grams and refit, all kept."""
    tracemalloc.start()
    kept: list[object] = [our_map(means)]
    grams = PlainGrams.of(means)
    kept += [grams, our_refit(grams, queries)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def place_ms(rounds: int) -> float:
    """Milliseconds of work for one generator more on a map of LARGE."""
    means = cell_means(LARGE + rounds + 1, QUERIES, WIDTH, seed=1)
    grams = PlainGrams.of(means[:LARGE])
    fit = grams.fit(DIMENSION)
    spent = [timed(lambda one=one: grams.add(one).place(fit), time.process_time) for one in means[LARGE:]]  # type: ignore[misc]
    return 1e3 * statistics.median(spent[1:])


def measure(rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """The four figures, and those that stand beside them."""
    means = cell_means(GENERATORS, QUERIES, WIDTH, seed=0)
    rng = np.random.default_rng(2)
    grams = PlainGrams.of(means)
    half = rng.permutation(QUERIES)[: QUERIES // 2]
    check(our_map(means), common_road(means))
    check(our_refit(grams, half), common_road(means[:, half]))
    single = means.astype(np.float32)
    off = plain_map(single, DIMENSION).squared_distances() - plain_map(means, DIMENSION).squared_distances()
    seconds: dict[str, list[float]] = {}
    for _ in range(rounds):
        half = rng.permutation(QUERIES)[: QUERIES // 2]
        roads: dict[str, Callable[[], object]] = {
            "common": lambda: common_road(means),
            "map": lambda: our_map(means),
            "common_refit": lambda half=half: common_road(means[:, half]),  # type: ignore[misc]
            "refit": lambda half=half: our_refit(grams, half),  # type: ignore[misc]
            "grams": lambda: our_refit(PlainGrams.of(means), np.arange(QUERIES)),
            "single": lambda: our_map(single),
        }
        for name, road in roads.items():
            seconds.setdefault(name, []).append(timed(road))

    def ratio(one: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(seconds[one], seconds[other], strict=True))

    figures = {
        "map_over_scipy": ratio("common", "map"),
        "refit_over_scipy": ratio("common_refit", "refit"),
        "place_ms": place_ms(rounds),
        "peak_bytes": peak_bytes(means, half),
    }
    beside = {
        "map_with_grams_over_scipy": ratio("common", "grams"),
        "single_map_over_scipy": ratio("common", "single"),
        "single_worst_error": float(np.abs(off).max()),
        **{f"{name}_ms": 1e3 * statistics.median(values) for name, values in seconds.items()},
    }
    return figures, beside


def main() -> None:
    """Print the figures, as a table or as JSON; or measure growth and write its document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth", action="store_true")
    options = parser.parse_args()
    if options.growth:
        from tests.bench.growth import write_document

        write_document()
        return
    with threadpool_limits(1):
        figures, beside = measure(options.rounds)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in {**figures, **beside}.items():
        print(f"{name:28}{value:16,.3g}" if value < 1 else f"{name:28}{value:16,.2f}")


if __name__ == "__main__":
    main()
