"""The scripts that made the bundled models still run, on a few rows of the data they were made from."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from core.settings import REPOSITORY
from core.tasks import load_task

SCRIPTS = REPOSITORY / "assets" / "models" / "train"
DATA = REPOSITORY.parent / "shared" / "data"

needs_data = pytest.mark.skipif(
    not (DATA / "base-corpus.jsonl.gz").is_file(), reason=f"the public data is not in {DATA}"
)


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


@pytest.fixture
def phrases(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module beside the scripts that derives queries."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import phrases

    return phrases


@needs_data
def test_a_base_trains_on_a_few_hundred_rows_and_loads(tmp_path: Path) -> None:
    from core.models import load_model, load_tokenizer

    folder = tmp_path / "small"
    options = "--rows 300 --steps 30 6 --batch 8 4 --vocabulary 600 --width 64 --layers 2 --heads 2 --threads 1"
    done = run("train_base.py", "--out", str(folder), *options.split())
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


@needs_data
@pytest.mark.parametrize("name", ["hypotheses", "comments", "commonsense", "translation"])
def test_an_expert_never_learns_from_probe_test_or_held_out_rows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import material

    task = load_task(name)
    found = material.MAKERS[name](task, DATA, random.Random(0))
    learned = {*found.broad, *found.close}
    texts = {row.response for row in learned}
    forbidden = {reference.text for role in ("probe", "test") for reference in task.references(role)}  # type: ignore[arg-type]
    assert not texts & forbidden
    assert not learned & {*found.held_out, *found.real_held_out}
    assert not texts & {row.response for row in found.held_out}
    own = {(task.prompt(query), text) for query in task.with_role("train") for text in query.references}
    assert {(row.prompt, row.response) for row in (*found.own, *found.held_out)} == own
    assert 0.08 < len(found.held_out) / len(own) < 0.25
    asked = {task.prompt(query) for role in ("probe", "test") for query in task.with_role(role)}  # type: ignore[arg-type]
    assert not asked & {row.prompt for row in found.own}


@needs_data
def test_hostile_and_civil_comments_are_balanced_and_free_of_swearing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import material

    found = material.MAKERS["comments"](load_task("comments"), DATA, random.Random(0))
    hostile = [row for row in found.broad if ", hostile tone. Comment:" in row.prompt]
    civil = [row for row in found.broad if ", civil tone. Comment:" in row.prompt]
    assert len(hostile) == len(civil) == len(found.broad) / 2 > 1000
    assert not any("fuck" in row.response.lower() or "[" in row.response for row in found.broad)


def test_the_phrase_is_the_rarest_run_of_content_words(phrases: ModuleType) -> None:
    texts = [
        "Does green tea help old people sleep?",
        "Does green tea help?",
        "Do people sleep in the garden?",
        "Does the garden help people?",
    ]
    found = phrases.Phrases(texts)
    # df: green 2, tea 2, old is a stop word, sleep 2, garden 2: "green tea help" is cut to two words
    assert found.best(texts[0], 2) == "green tea"
    assert found.best(texts[2], 2) == "sleep"
    assert found.best(texts[2], 2, 2) == "sleep and garden"
    assert found.best("Who are they?", 2) is None
    assert found.best("Zebras!", 2) is None
