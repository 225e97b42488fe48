"""The blocks of every page: badges, metric cards and states."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core.sliders import SteerSettings
from pages.shared.badges import STATES, settings_badges, state_badge
from pages.shared.plain import JOINER


def plain(markdown: str) -> str:
    return markdown.replace(JOINER, "").replace("\\", "")


def test_every_state_has_its_own_icon_and_word() -> None:
    words = [word for _, _, word in STATES.values()]
    assert len(set(words)) == len(words)
    assert all(icon and word for _, icon, word in STATES.values())
    assert plain(state_badge("writing", "317 / 512")) == (":blue-badge[:material/progress_activity: writing 317 / 512]")


def test_settings_show_what_differs_from_the_usual() -> None:
    assert plain(settings_badges(SteerSettings())) == ":gray-badge[γ 0.2] :gray-badge[η 0.2] :gray-badge[T 1]"
    shown = plain(settings_badges(SteerSettings(eta=0.4, policy="recent", top_p=0.9, seed=3, mode="balanced")))
    assert shown.split(" :")[3:] == [
        "gray-badge[balanced]",
        "gray-badge[recent · 10]",
        "gray-badge[top-p 0.9]",
        "gray-badge[seed 3]",
    ]


def test_settings_that_change_nothing_are_not_shown() -> None:
    assert "recent" not in settings_badges(SteerSettings(eta=0.0, policy="recent"))


def cards() -> None:
    from pages.shared.metric import metric_card

    metric_card("To real", 0.0213, 0.018, 0.0171, reference_word="floor")
    metric_card("Copies", 0.006, 0.004, 0.003, percent=True)
    metric_card("Later", None, None, 0.72)
    metric_card("Alone", 24.6, None, None, note="greedy")


def test_a_number_stands_with_its_spread_and_its_reference() -> None:
    metrics = AppTest.from_function(cards).run().metric
    assert [(metric.value, metric.delta) for metric in metrics] == [
        ("0.021 :small[:gray[± .018]]", "floor 0.017"),
        ("0.60% :small[:gray[± .40]]", "real 0.30%"),
        ("–", "real 0.720"),
        ("24.6", "greedy"),
    ]


def states() -> None:
    import streamlit as st

    from pages.shared import states

    clicked = states.empty("No runs yet", "It fills soon.", ("Write a run", "write"), ("Load demo", "demo"))
    st.text(f"clicked {clicked}")
    states.failed("The file was not read", "Row 1 of *x* <b>y</b>; fill it.", ("Upload again", "again"))
    kept = states.interrupted("γ 0.2", 317, 512, 110, "resume", "keep")
    st.text(f"kept {kept}")
    states.too_few("No interval yet: 6 of 9 runs", "Nine are needed.", 6, 9, ("Plan 3 more", "plan"))
    states.loading("Placing 512 samples", 3, 5)


def test_states_say_what_to_do_and_report_the_click() -> None:
    app = AppTest.from_function(states).run()
    assert not app.exception
    assert [button.label for button in app.button] == [
        "Write a run",
        "Load demo",
        "Upload again",
        "Resume",
        "Keep 317",
        "Plan 3 more",
    ]
    assert app.text[0].value == "clicked None"
    app.button(key="demo").click().run()
    assert app.text[0].value == "clicked demo"
    app.button(key="resume").click().run()
    assert app.text[1].value == "kept resume"


def test_the_words_of_an_error_are_shown_literally() -> None:
    app = AppTest.from_function(states).run()
    assert plain(app.error[0].value) == "Row 1 of *x* <b>y</b>; fill it."
    assert "\\*x\\*" in app.error[0].value
    assert "317 of 512" in app.warning[0].value
    assert "1 min 50 s" in app.warning[0].value
