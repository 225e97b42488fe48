"""The scripts that made the bundled models still run, on a few rows of the data they were made from."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from core.settings import REPOSITORY
from core.tasks import Task, load_task

SCRIPTS = REPOSITORY / "assets" / "models" / "train"
TASKS = ("comments", "commonsense", "hypotheses", "translation")


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One script in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [sys.executable, str(SCRIPTS / script), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def scripts() -> Iterator[None]:
    """The folder of the scripts on the path, as it is when one of them runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield


@pytest.fixture(scope="module", params=TASKS)
def learned(scripts: None, shared: Path, request: pytest.FixtureRequest) -> tuple[Task, Any]:
    """A task and the material its expert is trained on."""
    import material

    task = load_task(request.param)
    return task, material.MAKERS[task.name](task, shared / "data", random.Random(0))


def test_a_base_trains_on_a_few_hundred_rows_and_loads(shared: Path, tmp_path: Path) -> None:
    from core.models import load_model, load_tokenizer

    folder = tmp_path / "small"
    options = "--rows 300 --steps 30 6 --batch 8 4 --vocabulary 600 --width 64 --layers 2 --heads 2 --threads 1"
    done = run("train_base.py", "--data", str(shared / "data"), "--out", str(folder), *options.split())
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    first, last = report["held_out_nats_per_token"]
    # The logarithm of the vocabulary is what a model that knows nothing loses on each token.
    assert last < first < 6.4 - 0.3
    model, tokenizer = load_model(str(folder), "cpu"), load_tokenizer(str(folder))
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (0, 0, 1)
    text = "It's a naïve question: où est-il ?"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[0, *ids]])).logits
    assert logits.shape == (1, len(ids) + 1, 600)
    assert bool(torch.isfinite(logits).all())


def test_an_expert_never_learns_from_probe_test_or_held_out_rows(learned: tuple[Task, Any]) -> None:
    task, found = learned
    rows = {*found.broad, *found.close}
    texts = {row.response for row in rows}
    kept_out = [query for query in task.queries if query.role != "train"]
    assert not texts & {text for query in kept_out for text in query.references}
    assert not {row.prompt for row in rows} & {task.prompt(query) for query in kept_out}
    assert not rows & {*found.held_out, *found.real_held_out}
    assert not texts & {row.response for row in found.held_out}


def test_every_train_reference_is_learned_or_held_out(learned: tuple[Task, Any]) -> None:
    task, found = learned
    own = {(task.prompt(query), text) for query in task.with_role("train") for text in query.references}
    assert {(row.prompt, row.response) for row in (*found.own, *found.held_out)} == own
    assert set(found.own) <= set(found.close)
    assert 0.08 < len(found.held_out) / len(own) < 0.25


def test_public_comments_are_balanced_and_free_of_swearing(learned: tuple[Task, Any]) -> None:
    task, found = learned
    if task.name != "comments":
        return
    hostile = [row for row in found.broad if row.prompt.endswith(", hostile tone. Comment:")]
    civil = [row for row in found.broad if row.prompt.endswith(", civil tone. Comment:")]
    assert len(hostile) == len(civil) == len(found.broad) / 2 > 1000
    assert not any("fuck" in row.response.lower() or "[" in row.response for row in found.broad)


def test_the_phrase_is_the_rarest_run_of_content_words(scripts: None) -> None:
    from phrases import Phrases

    texts = [
        "Does green tea help old people sleep?",
        "Does green tea help?",
        "Do people sleep in the garden?",
        "Does the garden help people?",
    ]
    found = Phrases(texts)
    # Of the four texts two hold green, tea, sleep and garden, and three hold help; old and people are stop words.
    assert found.best(texts[0], 2) == "green tea"
    assert found.best(texts[2], 2) == "sleep"
    assert found.best(texts[2], 2, 2) == "sleep and garden"
    assert found.best("Who are they?", 2) is None
    assert found.best("Zebras!", 2) is None


@pytest.mark.parametrize("name", TASKS)
def test_a_bundled_expert_has_a_measured_card_and_names_no_folder_of_another_machine(name: str) -> None:
    folder = REPOSITORY / "assets" / "models" / "base" / "experts" / name
    head = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    assert head["base_model_name_or_path"] == "assets/models/base"
    assert (folder / "adapter_model.safetensors").stat().st_size < 8 * 2**20
    card = (folder / "README.md").read_text(encoding="utf-8")
    for words in ("nats per token", "verbatim copies", "8-gram", "## Limits", "Licence"):
        assert words in card
    assert not re.search(r"(?<![\w.])/(?:tmp|work|home|root|Users)/", card + json.dumps(head))
