"""Truncation after guidance: temperature, top-k, top-p, min-p and the expert's plausibility; pure functions.

Each takes scores (rows, V) and returns scores of the same shape in which the tokens that are cut
stand at -inf; the likeliest token always stays. A row may be cut only by what its settings say.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def implausible(expert: Tensor, alpha: float) -> Tensor | None:
    """Which tokens (rows, V) the expert finds implausible: l_exp(w) < max l_exp + log(alpha); None at alpha 0.

    The plausibility constraint of contrastive decoding (Li et al. 2023), decided by the expert alone.
    alpha = 1 leaves only the likeliest token, so decoding is greedy.
    """
    if alpha == 0.0:
        return None
    return expert < expert.amax(dim=-1, keepdim=True) + math.log(alpha)


def keep_top_k(score: Tensor, k: int) -> Tensor:
    """Keep the k best tokens of each row (ties with the k-th stay); 0 keeps all."""
    if k <= 0 or k >= score.shape[-1]:
        return score
    threshold = score.topk(k, dim=-1).values[..., -1:]
    return score.masked_fill(score < threshold, -math.inf)


def keep_top_p(score: Tensor, p: float) -> Tensor:
    """Nucleus sampling (Holtzman et al. 2020): the smallest set of best tokens whose mass reaches p."""
    import torch

    if p >= 1.0:
        return score
    ordered, index = score.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ordered, dim=-1)
    # a token stays while the mass before it is below p, so the best one always stays
    cut = mass.cumsum(dim=-1) - mass >= p
    return score.masked_fill(torch.zeros_like(cut).scatter(-1, index, cut), -math.inf)


def keep_min_p(score: Tensor, p: float) -> Tensor:
    """Min-p sampling (Nguyen et al. 2024): tokens at least p times as likely as the likeliest."""
    if p <= 0.0:
        return score
    return score.masked_fill(score < score.amax(dim=-1, keepdim=True) + math.log(p), -math.inf)


def truncate(score: Tensor, mask: Tensor | None, temperature: float, top_k: int, top_p: float, min_p: float) -> Tensor:
    """Guided scores -> log-probabilities to sample from, in the order plausibility, T, top-k, top-p, min-p.

    `mask` (rows, V) is True where a token is implausible. Renormalised: each row's exp sums to 1.
    """
    import torch

    if mask is not None:
        score = score.masked_fill(mask, -math.inf)
    score = keep_top_k(score / temperature, top_k)
    score = keep_min_p(keep_top_p(score, top_p), min_p)
    return torch.log_softmax(score, dim=-1)
