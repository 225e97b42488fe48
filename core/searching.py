"""Search among samples: by words, by meaning, and for the real row that is nearest."""

from __future__ import annotations

import unicodedata
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.embedding import EMBEDDER, content_key, embed, load_embedder
from core.errors import SettingsError
from core.generators import RealGenerator
from core.jobs import ACTIVE, Jobs
from core.neighbours import nearest_real
from core.scheduling.context import JobContext
from core.storage.records import Job, Priority
from core.store import Store
from core.tasks import Task

Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]

KIND = "embed"
PHRASE_CHARACTERS = 1000
"""What is read of a phrase; the embedder cuts at 256 word pieces anyway."""


def keyword(texts: Sequence[str], words: str) -> Ints:
    """The numbers of the texts that contain every word, in their order; all of them where there is no word.

    A word may be part of a longer one. Case, accents and the width of letters make no difference.
    """
    wanted = _folded(words).split()
    return np.array([i for i, text in enumerate(texts) if _contains(text, wanted)], dtype=np.int64)


def by_meaning(vector: Vectors, vectors: Vectors) -> Ints:
    """(n,) numbers of the (n, p) unit rows, the nearest in cosine to the (p,) unit vector first."""
    return np.argsort(-(vectors @ vector), kind="stable").astype(np.int64)


def submit_phrase(jobs: Jobs, phrase: str) -> Job:
    """Ask a worker for the vector of a phrase; the job that brings it already, if there is one.

    Raises SettingsError where the phrase is empty.
    """
    text = _phrase(phrase)
    if not text:
        raise SettingsError("The phrase to search by meaning is empty; type a few words.")
    for job in jobs.jobs(status=ACTIVE, kind=KIND):
        if job.payload == {"text": text} and not job.cancel:
            return job
    return jobs.submit(KIND, {"text": text}, priority=Priority.VIEW)


def phrase_vector(store: Store, phrase: str) -> Vectors | None:
    """The (p,) unit vector of a phrase, None until a worker has brought it (`submit_phrase`)."""
    key = content_key(_phrase(phrase))
    return store.vectors(EMBEDDER).get([key]).get(key)


def run_embed(ctx: JobContext) -> Generator[Any]:
    """Bring the vector of one phrase into the store."""
    yield from embed([str(ctx.payload["text"])], load_embedder(), ctx.store.vectors(EMBEDDER))


@dataclass(frozen=True)
class NearRow:
    """The real row nearest to a sample: its id on maps, its query's id, its text, and their cosine."""

    id: str
    query: str
    text: str
    cosine: float


def nearest_rows(store: Store, task: Task, texts: Sequence[str]) -> list[NearRow | None]:
    """The nearest real row of the probe queries to each text, the first of equals.

    None where a text has no vector yet, or no real row has one.
    """
    rows = RealGenerator(task).answers()
    names = [content_key(text) for text in texts]
    row_names = [content_key(row.text) for row in rows]
    known = store.vectors(EMBEDDER).get([*names, *row_names])
    rows = [row for row, name in zip(rows, row_names, strict=True) if name in known]
    asked = [i for i, name in enumerate(names) if name in known]
    found: list[NearRow | None] = [None] * len(texts)
    if not rows or not asked:
        return found
    real = np.stack([known[name] for name in row_names if name in known])
    nearest = nearest_real(np.stack([known[names[i]] for i in asked]), real)
    assert nearest is not None
    for i, number, cosine in zip(asked, nearest.rows.tolist(), nearest.cosines.tolist(), strict=True):
        row = rows[number]
        found[i] = NearRow(row.id, row.query, row.text, cosine)
    return found


def _contains(text: str, words: Sequence[str]) -> bool:
    folded = _folded(text)
    return all(word in folded for word in words)


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text)
    return "".join(character for character in parts if not unicodedata.combining(character)).casefold()


def _phrase(phrase: str) -> str:
    # No database takes a lone surrogate, and PostgreSQL takes no NUL.
    text = phrase[:PHRASE_CHARACTERS].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
    return " ".join(text.split())
