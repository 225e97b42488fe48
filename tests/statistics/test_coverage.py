"""Do the ellipses and intervals cover? Part of the grid of `tests.bench.coverage`, at 200 maps a design."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from core.perspective import fit_map
from core.statistics.distances import distance
from tests.statistics.measuring import ENERGY_DESIGNS, KINDS, Share, inside, measure, measure_bootstrap, measure_energy
from tests.statistics.worlds import Design, World

MAPS = 200
ENERGY_MAPS = 120
LEAST = {"distance": 0.91}
"""What a 95% interval must cover at least; .92 unless said here."""

DESIGNS = (
    Design("light", 10, 20, (5, 5)),
    Design("light", 3, 50, (4, 9)),
    Design("light", 5, 5, (6, 12), "chains"),
    Design("light", 10, 1, (8, 8), "both"),
    Design("middle", 30, 5, (4, 9)),
    Design("middle", 5, 20, (5, 5)),
    Design("middle", 10, 20, (8, 8), "chains"),
    Design("middle", 5, 5, (6, 12), "both"),
    Design("heavy", 3, 1, (5, 5)),
    Design("heavy", 10, 20, (4, 9)),
    Design("heavy", 30, 5, (8, 8), "chains"),
    Design("mixed", 10, 5, (5, 5)),
    Design("mixed", 5, 50, (4, 9)),
    Design("mixed", 5, 20, (8, 8), "chains"),
    Design("mixed", 10, 5, (8, 8), "both"),
)


@pytest.fixture(scope="module")
def measured() -> dict[Design, dict[str, Share]]:
    """Every design once; the tests read from it."""
    return {design: measure(design, MAPS) for design in DESIGNS}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shown_covers_in_every_design(measured: dict[Design, dict[str, Share]], kind: str) -> None:
    short = {
        str(design): shares[kind]
        for design, shares in measured.items()
        if shares[kind].held < LEAST.get(kind, 0.92) - 2.5 * shares[kind].error
    }
    assert not short
    # With a single query an ellipse may lack the degrees of freedom, and is then not drawn.
    assert all(shares[kind].shown == 1.0 for design, shares in measured.items() if design.m > 1)


@pytest.mark.parametrize("kind", KINDS)
def test_coverage_is_near_nominal_on_average(measured: dict[Design, dict[str, Share]], kind: str) -> None:
    held = [shares[kind].held for shares in measured.values() if shares[kind].shown]
    assert len(held) >= len(DESIGNS) - 2
    assert 0.94 <= np.mean(held) <= 0.985


def test_ellipses_are_conservative_only_where_noise_is_heavy(measured: dict[Design, dict[str, Share]]) -> None:
    # An ellipse that is too large fails here: light noise leaves nothing to be careful about.
    light = [shares["ellipse"] for design, shares in measured.items() if design.noise == "light"]
    assert all(share.held <= 0.975 + 2.5 * share.error for share in light)


@pytest.mark.parametrize("design", [ENERGY_DESIGNS[0], ENERGY_DESIGNS[4], ENERGY_DESIGNS[6]], ids=str)
def test_the_energy_variant_covers(design: Design) -> None:
    for kind, share in measure_energy(design, ENERGY_MAPS, atoms=24).items():
        assert share.held >= LEAST.get(kind, 0.92) - 2.5 * share.error
        assert share.shown == 1.0


def test_the_bootstrap_covers_a_population_of_queries() -> None:
    share = measure_bootstrap(5, 20, 8, maps=MAPS)["queries"]
    assert share.held >= 0.92 - 2.5 * share.error


def test_chains_that_are_taken_for_independent_answers_are_found_out() -> None:
    design = Design("light", 5, 20, (8, 8), "chains")
    world, rng = design.world, np.random.default_rng(5)
    held = []
    for seed in range(60):
        answers = [replace(one, chains=None) for one in design.draw(rng)]
        drawn = fit_map(answers, seed=seed)
        truth = np.einsum("njp,jpd->nd", world.means - world.means.mean(axis=0), drawn.basis) / design.m
        held += [inside(drawn.points[i] - truth[i], drawn.covariances[i], drawn.radii[i]) for i in range(design.n)]
    assert np.mean([flag is True for flag in held]) < 0.85


@pytest.mark.parametrize(
    ("m", "r", "signal", "chain"),
    [(1, 5, 0.0, 0.0), (20, 4, 0.0, 0.0), (5, 3, 0.3, 0.0), (20, 8, 1.0, 0.0), (20, 8, 0.0, 0.6), (5, 6, 1.0, 0.6)],
)
def test_distances_are_unbiased_and_cover_at_and_away_from_zero(m: int, r: int, signal: float, chain: float) -> None:
    world, pairs = World.make(2, m, signal, chain=chain), 400
    true, rng = world.squared_distance(0, 1), np.random.default_rng(23)
    counts = np.full(m, r)
    found = [distance(*(world.answers(i, counts, chain > 0, rng, key=f"g{i}") for i in (0, 1))) for _ in range(pairs)]
    values = np.array([each.value for each in found], dtype=float)
    held = [each.low <= true <= each.high for each in found if each.low is not None and each.high is not None]
    assert len(held) == pairs
    assert np.mean(held) >= 0.91 - 2.5 * math.sqrt(0.91 * 0.09 / pairs)
    assert abs(values.mean() - true) < 4 * values.std() / math.sqrt(pairs)


def test_eigenvalues_of_the_noise_floor_sum_to_the_noise() -> None:
    world = World.make(6, 10, 0.8, scale=np.geomspace(0.4, 1.6, 6))
    counts, rng = np.full(10, 5), np.random.default_rng(29)
    tau = (1 - (world.means**2).sum(axis=-1)).mean(axis=1) / 5
    floors = [
        fit_map([world.answers(i, counts, False, rng, key=f"g{i}") for i in range(6)]).noise_floor.sum()
        for _ in range(60)
    ]
    assert np.mean(floors) == pytest.approx(tau.sum() * (1 - 1 / 6), abs=4 * np.std(floors) / math.sqrt(60))
