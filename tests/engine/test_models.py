"""Loading pairs: what is refused, and in which words."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from core.errors import ModelError, PairMismatchError
from core.models import ModelPair, available_pairs, find_pair, load_pair


@pytest.fixture
def copy(pair: ModelPair, tmp_path: Path) -> Path:
    """A copy of the bundled base to be damaged."""
    target = tmp_path / "model"
    target.mkdir()
    for file in Path(pair.spec.base).glob("*.*"):
        if file.is_file():
            shutil.copy(file, target)
    return target


def test_a_missing_folder_is_named(pair: ModelPair) -> None:
    spec = dataclasses.replace(pair.spec, base="/nowhere/model")
    with pytest.raises(ModelError, match=r"The model folder /nowhere/model does not exist; check the path\."):
        load_pair(spec)


def test_a_folder_without_a_model_is_named(pair: ModelPair, tmp_path: Path) -> None:
    spec = dataclasses.replace(pair.spec, base=str(tmp_path))
    with pytest.raises(ModelError, match=r"holds no config.json; point to a folder in Hugging Face format\."):
        load_pair(spec)


def test_corrupt_weights_are_named(pair: ModelPair, copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"The weights in .* are corrupt \(.*\); copy the model folder again\."):
        load_pair(dataclasses.replace(pair.spec, base=str(copy)))


def test_a_corrupt_adapter_is_named(pair: ModelPair, tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    shutil.copytree(pair.spec.expert, adapter)
    (adapter / "adapter_model.safetensors").write_bytes(b"\x10" * 100)
    with pytest.raises(ModelError, match=r"The adapter in .* is corrupt"):
        load_pair(dataclasses.replace(pair.spec, expert=str(adapter)))


def test_different_tokenizers_are_refused(pair: ModelPair, copy: Path) -> None:
    tokenizer = json.loads((copy / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    first, second = list(vocabulary)[-2:]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    with pytest.raises(PairMismatchError, match=r"The tokenizers of .* differ, .* choose an expert fine-tuned"):
        load_pair(dataclasses.replace(pair.spec, expert=str(copy)))


def test_half_a_pair_is_refused() -> None:
    with pytest.raises(ModelError, match=r"A pair needs a base and an expert; name the expert too\."):
        find_pair("hypotheses", base="somewhere")
    with pytest.raises(ModelError, match=r"No bundled expert was trained for the task 'nothing'"):
        find_pair("nothing")


def test_every_task_has_a_bundled_expert_with_a_card() -> None:
    for task in ("hypotheses", "comments", "commonsense", "translation"):
        pairs = available_pairs(task)
        assert pairs, task
        assert (Path(pairs[0].expert) / "README.md").is_file()
        config = (Path(pairs[0].expert) / "adapter_config.json").read_text(encoding="utf-8")
        assert str(Path.home()) not in config
        assert len(pairs[0].fingerprint) == 12


def test_a_fingerprint_changes_with_a_single_weight(pair: ModelPair, tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    shutil.copytree(pair.spec.expert, adapter)
    same = dataclasses.replace(pair.spec, expert=str(adapter))
    assert same.fingerprint == pair.spec.fingerprint
    weights = bytearray((adapter / "adapter_model.safetensors").read_bytes())
    weights[-1] ^= 1
    (adapter / "adapter_model.safetensors").write_bytes(weights)
    other = dataclasses.replace(pair.spec, expert=str(adapter))
    assert other.fingerprint != pair.spec.fingerprint
