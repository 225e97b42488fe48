"""The model card of an expert: every number in it comes from the training that wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from material import Material

from core.tasks import Task

LIMITS = {
    "hypotheses": "A hypothesis is a sentence of the right kind, not a finding or advice; many make little sense.",
    "comments": "Hostile comments are rude and dismissive by design: use them to train or test a classifier, not "
    "to post. How often the tone is met was not measured here.",
    "commonsense": "The form is learned better than the sense: options may not fit the question. How often the "
    "marked answer is the right one was not measured here.",
    "translation": "Made for short everyday sentences, into French only. Rare words and names are often mistranslated.",
}
WHY = {
    "hypotheses": " A single stage, the task's rows among PubMedQA rows, reached a slightly lower held-out loss, "
    "but fewer of its samples held a word of their query.",
}
SEEN = {
    "hypotheses": "The base had read the public rows before, their held-out ones too, without a query.",
    "comments": "The base had read the public training rows before, without a query, but not the held-out ones.",
    "commonsense": "The base had read the public training rows before, without a query, but not the held-out ones.",
    "translation": "The base had read the public training rows before, in this form, but not the held-out ones.",
}


@dataclass(frozen=True)
class Stage:
    """One stage: the step that was kept, its held-out loss in nats per token, and its seconds."""

    step: int
    held_out: float
    seconds: float


@dataclass(frozen=True)
class Measured:
    """What the training found: losses in nats per token as (base, expert), shares, and samples."""

    broad: Stage
    close: Stage
    own: tuple[float, ...]
    real: tuple[float, ...]
    samples: list[tuple[str, str]]
    ended: float
    on_topic: float
    verbatim: float
    copied: float
    any_copied: float
    device: str
    cores: int


def write_card(path: Path, task: Task, material: Material, recipe: Any, found: Measured) -> None:
    """Write the card of one expert."""
    sources = "\n".join(f"| {name} | {licence} | {rows:,} |" for name, licence, rows in material.sources)
    broad = f"{found.broad.step} of at most {recipe.broad.steps}"
    where = f"{found.cores} CPU cores" if found.device == "cpu" else found.device
    # A translation shares no words with its query.
    topic = "" if task.name == "translation" else f"{found.on_topic:.1%} hold a content word of their query, "
    shown = "\n".join(f"- {query}: {quoted(text)}" for query, text in found.samples[:6])
    path.write_text(
        f"""# Expert `{task.name}`: {task.title}

A LoRA adapter (rank {recipe.broad.rank}, alpha {recipe.broad.alpha:g}, all linear layers of attention and MLP, \
float16) for the base model in `assets/models/base`. {task.description} Prompt: `{task.template!r}`.

## Data
| rows | licence | amount |
|---|---|---:|
{sources}
| the task's reference rows, role `train` | Apache-2.0 | {len(material.own)} |

Query of a public row: {material.derived}. {SEEN[task.name]}
The task's reference rows were composed for this project; they are not collected from people. No `probe` or `test` \
reference was read in training or in the choice of a setting; the two stages were chosen with samples on the probe \
queries in view.{WHY.get(task.name, "")} Rows of public data are not part of this project: only \
these weights are.

## Recipe
Two stages of AdamW (betas 0.9 and 0.99, linear warm-up and decay), loss on the response and its end token only.

| stage | rows | batch | peak rate | steps kept | stopped on |
|---|---|---:|---:|---:|---|
| broad | public rows | {recipe.broad.batch_size} | {recipe.broad.learning_rate:g} | {broad} | 150 public rows |
| close | the task's rows three times, {len(material.close) - 3 * len(material.own)} public rows | \
{recipe.close.batch_size} | {recipe.close.learning_rate:g} | {found.close.step} of at most \
{recipe.close.steps} | {len(material.held_out)} of the task's rows, whose queries were kept out |

{found.broad.seconds + found.close.seconds:.0f} s on {where} that other work shared.

## Measured
| | base | expert |
|---|---:|---:|
| nats per token, {len(material.held_out)} held-out rows of the task (stopped on these) | {found.own[0]:.3f} | \
{found.own[1]:.3f} |
| nats per token, {len(material.real_held_out)} public rows kept out of this training | {found.real[0]:.3f} | \
{found.real[1]:.3f} |

{len(found.samples)} samples of the expert alone on the probe queries, temperature 1, top-k 10:
{found.ended:.1%} ended by themselves, {topic}{found.verbatim:.1%} are verbatim copies of \
a training row (equal words), {found.any_copied:.1%} hold an 8-gram of one, {found.copied:.1%} of all \
8-grams are copied.

The first six of them, unchosen:
{shown}

## Limits
{LIMITS[task.name]} The base has 8.4 million parameters: fluent on short plain sentences, loose in meaning, weak on \
technical vocabulary.

Licence of the adapter: Apache-2.0.
""",
        encoding="utf-8",
    )


def quoted(text: str) -> str:
    """A sample on one line, safe to stand in Markdown."""
    return "`" + " ".join(text.split()).replace("`", "'") + "`"
