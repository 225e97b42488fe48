"""The STEER formula: pure functions on log-probabilities, one row a sample, one column a token of the vocabulary.

Contrastive expert guidance (gamma) moves away from the base model, negative prompting (eta) away
from a negative context. Source: STEER, arXiv 2308.07645, in the form its authors run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.sliders import Mode

if TYPE_CHECKING:
    from torch import Tensor


def log_probabilities(logits: Tensor) -> Tensor:
    """Log-softmax over the whole vocabulary in float32: logits (..., V) -> log-probabilities (..., V)."""
    import torch

    return torch.log_softmax(logits.float(), dim=-1)


def guide(expert: Tensor, base: Tensor | None, negative: Tensor | None, gamma: float, eta: float, mode: Mode) -> Tensor:
    """Guided scores s (..., V) from the log-probabilities of the branches, each (..., V).

        subtract:  s = (1 + gamma) l_exp - gamma l_base - eta l_neg
        balanced:  s = (1 + gamma + eta) l_exp - gamma l_base - eta l_neg

    A branch whose strength is 0 may be None: it is not read. A token that the expert gives -inf
    stays at -inf, whatever the other branches say; a token that only another branch excludes gets
    that branch's smallest finite value, so that no infinity is ever subtracted from another.
    """
    coefficient = 1.0 + gamma + (eta if mode == "balanced" else 0.0)
    score = expert if coefficient == 1.0 else coefficient * expert
    if gamma:
        assert base is not None, "gamma > 0 needs the base branch"
        score = score - gamma * _finite(base)
    if eta:
        assert negative is not None, "eta > 0 needs the negative branch"
        score = score - eta * _finite(negative)
    return score


def forces(expert: float, base: float | None, negative: float | None, gamma: float, eta: float) -> tuple[float, float]:
    """What moved one token, in nats: (towards the expert, away from the negatives).

    towards = gamma (l_exp - l_base); away = -eta l_neg, measured against the expert so that a token the
    negative context finds as likely as the prompt does is not moved: eta (l_exp - l_neg). The two
    add to the balanced score minus l_exp; subtract mode adds the pure temperature term -eta l_exp.
    """
    towards = gamma * (expert - base) if base is not None else 0.0
    away = eta * (expert - negative) if negative is not None else 0.0
    return towards, away


def _finite(log_probability: Tensor) -> Tensor:
    """The branch with -inf replaced by its smallest finite value in the row (nothing to do in the common case)."""
    import torch

    infinite = torch.isneginf(log_probability)
    if not bool(infinite.any()):
        return log_probability
    smallest = log_probability.masked_fill(infinite, 0.0).amin(dim=-1, keepdim=True)
    return torch.where(infinite, smallest, log_probability)
