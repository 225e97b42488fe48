"""Tasks: the bundled ones hold what they promise, and a damaged one is refused in one sentence."""

import json
from collections import Counter
from pathlib import Path

import pytest

from core.errors import NotFoundError, TaskFormatError
from core.tasks import load_task, read_task, task_folders

AMOUNTS = {
    "hypotheses": {"probe": (20, 12), "train": (20, 6), "test": (20, 6)},
    "comments": {"probe": (20, 12), "train": (20, 6), "test": (20, 6)},
    "commonsense": {"probe": (20, 12), "train": (20, 6), "test": (20, 6)},
    "translation": {"probe": (20, 4), "train": (200, 1), "test": (200, 1)},
}
LABELS = {"hypotheses": 4, "comments": 2, "commonsense": 4, "translation": 0}


def test_the_four_tasks_are_bundled() -> None:
    assert sorted(folder.name for folder in task_folders()) == sorted(AMOUNTS)


@pytest.mark.parametrize("name", sorted(AMOUNTS))
def test_a_bundled_task_has_the_promised_amounts(name: str) -> None:
    task = load_task(name)
    for role, (queries, references) in AMOUNTS[name].items():
        chosen = [query for query in task.queries if query.role == role]
        assert len(chosen) == queries
        assert {len(query.references) for query in chosen} == {references}
        if LABELS[name]:
            assert set(Counter(query.label for query in chosen).values()) == {queries // LABELS[name]}
    assert len(task.labels) == LABELS[name]
    assert (task_folders()[0].parent / name / "README.md").is_file()


@pytest.mark.parametrize("name", sorted(AMOUNTS))
def test_no_reference_row_occurs_twice_and_roles_share_none(name: str) -> None:
    task = load_task(name)
    texts = Counter(" ".join(text.lower().split()) for query in task.queries for text in query.references)
    assert [text for text, count in texts.items() if count > 1] == []


@pytest.mark.parametrize("name", sorted(AMOUNTS))
def test_a_prompt_holds_its_query_and_never_ends_in_white_space(name: str) -> None:
    task = load_task(name)
    for query in task.queries:
        prompt = task.prompt(query)
        assert query.text in prompt
        assert prompt == prompt.rstrip()


HEAD = {
    "title": "T",
    "description": "D",
    "template": "Q: {query} A:",
    "response": "answer",
    "plural": "answers",
}
ROW = {"id": "probe-01", "role": "probe", "label": None, "text": "one", "references": ["a"]}


def folder_with(tmp_path: Path, head: dict[str, object], rows: list[object]) -> Path:
    (tmp_path / "task.json").write_text(json.dumps(head), encoding="utf-8")
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (tmp_path / "queries.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("head", "rows", "words"),
    [
        ({}, [], "has no probe query; add rows with role 'probe'"),
        ({"template": "A:"}, [ROW], "must hold {query} exactly once"),
        ({"template": "Q: {query} "}, [ROW], "not end in white space"),
        ({"title": " "}, [ROW], "has no value in 'title'; fill it"),
        ({}, [ROW, {**ROW, "id": "probe-02"}], "Row 2 of"),
        (
            {},
            [ROW, {**ROW, "id": "probe-02", "text": " ONE "}],
            "repeats the query of row 1 (' ONE '); keep one",
        ),
        ({}, [ROW, {**ROW, "text": "two"}], "repeats the id 'probe-01'; ids must be unique"),
        ({}, [{**ROW, "role": "dev"}], "has role 'dev'; use one of probe, train, test"),
        ({}, [{**ROW, "references": [""]}], "Row 1 of"),
        ({}, ["{not json"], "Row 1 of"),
        ({}, ["[1]"], "must be a JSON object"),
        ({}, [{**ROW, "text": None}], "has no value in 'text'; fill it or drop the row."),
    ],
)
def test_a_damaged_task_is_refused_in_one_sentence(
    tmp_path: Path, head: dict[str, object], rows: list[object], words: str
) -> None:
    folder = folder_with(tmp_path, {**HEAD, **head}, rows)
    with pytest.raises(TaskFormatError) as error:
        read_task(folder)
    assert words in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_an_unknown_task_is_named_with_those_that_exist() -> None:
    with pytest.raises(NotFoundError, match=r"no task named 'nope'; the tasks here are: comments"):
        load_task("nope")
