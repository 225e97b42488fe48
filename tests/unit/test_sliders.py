"""The sliders: what is refused and in which words, what is inert, and that a link brings everything back."""

import dataclasses

import pytest

from core.errors import SettingsError
from core.sliders import CHOICES, LIMITS, PRESETS, SteerSettings, inert, preset


def test_settings_survive_json_and_text() -> None:
    settings = SteerSettings(gamma=0.35, eta=0.6, mode="balanced", top_p=0.9, policy="nearest", seed=12)
    assert SteerSettings.from_mapping(settings.as_dict()) == settings
    as_text = {name: str(value) for name, value in settings.as_dict().items()}
    assert SteerSettings.from_mapping(as_text) == settings
    assert hash(settings) == hash(SteerSettings.from_mapping(as_text))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gamma": -0.1}, "gamma is -0.1; give a value from 0 to 4."),
        ({"temperature": 0}, "temperature is 0; give a value from 0.05 to 5."),
        ({"top_p": float("nan")}, "top_p is nan; give a value from 0.01 to 1."),
        ({"top_k": 2.5}, "top_k is 2.5; give a whole number from 0 to 100000."),
        ({"negatives": "many"}, "negatives is 'many'; give a whole number from 0 to 100."),
        ({"mode": "divide"}, "mode is 'divide'; choose one of subtract, balanced."),
        (
            {"policy": "old"},
            "policy is 'old'; choose one of uniform, recent, nearest, real-only, synthetic-only.",
        ),
        ({"temprature": 1}, "There is no setting named 'temprature'"),
        ({"eta": 1.0}, "subtract mode needs eta below 1"),
        ({"seed": True}, "seed is True; give a whole number"),
        ({"gamma": None}, "gamma is None; give a number from 0 to 4."),
    ],
)
def test_a_bad_value_gets_one_sentence(values: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as error:
        SteerSettings.from_mapping(values)
    assert words in str(error.value)


def test_balanced_mode_allows_a_larger_eta() -> None:
    assert SteerSettings(mode="balanced", eta=1.5).eta == 1.5


def test_every_field_has_a_limit_or_choices() -> None:
    names = {field.name for field in dataclasses.fields(SteerSettings)}
    assert names == set(LIMITS) | set(CHOICES)


def test_effective_temperature_is_t_over_one_minus_eta_in_subtract_mode() -> None:
    assert SteerSettings(eta=0.4, temperature=0.9).effective_temperature == pytest.approx(1.5)
    assert SteerSettings(eta=0.4, temperature=0.9, mode="balanced").effective_temperature == 0.9
    assert SteerSettings(eta=0.4, negatives=0).effective_temperature == 1.0


def test_the_control_is_the_expert_alone_at_the_effective_temperature() -> None:
    settings = SteerSettings(gamma=0.4, eta=0.5, top_k=7)
    control = settings.matched_temperature()
    assert (control.gamma, control.eta, control.temperature, control.top_k) == (0.0, 0.0, 2.0, 7)


def test_presets_are_what_they_are_called() -> None:
    released = preset("STEER as released")
    assert (released.gamma, released.eta, released.negatives, released.policy) == (0.2, 0.2, 10, "uniform")
    assert (released.mode, released.alpha, released.temperature, released.top_k) == ("subtract", 0, 1, 10)
    assert preset("Expert only").gamma == preset("Expert only").eta == 0
    assert preset("Contrastive only").eta == 0 < preset("Contrastive only").gamma
    assert preset("Negative only").gamma == 0 < preset("Negative only").eta
    assert len(PRESETS) == 4


def test_inert_sliders_say_why() -> None:
    assert "η is 0" in inert(SteerSettings(eta=0))["negatives"]
    assert "no negative examples" in inert(SteerSettings(negatives=0))["eta"]
    assert "greedy" in inert(SteerSettings(alpha=1.0))["temperature"]
    assert "greedy" in inert(SteerSettings(top_k=1))["top_p"]
    assert not inert(SteerSettings())


def test_equal_settings_have_equal_keys_and_any_change_makes_another() -> None:
    settings = SteerSettings()
    assert settings.key() == SteerSettings().key()
    changes = {"gamma": 0.3, "draw": "sample", "seed": 1, "round_size": 4, "top_k": 11}
    keys = {settings.with_(**{name: value}).key() for name, value in changes.items()}
    assert len(keys | {settings.key()}) == len(changes) + 1


def test_one_chain_a_replicate_unless_fewer_are_asked_for() -> None:
    assert SteerSettings().chain_count(8) == 8
    assert SteerSettings(chains=1).chain_count(8) == 1
    assert SteerSettings(chains=20).chain_count(8) == 8
