"""The preference student: what a translator gains when it learns to prefer good over bad answers of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from core.downstream.cpo import CpoSettings, Preferred, train_preferences
from core.downstream.languages import no_translation, one_line
from core.downstream.material import Material, written
from core.downstream.quality import closeness
from core.downstream.scorer import Judged, Measure, Steps, Workshop, part
from core.downstream.student import base_digest, bundled_base, untrained
from core.downstream.translation import measures_of, translated
from core.tasks import Task

NAME = "preference"
MEASURES = measures_of(NAME, "a translator that learned to prefer the best over the worst of the run's answers (CPO)")

RECIPE = CpoSettings()


@dataclass(frozen=True)
class Preference:
    """LoRA on a base that translates already, trained by CPO (Xu et al. 2024). base: a folder or hub name.

    Candidates for a query are the run's answers and the real ones, ranked by chrF against the real ones; the best
    and the worst make the pair. A query whose candidates are all equal makes none.
    """

    base: str = field(default_factory=bundled_base)
    training: CpoSettings = RECIPE
    name: str = NAME
    measures: tuple[Measure, ...] = MEASURES

    def fits(self, task: Task) -> str | None:
        """Ranking by closeness to a reference makes sense for translations, with a reference to every train query."""
        if (reason := no_translation(task)) is not None:
            return reason
        if not any(query.references for query in task.with_role("train")):
            return (
                f"The train queries of {task.name!r} have no real answers to rank candidates by; "
                "add references to queries.jsonl."
            )
        return None

    def recipe(self) -> Mapping[str, Any]:
        """The base, the training, and the versions that ranking and training rest on."""
        from importlib.metadata import version

        return {
            "scorer": self.name,
            "version": 1,
            "base": base_digest(self.base),
            "sacrebleu": version("sacrebleu"),
            "trl": version("trl"),
            "training": asdict(self.training),
        }

    def score(self, material: Material, seed: int, shop: Workshop) -> Steps[Judged]:
        """Rank, train, translate the real test rows."""
        pairs = preferences(material)
        yield 0.0
        steps = train_preferences(self.base, pairs, self.training, seed, shop)
        judged = yield from part(steps, 0.0, 0.8)
        found = yield from part(translated(judged, material, "forward", MEASURES), 0.8, 1.0)
        return Judged(found.values, (*found.said, f"{len(pairs)} pairs of a better and a worse answer"))

    def start(self, material: Material, shop: Workshop) -> Steps[Judged]:
        """The base's own translations."""
        return (yield from translated(untrained(self.base, shop.device), material, "forward", MEASURES))


def preferences(material: Material) -> list[Preferred]:
    """The best and the worst candidate of every train query that has answers and references, in query order."""
    candidates: dict[str, list[str]] = defaultdict(list)
    for row in written(material.rows):
        candidates[row.query.id].append(one_line(row.text))
    pairs = []
    for query in material.task.with_role("train"):
        if not query.references or query.id not in candidates:
            continue
        real = [one_line(text) for text in query.references]
        ranked = sorted(dict.fromkeys([*real, *candidates[query.id]]), key=lambda text: -closeness(text, real))
        if len(ranked) > 1:
            pairs.append(Preferred(material.task.prompt(query), ranked[0], ranked[-1]))
    return pairs
