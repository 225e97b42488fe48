"""What `score` prints; every key is documented where it is declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.downstream.summary import Scored


@dataclass(frozen=True)
class ScoreEntry:
    """The score of one run."""

    run: Annotated[str, "id of the run"]
    scorer: Annotated[str, "name of the score; a scorer's further measures follow a dot, as in classifier.auroc"]
    value: Annotated[float | None, "mean over the training seeds"]
    standard_error: Annotated[float | None, "of that mean; null below two seeds and for scores that were imported"]
    seeds: Annotated[int, "trainings behind it; 0 where the score was imported"]


@dataclass(frozen=True)
class Scores:
    """The scores that were asked for: `score`."""

    scores: Annotated[list[ScoreEntry], "one entry a run and measure"]

    @classmethod
    def of(cls, found: Sequence[Scored]) -> Scores:
        """The document of some scores."""
        return cls([ScoreEntry(one.run, one.scorer, one.value, one.standard_error, one.seeds) for one in found])
