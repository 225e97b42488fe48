"""Generations made elsewhere, embedded by the bundled embedder: from a file to a map without a real row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.metrics import METRICS
from core.store import Store
from tests.unit.commanding import document

TEXTS = {
    "cats": ("A cat sleeps on the warm roof.", "The kitten chases a ball of wool.", "Two cats sit by the window.",
             "My cat drinks milk in the morning."),
    "rockets": ("The rocket leaves the atmosphere.", "An engine burns liquid oxygen.", "The capsule lands in the sea.",
                "Astronauts repair the space station."),
    "kittens": ("A small cat sleeps in the sun.", "The kitten plays with a red ball.", "Two kittens look outside.",
                "Her cat drinks water at night."),
}  # fmt: skip


def test_a_file_becomes_a_map_on_which_what_is_alike_lies_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEERSCOPE_DATA", str(tmp_path / "data"))
    path = tmp_path / "stories.jsonl"
    rows = [
        {"run": run, "query": f"question {query}", "text": text}
        for run, texts in TEXTS.items()
        for query in range(3)
        for text in texts
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        made = document(store, "import", str(path), "--new-task", "stories")
        assert (len(made["runs"]), made["rows"]) == (3, 36)
        assert document(store, "import", str(path), "--new-task", "stories") == made
        (task,) = [task for task in document(store, "tasks")["tasks"] if task["name"] == "stories"]
        assert task == {"name": "stories", "queries": 3, "references": 0, "labels": []}
        for run in made["runs"]:
            shown = document(store, "metrics", run)["metrics"]
            assert {metric["name"] for metric in shown} == METRICS.keys()
            assert all(metric["reference"] is None for metric in shown)
        whole = document(store, "map", "--task", "stories")
        place = {point["run"]: point["coordinates"][0] for point in whole["points"]}
        cats, rockets, kittens = (place[run] for run in made["runs"])
        assert abs(cats - kittens) < abs(cats - rockets) / 2
        assert all(set(point["distance_to_real"].values()) == {None} for point in whole["points"])
