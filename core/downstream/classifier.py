"""The classifier: train on synthetic, test on real, by logistic regression on sentence embeddings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from core.downstream.material import Material, Row
from core.downstream.scorer import Judged, Measure, Steps, Vectors, Workshop, told
from core.embedding import EMBEDDER
from core.errors import StatisticsError
from core.noise import generator
from core.tasks import Task

NAME = "classifier"
MEASURES = (
    Measure(NAME, "Macro-F1 over the labels of a classifier that learned the run's answers.", "higher"),
    Measure(f"{NAME}.accuracy", "Share of held-out real rows that it labels rightly.", "higher"),
    Measure(f"{NAME}.auroc", "Area under the ROC curve; with several labels the mean, one against the rest.", "higher"),
)


@dataclass(frozen=True)
class Classifier:
    """Logistic regression with an L2 penalty on unit embeddings; a row's label is its query's.

    strength: the inverse of the penalty. The fit itself leaves nothing to chance, so a seed draws the answers:
    as many as each query has, with replacement, query by query; the standard error over seeds then says how much
    the score owes to which answers came.
    Queries without a label, and their rows, take no part.
    """

    strength: float = 10.0
    name: str = NAME
    measures: tuple[Measure, ...] = MEASURES

    def fits(self, task: Task) -> str | None:
        """The train queries need two labels, and the test queries none that is not among them."""
        learned, asked = (_labels(task, role) for role in ("train", "test"))
        if len(learned) < 2:
            return (
                f"The task {task.name!r} has {len(learned)} labels on its train queries, and a classifier needs "
                "two; choose a scorer for text without labels."
            )
        if len(asked) < 2 or not asked <= learned:
            return (
                f"The labels of the test queries of {task.name!r} must be two or more of those of its train queries; "
                "correct the labels in queries.jsonl."
            )
        return None

    def recipe(self) -> Mapping[str, Any]:
        """The penalty and the embedder."""
        return {"scorer": self.name, "version": 1, "strength": self.strength, "embedder": EMBEDDER}

    def score(self, material: Material, seed: int, shop: Workshop) -> Steps[Judged]:
        """Fit on a draw of the answers and judge on the real rows; StatisticsError where one label is left."""
        rows = [row for row in material.rows if row.query.label is not None]
        test = [row for row in material.test if row.query.label is not None]
        found = sorted({str(row.query.label) for row in rows})
        if len(found) < 2:
            what = f"only the label {found[0]!r}" if found else "no label"
            raise StatisticsError(
                f"The answers to the train queries of {material.task.name!r} have {what}, and a classifier needs two; "
                "answer queries of every label."
            )
        vectors = yield from told(shop.vectors([row.text for row in (*rows, *test)]), 0.1)
        learned, judged = vectors[: len(rows)], vectors[len(rows) :]
        chosen = drawn(rows, seed)
        labels, truth = ([str(row.query.label) for row in side] for side in (rows, test))
        fit = partial(judge, learned[chosen], [labels[i] for i in chosen], judged, truth, self.strength)
        values = yield from told(shop.beside(fit), 0.5)
        return Judged(dict(zip((measure.name for measure in MEASURES), values, strict=True)))

    def start(self, material: Material, shop: Workshop) -> Steps[Judged]:
        """A classifier that learned nothing says nothing."""
        return Judged({})
        yield 0.0


def drawn(rows: Sequence[Row], seed: int) -> list[int]:
    """Row numbers drawn with replacement inside every query, as many as it has."""
    cells: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        cells[row.query.id].append(i)
    draw = generator("classifier", seed)
    return [int(i) for cell in cells.values() for i in draw.choice(cell, size=len(cell))]


def judge(
    learned: Vectors, labels: Sequence[str], test: Vectors, truth: Sequence[str], strength: float
) -> tuple[float, float, float]:
    """Macro-F1, accuracy and AUROC on test (m, p) of a fit on learned (n, p).

    A label that was never learned has probability 0. With several labels the area is the mean over one against the
    rest.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000).fit(learned, list(labels))
    said = model.predict(test)
    classes = sorted(set(truth))
    known = dict(zip(model.classes_, model.predict_proba(test).T, strict=True))
    chances = np.stack([known.get(label, np.zeros(len(test))) for label in classes], axis=1)
    areas = [roc_auc_score([one == label for one in truth], chances[:, i]) for i, label in enumerate(classes)]
    return (
        float(f1_score(list(truth), said, labels=classes, average="macro", zero_division=0.0)),
        float(accuracy_score(list(truth), said)),
        float(np.mean(areas)),
    )


def _labels(task: Task, role: str) -> set[str]:
    return {query.label for query in task.queries if query.role == role and query.label is not None}
