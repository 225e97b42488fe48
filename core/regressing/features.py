"""What is known of each generator before any score: its means, and the features that may stand beside coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.errors import SettingsError, StatisticsError
from core.statistics.answers import Answers, Floats, Integers, Units, cell_noise, restrict, shared_queries
from core.statistics.distances import distance
from core.statistics.gram import summed_gram

Feature = Literal["distance to real", "spread"]
FEATURES: tuple[Feature, ...] = ("distance to real", "spread")

LEAST_SPREAD = 1e-3
"""Variance of an answer below which spread counts as this: a deterministic generator has none to take the log of."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """n generators as a prediction sees them.

    queries: places of those that all answered; means: (n, m, p) of the answers to them; gram: (n, n)
    mean over queries of inner products, not centred; extra: (n, f) features beside coordinates, in
    the order of `features`. real: the real data, where a feature reads them.
    """

    queries: tuple[int, ...]
    means: Floats
    gram: Floats
    features: tuple[Feature, ...]
    extra: Floats
    real: Answers | None

    @classmethod
    def of(cls, answers: Sequence[Answers], features: Sequence[Feature] = (), real: Answers | None = None) -> Evidence:
        """Evidence of these generators over the queries that all of them answered.

        Raises SettingsError for a feature that does not exist, StatisticsError where no query was answered by all
        or a feature cannot be computed for some generator.
        """
        for name in features:
            if name not in FEATURES:
                raise SettingsError(f"There is no feature named {name!r}; choose from {', '.join(FEATURES)}.")
        used = shared_queries([*answers] if real is None or "distance to real" not in features else [*answers, real])
        if not used:
            raise StatisticsError("No query was answered by every run; finish a run or leave one out.")
        rows = [_of_one(each, used, features, real) for each in answers]
        means = np.stack([mean for mean, _ in rows])
        weights = np.full(len(used), 1 / len(used))
        extra = np.array([extra for _, extra in rows]).reshape(len(rows), len(features))
        return cls(used, means, summed_gram(means, weights), tuple(features), extra, real)

    def chosen(self, places: Integers) -> Evidence:
        """The same for some of the generators."""
        index = np.asarray(places)
        return replace(self, means=self.means[index], gram=self.gram[np.ix_(index, index)], extra=self.extra[index])

    def of_new(self, answers: Answers) -> tuple[Floats, Floats]:
        """Inner products (1, n) of a new generator with these, and its features (1, f).

        Raises StatisticsError where it has not answered a query these stand on, or its vectors are of another length.
        """
        if len(answers.vectors) <= max(self.queries) or answers.width != self.means.shape[2]:
            raise StatisticsError(f"{answers.key} differs in its queries or embedder; answer those of the scored runs.")
        missing = sum(answers.counts[j] == 0 for j in self.queries)
        if missing:
            raise StatisticsError(
                f"{answers.key} has not answered {missing} of the {len(self.queries)} queries of the scored runs; "
                "let it finish."
            )
        mean, extra = _of_one(answers, self.queries, self.features, self.real)
        products = np.einsum("nmp,mp->n", self.means, mean) / len(self.queries)
        return products[None], np.array(extra, dtype=np.float64).reshape(1, -1)


def _of_one(
    answers: Answers, used: Sequence[int], features: Sequence[Feature], real: Answers | None
) -> tuple[Floats, list[float]]:
    """Means (m, p) and features of one generator."""
    part = restrict(answers, used)
    cells = cell_noise(part, Units.of(part))
    extra = []
    for name in features:
        if name == "spread":
            if cells.noise is None:
                raise StatisticsError(
                    f"{answers.key} has no independent repeats, so its spread is unknown; leave the feature out."
                )
            # Noise of a mean times its answers is the variance of one answer, gamma_hat_ij of `dkps.md`.
            spread = float((cells.noise * part.counts).mean())
            extra.append(float(np.log(max(spread, LEAST_SPREAD))))
            continue
        if real is None:
            raise StatisticsError(
                "This task has no real rows, so no run has a distance to real; leave the feature out."
            )
        apart = distance(part, restrict(real, used))
        if apart.value is None:
            raise StatisticsError(f"{apart.reason} Without its distance to real, leave the feature out.")
        extra.append(apart.value)
    return cells.means, extra
