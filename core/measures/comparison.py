"""A run beside the real rows of its queries: cut to equal size where size matters, then asked the same."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from core.measures.corpus import Corpus, Floats, Ints, Vectors, halves, matched
from core.measures.fidelity import adversarial_auroc, query_spread, real_auroc
from core.measures.vocabulary import RealWords, unknown_share
from core.measures.wording import Words, cut_to, words
from core.neighbours import Copies, TrainingIndex
from core.statistics.answers import Answers
from core.statistics.intervals import Estimate, ratio, share, with_honest_zero


@dataclass(frozen=True)
class Found:
    """One metric: its estimate for the run, the reference, the samples it rests on, and what to add."""

    estimate: Estimate
    reference: float | None
    n: int
    note: str = ""


class Comparison:
    """A run and the real rows of the same queries, with what metrics share worked out once.

    real: rows that nothing was trained on; training: rows that the expert was trained on;
    vocabulary: words that are known beside those of the real rows.
    """

    def __init__(
        self,
        run: Corpus,
        real: Corpus | None,
        training: TrainingIndex | None,
        vocabulary: Container[str],
        seed: int,
    ) -> None:
        self.run = run
        self.training = training
        self.vocabulary = vocabulary
        self.seed = seed
        self._all_real = real
        asked = [] if real is None else [i for i, q in enumerate(real.queries) if q in run.rows_of]
        self.real = real.take(asked) if real is not None and asked else None

    @cached_property
    def pair(self) -> tuple[Corpus, Corpus | None]:
        """Run and real rows with the same number of rows for each query; the whole run where none is real."""
        return (self.run, None) if self.real is None else matched(self.run, self.real, self.seed)

    @cached_property
    def wording(self) -> tuple[list[Words], list[Words] | None]:
        """The words of `pair`, cut to the same total."""
        run, real = self.pair
        ours = [words(text) for text in run.texts]
        if real is None:
            return ours, None
        theirs = [words(text) for text in real.texts]
        limit = min(sum(map(len, ours)), sum(map(len, theirs)))
        return cut_to(ours, limit, self.seed), cut_to(theirs, limit, self.seed)

    def whole(self, of: Callable[[Corpus], tuple[Estimate, int, str]]) -> Found:
        """A metric that does not depend on how many rows it sees, of all rows on both sides."""
        estimate, n, note = of(self.run)
        return self._found(estimate, None if self.real is None else of(self.real)[0].value, n, note)

    def embedded(self, of: Callable[[Vectors, Ints], Estimate]) -> Found:
        """A metric of vectors that depends on how many rows it sees, of equal numbers of rows."""
        run, real = self.pair
        if run.vectors is None:
            return self._found(Estimate(None), None, len(run), "No vectors are known.")
        reference = None
        if real is not None and real.vectors is not None:
            reference = of(real.vectors, real.units).value
        return self._found(of(run.vectors, run.units), reference, len(run), self._cut_note())

    def worded(self, of: Callable[[Sequence[Words], Ints], Estimate]) -> Found:
        """A metric of wording, of equal numbers of rows and words."""
        run, real = self.pair
        ours, theirs = self.wording
        reference = None if real is None or theirs is None else of(theirs, real.units).value
        total = sum(map(len, ours))
        before = sum(len(words(text)) for text in self.run.texts)
        note = f"Cut to {total:,} of {before:,} words, as many as the real rows have." if total < before else ""
        return self._found(of(ours, run.units), reference, sum(1 for row in ours if row), note)

    def unknown_words(self) -> Found:
        """Words that neither the vocabulary nor a real row holds; each real row is judged by the others."""
        seen = RealWords(() if self._all_real is None else self._all_real.texts)
        estimate = unknown_share(self.run.texts, self.run.units, self.vocabulary, seen.any)
        reference = None
        if self.real is not None:
            reference = unknown_share(self.real.texts, self.real.units, self.vocabulary, seen.of_others).value
        return self._found(estimate, reference, len(self.run))

    def copies(self, kind: Literal["verbatim", "grams"]) -> Found:
        """Rows, or 8-grams, that stand in the training rows."""
        if self.training is None or len(self.training) == 0:
            return Found(Estimate(None), None, len(self.run), "No training rows are known.")
        estimate = _copied(kind, self.training.find(self.run.texts), self.run.units)
        reference = None
        if self.real is not None:
            reference = _copied(kind, self.training.find(self.real.texts), self.real.units).value
        return self._found(estimate, reference, len(self.run))

    def auroc(self) -> Found:
        """The classifier's success against the real rows; real rows against real rows beside it."""
        run, real = self.pair
        if real is None:
            return self._found(Estimate(None), None, len(run))
        note = self._cut_note()
        estimate = adversarial_auroc(run, real, self.seed)
        if estimate.value is None:
            note = "The classifier needs vectors and two shared queries at least."
        return self._found(estimate, real_auroc(real, self.seed), len(run), note)

    def distance_to_real(self) -> Found:
        """Debiased squared distance to the real rows; between two random halves of these beside it."""
        from core.statistics.distances import distance

        if self.real is None or self.run.vectors is None or self.real.vectors is None:
            note = "" if self.real is None else "No vectors are known."
            return self._found(Estimate(None), None, len(self.run), note)
        queries = list(self.real.rows_of)
        found = distance(_answers("run", self.run, queries), _answers("real", self.real, queries))
        one, other = halves(self.real, self.seed)
        floor = None
        if len(one):
            split = list(one.rows_of)
            floor = distance(_answers("real, one half", one, split), _answers("real, other half", other, split))
        n = sum(len(self.run.rows_of[query]) for query in queries)
        estimate = Estimate(found.value, found.low, found.high)
        return self._found(estimate, None if floor is None else floor.value, n, found.reason or "")

    def _found(self, estimate: Estimate, reference: float | None, n: int, note: str = "") -> Found:
        """Add what a reader must know: no interval, no reference."""
        notes = [note] if note else []
        if self.real is None:
            notes.append("No real rows of these queries are known.")
        if estimate.value is not None and estimate.low is None and not note:
            units = "chains" if self.run.chains is not None else "samples"
            notes.append(f"No interval: it needs more {units}.")
        return Found(estimate, reference, n, " ".join(notes))

    def _cut_note(self) -> str:
        n, before = len(self.pair[0]), len(self.run)
        return f"Cut to {n:,} of {before:,} samples, as many as there are real rows." if n < before else ""


def perplexity(nats: Floats | None, units: Ints) -> tuple[Estimate, int, str]:
    """exp of the mean over samples of -log p per token; samples without a token or a known value left out."""
    if nats is None or not np.isfinite(nats).any():
        return Estimate(None), 0, "No log-probabilities are known."
    known = np.isfinite(nats)
    mean = ratio(nats[known], np.ones(int(known.sum())), units[known])
    left = len(nats) - int(known.sum())
    note = f"Left out {left:,} samples without a finite log-probability." if left else ""
    return mean.mapped(lambda value: float(np.exp(value))), int(known.sum()), note


def spread(corpus: Corpus) -> tuple[Estimate, int, str]:
    """Variance of the vectors of one query, mean over the queries with two answers or more."""
    estimate = query_spread(corpus)
    n = sum(len(rows) for rows in corpus.rows_of.values() if len(rows) > 1)
    return estimate, n, "" if estimate.value is not None else "It needs vectors and two answers to a query."


def length(corpus: Corpus) -> tuple[Estimate, int, str]:
    """Mean number of tokens."""
    if corpus.tokens is None:
        return Estimate(None), 0, "No token counts are known."
    return ratio(corpus.tokens.astype(np.float64), np.ones(len(corpus)), corpus.units), len(corpus), ""


def finished(corpus: Corpus) -> tuple[Estimate, int, str]:
    """Share of answers that ended by themselves."""
    if corpus.ended is None:
        return Estimate(None), 0, "How the samples ended is not known."
    return share(corpus.ended, corpus.units), len(corpus), ""


def _copied(kind: Literal["verbatim", "grams"], copies: Copies, units: Ints) -> Estimate:
    if kind == "verbatim":
        return share(copies.verbatim, units)
    found = ratio(copies.copied.astype(np.float64), copies.total.astype(np.float64), units, 1.0)
    return with_honest_zero(found, int((copies.total > 0).sum()))


def _answers(key: str, corpus: Corpus, queries: Sequence[str]) -> Answers:
    assert corpus.vectors is not None
    rows = [corpus.rows_of[query] for query in queries]
    chains = corpus.chains
    return Answers(
        key,
        tuple(corpus.vectors[index] for index in rows),
        None if chains is None else tuple(chains[index] for index in rows),
    )
