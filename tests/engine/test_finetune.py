"""Fine-tuning an expert on the bundled base: what is learned, what is not, and what is saved."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import PairMismatchError, SettingsError
from core.finetune import Progress, finetune, load_trainable
from core.finetune_settings import FinetuneSettings
from core.models import PairSpec, load_pair
from core.settings import settings
from core.training_rows import UNREAD, Encoded, Example, collate, encode_rows, response_loss

pytestmark = pytest.mark.usefixtures("one_thread")

BASE = settings().assets / "models" / "base"
END, PAD = 0, 1
ROWS = [
    Example("Topic: naps and memory. Hypothesis:", "Do short naps help people remember names?"),
    Example("Topic: rain and mood. Hypothesis:", "Does rain make people in cities feel slower and calmer?"),
    Example("Topic: dogs and walking. Hypothesis:", "Do people who keep a dog walk more in winter?"),
    Example("Topic: salt and taste. Hypothesis:", "Can less salt make soup taste sweeter?"),
]
HELD_OUT = [
    Example("Topic: birds and noise. Hypothesis:", "Do birds sing louder near busy roads?"),
    Example("Topic: tea and sleep. Hypothesis:", "Does warm tea help old people fall asleep?"),
]
QUICK = FinetuneSettings(steps=8, batch_size=4, warmup=1, evaluate_every=2, learning_rate=4e-3, seed=3)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """The bundled base's tokenizer."""
    return load_pair(PairSpec("", "", str(BASE), str(BASE))).tokenizer


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Progress]]:
    """A short training, and all that it told."""
    folder = tmp_path_factory.mktemp("experts") / "quick"
    return folder, list(finetune(BASE, ROWS, HELD_OUT, folder, QUICK, base_name="assets/models/base"))


def nats(model: Any, tokenizer: Any, rows: list[Example]) -> float:
    """Nats per learned token, one row at a time and without padding."""
    total, tokens = 0.0, 0
    for row in encode_rows(tokenizer, rows, 200):
        ids = torch.tensor([row.ids])
        with torch.no_grad():
            logs = model(input_ids=ids).logits[0].float().log_softmax(-1)
        for at in range(row.read, len(row.ids)):
            total -= float(logs[at - 1, row.ids[at]])
            tokens += 1
    return total / tokens


def test_a_row_is_the_prompt_as_the_expert_will_see_it_then_the_response_then_the_end(tokenizer: Any) -> None:
    pair = load_pair(PairSpec("", "", str(BASE), str(BASE)))
    for row, encoded in zip(ROWS, encode_rows(tokenizer, ROWS, 100), strict=True):
        assert encoded.ids[: encoded.read] == pair.encode(row.prompt)
        assert encoded.ids[-1] == END
        assert pair.decode(encoded.ids[encoded.read :]) == row.response
        assert tokenizer.decode(encoded.ids[encoded.read]).startswith(" ")


def test_a_prompt_with_a_newline_keeps_it(tokenizer: Any) -> None:
    (encoded,) = encode_rows(tokenizer, [Example("English: Go.\nFrench:", "Va !")], 100)
    assert tokenizer.decode(encoded.ids[1 : encoded.read]) == "English: Go.\nFrench:"
    assert tokenizer.decode(encoded.ids[encoded.read : -1]) == " Va !"


def test_prompt_and_padding_carry_no_label_and_the_end_carries_its_own() -> None:
    ids, mask, labels = collate([Encoded((END, 7, 8, 9, END), 3), Encoded((END, 5, END), 2)], PAD)
    assert ids.tolist() == [[END, 7, 8, 9, END], [END, 5, END, PAD, PAD]]
    assert mask.tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert labels.tolist() == [[UNREAD, UNREAD, UNREAD, 9, END], [UNREAD, UNREAD, END, UNREAD, UNREAD]]


def test_the_loss_of_a_padded_batch_is_that_of_its_rows_alone(tokenizer: Any) -> None:
    model, _ = load_trainable(str(BASE), QUICK, "cpu")
    model.eval()
    summed, tokens = response_loss(model, encode_rows(tokenizer, ROWS, 100), tokenizer, "cpu")
    assert tokens == sum(len(row.ids) - row.read for row in encode_rows(tokenizer, ROWS, 100))
    assert float(summed.detach()) / tokens == pytest.approx(nats(model, tokenizer, ROWS), rel=1e-5)


def test_rows_longer_than_the_limit_are_left_out_whole(tokenizer: Any) -> None:
    long = Example("Topic: a. Hypothesis:", "word " * 50)
    assert len(encode_rows(tokenizer, [*ROWS, long], 40)) == len(ROWS)


def test_training_lowers_the_loss_and_learns_to_stop(trained: tuple[Path, list[Progress]]) -> None:
    folder, told = trained
    steps = [state for state in told if not math.isnan(state.loss)]
    assert steps[-1].loss < 0.7 * steps[0].loss
    pair = load_pair(PairSpec("", "", str(BASE), str(folder)))
    row = encode_rows(pair.tokenizer, ROWS[:1], 100)[0]
    ids = torch.tensor([row.ids[:-1]])
    with torch.no_grad():
        ends = [float(m(input_ids=ids).logits[0, -1].softmax(-1)[END]) for m in (pair.base, pair.expert)]
    assert ends[1] > ends[0]


def test_steps_are_told_one_by_one_and_the_folder_last(trained: tuple[Path, list[Progress]]) -> None:
    folder, told = trained
    assert {state.step for state in told} == set(range(told[-1].step + 1))
    assert all(later.step - former.step in (0, 1) for former, later in pairwise(told))
    assert [state.folder for state in told[:-1]] == [None] * (len(told) - 1)
    assert told[-1].folder == folder


def test_the_saved_weights_are_those_of_the_lowest_held_out_loss(tmp_path: Path, tokenizer: Any) -> None:
    """At this rate the held-out loss soon rises again; a training cut at the best step ends at the same place."""
    hot = FinetuneSettings(
        steps=12, batch_size=4, warmup=1, evaluate_every=2, patience=2, learning_rate=2e-2, final_rate=1.0, seed=1
    )
    told = list(finetune(BASE, ROWS, HELD_OUT, tmp_path / "hot", hot))
    looks = {state.step: state.held_out for state in told if state.step % 2 == 0}
    best = min(looks, key=lambda step: looks[step])
    end = told[-1]
    assert end.best_step == best < end.step
    pair = load_pair(PairSpec("", "", str(BASE), str(tmp_path / "hot")))
    assert nats(pair.expert, tokenizer, HELD_OUT) == pytest.approx(end.best, rel=1e-3)
    assert end.best == pytest.approx(looks[best], rel=5e-3)
    assert end.held_out == end.best


def test_training_stops_once_patience_is_spent(tmp_path: Path) -> None:
    hot = FinetuneSettings(
        steps=40, batch_size=4, warmup=1, evaluate_every=1, patience=2, learning_rate=5e-2, final_rate=1.0
    )
    end = list(finetune(BASE, ROWS, HELD_OUT, tmp_path / "hot", hot))[-1]
    assert end.step == end.best_step + 2 < 40


def test_held_out_rows_are_never_trained_on(tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import core.finetune as module

    learned: set[tuple[int, ...]] = set()
    checked: set[tuple[int, ...]] = set()

    def watching(model: Any, rows: list[Encoded], *rest: Any) -> Any:
        (learned if torch.is_grad_enabled() else checked).update(row.ids for row in rows)
        return response_loss(model, rows, *rest)

    monkeypatch.setattr(module, "response_loss", watching)
    short = FinetuneSettings(steps=2, batch_size=2, evaluate_every=1)
    list(finetune(BASE, ROWS, HELD_OUT, tmp_path / "x", short))
    assert learned == {row.ids for row in encode_rows(tokenizer, ROWS, 100)}
    assert checked == {row.ids for row in encode_rows(tokenizer, HELD_OUT, 100)}


def test_the_adapter_loads_as_an_expert_and_changes_what_the_base_says(
    trained: tuple[Path, list[Progress]],
) -> None:
    folder, told = trained
    head = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    assert head["base_model_name_or_path"] == "assets/models/base"
    assert sorted(path.name for path in folder.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert str(BASE.parent) not in (folder / "adapter_config.json").read_text(encoding="utf-8")
    for layout in ("merged", "adapter"):
        pair = load_pair(PairSpec("", "", str(BASE), str(folder)), layout=layout)
        assert nats(pair.expert, pair.tokenizer, HELD_OUT) == pytest.approx(told[-1].best, rel=1e-3)
        assert nats(pair.base, pair.tokenizer, HELD_OUT) == pytest.approx(told[0].held_out, rel=1e-3)
    assert told[-1].best < told[0].held_out


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_state_alone(tmp_path: Path) -> None:
    short = FinetuneSettings(steps=2, batch_size=2, evaluate_every=2)
    state = torch.get_rng_state()
    files = []
    for name in ("one", "two"):
        list(finetune(BASE, ROWS, HELD_OUT, tmp_path / name, short))
        files.append((tmp_path / name / "adapter_model.safetensors").read_bytes())
        torch.rand(3)
    torch.set_rng_state(state)
    assert files[0] == files[1]
    training = finetune(BASE, ROWS, HELD_OUT, tmp_path / "three", short)
    next(training)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_training_can_go_on_from_an_adapter(trained: tuple[Path, list[Progress]], tmp_path: Path) -> None:
    folder, told = trained
    training = finetune(BASE, ROWS, HELD_OUT, tmp_path / "next", QUICK, start=folder)
    assert next(training).held_out == pytest.approx(told[-1].best, rel=1e-3)


def test_closing_the_training_leaves_no_file(tmp_path: Path) -> None:
    training = finetune(BASE, ROWS, HELD_OUT, tmp_path / "gone", QUICK)
    next(training)
    next(training)
    training.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_a_new_training_replaces_an_older_adapter_and_keeps_its_card(tmp_path: Path) -> None:
    folder = tmp_path / "expert"
    folder.mkdir()
    (folder / "README.md").write_text("card", encoding="utf-8")
    (folder / "adapter_model.safetensors").write_text("old", encoding="utf-8")
    list(finetune(BASE, ROWS, HELD_OUT, folder, FinetuneSettings(steps=1, batch_size=2)))
    assert (folder / "README.md").read_text(encoding="utf-8") == "card"
    assert (folder / "adapter_model.safetensors").stat().st_size > 1000
    assert list(tmp_path.iterdir()) == [folder]


def test_an_adapter_of_another_shape_is_refused_as_a_start(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "narrow"
    list(finetune(BASE, ROWS, HELD_OUT, folder, FinetuneSettings(steps=1, batch_size=2)))
    weights = load_file(folder / "adapter_model.safetensors")
    save_file(
        {name: value[:, :-1].contiguous() for name, value in weights.items()}, folder / "adapter_model.safetensors"
    )
    with pytest.raises(PairMismatchError, match="does not fit the base"):
        next(finetune(BASE, ROWS, HELD_OUT, tmp_path / "x", QUICK, start=folder))


@pytest.mark.parametrize(
    ("examples", "held_out", "words"),
    [
        ([], HELD_OUT, "There is no training example; give at least one."),
        (ROWS, [], "There is no held-out example; give at least one."),
        (ROWS, [ROWS[0]], "1 of the held-out examples are also trained on"),
        ([Example("Topic:", " ")], HELD_OUT, "A training example has an empty prompt or response"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_at_once(
    examples: list[Example], held_out: list[Example], words: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=words):
        finetune(BASE, examples, held_out, tmp_path / "x", QUICK)


def test_rows_that_are_all_too_long_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Every training example is longer than 4 tokens"):
        next(finetune(BASE, ROWS, HELD_OUT, tmp_path / "x", FinetuneSettings(max_tokens=4)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rank": 0}, "rank is 0; give a whole number from 1 to 512."),
        ({"learning_rate": float("nan")}, "learning_rate is nan; give a number"),
        ({"steps": 1.5}, "steps is 1.5; give a whole number"),
        ({"patience": True}, "patience is True; give a whole number"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        FinetuneSettings(**change)


def test_the_rate_warms_up_and_falls_to_its_final_share() -> None:
    plan = FinetuneSettings(learning_rate=1.0, warmup=4, steps=14, final_rate=0.5)
    assert [plan.rate(step) for step in (1, 2, 4, 9, 14)] == pytest.approx([0.25, 0.5, 1.0, 0.75, 0.5])
