"""Quality of translations: BLEU and chrF by sacrebleu, with the signatures that say how they were computed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from core.errors import StatisticsError


class Quality(NamedTuple):
    """Corpus scores from 0 to 100, and sacrebleu's signatures."""

    bleu: float
    chrf: float
    signatures: tuple[str, str]


def quality(texts: Sequence[str], references: Sequence[Sequence[str]]) -> Quality:
    """Corpus BLEU and chrF of texts (n,) against the references of each, one or more; an empty text counts."""
    if not texts or not all(references):
        raise StatisticsError("There is no translation to judge, or one without a reference; add real test rows.")
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    # sacrebleu wants one list a reference number; None where a text has fewer
    streams: Any = [
        [each[number] if number < len(each) else None for each in references]
        for number in range(max(len(each) for each in references))
    ]
    bleu, chrf = BLEU(), CHRF()
    found = [float(metric.corpus_score(list(texts), streams).score) for metric in (bleu, chrf)]
    return Quality(found[0], found[1], (f"BLEU|{bleu.get_signature()}", f"chrF|{chrf.get_signature()}"))


def closeness(text: str, references: Sequence[str]) -> float:
    """chrF of one text against the nearest of its references, from 0 to 100."""
    return float(_chrf().sentence_score(text, list(references)).score)


@lru_cache(maxsize=1)
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()
