"""A task: a prompt template, queries with roles, and the real rows written for each query."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast, get_args

from core.errors import NotFoundError, TaskFormatError
from core.settings import data_folder, settings

Role = Literal["probe", "train", "test"]
ROLES: tuple[Role, ...] = get_args(Role)
OWN_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""What a task of the user may be called, and its folder with it."""


@dataclass(frozen=True)
class Reference:
    """One real row: the text and the id of the query that it answers."""

    query: str
    text: str


@dataclass(frozen=True)
class Query:
    """One query. `probe` builds the map, `train` feeds expert and students, `test` evaluates students."""

    id: str
    role: Role
    text: str
    label: str | None
    references: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """What generators are asked, and the real answers.

    template: the prompt, with `{query}` once; it never ends in white space.
    response: what one answer is called, in the singular ("hypothesis").
    max_new_tokens: length that fits an answer of this task.
    """

    name: str
    title: str
    description: str
    template: str
    response: str
    plural: str
    max_new_tokens: int
    queries: tuple[Query, ...]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels of the queries, sorted; empty where the task has none."""
        return tuple(sorted({query.label for query in self.queries if query.label is not None}))

    @cached_property
    def by_id(self) -> dict[str, Query]:
        """Queries by their id."""
        return {query.id: query for query in self.queries}

    def with_role(self, role: Role) -> tuple[Query, ...]:
        """The queries of one role, in file order."""
        return tuple(query for query in self.queries if query.role == role)

    def references(self, role: Role) -> tuple[Reference, ...]:
        """The real rows of one role, in file order."""
        return tuple(Reference(q.id, text) for q in self.with_role(role) for text in q.references)

    def prompt(self, query: Query) -> str:
        """The text a model continues; the answer starts with the space that the prompt does not end in."""
        return self.template.replace("{query}", query.text)


def bundled_folders() -> list[Path]:
    """The folders of the tasks that come with Steerscope, sorted by name."""
    root = settings().assets / "tasks"
    return sorted(path.parent for path in root.glob("*/task.json"))


def own_tasks() -> Path:
    """The folder of the user's own tasks; it is there once one was made."""
    return data_folder() / "tasks"


def task_folders() -> list[Path]:
    """All task folders, sorted by name; a bundled task cannot be replaced by one of the user's."""
    found = {folder.name: folder for folder in bundled_folders()}
    for path in own_tasks().glob("*/task.json"):
        if OWN_NAME.fullmatch(path.parent.name):
            found.setdefault(path.parent.name, path.parent)
    return [found[name] for name in sorted(found)]


def task_folder(name: str) -> Path:
    """The folder of a task; NotFoundError where there is none of that name."""
    folders = {folder.name: folder for folder in task_folders()}
    if name not in folders:
        known = ", ".join(folders) or "none"
        raise NotFoundError(f"There is no task named {name!r}; the tasks here are: {known}.")
    return folders[name]


def load_task(name: str) -> Task:
    """Load a task, bundled or the user's, by its name.

    Raises NotFoundError where there is none, TaskFormatError where its files cannot be used.
    """
    return read_task(task_folder(name))


def text_key(text: str) -> str:
    """What is compared when two queries are called equal: case and spaces do not count."""
    return " ".join(text.lower().split())


def read_task(folder: Path) -> Task:
    """Read a task folder (`task.json` and `queries.jsonl`).

    A task without real rows has queries without references. Raises TaskFormatError naming the file, the row
    and the remedy.
    """
    head = _json(folder / "task.json", _content(folder / "task.json"), None)
    template = _text(head, "template", folder / "task.json", None)
    if template.count("{query}") != 1 or template != template.rstrip():
        raise TaskFormatError(
            f"The template in {folder / 'task.json'} must hold {{query}} exactly once and not end in white space."
        )
    queries = tuple(_queries(folder / "queries.jsonl"))
    if not any(query.role == "probe" for query in queries):
        raise TaskFormatError(f"The task in {folder} has no probe query; add rows with role 'probe' to queries.jsonl.")
    return Task(
        name=folder.name,
        title=_text(head, "title", folder / "task.json", None),
        description=_text(head, "description", folder / "task.json", None),
        template=template,
        response=_text(head, "response", folder / "task.json", None),
        plural=_text(head, "plural", folder / "task.json", None),
        max_new_tokens=_length(head, folder / "task.json"),
        queries=queries,
    )


def _queries(path: Path) -> Iterable[Query]:
    if not path.is_file():
        raise TaskFormatError(f"The file {path} is missing; a task needs one JSON object a line in it.")
    ids: Counter[str] = Counter()
    texts: dict[str, int] = {}
    for number, line in enumerate(_content(path).splitlines(), start=1):
        if not line.strip():
            continue
        row = _json(path, line, number)
        query = Query(
            id=_text(row, "id", path, number),
            role=cast(Role, _text(row, "role", path, number)),
            text=_text(row, "text", path, number),
            label=_label(row, path, number),
            references=tuple(_references(row, path, number)),
        )
        if query.role not in ROLES:
            raise TaskFormatError(f"Row {number} of {path} has role {query.role!r}; use one of {', '.join(ROLES)}.")
        ids[query.id] += 1
        if ids[query.id] > 1:
            raise TaskFormatError(f"Row {number} of {path} repeats the id {query.id!r}; ids must be unique.")
        key = text_key(query.text)
        if key in texts:
            raise TaskFormatError(
                f"Row {number} of {path} repeats the query of row {texts[key]} ({query.text!r}); keep one of them."
            )
        texts[key] = number
        yield query


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise TaskFormatError(f"The file {path} cannot be read ({why}); restore it.") from error


def _length(head: dict[str, Any], path: Path) -> int:
    length = head.get("max_new_tokens", 48)
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        raise TaskFormatError(f"{path} has {length!r} as 'max_new_tokens'; write a whole number from 1 on.")
    return length


def _label(row: dict[str, Any], path: Path, number: int) -> str | None:
    label = row.get("label")
    if label is not None and not isinstance(label, str):
        raise TaskFormatError(f"Row {number} of {path} has a label that is no text; write it in quotes.")
    return label


def _references(row: dict[str, Any], path: Path, number: int) -> list[str]:
    texts = row.get("references") or []
    if not isinstance(texts, list):
        raise TaskFormatError(f"Row {number} of {path} has references that are no list; write them in brackets.")
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise TaskFormatError(f"Row {number} of {path} has an empty reference; fill it or drop it.")
    return texts


def _json(path: Path, text: str, number: int | None) -> dict[str, Any]:
    where = str(path) if number is None else f"Row {number} of {path}"
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "a number or a nesting without end"
        raise TaskFormatError(f"{where} is not valid JSON ({why}); correct it.") from error
    if not isinstance(row, dict):
        raise TaskFormatError(f"{where} must be a JSON object; correct it.")
    return row


def _text(row: dict[str, Any], key: str, path: Path, number: int | None) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        where = str(path) if number is None else f"Row {number} of {path}"
        raise TaskFormatError(f"{where} has no value in {key!r}; fill it or drop the row.")
    return value
