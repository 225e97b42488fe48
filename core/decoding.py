"""The decoding loop: a generator that yields one column of tokens a step for a batch of rows.

It knows token ids, branches and noise keys; it does not know tasks, pools or the store. The batch
call, the live view and the command line are thin layers over `decode`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.branches import Branch
from core.models import ModelPair
from core.noise import gumbel
from core.sliders import SteerSettings
from core.steer import guide, log_probabilities
from core.truncation import implausible, truncate

if TYPE_CHECKING:
    from torch import Tensor

COMPACT_SHARE = 0.25
"""Finished rows leave the batch once they are this share of it: moving the caches costs about one step."""


@dataclass(frozen=True)
class Row:
    """One sample to write: its prompt and negative context (token ids) and the key of its noise."""

    prompt: tuple[int, ...]
    negative: tuple[int, ...]
    key: int


@dataclass(frozen=True)
class Column:
    """One step of the rows that were still writing: arrays of one length, `rows` naming which.

    expert, base, negative: each branch's log-probability of the chosen token (NaN where the branch was
    not computed); score: log-probability it was sampled with; ended: the row has ended with this token.
    """

    step: int
    rows: NDArray[np.int64]
    tokens: NDArray[np.int64]
    expert: NDArray[np.float32]
    base: NDArray[np.float32]
    negative: NDArray[np.float32]
    score: NDArray[np.float32]
    ended: NDArray[np.bool_]


@dataclass
class Written:
    """What one row has written so far; `branches` is (3, tokens): expert, base, negative."""

    tokens: list[int] = field(default_factory=list)
    expert: list[float] = field(default_factory=list)
    base: list[float] = field(default_factory=list)
    negative: list[float] = field(default_factory=list)
    finish: Literal["end", "length"] = "length"

    @property
    def branches(self) -> NDArray[np.float32]:
        """Log-probabilities (3, tokens) of the chosen tokens under expert, base and negative."""
        return np.array([self.expert, self.base, self.negative], dtype=np.float32)


def decode(
    pair: ModelPair,
    settings: SteerSettings,
    rows: Sequence[Row],
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Column | None]:
    """Write all rows together, one Column a step; None after each chunk of context that was only read.

    The flag `cancelled` is read at every step; once set, the generator returns without a further column.
    """
    import torch

    steps = _steps(pair, settings, rows, cancelled)
    while True:
        # Entered for each step alone: a mode kept over a yield would leak into whatever runs between.
        with torch.inference_mode():
            try:
                column = next(steps)
            except StopIteration:
                return
        yield column


def _steps(
    pair: ModelPair, settings: SteerSettings, rows: Sequence[Row], cancelled: Callable[[], bool]
) -> Iterator[Column | None]:
    import torch

    if not rows:
        return
    branches = _open(pair, settings, rows)
    logits: dict[str, Tensor] = {}
    for name, branch in branches.items():
        for result in branch.prefill():
            if cancelled():
                return
            if result is None:
                yield None
            else:
                logits[name] = result
    living = torch.arange(len(rows), device=pair.device)
    writing = np.ones(len(rows), dtype=bool)
    keys = [row.key for row in rows]
    for step in range(settings.max_new_tokens):
        if cancelled():
            return
        column, chosen = _choose(settings, pair, logits, living, keys, step)
        now = writing[column.rows]
        writing[column.rows[column.ended]] = False
        yield _only(column, now)
        if not writing.any() or step + 1 == settings.max_new_tokens:
            return
        stay = torch.from_numpy(np.flatnonzero(writing[column.rows])).to(pair.device)
        if len(stay) <= (1.0 - COMPACT_SHARE) * len(column.rows):
            for branch in branches.values():
                branch.keep(stay)
            living, chosen = living[stay], chosen[stay]
            keys = [keys[i] for i in stay.tolist()]
        logits = {name: branch.step(chosen) for name, branch in branches.items()}


def write(
    pair: ModelPair,
    settings: SteerSettings,
    rows: Sequence[Row],
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Written]:
    """Decode the rows to their end and return what each wrote; the plain call over `decode`."""
    written = [Written() for _ in rows]
    for column in decode(pair, settings, rows, cancelled):
        if column is not None:
            collect(written, column)
    return written


def collect(written: Sequence[Written], column: Column) -> None:
    """Append a column to what its rows have written; the end token itself is kept."""
    for i, row in enumerate(column.rows):
        one = written[row]
        one.tokens.append(int(column.tokens[i]))
        one.expert.append(float(column.expert[i]))
        one.base.append(float(column.base[i]))
        one.negative.append(float(column.negative[i]))
        if column.ended[i]:
            one.finish = "end"


def _open(pair: ModelPair, settings: SteerSettings, rows: Sequence[Row]) -> dict[str, Branch]:
    """The branches that these settings need; one whose strength is 0 is not computed at all."""
    shared: dict[str, Any] = {
        "length": settings.max_new_tokens,
        "pad": pair.pad,
        "layers": pair.layers,
        "device": pair.device,
    }
    prompts = [row.prompt for row in rows]
    branches = {"expert": Branch(pair.expert, prompts, **shared)}
    if settings.gamma:
        branches["base"] = Branch(pair.base, prompts, **shared)
    if settings.uses_negatives:
        branches["negative"] = Branch(pair.expert, [row.negative for row in rows], **shared)
    return branches


def _choose(
    settings: SteerSettings,
    pair: ModelPair,
    logits: dict[str, Tensor],
    living: Tensor,
    keys: Sequence[int],
    step: int,
) -> tuple[Column, Tensor]:
    """Guide, truncate and sample one token for every living row."""
    import torch

    logs = {name: log_probabilities(values) for name, values in logits.items()}
    expert, base, negative = logs["expert"], logs.get("base"), logs.get("negative")
    score = guide(expert, base, negative, settings.gamma, settings.eta if negative is not None else 0.0, settings.mode)
    score = truncate(
        score,
        implausible(expert, settings.alpha),
        settings.temperature,
        settings.top_k,
        settings.top_p,
        settings.min_p,
    )
    chosen = sample(score, keys, step, settings.top_k)
    tokens = chosen.cpu().numpy()
    at = chosen[:, None]
    nothing = np.full(len(tokens), np.nan, dtype=np.float32)

    def read(values: Tensor | None) -> NDArray[np.float32]:
        return nothing if values is None else values.gather(1, at)[:, 0].cpu().numpy()

    stops = torch.tensor(sorted(pair.stops), device=chosen.device)
    return (
        Column(
            step=step,
            rows=living.cpu().numpy(),
            tokens=tokens,
            expert=read(expert),
            base=read(base),
            negative=read(negative),
            score=read(score),
            ended=torch.isin(chosen, stops).cpu().numpy(),
        ),
        chosen,
    )


def sample(score: Tensor, keys: Sequence[int], step: int, top_k: int = 0) -> Tensor:
    """One token a row by the Gumbel-max rule: argmax over tokens of log p + keyed noise; score (rows, V).

    With a top-k the noise of the k candidates alone is drawn: noise belongs to the token, so the
    choice is the one that drawing it for the whole vocabulary would make.
    """
    import torch

    width = score.shape[-1]
    if 0 < top_k <= width // 4:
        values, tokens = score.topk(top_k, dim=-1)
    else:
        values, tokens = score, torch.arange(width, device=score.device).expand(len(score), -1)
    noise = torch.from_numpy(gumbel(keys, step, tokens.cpu().numpy())).to(score.device)
    best = (values + noise).argmax(dim=-1, keepdim=True)
    return tokens.gather(1, best)[:, 0]


def _only(column: Column, keep: NDArray[np.bool_]) -> Column:
    """The column without rows that had ended before and still sit in the batch."""
    if keep.all():
        return column
    return Column(
        step=column.step,
        **{
            name: getattr(column, name)[keep]
            for name in ("rows", "tokens", "expert", "base", "negative", "score", "ended")
        },
    )
