"""Contrastive preference optimisation (Xu et al. 2024) by TRL's trainer, in steps that a worker can stop between."""

from __future__ import annotations

import random
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from core.downstream.scorer import Steps, Workshop
from core.downstream.student import student
from core.errors import StatisticsError
from core.finetune import load_trainable
from core.finetune_settings import FinetuneSettings
from core.models import ModelPair


@dataclass(frozen=True)
class Preferred:
    """Two answers to one prompt, the better first."""

    prompt: str
    chosen: str
    rejected: str


@dataclass(frozen=True)
class CpoSettings:
    """beta: sharpness of the preference; cpo_alpha: weight of the likelihood of the chosen answer beside it.

    The other names are `FinetuneSettings`'; batch_size counts pairs.
    """

    beta: float = 0.1
    cpo_alpha: float = 1.0
    learning_rate: float = 5e-4
    batch_size: int = 8
    steps: int = 30
    warmup: int = 3
    rank: int = 16
    alpha: float = 32.0
    max_tokens: int = 160


@dataclass
class History:
    """What TRL told after each step: the loss, and the mean margin beta (log p(chosen) - log p(rejected))."""

    losses: list[float] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)


def train_preferences(
    base: str,
    pairs: Sequence[Preferred],
    recipe: CpoSettings,
    seed: int,
    shop: Workshop,
    history: History | None = None,
) -> Steps[ModelPair]:
    """A student that learned the preferences: a fresh LoRA on the base, as `core.downstream.student.train` makes it.

    TRL's loop runs beside (`Workshop.beside`) and ends at its next step once this generator is closed.
    Raises StatisticsError where there is no pair or the loss is not finite.
    """
    if not pairs:
        raise StatisticsError(
            "Every answer equals its reference, so none is better than another; raise the temperature of the run."
        )
    told = history or History()
    stop = threading.Event()
    work = partial(_trained, base, tuple(pairs), recipe, seed, shop.device, told, stop)
    try:
        steps = shop.beside(work)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                model, tokenizer = end.value
                break
            yield min(1.0, len(told.losses) / recipe.steps)
    finally:
        stop.set()
    if not np.isfinite(told.losses).all():
        raise StatisticsError("The student's loss is not a number, so it learned nothing; lower its learning rate.")
    return student(base, model.merge_and_unload().eval(), tokenizer, shop.device)


def _trained(
    base: str,
    pairs: Sequence[Preferred],
    recipe: CpoSettings,
    seed: int,
    device: str,
    history: History,
    stop: threading.Event,
) -> tuple[Any, Any]:
    with _random_state(), tempfile.TemporaryDirectory() as folder:
        trainer = trainer_of(base, pairs, recipe, seed, device, folder, _teller(history, stop))
        trainer.train()
        return trainer.model, trainer.processing_class


def trainer_of(
    base: str,
    pairs: Sequence[Preferred],
    recipe: CpoSettings,
    seed: int,
    device: str,
    folder: str,
    callback: Any = None,
) -> Any:
    """TRL's CPOTrainer over a fresh LoRA on the base; folder: where it may write, nothing of which is kept."""
    with warnings.catch_warnings():
        # that its place in TRL is experimental; and PEFT and TRL meet names that newer libraries renamed
        warnings.simplefilter("ignore")
        import datasets
        import transformers
        from trl.experimental.cpo import CPOConfig, CPOTrainer

        transformers.logging.set_verbosity_error()
        datasets.disable_progress_bars()
        shared = {name: value for name, value in asdict(recipe).items() if name not in ("beta", "cpo_alpha")}
        settings = replace(FinetuneSettings(**shared), seed=seed)
        model, tokenizer = load_trainable(base, settings, device)
        config = CPOConfig(
            output_dir=folder,
            max_steps=recipe.steps,
            per_device_train_batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            warmup_steps=recipe.warmup,
            weight_decay=0.0,
            beta=recipe.beta,
            cpo_alpha=recipe.cpo_alpha,
            max_length=recipe.max_tokens,
            gradient_checkpointing=False,
            bf16=False,
            logging_steps=1,
            logging_nan_inf_filter=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
            remove_unused_columns=False,
            use_cpu=device == "cpu",
            seed=seed,
            data_seed=seed,
        )
        rows = [{"prompt": p.prompt.rstrip(), "chosen": f" {p.chosen}", "rejected": f" {p.rejected}"} for p in pairs]
        trainer = CPOTrainer(
            model=model,
            args=config,
            train_dataset=datasets.Dataset.from_list(rows),
            processing_class=tokenizer,
            callbacks=[] if callback is None else [callback],
        )
        trainer.remove_callback(transformers.PrinterCallback)  # standard output is not its to write to
        return trainer


def _teller(history: History, stop: threading.Event) -> Any:
    """TRL's callback that keeps what is told of each step and ends the training when asked to."""
    from transformers import TrainerCallback

    class Teller(TrainerCallback):  # type: ignore[misc]
        """Steps that were taken, and the wish to stop."""

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                history.losses.append(float(logs["loss"]))
                history.margins.append(float(logs["rewards/margins"]))

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_training_stop = control.should_training_stop or stop.is_set()

    return Teller()


@contextmanager
def _random_state() -> Iterator[None]:
    """Put back the global random states that TRL seeds: nobody else's draws shall depend on a training."""
    import torch

    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
