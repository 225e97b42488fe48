"""The translation students: machine translation from a run's answers, as such systems use synthetic data.

Back-translation (Sennrich et al. 2016): the run wrote French for real English, and a student learns French to English
on these pairs, so that what it shall write is real. Forward: it learns the run's French for the English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.downstream.languages import Direction, asked, learned, no_translation
from core.downstream.material import Material, written
from core.downstream.quality import quality
from core.downstream.scorer import Judged, Measure, Steps, Workshop, part
from core.downstream.student import answers, base_digest, bits_per_byte, bundled_base, train, untrained
from core.finetune_settings import FinetuneSettings
from core.models import ModelPair
from core.tasks import Task
from core.training_rows import Example

BACK, FORWARD = "translation", "translation-forward"
RECIPE = FinetuneSettings(learning_rate=2e-3, batch_size=16, steps=40, warmup=4)


def measures_of(name: str, what: str) -> tuple[Measure, Measure, Measure]:
    """chrF as the score, since BLEU is near zero for small students; BLEU, and bits per byte, which is finer yet."""
    return (
        Measure(name, f"chrF, from 0 to 100, of {what}, on held-out real pairs.", "higher"),
        Measure(f"{name}.bleu", f"BLEU, from 0 to 100, of {what}, on held-out real pairs.", "higher"),
        Measure(f"{name}.bits", f"Bits per byte of the real translations of held-out pairs under {what}.", "lower"),
    )


@dataclass(frozen=True)
class Translation:
    """LoRA on a base that learns pairs; it is judged by its greedy translations. base: a folder or hub name."""

    direction: Direction = "back"
    base: str = field(default_factory=bundled_base)
    recipe_of_training: FinetuneSettings = RECIPE

    @property
    def name(self) -> str:
        """Back-translation is what the plain word means here."""
        return BACK if self.direction == "back" else FORWARD

    @property
    def measures(self) -> tuple[Measure, ...]:
        """chrF, BLEU and bits per byte."""
        way = "back into the queries' language" if self.direction == "back" else "into the answers' language"
        return measures_of(self.name, f"a student that learned to translate {way} from the run's answers")

    def fits(self, task: Task) -> str | None:
        """Only a task that translates can be learned so."""
        return no_translation(task)

    def recipe(self) -> Mapping[str, Any]:
        """The direction, the base, the training and sacrebleu's version."""
        from importlib.metadata import version

        return {
            "scorer": self.name,
            "version": 1,
            "base": base_digest(self.base),
            "sacrebleu": version("sacrebleu"),
            "training": self.recipe_of_training.recipe(),
        }

    def score(self, material: Material, seed: int, shop: Workshop) -> Steps[Judged]:
        """Train on the pairs, translate the real test rows."""
        rows = learned(material.task, written(material.rows), self.direction)
        judged = yield from part(train(self.base, rows, self.recipe_of_training, seed, shop.device), 0.0, 0.7)
        return (yield from part(translated(judged, material, self.direction, self.measures), 0.7, 1.0))

    def start(self, material: Material, shop: Workshop) -> Steps[Judged]:
        """The base's own translations: it reads the same prompts."""
        return (yield from translated(untrained(self.base, shop.device), material, self.direction, self.measures))


def translated(
    judged: ModelPair, material: Material, direction: Direction, measures: tuple[Measure, ...]
) -> Steps[Judged]:
    """chrF and BLEU of greedy translations of the real test rows, and bits per byte of the real ones."""
    task = material.task
    wanted = asked(task, material.test, direction)
    texts = yield from part(answers(judged, [one.prompt for one in wanted], task.max_new_tokens), 0.0, 0.8)
    found = quality(texts, [one.references for one in wanted])
    rows = [Example(one.prompt, text) for one in wanted for text in one.references]
    bits = yield from part(bits_per_byte(judged, rows), 0.8, 1.0)
    values = (found.chrf, found.bleu, bits)
    return Judged(dict(zip((measure.name for measure in measures), values, strict=True)), found.signatures)
