"""A task folder of a test's own, and runs with texts whose vectors are in the store: no model is loaded for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.embedding import EMBEDDER, content_key
from core.storage.records import NewRun, NewSample, Run, RunStatus
from core.store import Store
from core.tasks import Task, load_task


def small_task(folder: Path, monkeypatch: pytest.MonkeyPatch, references: Sequence[str] = ()) -> Task:
    """A task of one probe query with these real rows, in an assets folder that the settings then name."""
    place = folder / "assets" / "tasks" / "small"
    place.mkdir(parents=True)
    head = {"title": "Small", "description": "A test's task.", "template": "{query}", "response": "answer"}
    (place / "task.json").write_text(json.dumps(head | {"plural": "answers"}))
    query = {"id": "q", "role": "probe", "text": "why", "references": list(references)}
    (place / "queries.jsonl").write_text(json.dumps(query) + "\n")
    monkeypatch.setenv("STEERSCOPE_ASSETS", str(folder / "assets"))
    return load_task("small")


def written(store: Store, texts: Iterable[str], status: RunStatus = "done") -> Run:
    """A run of the small task with these samples."""
    run = store.create_run(NewRun(kind="imported", task="small", queries=("q",)), status)
    samples = [NewSample(query="q", replicate=i, chain=i, round=0, text=text) for i, text in enumerate(texts)]
    store.add_round(run.id, samples)
    return store.run(run.id)


def embed_as(store: Store, vectors: dict[str, NDArray[np.float32]]) -> None:
    """Let these texts have these vectors."""
    store.vectors(EMBEDDER).put({content_key(text): vector for text, vector in vectors.items()})
