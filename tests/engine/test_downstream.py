"""Students that really learn, on the bundled base: what falls, what rises, what is never read."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import core.downstream.student as student_module
import core.finetune as finetune_module
from core.cli import app
from core.downstream.classifier import Classifier
from core.downstream.cpo import CpoSettings, History, Preferred, train_preferences
from core.downstream.language_model import RECIPE, LanguageModel, examples
from core.downstream.languages import asked, learned
from core.downstream.material import Material, material_of, real_material
from core.downstream.quality import quality
from core.downstream.scorer import Steps, Workshop, at_once, finished
from core.downstream.student import answers, bits_per_byte, bundled_base, train, untrained
from core.downstream.translation import Translation
from core.embedding import DIMENSION
from core.errors import StatisticsError
from core.finetune_settings import FinetuneSettings
from core.models import ModelPair
from core.settings import settings
from core.store import Store
from core.tasks import Task, load_task
from core.training_rows import Encoded, Example, encode_rows, response_loss

pytestmark = pytest.mark.usefixtures("one_thread")

BASE = str(settings().assets / "models" / "base")
SHORT = replace(RECIPE, steps=6, batch_size=8, warmup=1)


def no_vectors(texts: Sequence[str]) -> Iterator[Any]:
    """A language student reads no vector."""
    raise AssertionError("vectors were asked for")
    yield


SHOP = Workshop(no_vectors, at_once)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def real(task: Task) -> Material:
    """The real train rows of the task in a generator's place, judged on eight test rows."""
    found = real_material(task)
    assert found is not None
    return replace(found, test=found.test[:8])


def losses_of(scorer: LanguageModel, material: Material, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The losses of a training, step by step."""
    told: list[float] = []

    def telling(*args: Any) -> Iterator[float]:
        for loss in learn(*args):
            told.append(loss)
            yield loss

    learn = finetune_module.learn
    monkeypatch.setattr(student_module, "learn", telling)
    finished(scorer.score(material, 0, SHOP))
    return told


# The language model


def test_the_students_loss_falls(real: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    told = losses_of(LanguageModel(BASE, SHORT), real, monkeypatch)
    assert len(told) == 6
    assert np.mean(told[-2:]) < 0.95 * told[0]


def test_real_rows_teach_and_noise_does_not(real: Material, task: Task) -> None:
    scorer = LanguageModel(BASE, replace(SHORT, steps=10))
    start = finished(scorer.start(real, SHOP)).values["language-model"]
    taught = finished(scorer.score(real, 0, SHOP)).values["language-model"]
    noise = material_of(task, [(row.query.id, "zq xv " * 8) for row in real.rows])
    spoiled = finished(scorer.score(replace(noise, test=real.test), 0, SHOP)).values["language-model"]
    assert taught < start < spoiled


def test_a_seed_gives_one_score_and_another_seed_another(real: Material) -> None:
    scorer = LanguageModel(BASE, replace(SHORT, steps=2))
    values = [finished(scorer.score(real, seed, SHOP)).values["language-model"] for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_bits_per_byte_by_hand(real: Material) -> None:
    base = untrained(BASE, "cpu")
    rows = examples(real, real.test)
    nats = sum(nats_of(base.expert, base.tokenizer, row)[0] for row in rows)
    size = sum(len(row.response.encode()) + 1 for row in rows)
    assert finished(bits_per_byte(base, rows)) == pytest.approx(nats / math.log(2) / size, rel=1e-4)


def test_only_train_answers_are_learned_and_only_test_rows_judge(
    real: Material, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned_rows: set[tuple[int, ...]] = set()
    judged_rows: set[tuple[int, ...]] = set()

    def watching(model: Any, rows: Sequence[Encoded], *rest: Any) -> Any:
        (learned_rows if torch.is_grad_enabled() else judged_rows).update(row.ids for row in rows)
        return response_loss(model, rows, *rest)

    for module in (finetune_module, student_module):
        monkeypatch.setattr(module, "response_loss", watching)
    scorer = LanguageModel(BASE, replace(SHORT, steps=15))  # every row once
    finished(scorer.score(real, 0, SHOP))
    tokenizer = untrained(BASE, "cpu").tokenizer
    ids = {
        role: {
            row.ids
            for row in encode_rows(
                tokenizer, [Example(task.prompt(q), text) for q in task.with_role(role) for text in q.references], 512
            )
        }
        for role in ("probe", "train", "test")
    }
    assert learned_rows == ids["train"]
    assert len(judged_rows) == 8
    assert judged_rows <= ids["test"]
    assert not (learned_rows | judged_rows) & ids["probe"]
    assert not learned_rows & ids["test"]


def test_empty_answers_cannot_be_learned(task: Task) -> None:
    blank = material_of(task, [(query.id, "  ") for query in task.with_role("train")])
    with pytest.raises(StatisticsError, match="None of the 0 answers can be learned"):
        finished(LanguageModel(BASE, SHORT).score(blank, 0, SHOP))


# Translation


def test_a_student_learns_pairs_by_heart_and_writes_them() -> None:
    task = load_task("translation")
    material = material_of(task, [(query.id, query.references[0]) for query in task.with_role("train")[:4]])
    pairs = learned(task, material.rows, "back")
    recipe = FinetuneSettings(learning_rate=5e-3, batch_size=4, steps=25, warmup=2)
    prompts = [pair.prompt for pair in pairs]
    wanted = [(pair.response,) for pair in pairs]
    before = finished(answers(untrained(BASE, "cpu"), prompts, 16))
    after = finished(answers(finished(train(BASE, pairs, recipe, 0, "cpu")), prompts, 16))
    assert quality(after, wanted).chrf > 80 > quality(before, wanted).chrf


def test_translations_are_judged_on_test_pairs_alone() -> None:
    task = load_task("translation")
    found = real_material(task)
    assert found is not None
    few = replace(found, rows=found.rows[:16], test=found.test[:6])
    scorer = Translation("back", BASE, FinetuneSettings(batch_size=8, steps=2, warmup=0))
    judged = finished(scorer.score(few, 0, SHOP))
    assert set(judged.values) == {"translation", "translation.bleu", "translation.bits"}
    assert all(0 <= value <= 100 for value in judged.values.values())
    assert judged.values["translation.bits"] > 0.5
    assert any(said.startswith("BLEU|nrefs:1") for said in judged.said)
    test = {query.text for query in task.with_role("test")}
    assert {one.references[0] for one in asked(task, few.test, "back")} <= test
    assert not {row.response for row in learned(task, found.rows, "back")} & test


# Preferences


@pytest.fixture(scope="module")
def pairs() -> list[Preferred]:
    """Real translations against those of other sentences."""
    task = load_task("translation")
    queries = task.with_role("train")[:5]
    return [Preferred(task.prompt(a), a.references[0], b.references[0]) for a, b in pairwise(queries)]


@pytest.fixture(scope="module")
def preferring(pairs: list[Preferred]) -> tuple[ModelPair, History]:
    """A training in which every batch holds all pairs."""
    history = History()
    recipe = CpoSettings(batch_size=len(pairs), steps=8, warmup=1, learning_rate=1e-3)
    return finished(train_preferences(BASE, pairs, recipe, 0, SHOP, history)), history


def nats_of(model: Any, tokenizer: Any, row: Example) -> tuple[float, int]:
    """-log p of a response and its end, and its tokens: one row alone, without padding."""
    (encoded,) = encode_rows(tokenizer, [row], 512)
    with torch.no_grad():
        logs = model(input_ids=torch.tensor([encoded.ids])).logits[0].float().log_softmax(-1)
    places = range(encoded.read, len(encoded.ids))
    return -sum(float(logs[at - 1, encoded.ids[at]]) for at in places), len(places)


def margins(judged: ModelPair, pairs: Sequence[Preferred]) -> list[float]:
    """log p(chosen) - log p(rejected) of every pair."""
    return [
        nats_of(judged.expert, judged.tokenizer, Example(pair.prompt, pair.rejected))[0]
        - nats_of(judged.expert, judged.tokenizer, Example(pair.prompt, pair.chosen))[0]
        for pair in pairs
    ]


def test_the_loss_of_a_fixed_batch_is_the_papers(pairs: list[Preferred], preferring: tuple[ModelPair, History]) -> None:
    """Before its first step a fresh LoRA is the base; Xu et al. 2024, equation 3, by the base's own probabilities."""
    base, beta = untrained(BASE, "cpu"), CpoSettings().beta
    preference = [math.log1p(math.exp(-beta * margin)) for margin in margins(base, pairs)]
    chosen = [nats_of(base.expert, base.tokenizer, Example(pair.prompt, pair.chosen)) for pair in pairs]
    likelihood = sum(nats for nats, _ in chosen) / sum(tokens for _, tokens in chosen)
    assert preferring[1].losses[0] == pytest.approx(np.mean(preference) + likelihood, rel=1e-4)
    assert preferring[1].margins[0] == pytest.approx(beta * np.mean(margins(base, pairs)), rel=1e-4)


def test_chosen_minus_rejected_rises(pairs: list[Preferred], preferring: tuple[ModelPair, History]) -> None:
    trained, history = preferring
    assert len(history.losses) == 8
    assert history.losses[-1] < history.losses[0]
    assert history.margins[-1] > history.margins[0]
    assert np.mean(margins(trained, pairs)) > np.mean(margins(untrained(BASE, "cpu"), pairs))


def test_a_closed_training_stops_and_the_random_state_stays(pairs: list[Preferred]) -> None:
    def beside(work: Any) -> Steps[Any]:
        yield 0.0
        return work()

    state = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]
    steps = train_preferences(BASE, pairs, CpoSettings(steps=1), 0, Workshop(no_vectors, beside))  # type: ignore[arg-type]
    next(steps)
    finished(steps)
    assert torch.equal(state[0], torch.get_rng_state())
    assert (state[1] == np.random.get_state()[1]).all()  # type: ignore[index]
    history, begun = History(), []

    def closing(work: Any) -> Steps[Any]:
        begun.append(work)
        yield 0.0
        raise AssertionError("went on")

    steps = train_preferences(BASE, pairs, CpoSettings(steps=50), 0, Workshop(no_vectors, closing), history)  # type: ignore[arg-type]
    next(steps)
    steps.close()
    begun[0]()  # the thread that had not come to its first step yet
    assert len(history.losses) == 1


def test_equal_candidates_make_no_preference() -> None:
    with pytest.raises(StatisticsError, match="none is better than another"):
        finished(train_preferences(BASE, [], CpoSettings(), 0, SHOP))


# All of it


def test_the_classifier_takes_less_than_three_seconds(task: Task) -> None:
    rng = np.random.default_rng(0)
    material = material_of(
        task, [(query.id, f"answer {query.id} {i}") for query in task.with_role("train") for i in range(8)]
    )
    assert len(material.rows) == 160

    def vectors(texts: Sequence[str]) -> Iterator[Any]:
        found = rng.normal(size=(len(texts), DIMENSION)).astype(np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)
        yield

    shop = Workshop(vectors, at_once)  # type: ignore[arg-type]
    finished(Classifier().score(material, 0, shop))  # loads scikit-learn
    began = time.process_time()
    for seed in range(3):
        finished(Classifier().score(material, seed, shop))
    assert time.process_time() - began < 3.0


def test_a_run_is_scored_from_the_command_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"

    def call(*words: str) -> Any:
        result = CliRunner().invoke(app, ["--store", url, *words])
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout), result.stderr

    small = ("--queries", "1", "--replicates", "1", "--max-new-tokens", "6")
    run = call("generate", "--task", "hypotheses", "--eta", "0", *small)[0]["run"]
    first, told = call("score", "--scorer", "classifier", "--replicates", "1", run)
    assert [(one["scorer"], one["seeds"]) for one in first["scores"]] == [
        ("classifier", 3),
        ("classifier.accuracy", 3),
        ("classifier.auroc", 3),
    ]
    assert all(0.0 <= one["value"] <= 1.0 and one["standard_error"] is not None for one in first["scores"])
    assert "For comparison, classifier: real rows 0." in told
    with Store(url) as store:
        (held,) = store.runs(parent=run)
        assert (held.role, held.status, held.samples) == ("train", "done", 20)
    assert call("score", "--scorer", "classifier", "--replicates", "1", run)[0] == first


def test_the_students_base_is_the_bundled_one() -> None:
    assert bundled_base() == BASE
