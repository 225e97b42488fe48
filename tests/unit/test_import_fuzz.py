"""Hundreds of malformed files: each is imported rightly or refused in one sentence, and then nothing has changed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from sqlalchemy import func, select

from core.errors import SteerscopeError
from core.importing import parquet_reader, parquet_table
from core.importing.generations import import_generations
from core.storage.schema import metadata
from core.store import Store
from core.tasks import own_tasks
from tests.unit.malformed import FAMILIES, SMALL, as_csv, good_rows, odd_paths

SEED = 20_251
GIVEN = {"settings": ("gamma",), "scores": ("bleu",)}


def counts(store: Store) -> dict[str, int]:
    """Rows of every table."""
    with store.database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


@pytest.fixture
def filled(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store that holds an import already."""
    monkeypatch.setenv("STEERSCOPE_DATA", str(tmp_path / "data"))
    path = tmp_path / "first.csv"
    path.write_text(as_csv(good_rows(random.Random(1))), encoding="utf-8")
    import_generations(store, path, task="hypotheses", **GIVEN)
    return store


def tried(store: Store, path: Path, number: int) -> bool:
    """Import a file; True where it was accepted, after a look at what is stored, which is deleted again."""
    before = counts(store)
    goal = {"new_task": "mine"} if number % 5 == 0 else {"task": "hypotheses"}
    given = {} if number % 3 == 0 else GIVEN
    try:
        made = import_generations(store, path, limits=SMALL, **goal, **given)
    except SteerscopeError as error:
        sentence = str(error)
        assert sentence.isprintable(), sentence
        assert sentence.endswith("."), sentence
        assert len(sentence) < 3_000
        assert counts(store) == before, path.name
        assert not list(own_tasks().glob("*")), path.name
        return False
    samples = [sample for run in made.runs for sample in store.samples(run)]
    assert made.rows == made.new == len(samples) > 0
    assert all(sample.text.strip() and len(sample.text) <= SMALL.cell_characters for sample in samples)
    for run in made.runs:
        stored = store.run(run)
        assert (stored.status, stored.kind) == ("done", "imported")
        assert stored.samples == stored.expected == len(store.samples(run))
        store.delete_run(run)
    for folder in own_tasks().glob("*"):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    assert counts(store) == before, path.name
    return True


def answered_here(file: BinaryIO, request: str, name: str) -> Iterator[str]:
    """The reader of Parquet without its process, which takes longer to start than all the rest."""
    try:
        yield from parquet_reader.lines(file, json.loads(request))
    except parquet_reader.Refused as why:
        raise parquet_table.unreadable(name, str(why)) from why


@pytest.mark.parametrize("family", FAMILIES)
def test_a_malformed_file_is_refused_in_one_sentence_and_leaves_the_store_as_it_was(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    monkeypatch.setattr(parquet_table, "answered", answered_here)
    folder = tmp_path / "files"
    folder.mkdir()
    accepted = refused = 0
    for number, (name, content) in enumerate(FAMILIES[family](random.Random(SEED))):
        path = folder / name
        path.write_bytes(content)
        if tried(filled, path, number):
            accepted += 1
        else:
            refused += 1
        path.unlink()
    assert refused > accepted or family in ("quotes", "numbers", "nested"), (accepted, refused)


def test_there_are_more_than_five_hundred_of_them() -> None:
    assert sum(sum(1 for _ in family(random.Random(SEED))) for family in FAMILIES.values()) >= 500


def test_a_path_to_no_plain_file_is_refused_at_once(filled: Store, tmp_path: Path) -> None:
    for path in odd_paths(tmp_path):
        assert not tried(filled, path, 1), path
