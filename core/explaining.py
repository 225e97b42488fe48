"""Why this token: what every branch thought of a written text, recomputed in one pass over it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from core.generation import Plan, sample_key
from core.models import ModelPair
from core.negatives import PoolRow, context
from core.steer import forces, guide, log_probabilities
from core.storage.records import Sample
from core.truncation import implausible, truncate

if TYPE_CHECKING:
    from torch import Tensor

ALTERNATIVES = 6


@dataclass(frozen=True)
class Alternative:
    """A token that could have been written: branch log-probabilities and the probability it was drawn with."""

    text: str
    expert: float
    base: float | None
    negative: float | None
    probability: float


@dataclass(frozen=True)
class ExplainedToken:
    """One written token.

    towards, away: nats that contrast and negatives moved it by; likeliest: what the expert alone found
    likeliest; plain: what the expert alone, with the same temperature, truncation and noise, would have
    written here; alternatives: the likeliest after guidance, best first.
    """

    text: str
    expert: float
    base: float | None
    negative: float | None
    probability: float
    towards: float
    away: float
    likeliest: str
    plain: str
    alternatives: tuple[Alternative, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON for a job's result."""
        return asdict(self)


def explain(pair: ModelPair, work: Plan, sample: Sample, negatives: list[PoolRow]) -> list[ExplainedToken]:
    """Every token of a sample, from one forward a branch over the finished text.

    negatives: the pool rows that its context was made of, in their order.
    """
    import torch

    from core.decoding import sample as choose

    settings, query = work.settings, work.task.by_id[sample.query]
    prompt = pair.encode(work.task.prompt(query))
    written = sample.token_ids
    if not written:
        return []
    with torch.inference_mode():
        expert = _all_steps(pair, pair.expert, prompt, written)
        base = _all_steps(pair, pair.base, prompt, written) if settings.gamma else None
        negative = None
        if settings.uses_negatives:
            ids, _ = context(negatives, pair.encode, pair.window - settings.max_new_tokens)
            negative = _all_steps(pair, pair.expert, ids, written)
        eta = settings.eta if negative is not None else 0.0
        cut = (settings.temperature, settings.top_k, settings.top_p, settings.min_p)
        mask = implausible(expert, settings.alpha)
        guided = truncate(guide(expert, base, negative, settings.gamma, eta, settings.mode), mask, *cut)
        alone = truncate(expert, mask, *cut)
        key = sample_key(pair, work, query, sample.replicate)
        # one step at a time: the noise of a step belongs to the step
        plain = [int(choose(alone[t : t + 1], [key], t, settings.top_k)[0]) for t in range(len(written))]
    return [
        _token(
            pair,
            (settings.gamma, settings.eta),
            t,
            token,
            expert[t],
            _row(base, t),
            _row(negative, t),
            guided[t],
            plain[t],
        )
        for t, token in enumerate(written)
    ]


def _token(
    pair: ModelPair,
    strengths: tuple[float, float],
    step: int,
    token: int,
    expert: Tensor,
    base: Tensor | None,
    negative: Tensor | None,
    guided: Tensor,
    plain: int,
) -> ExplainedToken:
    gamma, eta = strengths
    of = [float(expert[token]), _at(base, token), _at(negative, token)]
    towards, away = forces(float(expert[token]), of[1], of[2], gamma, eta)
    best = guided.topk(min(ALTERNATIVES, guided.shape[-1]))
    alternatives = tuple(
        Alternative(pair.piece(int(i)), float(expert[i]), _at(base, int(i)), _at(negative, int(i)), float(value.exp()))
        for value, i in zip(best.values, best.indices, strict=True)
        if value > float("-inf")
    )
    return ExplainedToken(
        text=pair.piece(token),
        expert=float(expert[token]),
        base=of[1],
        negative=of[2],
        probability=float(guided[token].exp()),
        towards=towards,
        away=away,
        likeliest=pair.piece(int(expert.argmax())),
        plain=pair.piece(plain),
        alternatives=alternatives,
    )


def _all_steps(pair: ModelPair, forward: Any, context_ids: tuple[int, ...], written: tuple[int, ...]) -> Tensor:
    """Log-probabilities (tokens, V) that a branch gave at every step of a written text."""
    import torch

    ids = torch.tensor([[*context_ids, *written[:-1]]], device=pair.device)
    logits = forward(input_ids=ids).logits[0, len(context_ids) - 1 :]
    return log_probabilities(logits)


def _row(values: Tensor | None, step: int) -> Tensor | None:
    return None if values is None else values[step]


def _at(values: Tensor | None, token: int) -> float | None:
    return None if values is None else float(values[token])
