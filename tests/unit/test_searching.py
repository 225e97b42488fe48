"""Search by words, by meaning, and for the nearest real row."""

from __future__ import annotations

import numpy as np
import pytest

from core.embedding import EMBEDDER, content_key
from core.errors import SettingsError
from core.jobs import Jobs
from core.searching import PHRASE_CHARACTERS, by_meaning, keyword, nearest_rows, phrase_vector, submit_phrase
from core.storage.records import Priority
from core.store import Store
from core.tasks import Query, Task
from tests.unit.test_sample_view import unit_rows

TEXTS = ["Le café est fermé.", "THE CAFE IS OPEN", "Die Straße ist naß", "cafe\u0301 noir", "ＦＵＬＬ width, ﬁne", ""]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("cafe", [0, 1, 3]),
        ("CAFÉ", [0, 1, 3]),
        ("cafe open", [1]),
        ("open cafe", [1]),
        ("caf ferm", [0]),
        ("strasse", [2]),
        ("STRAẞE naß", [2]),
        ("full fine", [4]),
        ("absent", []),
        ("cafe absent", []),
        ("", [0, 1, 2, 3, 4, 5]),
        ("   ", [0, 1, 2, 3, 4, 5]),
        (".*", []),
    ],
)
def test_every_word_must_be_contained_whatever_its_case_and_accents(words: str, found: list[int]) -> None:
    assert keyword(TEXTS, words).tolist() == found


def test_no_texts_are_no_error() -> None:
    assert keyword([], "x").tolist() == []
    assert by_meaning(unit_rows(1)[0], unit_rows(0)).tolist() == []


def test_meaning_ranks_by_cosine_the_first_of_equals_first() -> None:
    vector = np.array([1.0, 0.0], dtype=np.float32)
    angles = np.radians([90, 10, 180, 10, 0, 45])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert by_meaning(vector, rows).tolist() == [4, 1, 3, 5, 0, 2]


def test_a_phrase_is_asked_for_once_and_read_by_its_content(store: Store) -> None:
    jobs = Jobs(store)
    job = submit_phrase(jobs, "  sleep and\n memory ")
    assert (job.kind, job.priority, job.payload) == ("embed", Priority.VIEW, {"text": "sleep and memory"})
    assert submit_phrase(jobs, "sleep and memory").id == job.id
    assert submit_phrase(jobs, "sleep").id != job.id
    assert phrase_vector(store, "sleep and memory") is None
    (row,) = unit_rows(1)
    store.vectors(EMBEDDER).put({content_key("sleep and memory"): row})
    found = phrase_vector(store, " sleep and memory")
    assert found is not None
    np.testing.assert_array_equal(found, row)


@pytest.mark.parametrize("phrase", ["", "  \n", "\0"])
def test_an_empty_phrase_is_refused_in_a_sentence(store: Store, phrase: str) -> None:
    with pytest.raises(SettingsError, match="type a few words"):
        submit_phrase(Jobs(store), phrase)


def test_a_phrase_that_no_database_takes_is_made_one(store: Store) -> None:
    job = submit_phrase(Jobs(store), "half \ud83d a\0pair " + "x" * 2 * PHRASE_CHARACTERS)
    assert job.payload["text"].startswith("half ? a pair x")
    assert len(job.payload["text"]) <= PHRASE_CHARACTERS


def test_the_nearest_real_row_is_that_of_the_largest_cosine(store: Store) -> None:
    queries = (
        Query("q1", "probe", "one", None, ("a", "b")),
        Query("q2", "probe", "two", None, ("c", "not embedded")),
        Query("q3", "train", "three", None, ("never looked at",)),
    )
    task = Task("small", "Small", "", "{query}", "answer", "answers", 8, queries)
    vectors = dict(zip(["a", "b", "c", "x", "y"], unit_rows(5, 8), strict=True))
    vectors["never looked at"] = vectors["x"]
    assert nearest_rows(store, task, ["x"]) == [None]
    store.vectors(EMBEDDER).put({content_key(text): vector for text, vector in vectors.items()})
    found = nearest_rows(store, task, ["x", "unknown", "y", "c"])
    assert found[1] is None
    ids = {"a": "q1/0", "b": "q1/1", "c": "q2/0"}
    for text, row in zip(["x", "y", "c"], [found[0], found[2], found[3]], strict=True):
        cosines = {other: float(vectors[text] @ vectors[other]) for other in ids}
        best = max(cosines, key=cosines.__getitem__)
        assert row is not None
        assert (row.text, row.id, row.query) == (best, ids[best], ids[best][:2])
        assert row.cosine == pytest.approx(cosines[best], abs=1e-6)
    assert nearest_rows(store, task, []) == []
