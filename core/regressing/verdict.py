"""What an evaluation says in plain words: whether the map helps, and if not, why."""

from __future__ import annotations

from collections.abc import Sequence

from core.regressing.baselines import MEAN, SETTINGS, SIGNIFICANT, TEMPERATURE, Baseline
from core.regressing.folds import Folds
from core.regressing.runs import Runs

FEW_RUNS = 20
LOW_CEILING = 0.5

_WORDS = {MEAN: "the mean", SETTINGS: "the settings alone", TEMPERATURE: "temperature alone"}


def verdict(
    q2: float,
    p_value: float,
    mae: float,
    width: float | None,
    ceiling: float | None,
    baselines: Sequence[Baseline],
    n: int,
    name: str,
) -> tuple[bool, str]:
    """Whether the map helps, and one or two sentences that say so; `name` is what the score is called.

    It helps where permutations are rarely as good and no baseline has a smaller mean absolute error.
    """
    reach = f"to ±{width / 2:.2g}" if width is not None else f"to {mae:.2g} on average"
    chance = f"p = {p_value:.2g}"
    known = [(each, each.mae) for each in baselines if each.mae is not None]
    best, least = min(known, key=lambda pair: pair[1])
    if q2 <= 0 or p_value > SIGNIFICANT:
        foretold = "no better than the mean" if q2 <= 0 else f"no better than chance ({chance})"
        return False, f"The map does not help here: it foretells {name} {foretold}. {_why(best, ceiling, n)}"
    if least <= mae:
        return False, (
            f"The map predicts {name} {reach} ({chance}), but no better than {_called(best)}: "
            f"a mean error of {mae:.2g} against {least:.2g}."
        )
    against = next((each for each in known if each[0].name == TEMPERATURE), (best, least))
    sure = against[0].beaten
    better = "better than" if sure else "a little better than"
    unsure = "" if sure else "; on these runs the difference may be chance"
    gained = "" if against[0].gain_p is None else f": p = {against[0].gain_p:.2g}"
    return True, (
        f"The map predicts {name} {reach} ({chance} against chance), {better} {_called(against[0])}{gained} "
        f"(a mean error of {mae:.2g} against {against[1]:.2g}{unsure})."
    )


def notes(runs: Runs, folds: Folds, orders: int, dimension: int) -> tuple[str, ...]:
    """What a reader must know beside the numbers, one sentence each."""
    found = [
        "An interval is an average over settings drawn like those learnt from: "
        "a setting picked because it looks best is not such a draw."
    ]
    if runs.has_families:
        found.append(
            f"Whole model families are left out ({len(folds.outer)} of them), so a prediction is for one family more; "
            "with few families its interval is approximate."
        )
    elif folds.together:
        found.append(f"The {runs.count} runs are left out in {len(folds.outer)} folds.")
    if (settings := len(set(runs.same_setting().tolist()))) < runs.count:
        found.append(f"The {runs.count} runs are of {settings} settings; runs of one setting are left out together.")
    if orders < 1 / SIGNIFICANT:
        found.append(f"The scores can be dealt in {orders} ways only, so p cannot fall below {1 / orders:.2g}.")
    if runs.errors is None or not runs.noise.any():
        found.append("The measurement error of the scores is unknown: train more seeds to see it.")
    if dimension > 3:
        found.append(f"The prediction reads {dimension} axes, more than the drawn map shows.")
    return tuple(found)


def _why(best: Baseline, ceiling: float | None, n: int) -> str:
    """The likeliest reason why the map does not help."""
    if ceiling is not None and ceiling < LOW_CEILING:
        share = "All" if ceiling <= 0 else f"{1 - ceiling:.0%}"
        return f"{share} of the differences in score may be measurement error: train more seeds."
    if best.name != MEAN and best.q2 is not None and best.q2 > 0:
        return f"By {_called(best)} it is foretold better, with a Q² of {best.q2:.2f}."
    if n < FEW_RUNS:
        return f"{n} runs are few; more may show what these do not."
    return "Where a run lies on the map says little about this score."


def _called(baseline: Baseline) -> str:
    return _WORDS.get(baseline.name, baseline.name)
