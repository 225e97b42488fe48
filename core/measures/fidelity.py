"""How alike the answers of a run are to one another, and how well a classifier tells them from real ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.measures.corpus import Corpus, halves
from core.statistics.intervals import UNKNOWN, Estimate, jackknife, without_each

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDS = 5
SPLITS = 2
"""Random splits of the real rows whose classifiers are averaged for the reference of the AUROC."""


def self_similarity(vectors: NDArray[np.float32], units: Ints) -> Estimate:
    """Mean cosine over all pairs of rows, by the Gram identity (||sum x||^2 - n) / (n (n - 1)).

    vectors: (n, p) unit rows; units: (n,) numbered from 0, left out one by one for the interval.
    """
    rows = vectors.astype(np.float64)
    n = len(rows)
    if n < 2:
        return UNKNOWN
    held, unit = np.unique(units, return_inverse=True)
    sums = _sums(rows, unit, len(held))
    squares = np.einsum("np,np->n", rows, rows)
    value = _mean_cosine(rows.sum(axis=0)[None], squares.sum(), np.array([float(n)]))[0]
    left = n - np.bincount(unit).astype(np.float64)
    without = _mean_cosine(rows.sum(axis=0) - sums, squares.sum() - np.bincount(unit, squares), left)
    return jackknife(float(value), without, lowest=-1.0, highest=1.0)


def _mean_cosine(sums: Floats, squares: Floats, n: Floats) -> Floats:
    pairs = n * (n - 1)
    top = np.einsum("up,up->u", sums, sums) - squares
    means = np.full(len(n), np.nan)
    np.divide(top, pairs, out=means, where=pairs > 0)
    return means


def query_spread(corpus: Corpus) -> Estimate:
    """Mean over queries of the unbiased variance of a query's vectors: trace S_j, the map's gamma_j.

    Queries with fewer than two answers say nothing and are left out; the interval leaves out one
    unit of the corpus at a time.
    """
    if corpus.vectors is None:
        return UNKNOWN
    several = [row for rows in corpus.rows_of.values() if len(rows) > 1 for row in rows]
    if not several:
        return UNKNOWN
    kept = corpus.take(sorted(several))
    assert kept.vectors is not None
    rows = kept.vectors.astype(np.float64)
    cell = np.unique(np.array(kept.queries), return_inverse=True)[1]
    m = int(cell.max()) + 1
    units = np.unique(kept.units, return_inverse=True)[1]
    squares = np.einsum("np,np->n", rows, rows)
    sums, counts = _sums(rows, cell, m), _sizes(cell)
    cell_squares = _totals(squares, cell)
    values = _variance(sums, cell_squares, counts)

    # What each unit takes out of each cell in which it has answers.
    pairs, piece = np.unique(units * m + cell, return_inverse=True)
    unit_of, cell_of = pairs // m, pairs % m
    reduced = _variance(
        sums[cell_of] - _sums(rows, piece, len(pairs)),
        cell_squares[cell_of] - _totals(squares, piece),
        counts[cell_of] - _sizes(piece),
    )
    gone = np.isnan(reduced)
    size = int(units.max()) + 1
    change = np.bincount(unit_of, np.where(gone, 0.0, reduced) - values[cell_of], minlength=size)
    cells_left = m - np.bincount(unit_of, gone, minlength=size)
    without = np.full(size, np.nan)
    np.divide(values.sum() + change, cells_left, out=without, where=cells_left > 0)
    return jackknife(float(values.mean()), without, lowest=0.0)


def _variance(sums: Floats, squares: Floats, n: Floats) -> Floats:
    """Trace of the unbiased covariance of n rows with this sum and sum of squares; NaN below two rows."""
    top = squares - np.einsum("cp,cp->c", sums, sums) / np.maximum(n, 1)
    variances = np.full(len(n), np.nan)
    np.divide(np.maximum(top, 0.0), n - 1, out=variances, where=n > 1)
    return variances


def _sizes(labels: NDArray[np.intp]) -> Floats:
    return np.bincount(labels).astype(np.float64)


def _totals(values: Floats, labels: NDArray[np.intp]) -> Floats:
    return np.bincount(labels, values).astype(np.float64)


def _sums(rows: Floats, labels: NDArray[np.intp], size: int) -> Floats:
    from scipy.sparse import csr_array

    n = len(rows)
    table = csr_array((np.ones(n), (labels, np.arange(n))), shape=(size, n))
    return np.asarray(table @ rows, dtype=np.float64)


def adversarial_auroc(run: Corpus, real: Corpus, seed: int) -> Estimate:
    """How well a classifier tells the run's answers from held-out real ones: 0.5 is chance, 1 always.

    Both must hold the same number of rows for each query (`matched`). Logistic regression on the
    vectors, scaled to unit variance on average, ridge penalty 1; five folds of whole queries, so that
    a classifier never saw the queries it is tested on. Pairs are compared inside a fold only: scores
    of two classifiers share no scale, and then rows of one source give 0.5 on average exactly.
    Interval: two-sample jackknife over units with the classifiers as they are (DeLong et al. 1988).
    Unknown with fewer than two shared queries.
    """
    if run.vectors is None or real.vectors is None:
        return UNKNOWN
    from threadpoolctl import threadpool_limits

    names = [query for query in run.rows_of if query in real.rows_of]
    if len(names) < 2:
        return UNKNOWN
    shuffled = np.random.default_rng([seed, 3]).permutation(len(names))
    fold_of = {names[q]: i % min(FOLDS, len(names)) for i, q in enumerate(shuffled)}
    left = np.array([fold_of.get(query, -1) for query in run.queries])
    right = np.array([fold_of.get(query, -1) for query in real.queries])

    wins_left, pairs_left = np.zeros(len(run)), np.zeros(len(run))
    wins_right, pairs_right = np.zeros(len(real)), np.zeros(len(real))
    for fold in range(max(fold_of.values()) + 1):
        mine, theirs = left == fold, right == fold
        ours, others = run.vectors[(left >= 0) & ~mine], real.vectors[(right >= 0) & ~theirs]
        # On problems this small, threads that wait for one another cost thirty times what they save.
        with threadpool_limits(1, user_api="blas"):
            score = _classifier(ours, others)
            a, b = score(run.vectors[mine]), score(real.vectors[theirs])
        wins = (a[:, None] > b) + 0.5 * (a[:, None] == b)
        wins_left[mine], pairs_left[mine] = wins.sum(axis=1), len(b)
        wins_right[theirs], pairs_right[theirs] = wins.sum(axis=0), len(a)
    value = float(wins_left.sum() / pairs_left.sum())
    return jackknife(
        value,
        without_each(wins_left, pairs_left, run.units),
        without_each(wins_right, pairs_right, real.units),
        lowest=0.0,
        highest=1.0,
    )


def real_auroc(real: Corpus, seed: int) -> float | None:
    """The same for real rows against other real rows, over random halves of each query's rows: about 0.5."""
    found = [adversarial_auroc(*halves(real, seed + split), seed + split).value for split in range(SPLITS)]
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if known else None


def _classifier(
    positive: NDArray[np.float32], negative: NDArray[np.float32]
) -> Callable[[NDArray[np.float32]], Floats]:
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate([positive, negative]).astype(np.float64)
    # Unit rows of length p have coordinates of about 1/sqrt(p): bring them to the scale the penalty expects.
    scale = rows.shape[1] ** 0.5
    model = LogisticRegression(C=1.0, max_iter=2000)
    model.fit(rows * scale, np.repeat([1, 0], [len(positive), len(negative)]))
    return lambda vectors: np.asarray(model.decision_function(vectors * scale), dtype=np.float64)
