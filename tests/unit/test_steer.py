"""The formula on toy tensors: what follows from the algebra, worked out by hand."""

import math

import pytest
import torch

from core.steer import forces, guide, log_probabilities


@pytest.fixture
def branches() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    noise = torch.Generator().manual_seed(7)
    made = [log_probabilities(torch.randn(4, 11, generator=noise) * 3) for _ in range(3)]
    return made[0], made[1], made[2]


def test_guidance_is_the_printed_formula(branches: tuple[torch.Tensor, ...]) -> None:
    expert, base, negative = (branch.double() for branch in branches)
    for mode, coefficient in (("subtract", 1.4), ("balanced", 1.7)):
        score = guide(*branches, 0.4, 0.3, mode)
        by_hand = coefficient * expert - 0.4 * base - 0.3 * negative
        torch.testing.assert_close(score.double(), by_hand, atol=1e-5, rtol=1e-5)


def test_gamma_and_eta_zero_return_the_expert_itself(branches: tuple[torch.Tensor, ...]) -> None:
    assert guide(branches[0], None, None, 0.0, 0.0, "subtract") is branches[0]
    assert guide(branches[0], None, None, 0.0, 0.0, "balanced") is branches[0]


def test_a_base_equal_to_the_expert_makes_gamma_inert(branches: tuple[torch.Tensor, ...]) -> None:
    expert = branches[0]
    for gamma in (0.2, 1.0, 3.0):
        torch.testing.assert_close(guide(expert, expert, None, gamma, 0.0, "subtract"), expert, atol=1e-4, rtol=1e-5)


def test_negative_context_equal_to_the_prompt_only_scales(branches: tuple[torch.Tensor, ...]) -> None:
    expert = branches[0]
    subtract = guide(expert, None, expert, 0.0, 0.4, "subtract")
    torch.testing.assert_close(subtract, 0.6 * expert, atol=1e-5, rtol=1e-5)
    balanced = guide(expert, None, expert, 0.0, 0.4, "balanced")
    torch.testing.assert_close(balanced, expert, atol=1e-5, rtol=1e-5)


def test_an_uninformative_negative_context_is_the_matched_temperature(
    branches: tuple[torch.Tensor, ...],
) -> None:
    expert = branches[0]
    flat = torch.full_like(expert, -math.log(expert.shape[-1]))
    unit_sum = guide(expert, None, flat, 0.0, 0.0, "subtract")
    # with coefficients summing to 1 - eta, s / T is the unit-sum score at T / (1 - eta)
    same = guide(expert, None, expert, 0.0, 0.3, "subtract") / 1.0
    torch.testing.assert_close(torch.softmax(same, -1), torch.softmax(unit_sum / (1 / 0.7), -1))


def test_a_token_the_expert_excludes_stays_excluded_and_the_rest_stays_finite() -> None:
    expert = log_probabilities(torch.tensor([[1.0, -math.inf, 2.0, 0.5]]))
    other = log_probabilities(torch.tensor([[0.0, -math.inf, -math.inf, 1.0]]))
    for mode in ("subtract", "balanced"):
        score = guide(expert, other, other, 0.5, 0.5, mode)
        assert not torch.isnan(score).any()
        assert score[0, 1] == -math.inf
        assert torch.isfinite(score[0, [0, 2, 3]]).all()


def test_log_probabilities_are_float32_and_sum_to_one() -> None:
    logs = log_probabilities(torch.randn(3, 50, dtype=torch.bfloat16) * 10)
    assert logs.dtype == torch.float32
    torch.testing.assert_close(logs.exp().sum(-1), torch.ones(3))


def test_forces_add_up_to_the_balanced_score() -> None:
    towards, away = forces(-1.0, -3.0, -0.5, 0.4, 0.2)
    assert towards == pytest.approx(0.8)
    assert away == pytest.approx(-0.1)
    score = guide(torch.tensor([-1.0]), torch.tensor([-3.0]), torch.tensor([-0.5]), 0.4, 0.2, "balanced")
    assert float(score) == pytest.approx(-1.0 + towards + away)
    assert forces(-1.0, None, None, 0.4, 0.2) == (0.0, 0.0)
