"""The negative pool: what each policy draws, in which order, and what fits into the window."""

import numpy as np
import pytest

from core.negatives import Pool, PoolRow, context, draw, real_rows
from core.sliders import SteerSettings
from core.tasks import load_task


@pytest.fixture
def pool() -> Pool:
    filled = Pool(tuple(PoolRow(f"real/q/{i}", f"real text {i}", "q") for i in range(30)))
    for i in range(20):
        filled.add(f"probe-{i:02d}", 0, f"written text {i}")
    return filled


def keys(rows: list[PoolRow]) -> list[str]:
    return [row.key for row in rows]


def test_real_rows_are_the_training_references_and_nothing_else() -> None:
    task = load_task("hypotheses")
    rows = real_rows(task)
    assert len(rows) == 120
    held_out = {text for query in task.queries if query.role != "train" for text in query.references}
    assert not held_out & {row.text for row in rows}


def test_uniform_draws_from_real_and_written_without_repeats(pool: Pool) -> None:
    counts: dict[str, int] = {}
    for number in range(2000):
        rows = draw(pool, SteerSettings(), (0, number), query=("q", "q"), embed=None)
        assert len(set(keys(rows))) == 10
        for key in keys(rows):
            counts[key] = counts.get(key, 0) + 1
    # each of 50 rows is drawn with probability 1/5: 400 +- 18 of 2,000
    assert len(counts) == 50
    assert max(abs(count - 400) for count in counts.values()) < 5 * 18


def test_a_draw_repeats_with_its_key_and_changes_with_settings(pool: Pool) -> None:
    settings = SteerSettings()
    first = keys(draw(pool, settings, (1, 2), query=("q", "q"), embed=None))
    assert first == keys(draw(pool, settings, (1, 2), query=("q", "q"), embed=None))
    assert first != keys(draw(pool, settings, (1, 3), query=("q", "q"), embed=None))
    assert first != keys(draw(pool, settings.with_(seed=1), (1, 2), query=("q", "q"), embed=None))


def test_examples_come_oldest_first(pool: Pool) -> None:
    rows = keys(draw(pool, SteerSettings(negatives=30), (0,), query=("q", "q"), embed=None))
    order = [row.key for row in [*pool.real, *pool.written]]
    assert rows == sorted(rows, key=order.index)


def test_policies_draw_from_what_they_name(pool: Pool) -> None:
    real_only = draw(pool, SteerSettings(policy="real-only", negatives=30), (0,), query=("q", "q"), embed=None)
    assert sorted(keys(real_only)) == sorted(row.key for row in pool.real)
    synthetic = draw(pool, SteerSettings(policy="synthetic-only", negatives=50), (0,), query=("q", "q"), embed=None)
    assert keys(synthetic) == [row.key for row in pool.written]
    recent = draw(pool, SteerSettings(policy="recent", negatives=3), (0,), query=("q", "q"), embed=None)
    assert [row.text for row in recent] == ["written text 17", "written text 18", "written text 19"]
    empty = Pool(pool.real)
    assert draw(empty, SteerSettings(policy="recent"), (0,), query=("q", "q"), embed=None) == []


def test_nearest_takes_the_rows_nearest_to_what_the_query_has_written(pool: Pool) -> None:
    def embed(texts: list[str]) -> np.ndarray:
        # a circle: text number i stands at i degrees
        angle = np.radians([float(text.split()[-1]) if text[-1].isdigit() else 0.0 for text in texts])
        return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)

    settings = SteerSettings(policy="nearest", negatives=4)
    rows = draw(pool, settings, (0,), query=("probe-19", "any"), embed=embed)
    assert sorted(row.text for row in rows) == [
        "real text 18",
        "real text 19",
        "real text 20",
        "written text 19",
    ]
    unwritten = draw(pool, settings, (0,), query=("new", "a new query"), embed=embed)
    assert {row.text for row in unwritten} >= {"real text 0", "written text 0"}


def test_whole_examples_are_dropped_oldest_first_until_the_context_fits(pool: Pool) -> None:
    def encode(text: str) -> tuple[int, ...]:
        return tuple(range(len(text.split())))

    rows = pool.real[:5]
    ids, kept = context(rows, encode, room=10)
    assert kept == list(rows[2:])
    assert len(ids) == 9
    everything, all_rows = context(rows, encode, room=100)
    assert all_rows == list(rows)
    assert len(everything) == 15


def test_with_nothing_to_read_the_context_is_the_start_token(pool: Pool) -> None:
    assert context([], lambda text: (0, *map(ord, text)), 50) == ((0,), [])
    assert context([], lambda text: tuple(map(ord, text)), 50) == ((10,), [])


def test_empty_texts_never_become_examples(pool: Pool) -> None:
    before = len(pool.written)
    pool.add("probe-00", 1, "")
    assert len(pool.written) == before
