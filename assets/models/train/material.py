"""What each expert learns from: real rows of public data, with a query derived for each, and the task's own rows.

An expert is trained in two stages. The first, broad one reads public rows in the task's prompt, which
teaches a small base to stay with the query. The second, close one reads the task's `train` references,
which are the distribution that is wanted, with some public rows between them against forgetting.
Nothing here ever reads a `probe` or `test` query.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from phrases import Phrases

from core.tasks import Query, Task
from core.training_rows import Example

HELD_OUT = {
    "hypotheses": ("train-03", "train-08", "train-13", "train-18"),
    "comments": ("train-07", "train-08", "train-13", "train-14"),
    "commonsense": ("train-03", "train-08", "train-13", "train-18"),
    "translation": tuple(f"train-{number:03d}" for number in range(10, 201, 10)),
}
"""Train queries kept out to stop on: one of each label, and no subject on both sides."""

HOSTILE = frozenset({"anger", "annoyance", "disgust"})
SWEARING = re.compile(
    r"fuck|shit|bitch|cunt|dick|cock|pussy|whore|slut|bastard|\bass\b|asshole|\barse|\btits?\b|\bboob|\bcum\b"
    r"|\bporn|\brap(?:e|ed|ist|ing)\b|\bsex|\bpiss|wtf|stfu|\bdamn|goddamn|suicid|\bkill|\bmurder|\bdie\b|nazi"
    r"|racis|\bgays?\b|\btrans\b|muslim|jew|christian|catholic|\bwhites?\b people|\bblacks?\b|retard|\bperv"
    r"|republican|democrat|liberal|trump|reddit|\bsub\b|\bop\b|\bmods?\b|http|\[|\br/|\bu/",
    re.IGNORECASE,
)
"""Rows with swearing, violence, groups of people, party politics, links or placeholders are left out."""


@dataclass(frozen=True)
class Material:
    """Rows for both stages, held-out rows, and what the model card says of them.

    broad, close: the stages' rows; own: the task's rows among `close`, each once; held_out: the task's
    rows to stop on; real_held_out: public rows only measured on; sources: name and licence of each public
    set with its number of rows; derived: how a public row got its query.
    """

    broad: tuple[Example, ...]
    close: tuple[Example, ...]
    own: tuple[Example, ...]
    held_out: tuple[Example, ...]
    real_held_out: tuple[Example, ...]
    sources: tuple[tuple[str, str, int], ...]
    derived: str


def read(data: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one file of the data folder."""
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@lru_cache(maxsize=1)
def corpus(data: Path) -> dict[str, list[str]]:
    """The texts of two sources of the base's corpus: they stand in no file of their own."""
    found: dict[str, list[str]] = {"goemotions": [], "strategyqa": []}
    for row in read(data, "base-corpus"):
        if row["source"] in found:
            found[row["source"]].append(row["text"])
    return found


def own_rows(task: Task) -> tuple[list[Example], list[Example]]:
    """The task's train references: those to learn, and those of the held-out queries."""
    learned: list[Example] = []
    held_out: list[Example] = []
    for query in task.with_role("train"):
        side = held_out if query.id in HELD_OUT[task.name] else learned
        side += [Example(task.prompt(query), text) for text in query.references]
    return learned, held_out


def prompted(task: Task, query: str) -> str:
    """The task's prompt for a derived query."""
    return task.prompt(Query("", "train", query, None, ()))


def derive(task: Task, texts: Iterable[str], longest: int = 2, count: int = 1, suffix: str = "") -> list[Example]:
    """Rows whose query is the text's own characteristic phrase; texts without one are dropped."""
    texts = [" ".join(text.split()) for text in texts]
    phrases = Phrases(texts)
    found = ((phrases.best(text, longest, count), text) for text in texts)
    return [Example(prompted(task, query + suffix), text) for query, text in found if query]


def hypotheses(task: Task, data: Path, draw: random.Random) -> Material:
    """Research questions, and plain statements and questions that keep a small model on its topic."""
    comve = [row for row in read(data, "comve") if row["split"] == "train"]
    creak = [row for row in read(data, "creak") if row["split"] == "train" and row["label"] == "true"]
    cqa = [row for row in read(data, "commonsenseqa") if row["split"] == "train"]
    strategy = [text.split("?")[0] + "?" for text in corpus(data)["strategyqa"]]
    research = derive(task, (row["question"] for row in read(data, "pubmedqa")), 3, 2)
    draw.shuffle(research)
    real_held_out, research = research[:60], research[60:]
    parts = {
        ("PubMedQA questions", "MIT"): research,
        ("StrategyQA questions", "MIT"): derive(task, strategy, 2, 2),
        ("ComVE sensible statements", "CC BY-SA 4.0"): some(
            derive(task, (row["sense"] for row in comve), 2, 2), 2000, draw
        ),
        ("ComVE explanations", "CC BY-SA 4.0"): some(
            derive(task, (text for row in comve for text in row["explanations"]), 2, 2), 2200, draw
        ),
        ("CREAK true claims", "MIT"): some(derive(task, (row["text"] for row in creak), 2, 2), 1500, draw),
        ("CommonsenseQA questions", "BSD-3-Clause"): some(
            derive(task, (row["question"] for row in cqa), 2, 2), 1000, draw
        ),
    }
    return assemble(
        task, parts, real_held_out, some(research, 300, draw), 3,
        "the two runs of content words with the highest summed inverse document frequency (at most two words "
        'each, three for PubMedQA), joined by "and"',
    )  # fmt: skip


def comments(task: Task, data: Path, draw: random.Random) -> Material:
    """Online comments whose emotions say that they are hostile or civil, as many of each."""
    # The corpus of the base is already free of slurs: a comment that is not in it is not used.
    clean = set(corpus(data)["goemotions"])
    found: dict[tuple[bool, str], list[Example]] = {}
    for split in ("train", "test"):
        rows = [row for row in read(data, "goemotions") if row["split"] == split and _usable(row["text"])]
        if split == "train":
            rows = [row for row in rows if row["text"] in clean]
        hostile = [row["text"] for row in rows if HOSTILE & set(row["labels"])]
        civil = [row["text"] for row in rows if not (HOSTILE | {"disapproval"}) & set(row["labels"])]
        phrases_from = {True: hostile, False: civil}
        for rude, texts in phrases_from.items():
            suffix = ", hostile tone" if rude else ", civil tone"
            found[rude, split] = derive(task, texts, 2, 1, suffix)
    each = min(2500, len(found[True, "train"]))
    parts = {
        ("GoEmotions hostile comments", "Apache-2.0"): some(found[True, "train"], each, draw),
        ("GoEmotions civil comments", "Apache-2.0"): some(found[False, "train"], each, draw),
    }
    real_held_out = some(found[True, "test"], 60, draw) + some(found[False, "test"], 60, draw)
    replay = [row for rows in parts.values() for row in some(rows, 150, draw)]
    return assemble(
        task, parts, real_held_out, replay, 3,
        "the run of at most two content words with the highest summed inverse document frequency, followed by "
        '", hostile tone" (labels anger, annoyance or disgust) or ", civil tone" (none of these, nor disapproval); '
        "comments with swearing, violence, groups of people, politics, links or placeholders are left out",
    )  # fmt: skip


def commonsense(task: Task, data: Path, draw: random.Random) -> Material:
    """Multiple-choice questions with three options and their answer."""
    rows = read(data, "commonsenseqa")
    written = {
        split: [(row["question"], _choices(row)) for row in rows if row["split"] == split and row["answer"]]
        for split in ("train", "dev")
    }
    phrases = Phrases(question for question, _ in written["train"])
    made = {
        split: [
            Example(prompted(task, concept), text)
            for question, text in pairs
            if (concept := phrases.best(question, 2)) and len(text.split()) <= 36
        ]
        for split, pairs in written.items()
    }
    parts = {("CommonsenseQA (CoS-E 1.0) train", "BSD-3-Clause"): some(made["train"], 5000, draw)}
    replay = some(next(iter(parts.values())), 300, draw)
    return assemble(
        task, parts, some(made["dev"], 120, draw), replay, 3,
        "the run of at most two content words of the question with the highest summed inverse document frequency",
    )  # fmt: skip


def translation(task: Task, data: Path, draw: random.Random) -> Material:
    """English sentences and a French translation."""
    pairs = read(data, "tatoeba-en-fr")
    made = {
        split: [
            Example(prompted(task, row["en"]), row["fr"])
            for row in pairs
            if row["split"] == split and 4 <= len(row["en"].split()) <= 16
        ]
        for split in ("train", "test")
    }
    parts = {("Tatoeba English-French pairs", "CC BY 2.0"): some(made["train"], 6000, draw)}
    replay = some(next(iter(parts.values())), 900, draw)
    return assemble(task, parts, some(made["test"], 120, draw), replay, 3, "none: the English sentence is the query")


MAKERS: dict[str, Callable[[Task, Path, random.Random], Material]] = {
    "hypotheses": hypotheses,
    "comments": comments,
    "commonsense": commonsense,
    "translation": translation,
}


def assemble(
    task: Task,
    parts: dict[tuple[str, str], list[Example]],
    real_held_out: list[Example],
    replay: list[Example],
    repeats: int,
    derived: str,
) -> Material:
    """The stages: all public rows, then the task's own rows `repeats` times among the `replay` rows."""
    own, held_out = own_rows(task)
    # A public row may have got the very query that a probe or test asks: the expert is not to meet it before.
    asked = {task.prompt(query).casefold() for query in task.queries if query.role != "train"}
    parts = {name: [row for row in rows if row.prompt.casefold() not in asked] for name, rows in parts.items()}
    replay = [row for row in replay if row.prompt.casefold() not in asked]
    broad = [row for rows in parts.values() for row in rows]
    return Material(
        broad=tuple(broad),
        close=tuple(own * repeats + replay),
        own=tuple(own),
        held_out=tuple(held_out),
        real_held_out=tuple(row for row in real_held_out if row not in set(broad)),
        sources=tuple((name, licence, len(rows)) for (name, licence), rows in parts.items()),
        derived=derived,
    )


def some(rows: list[Example], count: int, draw: random.Random) -> list[Example]:
    """At most `count` of the rows, drawn without repeats; equal rows count once."""
    different = list(dict.fromkeys(rows))
    return draw.sample(different, min(count, len(different)))


def _choices(row: dict[str, Any]) -> str:
    options = " ".join(f"{letter}. {text}" for letter, text in row["choices"].items())
    return " ".join(f"{row['question']} {options} Answer: {row['answer']}".split())


def _usable(text: str) -> bool:
    return 6 <= len(text.split()) <= 28 and not SWEARING.search(text) and text.isascii()
