"""A model pair: the fine-tuned expert and the base it came from, checked to be steerable together.

The expert is a LoRA adapter on the base (merged into a second copy, or applied on one copy of the
weights) or a second full model. Folders and hub names are both passed to transformers; safetensors
only, and never code from a model folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from core.errors import ModelError, PairMismatchError
from core.settings import settings

Layout = Literal["merged", "adapter", "two-models"]
WHOLE_HASH_BYTES = 512 * 2**20
"""Weights up to this size are hashed whole; of larger files the first and last 16 MiB and the size count."""


@dataclass(frozen=True)
class PairSpec:
    """How to load a pair: base and expert are folders or hub names; the task is the one it was trained for."""

    name: str
    label: str
    base: str
    expert: str
    task: str | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change with the weights, the tokenizer or the adapter's settings."""
        digest = hashlib.sha256()
        for model in (self.base, self.expert):
            digest.update(b"\0" + _content_digest(model))
        return digest.hexdigest()[:12]

    def as_dict(self) -> dict[str, Any]:
        """What a job's payload keeps, so that any process can load the pair again."""
        return {
            "name": self.name,
            "label": self.label,
            "base": self.base,
            "expert": self.expert,
            "task": self.task,
        }


@dataclass(frozen=True)
class ModelPair:
    """A loaded pair. `expert` and `base` are forwards; equal token ids mean the same to both.

    start: ids that open every context (the start token, or nothing); stops: ids that end a text;
    window: positions that fit; layers: attention layers, one cache each.
    """

    spec: PairSpec
    fingerprint: str
    layout: Layout
    expert: Callable[..., Any]
    base: Callable[..., Any]
    tokenizer: Any
    vocabulary_size: int
    start: tuple[int, ...]
    stops: frozenset[int]
    pad: int
    window: int
    layers: int
    device: str

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of a context, opened by the start token where the model has one."""
        ids = tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return self.start + ids

    def decode(self, ids: tuple[int, ...] | list[int]) -> str:
        """The text of written tokens, without the end token and the white space around it."""
        return str(self.tokenizer.decode([i for i in ids if i not in self.stops], skip_special_tokens=True)).strip()

    def piece(self, token: int) -> str:
        """The text of one token, its leading space kept."""
        return str(self.tokenizer.decode([token]))


def available_pairs(task: str) -> list[PairSpec]:
    """The bundled pairs that were trained for a task, the default first."""
    found = []
    for card in sorted((settings().assets / "models").glob(f"*/experts/{task}/adapter_config.json")):
        base = card.parents[2]
        head = json.loads((base / "config.json").read_text(encoding="utf-8"))
        size = f"{head.get('steerscope_parameters', '')}".strip()
        label = f"{base.name} + {task} expert" + (f" · {size}" if size else "")
        found.append(PairSpec(f"{base.name}/{task}", label, str(base), str(card.parent), task))
    return found


def find_pair(task: str, base: str | None = None, expert: str | None = None) -> PairSpec:
    """The task's default pair, or the pair of a base and an expert folder or hub name.

    Raises ModelError where only one of the two is named or nothing is bundled for the task.
    """
    if (base is None) != (expert is None):
        missing = "expert" if expert is None else "base"
        raise ModelError(f"A pair needs a base and an expert; name the {missing} too.")
    if base is not None and expert is not None:
        label = f"{Path(base).name} + {Path(expert).name}"
        return PairSpec(f"own/{Path(expert).name}", label, base, expert)
    pairs = available_pairs(task)
    if not pairs:
        raise ModelError(f"No bundled expert was trained for the task {task!r}; name a base and an expert folder.")
    return pairs[0]


def preferred_layout(spec: PairSpec) -> Layout:
    """How the expert is best applied here: as a merged second copy, which was measured two to three times faster
    than switching the adapter, unless the machine has too little memory for it."""
    if not (Path(spec.expert) / "adapter_config.json").is_file():
        return "two-models"
    return "merged" if _room_for_copy(spec.base) else "adapter"


def layout_of(fingerprint: str | None) -> Layout | None:
    """The layout that a loaded pair's fingerprint names; None for the fingerprint of files alone."""
    parts = (fingerprint or "").split("-")
    return next((layout for layout in get_args(Layout) if len(parts) == 3 and layout[0] == parts[1]), None)


def load_pair(spec: PairSpec, *, device: str | None = None, layout: Layout | None = None) -> ModelPair:
    """Load and check a pair.

    layout: how a LoRA expert is applied, `preferred_layout` unless given; a second full model has no choice.
    Raises ModelError where a folder is missing or corrupt, PairMismatchError where the two disagree.
    """
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    device = device or settings().device
    base_model = load_model(spec.base, device)
    tokenizer = load_tokenizer(spec.base)
    if (Path(spec.expert) / "adapter_config.json").is_file():
        layout = layout or preferred_layout(spec)
        expert, base = _adapted(spec, base_model, device, layout)
    else:
        layout = "two-models"
        expert_model = load_model(spec.expert, device)
        _check_agreement(spec, tokenizer, load_tokenizer(spec.expert), base_model, expert_model)
        expert, base = expert_model, base_model
    return assemble(spec, layout, expert, base, base_model, tokenizer, device)


def assemble(
    spec: PairSpec,
    layout: Layout,
    expert: Callable[..., Any],
    base: Callable[..., Any],
    model: Any,
    tokenizer: Any,
    device: str,
) -> ModelPair:
    """A pair of two loaded forwards; model: the one of them whose shape both have.

    Raises ModelError where it has layers without a key-value cache.
    """
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if not kinds <= {"full_attention", "sliding_attention", "chunked_attention"}:
        raise ModelError(
            f"The model {spec.base} has layers without a key-value cache ({', '.join(sorted(kinds))}), "
            "which steering cannot share between branches; choose a plain attention model."
        )
    stop = model.generation_config.eos_token_id if model.generation_config else None
    stop = tokenizer.eos_token_id if stop is None else stop
    stops = frozenset(stop if isinstance(stop, list) else [] if stop is None else [stop])
    pad = tokenizer.pad_token_id
    return ModelPair(
        spec=spec,
        fingerprint=f"{spec.fingerprint}-{layout[0]}-{str(model.dtype).removeprefix('torch.')}",
        layout=layout,
        expert=expert,
        base=base,
        tokenizer=tokenizer,
        vocabulary_size=int(model.get_output_embeddings().weight.shape[0]),
        start=() if tokenizer.bos_token_id is None else (int(tokenizer.bos_token_id),),
        stops=stops,
        pad=int(pad) if pad is not None else next(iter(stops), 0),
        window=_window(config),
        layers=int(config.num_hidden_layers),
        device=device,
    )


def _window(config: Any) -> int:
    """Positions that every layer can see: inside the smallest window, sliding attention is plain attention."""
    limits = [getattr(config, name, None) for name in ("max_position_embeddings", "sliding_window")]
    return int(min(limit for limit in (*limits, 1 << 20) if isinstance(limit, int) and limit > 0))


def load_model(model: str, device: str) -> Any:
    """A causal language model in evaluation mode: float32 on CPU, the checkpoint's own type elsewhere."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    _check_folder(model, "config.json")
    try:
        loaded = AutoModelForCausalLM.from_pretrained(
            model,
            dtype=torch.float32 if device == "cpu" else "auto",
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=Path(model).is_dir(),
        )
    except SafetensorError as error:
        raise ModelError(f"The weights in {model} are corrupt ({error}); copy the model folder again.") from error
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"The model {model} could not be loaded: {_first_line(error)}") from error
    return loaded.to(device).eval()


def load_tokenizer(model: str) -> Any:
    """The tokenizer of a folder or hub name; ModelError where it cannot be read."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(model, trust_remote_code=False, local_files_only=Path(model).is_dir())
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"The tokenizer of {model} could not be loaded: {_first_line(error)}") from error


def load_adapter(under: Any, base: str, adapter: str, *, trainable: bool = False) -> Any:
    """A LoRA adapter's folder on a loaded base; ModelError where it is corrupt, PairMismatchError where it
    does not fit."""
    from peft import PeftModel
    from safetensors import SafetensorError

    try:
        with warnings.catch_warnings():
            # PEFT reads an attribute of transformers under its old name
            warnings.simplefilter("ignore", FutureWarning)
            return PeftModel.from_pretrained(under, adapter, is_trainable=trainable)
    except SafetensorError as error:
        raise ModelError(f"The adapter in {adapter} is corrupt ({error}); copy the folder again.") from error
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise PairMismatchError(f"The adapter {adapter} does not fit the base {base}: {_first_line(error)}") from error


def _adapted(spec: PairSpec, base: Any, device: str, layout: Layout) -> tuple[Any, Any]:
    """Expert and base forwards of a LoRA pair, on two copies of the weights or on one."""
    under = load_model(spec.base, device) if layout == "merged" else base
    adapted = load_adapter(under, spec.base, spec.expert)
    if layout == "merged":
        return adapted.merge_and_unload().eval(), base
    adapted.eval()

    def plain(**inputs: Any) -> Any:
        with adapted.disable_adapter():
            return adapted(**inputs)

    return adapted, plain


def _check_agreement(spec: PairSpec, base: Any, expert: Any, base_model: Any, expert_model: Any) -> None:
    """Refuse two models that number their tokens differently."""
    if base.get_vocab() != expert.get_vocab():
        raise PairMismatchError(
            f"The tokenizers of {spec.base} and {spec.expert} differ, so their scores cannot be combined "
            "token by token; choose an expert fine-tuned from this base."
        )
    widths = [int(m.get_output_embeddings().weight.shape[0]) for m in (base_model, expert_model)]
    if widths[0] != widths[1]:
        raise PairMismatchError(
            f"{spec.base} scores {widths[0]} tokens and {spec.expert} {widths[1]}, so their scores cannot be "
            "combined; choose an expert fine-tuned from this base."
        )
    if base_model.config.num_hidden_layers != expert_model.config.num_hidden_layers:
        raise PairMismatchError(
            f"{spec.base} and {spec.expert} have different numbers of layers; "
            "choose an expert fine-tuned from this base."
        )


def _check_folder(model: str, file: str) -> None:
    """A name that looks like a folder must be one; anything else is left to the hub."""
    looks_local = model.startswith((".", "/", "~")) or os.sep != "/" or model.count("/") > 1
    if Path(model).is_dir():
        if not (Path(model) / file).is_file():
            raise ModelError(f"The folder {model} holds no {file}; point to a folder in Hugging Face format.")
    elif looks_local:
        raise ModelError(f"The model folder {model} does not exist; check the path.")


def _room_for_copy(base: str) -> bool:
    """Whether a second float32 copy of the base fits in half of the free memory."""
    weights = sum(path.stat().st_size for path in Path(base).glob("*.safetensors"))
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return True
    return 2 * weights < free / 2


def _content_digest(model: str) -> bytes:
    folder = Path(model)
    if not folder.is_dir():
        return hashlib.sha256(model.encode()).digest()
    digest = hashlib.sha256()
    names = ("config.json", "adapter_config.json", "tokenizer.json")
    for path in sorted([*folder.glob("*.safetensors"), *(folder / n for n in names if (folder / n).is_file())]):
        digest.update(path.name.encode())
        size = path.stat().st_size
        with path.open("rb") as file:
            if size <= WHOLE_HASH_BYTES:
                digest.update(hashlib.file_digest(file, "sha256").digest())
            else:
                digest.update(size.to_bytes(8, "little") + file.read(1 << 24))
                file.seek(-(1 << 24), os.SEEK_END)
                digest.update(file.read())
    return digest.digest()


def _first_line(error: BaseException) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if line.endswith(".") else line + "."
