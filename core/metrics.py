"""What stands beside a run: each metric with its definition, its direction and the same for real rows.

No number of diversity without one of coherence: n-gram diversity first rises, then falls, as text
turns into noise, so read it beside perplexity and unknown words.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass

from core.measures.comparison import Comparison, Found, finished, length, perplexity, spread
from core.measures.corpus import Corpus
from core.measures.fidelity import self_similarity
from core.measures.wording import distinct, diversity_product
from core.neighbours import GRAM, NEAR, TrainingIndex, duplicate_share
from core.storage.records import Better

JACKKNIFE = (
    "95%, by leaving out one sample at a time (one chain at a time where samples read earlier ones), for these queries."
)
WILSON = "95%, Wilson's; by leaving out one chain at a time where samples read earlier ones."


@dataclass(frozen=True)
class Metric:
    """What a metric is.

    name: its key in JSON; definition: one sentence; better: which direction is, or `nearer` to the
    reference; unit: what the number counts, empty for a bare ratio; interval, reference: how they are made;
    cut: whether the number depends on how many rows it sees, so that both sides are cut to equal size.
    """

    name: str
    label: str
    definition: str
    better: Better
    unit: str = ""
    interval: str = JACKKNIFE
    reference: str = "The same number for the real rows of these queries."
    cut: bool = False


@dataclass(frozen=True)
class Measured:
    """A metric of one run.

    value, low, high, reference: None where unknown, never NaN; n: samples that it rests on, after any
    cut; note: what a reader must know besides (a cut, a reason for None), empty where there is nothing.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    reference: float | None
    n: int
    better: Better
    note: str = ""


def _distinct(n: int) -> Metric:
    grams = "words" if n == 1 else f"{n}-grams of words"
    return Metric(
        f"distinct_{n}",
        f"Distinct-{n}",
        f"Different {grams} over all {grams}, at equal numbers of rows and words.",
        "higher",
        cut=True,
    )


_ALL = (
    *(_distinct(n) for n in (1, 2, 3, 4)),
    Metric(
        "diversity_product",
        "Diversity product",
        "Product over n = 2, 3, 4 of different over all n-grams: loops and repeats bring it down.",
        "higher",
        cut=True,
    ),
    Metric(
        "self_similarity",
        "Self-similarity",
        "Mean cosine between the embeddings of all pairs of samples, at equal numbers of rows.",
        "lower",
        cut=True,
    ),
    Metric(
        "query_spread",
        "Spread per query",
        "Variance of the embeddings of answers to one query, mean over queries.",
        "nearer",
    ),
    Metric(
        "expert_perplexity",
        "Perplexity, expert",
        "exp of the mean over samples of -log p per token under the expert: fit to the domain.",
        "lower",
    ),
    Metric(
        "base_perplexity",
        "Perplexity, base",
        "exp of the mean over samples of -log p per token under the base model: fluency.",
        "lower",
    ),
    Metric(
        "unknown_words",
        "Unknown words",
        "Share of words that stand neither in the word list nor in a real row: gibberish.",
        "lower",
        unit="share",
        reference="The same share for the real rows of these queries, each judged by the other rows.",
    ),
    Metric(
        "verbatim_copies",
        "Verbatim copies",
        "Share of samples equal to a training row, apart from case, spaces and punctuation.",
        "lower",
        unit="share",
        interval=WILSON,
    ),
    Metric(
        "copied_8grams",
        f"Copied {GRAM}-grams",
        f"Share of the samples' {GRAM}-grams of words that stand in a training row.",
        "lower",
        unit="share",
    ),
    Metric(
        "near_duplicates",
        "Near-duplicates",
        f"Share of samples with another one at cosine {NEAR} or more, at equal numbers of rows.",
        "lower",
        unit="share",
        cut=True,
    ),
    Metric(
        "length",
        "Length",
        "Mean number of tokens in a sample.",
        "nearer",
        unit="tokens",
    ),
    Metric(
        "finished",
        "Finished",
        "Share of samples that ended by themselves, before the limit of tokens.",
        "higher",
        unit="share",
        interval=WILSON,
    ),
    Metric(
        "adversarial_auroc",
        "Adversarial AUROC",
        "How often a classifier of embeddings, tested on queries it never saw, ranks a sample above a "
        "held-out real row: 0.5 is chance, 1 is always.",
        "lower",
        interval="95%, by leaving out one sample or real row at a time, with the classifiers as they are.",
        reference="Real rows against other real rows, mean over random halves: about 0.5.",
        cut=True,
    ),
    Metric(
        "distance_to_real",
        "Distance to real",
        "Debiased squared distance between the mean embeddings of samples and of real rows, mean over "
        "queries; it may fall below 0.",
        "lower",
        interval="95%, jackknife over answers, queries or chains, whichever holds for the data at hand.",
        reference="The same between two random halves of the real rows: what is already noise.",
    ),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""Every metric by name, cheap ones first."""


def measure(
    run: Corpus,
    real: Corpus | None,
    training: TrainingIndex | None,
    vocabulary: Container[str],
    seed: int = 0,
) -> Iterator[Measured]:
    """Every metric of a run, one by one in the order of METRICS: a worker can do other work between.

    real: real rows of the probe queries, which nothing was trained on; None where there are none.
    training: the rows that the expert was trained on. vocabulary: known words, without those of the
    real rows, or no real row ever holds an unknown word. seed: draws cuts, folds and halves.
    """
    sides = Comparison(run, real, training, vocabulary, seed)
    for metric in METRICS.values():
        found = _STEPS[metric.name](sides)
        estimate = found.estimate
        yield Measured(
            name=metric.name,
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            reference=found.reference,
            n=found.n,
            better=metric.better,
            note=found.note,
        )


_STEPS: dict[str, Callable[[Comparison], Found]] = {
    "distinct_1": lambda sides: sides.worded(lambda rows, units: distinct(rows, 1, units)),
    "distinct_2": lambda sides: sides.worded(lambda rows, units: distinct(rows, 2, units)),
    "distinct_3": lambda sides: sides.worded(lambda rows, units: distinct(rows, 3, units)),
    "distinct_4": lambda sides: sides.worded(lambda rows, units: distinct(rows, 4, units)),
    "diversity_product": lambda sides: sides.worded(diversity_product),
    "self_similarity": lambda sides: sides.embedded(self_similarity),
    "query_spread": lambda sides: sides.whole(spread),
    "expert_perplexity": lambda sides: sides.whole(lambda side: perplexity(side.expert_nats, side.units)),
    "base_perplexity": lambda sides: sides.whole(lambda side: perplexity(side.base_nats, side.units)),
    "unknown_words": Comparison.unknown_words,
    "verbatim_copies": lambda sides: sides.copies("verbatim"),
    "copied_8grams": lambda sides: sides.copies("grams"),
    "near_duplicates": lambda sides: sides.embedded(duplicate_share),
    "length": lambda sides: sides.whole(length),
    "finished": lambda sides: sides.whole(finished),
    "adversarial_auroc": Comparison.auroc,
    "distance_to_real": Comparison.distance_to_real,
}
