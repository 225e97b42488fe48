"""The language-model student: how well a small model that learned a run's answers foretells real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.downstream.material import Material, Row, written
from core.downstream.scorer import Judged, Measure, Steps, Workshop, part
from core.downstream.student import base_digest, bits_per_byte, bundled_base, train, untrained
from core.finetune_settings import FinetuneSettings
from core.tasks import Task
from core.training_rows import Example

NAME = "language-model"
MEASURES = (
    Measure(
        NAME,
        "Bits per byte of held-out real rows, given their prompts, under a student that learned the run's answers.",
        "lower",
    ),
)
RECIPE = FinetuneSettings(learning_rate=1e-3, batch_size=16, steps=30, warmup=3)
"""Chosen on the hypotheses' real train rows, of which 30 were kept out: more steps than these make them worse again."""


@dataclass(frozen=True)
class LanguageModel:
    """LoRA on a base, trained on prompts and answers as an expert is. base: a folder or hub name."""

    base: str = field(default_factory=bundled_base)
    recipe_of_training: FinetuneSettings = RECIPE
    name: str = NAME
    measures: tuple[Measure, ...] = MEASURES

    def fits(self, task: Task) -> str | None:
        """Any text can be learned."""
        return None

    def recipe(self) -> Mapping[str, Any]:
        """The base and the training."""
        return {
            "scorer": self.name,
            "version": 1,
            "base": base_digest(self.base),
            "training": self.recipe_of_training.recipe(),
        }

    def score(self, material: Material, seed: int, shop: Workshop) -> Steps[Judged]:
        """Train on the answers, measure on the real test rows."""
        rows = examples(material, written(material.rows))
        judged = yield from part(train(self.base, rows, self.recipe_of_training, seed, shop.device), 0.0, 0.9)
        value = yield from part(bits_per_byte(judged, examples(material, material.test)), 0.9, 1.0)
        return Judged({NAME: value})

    def start(self, material: Material, shop: Workshop) -> Steps[Judged]:
        """The base's own bits per byte."""
        base = untrained(self.base, shop.device)
        return Judged({NAME: (yield from bits_per_byte(base, examples(material, material.test)))})


def examples(material: Material, rows: Sequence[Row]) -> list[Example]:
    """Rows as a prompt that is read and an answer that is learned."""
    return [Example(material.prompt(row), " ".join(row.text.split())) for row in rows]
