"""The finding in words: a headline that its intervals carry, and one line of evidence. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.drawing.numbers import counted, three, with_spread
from core.sliders import SteerSettings
from core.storage.records import Metric, Run
from core.tasks import Task
from pages.shared.plain import literal

VARIETY, PERPLEXITY, DISTANCE = "diversity_product", "base_perplexity", "distance_to_real"
MOST_WORDS = 14


@dataclass(frozen=True)
class Verdict:
    """title: one sentence of at most 14 words; detail: estimate, interval, n, method, assumption."""

    title: str
    detail: str


def name_of(settings: SteerSettings) -> str:
    """What a headline calls a setting."""
    if settings.gamma == 0 and not settings.uses_negatives:
        return "Expert only" if settings.temperature == 1 else f"Expert at T {settings.temperature:.3g}"
    return f"γ {settings.gamma:.3g} · η {settings.eta:.3g}"


def before(task: Task, can_write: bool) -> Verdict:
    """Nothing was written yet."""
    if not can_write:
        return Verdict(
            f"No expert was trained for :orange[{literal(task.plural)}] yet.",
            "Choose another task in the sidebar, or train an expert for this one.",
        )
    return Verdict(
        f"Set the sliders, preview a few :blue[{literal(task.plural)}], then generate.",
        f"{literal(task.description)} No run is stored for this task yet.",
    )


def writing(run: Run, settings: SteerSettings, answered: int) -> Verdict:
    """A run in progress: how far it is, and nothing else."""
    subject = f":blue[{name_of(settings)}]"
    if run.status == "queued":
        return Verdict(f"{subject} waits for its turn.", f"{counted(run.expected, 'sample')} were asked for.")
    if run.samples >= run.expected:
        return Verdict(
            f"{subject} has written {counted(run.samples, 'sample')}; they are being measured.",
            "The numbers appear together, for the budget that was fixed beforehand.",
        )
    return Verdict(
        f"{subject} has written {run.samples:,} of {counted(run.expected, 'sample')}.",
        f"{answered} of {counted(len(run.queries), 'query', 'queries')} answered so far. "
        "The finding comes when the budget that was fixed beforehand is written.",
    )


def stopped(run: Run, settings: SteerSettings) -> Verdict:
    """A run that ended early, without numbers."""
    return Verdict(
        f":blue[{name_of(settings)}] stopped at {run.samples:,} of {counted(run.expected, 'sample')}.",
        "What was written is kept; numbers for the budget fixed beforehand need the rest.",
    )


def finding(
    task: Task,
    run: Run,
    settings: SteerSettings,
    metrics: Mapping[str, Metric],
    control: Mapping[str, Metric] | None,
) -> Verdict:
    """What the numbers of a finished run carry. control: those of its matched-temperature control."""
    subject = f":blue[{name_of(settings)}]"
    real = f"the :orange[real {literal(task.plural)}]"
    apart = metrics.get(DISTANCE)
    if not metrics:
        return Verdict(
            f"{subject} has {counted(run.samples, 'sample')} and no numbers yet.", "It has not been measured."
        )
    beside = control or {}
    title = (
        _against_control(subject, real, settings, apart, beside.get(DISTANCE))
        or _against_real(subject, real, metrics)
        or _missing(subject, real, apart)
    )
    return Verdict(title, " ".join(_evidence(run, settings, metrics, control)))


def _against_control(
    subject: str, real: str, settings: SteerSettings, run: Metric | None, control: Metric | None
) -> str:
    """A claim about the negative prompt, where its control has answered and the intervals do not meet."""
    if not settings.uses_negatives or not _bounded(run) or not _bounded(control):
        return ""
    assert run is not None
    assert control is not None
    if _low(control) > _high(run):
        return f"{subject} stays nearer to {real} than temperature alone."
    if _low(run) > _high(control):
        return f"Temperature alone comes nearer to {real} than {subject}."
    return ""


def _against_real(subject: str, real: str, metrics: Mapping[str, Metric]) -> str:
    """A claim about variety and predictability beside the real rows, or about the distance to them."""
    variety = _side(metrics.get(VARIETY))
    # Not "fluent": a model finds its own words likely, so a low perplexity is no merit beside real rows.
    predictable = _side(metrics.get(PERPLEXITY), lower_is_more=True)
    words = [f"{side} {what}" for side, what in ((variety, "varied"), (predictable, "predictable")) if side]
    if words:
        joint = " but " if variety == predictable else " and "
        return f"{subject} is {joint.join(words)} than {real}."
    apart = metrics.get(DISTANCE)
    if apart is None or not _bounded(apart) or None in (variety, predictable):
        return ""
    if _low(apart) > 0:
        return f"{subject} differs from {real} in what it says."
    return f"{subject} is not told apart from {real}."


def _missing(subject: str, real: str, apart: Metric | None) -> str:
    if apart is None or apart.value is None:
        return f"{subject} cannot yet be compared with {real}."
    return f"{subject} has too few independent answers to be judged."


def _evidence(
    run: Run, settings: SteerSettings, metrics: Mapping[str, Metric], control: Mapping[str, Metric] | None
) -> list[str]:
    """The numbers behind the title: those of variety and perplexity, and the distances where it is about them."""
    apart = metrics.get(DISTANCE)
    given = [
        f"{word} {_with_spread(one)} (real {three(one.reference)})"
        for word, one in (("diversity", metrics.get(VARIETY)), ("perplexity", metrics.get(PERPLEXITY)))
        if one is not None and one.value is not None and one.reference is not None
    ]
    far = "" if apart is None or apart.value is None else _with_spread(apart)
    other = (control or {}).get(DISTANCE)
    compared = settings.uses_negatives and other is not None and other.value is not None
    if far and not compared:
        given.append(f"distance {far}")
    found = []
    if given:
        words = ", ".join(given)
        queries = counted(len(run.queries), "query", "queries")
        found.append(f"{words[:1].upper()}{words[1:]}; 95%, {counted(run.samples, 'sample')}, these {queries}.")
    if apart is not None and apart.note and not _bounded(apart):
        found.append(literal(apart.note))
    if settings.uses_negatives:
        where = f"T {settings.matched_temperature().temperature:.3g}"
        if compared and other is not None:
            found.append(f"Distance {far}; expert only at {where}: {_with_spread(other)}.")
        else:
            found.append(f"No control at {where} yet: temperature alone may explain it.")
    return found


def _side(metric: Metric | None, lower_is_more: bool = False) -> str | None:
    """`more` or `less` where the interval leaves the reference out, "" where it holds it, None where unknown."""
    if metric is None or metric.reference is None or not _bounded(metric):
        return None
    if _low(metric) > metric.reference:
        return "less" if lower_is_more else "more"
    if _high(metric) < metric.reference:
        return "more" if lower_is_more else "less"
    return ""


def _with_spread(metric: Metric) -> str:
    return " ".join(with_spread(metric.value, _half(metric))).strip()


def _half(metric: Metric) -> float | None:
    return None if not _bounded(metric) else (_high(metric) - _low(metric)) / 2


def _bounded(metric: Metric | None) -> bool:
    return metric is not None and metric.low is not None and metric.high is not None


def _low(metric: Metric) -> float:
    assert metric.low is not None
    return metric.low


def _high(metric: Metric) -> float:
    assert metric.high is not None
    return metric.high
