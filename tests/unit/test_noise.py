"""Keyed noise: the published generator, the right distribution, and no dependence on company."""

import numpy as np
from scipy import stats

from core.noise import generator, gumbel, noise_key, splitmix64


def test_the_stream_is_splitmix64_as_published() -> None:
    # the first outputs for seed 1234567, as the reference implementation prints them
    outputs = splitmix64(np.array([1234567], dtype=np.uint64), np.arange(5)[None])
    assert outputs[0].tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_noise_is_standard_gumbel() -> None:
    noise = gumbel([noise_key("a", row) for row in range(20)], 3, np.tile(np.arange(2000), (20, 1)))
    assert stats.kstest(noise.ravel(), stats.gumbel_r.cdf).pvalue > 0.01


def test_a_token_meets_the_same_number_however_many_are_drawn() -> None:
    keys = [noise_key(row) for row in range(3)]
    whole = gumbel(keys, 7, np.tile(np.arange(500), (3, 1)))
    some = gumbel(keys[1:2], 7, np.array([[401, 3, 77]]))
    assert np.array_equal(some[0], whole[1, [401, 3, 77]])


def test_keys_and_steps_share_nothing() -> None:
    tokens = np.arange(4000)[None]
    base = gumbel([noise_key(0, "settings", "pair", "query", 0)], 0, tokens)[0]
    others = [
        gumbel([noise_key(0, "settings", "pair", "query", 0)], 1, tokens)[0],
        gumbel([noise_key(0, "settings", "pair", "query", 1)], 0, tokens)[0],
        gumbel([noise_key(0, "other settings", "pair", "query", 0)], 0, tokens)[0],
        gumbel([noise_key(1, "settings", "pair", "query", 0)], 0, tokens)[0],
    ]
    for other in others:
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.06


def test_parts_of_a_key_do_not_run_into_each_other() -> None:
    assert noise_key("a", "bc") != noise_key("ab", "c")


def test_gumbel_max_samples_the_distribution() -> None:
    p = np.array([0.5, 0.3, 0.15, 0.05])
    rows = 20_000
    noise = gumbel([noise_key("draw", row) for row in range(rows)], 0, np.tile(np.arange(4), (rows, 1)))
    counts = np.bincount((np.log(p) + noise).argmax(1), minlength=4)
    assert stats.chisquare(counts, p * rows).pvalue > 0.01


def test_generators_of_equal_keys_agree() -> None:
    assert generator("x", 1).random() == generator("x", 1).random()
    assert generator("x", 1).random() != generator("x", 2).random()
