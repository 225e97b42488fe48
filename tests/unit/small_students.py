"""A small task with every role, labels and real rows, and runs whose answers have vectors: no model is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.downstream.scorer import Workshop, at_once
from core.embedding import EMBEDDER, content_key, vectors_of
from core.storage.records import NewRun, NewSample, Run
from core.store import Store
from core.tasks import Task, load_task

LABELS = ("dry", "wet")
EACH = 4


def text_of(role: str, label: str, number: int, row: int) -> str:
    """A real row: different for every place, and without any word of another role."""
    return f"{role} {label} row {number} {row} of its own"


def label_task(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str = "small", changed: Mapping[str, Any] | None = None
) -> Task:
    """Two labels, two queries of each in every role, EACH real rows a query; changed: by query id."""
    rows: list[dict[str, Any]] = [
        {
            "id": f"{role}-{label}-{number}",
            "role": role,
            "label": label,
            "text": f"{role} question {number} about {label}",
            "references": [text_of(role, label, number, row) for row in range(EACH)],
        }
        for role in ("probe", "train", "test")
        for label in LABELS
        for number in range(2)
    ]
    return make_task(folder, monkeypatch, [row | dict((changed or {}).get(row["id"], {})) for row in rows], name=name)


def make_task(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: Sequence[Mapping[str, Any]],
    *,
    name: str = "small",
    template: str = "Say: {query}. Answer:",
) -> Task:
    """A task of these queries in an assets folder that the settings then name; the bundled base stays in reach."""
    place = folder / "assets" / "tasks" / name
    place.mkdir(parents=True, exist_ok=True)
    head = {"title": "Small", "description": "A test's task.", "template": template, "response": "answer"}
    (place / "task.json").write_text(json.dumps(head | {"plural": "answers"}))
    (place / "queries.jsonl").write_text("".join(json.dumps(dict(row)) + "\n" for row in rows))
    models = folder / "assets" / "models"
    if not models.exists():
        models.symlink_to(Path(__file__).resolve().parents[2] / "assets" / "models", target_is_directory=True)
    monkeypatch.setenv("STEERSCOPE_ASSETS", str(folder / "assets"))
    return load_task(name)


def direction(label: str, seed: int, clean: float) -> NDArray[np.float32]:
    """A unit vector (384,): the label's own direction, the more of it the cleaner."""
    vector = np.random.default_rng(seed).normal(size=384) / np.sqrt(384)
    vector[LABELS.index(label)] += clean
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def embed_rows(store: Store, task: Task, texts: Mapping[str, str], clean: float = 1.0) -> None:
    """Let the real rows and these texts, each with its label, have vectors that tell the labels apart."""
    labelled = {text: query.label for query in task.queries if query.label for text in query.references} | dict(texts)
    store.vectors(EMBEDDER).put(
        {content_key(text): direction(label, i, clean) for i, (text, label) in enumerate(sorted(labelled.items()))}
    )


def answers_of(task: Task, replicates: int = 3, mark: str = "") -> list[tuple[str, str]]:
    """Made-up answers to the train queries: (query id, text)."""
    return [
        (query.id, f"made up {mark} {query.id} {replicate}")
        for query in task.with_role("train")
        for replicate in range(replicates)
    ]


def imported(store: Store, task: Task, answers: Sequence[tuple[str, str]], probe: str = "something else") -> Run:
    """A finished run made elsewhere that answered a probe query and these."""
    first = task.with_role("probe")[0].id
    queries = tuple(dict.fromkeys([first, *(query for query, _ in answers)]))
    run = store.create_run(NewRun(kind="imported", task=task.name, queries=queries), "done")
    counts: dict[str, int] = {}
    samples = []
    for query, text in [(first, probe), *answers]:
        counts[query] = counts.get(query, -1) + 1
        samples.append(NewSample(query=query, replicate=counts[query], chain=0, round=0, text=text))
    store.add_round(run.id, samples)
    return store.run(run.id)


def workshop(store: Store) -> Workshop:
    """What a scorer works with, from the store's vectors alone."""
    return Workshop(lambda texts: vectors_of(texts, store.vectors(EMBEDDER)), at_once)
