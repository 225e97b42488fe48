"""Truncation against closed forms and a brute-force nucleus."""

import math

import pytest
import torch

from core.steer import log_probabilities
from core.truncation import implausible, keep_min_p, keep_top_k, keep_top_p, truncate


def kept(score: torch.Tensor) -> list[list[int]]:
    return [torch.isfinite(row).nonzero().flatten().tolist() for row in score]


def test_top_k_keeps_the_k_best() -> None:
    score = torch.tensor([[3.0, 1.0, 2.0, 0.0], [0.0, 1.0, 2.0, 3.0]])
    assert kept(keep_top_k(score, 2)) == [[0, 2], [2, 3]]
    assert keep_top_k(score, 0) is score
    assert keep_top_k(score, 9) is score


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.9, 0.999])
def test_top_p_is_the_smallest_set_that_reaches_the_mass(p: float) -> None:
    logs = log_probabilities(torch.randn(20, 30, generator=torch.Generator().manual_seed(3)) * 2)
    for row, keeps in zip(logs.exp().double(), kept(keep_top_p(logs, p)), strict=True):
        nucleus, mass = [], 0.0
        for token in row.argsort(descending=True).tolist():
            if mass >= p:
                break
            nucleus.append(token)
            mass += float(row[token])
        assert sorted(nucleus) == keeps


def test_min_p_keeps_what_is_likely_enough_beside_the_best() -> None:
    score = torch.tensor([0.5, 0.3, 0.06, 0.04]).log()[None]
    assert kept(keep_min_p(score, 0.1)) == [[0, 1, 2]]
    assert keep_min_p(score, 0.0) is score


def test_plausibility_one_is_greedy_and_zero_is_off() -> None:
    expert = log_probabilities(torch.tensor([[1.0, 3.0, 2.0]]))
    mask = implausible(expert, 1.0)
    assert mask is not None
    assert mask.tolist() == [[True, False, True]]
    assert implausible(expert, 0.0) is None
    half = implausible(torch.tensor([[0.5, 0.26, 0.24]]).log(), 0.5)
    assert half is not None
    assert half.tolist() == [[False, False, True]]


def test_plausibility_is_decided_by_the_expert_even_where_guidance_prefers_another() -> None:
    expert = log_probabilities(torch.tensor([[5.0, 0.0, 4.0]]))
    guided = torch.tensor([[0.0, 9.0, 1.0]])
    sampled = truncate(guided, implausible(expert, 0.1), 1.0, 0, 1.0, 0.0)
    assert kept(sampled) == [[0, 2]]


def test_truncate_renormalises_at_the_temperature() -> None:
    score = torch.tensor([[2.0, 1.0, 0.0]])
    result = truncate(score, None, 0.5, 2, 1.0, 0.0)
    assert result[0, 2] == -math.inf
    odds = math.exp((2.0 - 1.0) / 0.5)
    assert float(result[0, 0].exp()) == pytest.approx(odds / (1 + odds))


def test_every_row_keeps_its_best_token_under_the_strictest_settings() -> None:
    score = torch.randn(50, 40, generator=torch.Generator().manual_seed(5))
    result = truncate(score, None, 0.05, 1, 0.01, 0.99)
    assert torch.equal(result.argmax(-1), score.argmax(-1))
    assert [len(row) for row in kept(result)] == [1] * 50


def test_end_of_text_stays_reachable_when_nothing_is_cut() -> None:
    score = log_probabilities(torch.randn(5, 100, generator=torch.Generator().manual_seed(1)))
    assert torch.isfinite(truncate(score, None, 1.0, 0, 1.0, 0.0)[:, 0]).all()
