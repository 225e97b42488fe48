"""What follows an import: the vectors of its texts, through the cache, so that a broken-off one goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator

from core.embedding import EMBEDDER, content_key, embed, load_embedder
from core.storage.records import Run
from core.store import Store

BLOCK = 2_000
"""Samples that are read and looked up at once."""


def embed_run(store: Store, run: Run) -> Iterator[int]:
    """Bring the vectors of a run's texts into the store; yields how many samples are done.

    The embedder is loaded at the first text whose vector is not known. Where there was one, the run counts as
    finished now, so that maps which were drawn without it are drawn again. Raises EmbedderError where it cannot
    be loaded.
    """
    cache = store.vectors(EMBEDDER)
    done, last, new = 0, None, False
    while block := store.samples(run.id, after=last, limit=BLOCK):
        last = block[-1].id
        text_of = {content_key(sample.text): sample.text for sample in block}
        known = cache.get(text_of)
        unknown = [text for key, text in text_of.items() if key not in known]
        new = new or bool(unknown)
        if unknown:
            before = done + len(block) - len(unknown)
            for embedded in embed(unknown, load_embedder(), cache):
                yield before + embedded
        done += len(block)
        yield done
    if new:
        store.update_run(run.id, finished=time.time())
