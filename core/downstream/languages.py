"""Which tasks translate, and which pairs of texts a student of one direction learns and is judged on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.downstream.material import Row
from core.tasks import Task
from core.training_rows import Example

Direction = Literal["back", "forward"]

# fmt: off
LANGUAGES = frozenset((
    "Arabic", "Basque", "Bengali", "Bulgarian", "Catalan", "Chinese", "Croatian", "Czech", "Danish",
    "Dutch", "English", "Estonian", "Finnish", "French", "Galician", "German", "Greek", "Hebrew",
    "Hindi", "Hungarian", "Icelandic", "Indonesian", "Irish", "Italian", "Japanese", "Korean", "Latin",
    "Latvian", "Lithuanian", "Norwegian", "Persian", "Polish", "Portuguese", "Romanian", "Russian", "Serbian",
    "Slovak", "Slovenian", "Spanish", "Swahili", "Swedish", "Thai", "Turkish", "Ukrainian", "Urdu",
    "Vietnamese", "Welsh",
))
# fmt: on
_TEMPLATE = re.compile(r"(?P<source>\w+): \{query\}\n(?P<target>\w+):")


@dataclass(frozen=True)
class Asked:
    """One translation that a student is judged on: what it reads, and what people wrote for it."""

    prompt: str
    references: tuple[str, ...]


def languages(task: Task) -> tuple[str, str] | None:
    """Source and target of a task whose prompt is "English: ...\\nFrench:"; None where it does not translate."""
    found = _TEMPLATE.fullmatch(task.template)
    if found is None or not {found["source"], found["target"]} <= LANGUAGES or found["source"] == found["target"]:
        return None
    return found["source"], found["target"]


def no_translation(task: Task) -> str | None:
    """Why a task cannot be scored by translations; None where it can."""
    if languages(task) is not None:
        return None
    return (
        f"The task {task.name!r} does not translate: its prompt is not two languages and a colon each, as in "
        '"English: {query}" and "French:" on the next line; choose another scorer.'
    )


def learned(task: Task, rows: Sequence[Row], direction: Direction) -> list[Example]:
    """What a student learns: back, from the written translation to the real source; forward, the other way."""
    if direction == "forward":
        return [Example(task.prompt(row.query), one_line(row.text)) for row in rows]
    return [Example(_back(task, row.text), row.query.text) for row in rows]


def asked(task: Task, rows: Sequence[Row], direction: Direction) -> list[Asked]:
    """What a student is asked: back, every real translation of a query; forward, every query once."""
    if direction == "back":
        return [Asked(_back(task, row.text), (row.query.text,)) for row in rows]
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[row.query.id].append(row.text)
    return [Asked(task.prompt(task.by_id[query]), tuple(texts)) for query, texts in found.items()]


def one_line(text: str) -> str:
    """The text without line breaks: a prompt of two lines knows where it is by them."""
    return " ".join(text.split())


def _back(task: Task, text: str) -> str:
    named = languages(task)
    assert named is not None
    return f"{named[1]}: {one_line(text)}\n{named[0]}:"
