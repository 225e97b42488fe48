"""What the evaluation says, in one sentence that its tests carry, and one line of evidence. No widgets."""

from __future__ import annotations

from core.drawing.numbers import counted, fixed, interval, probability, three
from core.drawing.numbers import decimals_for as decimals
from core.predicting import QUALITY, Gathered
from core.regressing.baselines import LENGTH, MEAN, SETTINGS, SIGNIFICANT, TEMPERATURE, Baseline
from core.regressing.jackknife import least_runs
from core.regressing.verdict import FEW_RUNS
from core.regression import Evaluation
from pages.predict.scores import Score
from pages.shared.plain import literal

CALLED = {
    MEAN: "the mean",
    SETTINGS: "the settings alone",
    TEMPERATURE: "temperature alone",
    LENGTH: "length alone",
    QUALITY: "the quality estimate",
}


def finding(evaluation: Evaluation, gathered: Gathered, score: Score, runs: int) -> tuple[str, str]:
    """Headline and detail, as Markdown. runs: on the map, with or without a score."""
    return _title(evaluation, score), _evidence(evaluation, gathered, score, runs)


def rival(evaluation: Evaluation) -> Baseline:
    """The simpler prediction with the smallest mean absolute error; the mean can always be made."""
    return min((one for one in evaluation.baselines if one.mae is not None), key=lambda one: one.mae or 0.0)


def called(baseline: Baseline) -> str:
    """A baseline within a sentence."""
    return CALLED.get(baseline.name, literal(baseline.name))


def _title(evaluation: Evaluation, score: Score) -> str:
    best, n = rival(evaluation), len(evaluation.predictions)
    cannot = f":blue[{counted(n, 'run')}] cannot yet say whether the map helps."
    mae, other = evaluation.mae, best.mae or 0.0
    if n < least_runs(evaluation.typical):
        return cannot
    if not evaluation.helps:
        if best.name != MEAN and best.q2 is not None and best.q2 > 0 and other <= mae:
            beaten = best.gain_high is not None and best.gain_high < 0
            how = "predicts better" if beaten else "predicts as well"
            verb = how.replace("predicts", "predict") if best.name == SETTINGS else how
            name = called(best)
            return f"{name[0].upper()}{name[1:]} {verb}; the map adds nothing here."
        if n < FEW_RUNS:
            return cannot
        than = "chance" if evaluation.q2 > 0 and evaluation.p_value > SIGNIFICANT else "the mean"
        return f"The map does not help here: it predicts no better than {than}."
    places = decimals(mae, 2)
    off, rest = f":blue[{fixed(mae, places)} {literal(score.unit)}]", f"{called(best)} by {fixed(other, places)}"
    if best.beaten:
        return f"The map helps: it is off by {off} on average, {rest}."
    return f"The map is off by {off} on average, {rest}: too close to tell."


def _evidence(evaluation: Evaluation, gathered: Gathered, score: Score, runs: int) -> str:
    n = gathered.runs.count
    many = counted(n, "run") if n == runs else f"{n:,} of {counted(runs, 'run')} scored"
    seeds = f", {counted(gathered.seeds, 'training seed')}" if gathered.seeds else ", scores as imported"
    off = f"**{three(evaluation.mae)}**, 95% {interval(evaluation.mae_low, evaluation.mae_high)}"
    parts = [
        f"Mean absolute error {off}, each run left out; {many}{seeds}.",
        f"Q² **{fixed(evaluation.q2, 2)}**, permutation p **{probability(evaluation.p_value)}**.",
    ]
    best = rival(evaluation)
    if evaluation.helps and best.gain_p is not None:
        parts.append(f"Better than {called(best)}: p **{probability(best.gain_p)}**.")
    need = least_runs(evaluation.typical)
    if n < need:
        parts.append(f"No interval yet: {n} of {need} runs.")
    else:
        parts.append(
            f"{evaluation.typical:.0%} interval from jackknife+: guaranteed {evaluation.guaranteed:.0%}, "
            f"typical {evaluation.typical:.0%}."
        )
    return " ".join(parts)
