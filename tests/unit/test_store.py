"""Runs, samples, vectors and metrics in and out; opening, migrating and refusing stores."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from core.errors import NotFoundError, StateError, StoreError, StoreVersionError
from core.jobs import Jobs
from core.scheduling.claims import Claims
from core.storage import database, rows
from core.storage.records import KeptMap, Metric, NewRun, NewSample, floats_from_bytes, floats_to_bytes
from core.storage.schema import REVISION, REVISION_TABLE, metadata
from core.store import Store

CORE = Path(database.__file__).parent


def sample(query: str, replicate: int, text: str = "a text", tokens: int = 3) -> NewSample:
    return NewSample(query=query, replicate=replicate, chain=replicate, round=0, text=text, token_ids=(7,) * tokens)


def steer_run(**changes: object) -> NewRun:
    values = {"kind": "steer", "task": "hypotheses", "settings": {"gamma": 0.4}, "queries": ("a", "b")}
    return NewRun(**{**values, **changes})  # type: ignore[arg-type]


def outline(statement: sqlalchemy.ClauseElement, dialect: str) -> str:
    made = postgresql.dialect() if dialect == "postgresql" else sqlite.dialect()
    return str(statement.compile(dialect=made))


# Runs


def test_a_run_comes_back_as_it_was_given(store: Store) -> None:
    new = steer_run(
        pair="fp",
        pair_spec={"name": "small"},
        role="train",
        replicates=4,
        expected=8,
        versions={"torch": "1"},
        owner="tab-1",
        note="γ",
        starred=True,
    )
    run = store.run(store.create_run(new).id)
    for name in NewRun.__dataclass_fields__:
        assert getattr(run, name) == getattr(new, name), name
    assert (run.status, run.samples, run.tokens, run.seconds, run.finished) == ("queued", 0, 0, 0.0, None)
    assert re.fullmatch(r"r-[2-9a-hjkmnp-tv-z]{6}", run.id)
    assert store.create_run(steer_run(kind="imported"), status="done").finished is not None


def test_a_run_that_names_no_versions_gets_those_of_the_installed_libraries(store: Store) -> None:
    versions = store.create_run(steer_run()).versions
    assert versions["numpy"] == np.__version__
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))


def test_runs_are_filtered_and_newest_first(store: Store) -> None:
    first = store.create_run(steer_run(), status="done").id
    second = store.create_run(steer_run(task="comments", kind="imported")).id
    third = store.create_run(steer_run(parent=first)).id
    assert [run.id for run in store.runs()] == [third, second, first]
    assert [run.id for run in store.runs(limit=1)] == [third]
    assert [run.id for run in store.runs(task="hypotheses")] == [third, first]
    assert [run.id for run in store.runs(status=("done", "failed"))] == [first]
    assert [run.id for run in store.runs(status="queued", kind="imported")] == [second]
    assert [run.id for run in store.runs(parent=first)] == [third]


def test_notes_stars_and_counts_can_change_and_the_rest_stays(store: Store) -> None:
    run = store.create_run(steer_run(note="old"))
    changed = store.update_run(run.id, note="", starred=True, expected=9, pair="fp")
    assert (changed.note, changed.starred, changed.expected, changed.pair) == ("", True, 9, "fp")
    assert (changed.settings, changed.created) == (run.settings, run.created)


def test_unknown_runs_and_samples_are_named(store: Store) -> None:
    for call in (
        lambda: store.run("r-nope"),
        lambda: store.delete_run("r-nope"),
        lambda: store.update_run("r-nope", note="x"),
        lambda: store.add_round("r-nope", [sample("a", 0)]),
        lambda: store.create_run(steer_run(parent="r-nope")),
        lambda: store.put_metrics("r-nope", [Metric(name="x", value=1.0)]),
    ):
        with pytest.raises(NotFoundError, match=r"no run 'r-nope'"):
            call()
    with pytest.raises(NotFoundError, match="no sample 5"):
        store.sample(5)


def test_deleting_a_run_takes_its_rows_and_nothing_else(store: Store) -> None:
    doomed = store.create_run(steer_run(), status="done").id
    kept = store.create_run(steer_run(parent=doomed), status="done").id
    for run in (doomed, kept):
        store.add_round(run, [sample("a", 0)])
        store.put_metrics(run, [Metric(name="x", value=1.0)])
    last = store.samples(kept)[0].id
    store.delete_run(doomed)
    assert [run.id for run in store.runs()] == [kept]
    assert store.run(kept).parent is None
    assert (store.samples(doomed), store.metrics(doomed)) == ([], [])
    assert len(store.samples(kept)) == len(store.metrics(kept)) == 1
    store.delete_run(kept)
    again = store.create_run(steer_run()).id
    store.add_round(again, [sample("a", 0)])
    assert store.samples(again)[0].id > last, "an id was used twice"


def test_a_run_in_progress_is_not_deleted(store: Store) -> None:
    run = store.create_run(steer_run()).id
    with pytest.raises(StateError, match=f"Run {run} is queued; cancel it"):
        store.delete_run(run)


# Samples


def test_a_sample_comes_back_as_it_was_given(store: Store) -> None:
    run = store.create_run(steer_run()).id
    logprobs = np.array([[-1.5, -2.25], [np.nan, np.nan], [-0.1, -1e-8]], dtype=np.float32)
    new = NewSample(
        query="a",
        replicate=2,
        chain=1,
        round=3,
        text="Größe\n=1+1",
        token_ids=(5, 60_000),
        logprobs=logprobs,
        finish="length",
        negatives=(["real", "a", 0], ["run", "b", 1]),
    )
    store.add_round(run, [new])
    (listed,) = store.samples(run)
    stored = store.sample(listed.id)
    for name in ("query", "replicate", "chain", "round", "text", "token_ids", "finish", "negatives"):
        assert getattr(stored, name) == getattr(new, name), name
    assert listed == stored
    assert listed.logprobs is None
    assert stored.logprobs is not None
    np.testing.assert_array_equal(stored.logprobs, logprobs)
    assert store.samples(run, logprobs=True)[0].logprobs is not None


def test_floats_are_little_endian_rows_of_four_bytes() -> None:
    data = floats_to_bytes(np.array([[1.0, -2.0]], dtype=np.float64))
    assert data == bytes.fromhex("0000803f000000c0")
    assert floats_from_bytes(data, rows=2).tolist() == [[1.0], [-2.0]]
    with pytest.raises(StoreError, match="7 bytes"):
        floats_from_bytes(data[:7])


def test_log_probabilities_of_a_wrong_shape_are_refused_and_nothing_is_stored(store: Store) -> None:
    run = store.create_run(steer_run()).id
    wrong = NewSample(
        query="b",
        replicate=0,
        chain=0,
        round=0,
        text="x",
        token_ids=(1, 2),
        logprobs=np.zeros((3, 1), np.float32),
    )
    with pytest.raises(ValueError, match=r"shape \(3, 1\), not \(3, 2\)"):
        store.add_round(run, [sample("a", 0), wrong], seconds=1.0)
    assert (store.samples(run), store.run(run).samples, store.run(run).seconds) == ([], 0, 0.0)


def test_a_unit_is_stored_once_however_often_it_is_written(store: Store) -> None:
    run, other = store.create_run(steer_run()).id, store.create_run(steer_run()).id
    assert store.add_round(run, [sample("a", 0, "first"), sample("b", 0)], seconds=1.5) == 2
    assert store.add_round(run, [sample("a", 0, "second"), sample("a", 1, tokens=10)], seconds=0.5) == 1
    assert store.add_round(run, [sample("a", 0)]) == 0
    assert store.add_round(run, []) == 0
    assert store.add_round(other, [sample("a", 0)]) == 1
    assert store.finished_units(run) == {("a", 0), ("b", 0), ("a", 1)}
    assert store.samples(run, query="a")[0].text == "first"
    counted = store.run(run)
    assert (counted.samples, counted.tokens, counted.seconds) == (3, 16, 2.0)


def test_many_queries_in_one_round_are_told_apart_beyond_one_statement(store: Store) -> None:
    run = store.create_run(steer_run()).id
    units = [sample(f"q{number}", 0) for number in range(2 * rows.CHUNK + 203)]
    assert store.add_round(run, units[: 2 * rows.CHUNK + 1]) == 2 * rows.CHUNK + 1
    assert store.add_round(run, units) == 202


def test_samples_come_by_arrival_newest_first_and_after_an_id(store: Store) -> None:
    run = store.create_run(steer_run()).id
    for replicate in range(5):
        store.add_round(run, [sample("a", replicate)])
    ids = [found.id for found in store.samples(run)]
    assert [found.replicate for found in store.samples(run)] == [0, 1, 2, 3, 4]
    assert [found.replicate for found in store.samples(run, newest=True, limit=2, offset=1)] == [3, 2]
    assert [found.replicate for found in store.samples(run, offset=3)] == [3, 4]
    assert [found.replicate for found in store.samples(run, after=ids[2])] == [3, 4]


def test_text_that_a_database_cannot_hold_is_stored_with_the_replacement_mark(store: Store) -> None:
    run = store.create_run(steer_run()).id
    store.add_round(run, [sample("a", 0, "nul \x00 end"), sample("b", 0, "lone \ud800 end")])
    assert [found.text for found in store.samples(run)] == ["nul \ufffd end", "lone ? end"]


def test_two_writers_of_one_run_store_every_unit_once(store: Store) -> None:
    run = store.create_run(steer_run()).id
    rounds = [[sample(query, replicate) for query in "abcd"] for replicate in range(12)]
    new: list[int] = []

    def write() -> None:
        new.extend(store.add_round(run, each) for each in rounds)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(new) == store.run(run).samples == len(store.finished_units(run)) == 48


# Vectors and metrics


def test_vectors_are_kept_by_key_and_embedder_and_the_first_stays(store: Store) -> None:
    rng = np.random.default_rng(0)
    vectors = {f"{number:064x}": rng.standard_normal(6).astype(np.float32) for number in range(rows.CHUNK + 100)}
    cache = store.vectors("minilm")
    cache.put(vectors)
    cache.put({key: vector + 1 for key, vector in list(vectors.items())[:3]})
    found = cache.get([*vectors, "unknown"])
    assert found.keys() == vectors.keys()
    for key, vector in vectors.items():
        np.testing.assert_array_equal(found[key], vector)
    assert store.vectors("another").get(vectors) == {}
    cache.put({})


def test_metrics_are_replaced_by_name_and_what_is_not_finite_is_unknown(store: Store) -> None:
    run = store.create_run(steer_run()).id
    store.put_metrics(run, [Metric(name="b", value=1.0), Metric(name="a", value=float("nan"), high=float("inf"))])
    full = Metric(name="b", value=2.0, low=1.0, high=3.0, reference=2.5, n=8, better="nearer", note="why")
    store.put_metrics(run, [full])
    store.put_metrics(run, [])
    assert store.metrics(run) == [Metric(name="a", value=None, high=None), full]


# Opening


def test_the_migrations_build_exactly_the_tables_of_the_schema(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    assert ScriptDirectory(str(database.MIGRATIONS)).get_heads() == [REVISION]
    with store.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE})
        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, metadata) == []


def test_sqlite_runs_in_wal_mode_with_foreign_keys(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/deep/er/store.db") as store, store.database.reading() as connection:
        pragmas = ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    assert found == ["wal", 1, 1, 10_000]


def test_a_store_opens_by_the_same_url_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store("sqlite:///here.db") as store:
        run = store.create_run(steer_run()).id
        assert store.path == tmp_path / "here.db"
    monkeypatch.chdir("/")
    with Store(store.url) as again:
        assert again.run(run).id == run


def test_threads_that_open_empty_stores_at_once_all_succeed(store_url: str, tmp_path: Path) -> None:
    urls = [store_url, f"sqlite:///{tmp_path}/other.db"] * 3
    barrier = threading.Barrier(len(urls))
    failures: list[BaseException] = []

    def opening(url: str) -> None:
        barrier.wait()
        try:
            with Store(url) as store:
                store.create_run(steer_run())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=opening, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for url in urls[:2]:
        with Store(url) as store:
            assert len(store.runs()) == 3


OPEN = """
import sys, time
from pathlib import Path
from core.store import Store
from core.storage.records import NewRun
import alembic.command, alembic.config
Path(sys.argv[2] + sys.argv[3]).touch()
while not Path(sys.argv[2]).exists(): time.sleep(0.001)
with Store(sys.argv[1]) as store: store.create_run(NewRun(kind="steer", task="t"))
"""


def test_processes_that_open_an_empty_store_at_once_all_succeed(store_url: str, tmp_path: Path) -> None:
    go = str(tmp_path / "go")
    openers = [
        subprocess.Popen([sys.executable, "-c", OPEN, store_url, go, str(number)], cwd=CORE.parent)
        for number in range(2)
    ]
    while len(list(tmp_path.glob("go?"))) < 2:
        assert all(opener.poll() is None for opener in openers)
        time.sleep(0.01)
    Path(go).touch()
    assert [opener.wait(30) for opener in openers] == [0, 0]
    with Store(store_url) as store:
        assert len(store.runs()) == 2


def test_opening_a_store_of_the_current_schema_imports_no_migration_tool(store: Store) -> None:
    check = (
        "import sys; from core.store import Store; import core.worker; Store(sys.argv[1]).close(); "
        "print([name for name in ('alembic', 'torch', 'streamlit', 'sqlalchemy.orm') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", check, store.url], cwd=CORE.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# Refusing


def test_a_store_of_a_newer_schema_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {REVISION_TABLE} SET version_num = '9999'")
    connection.close()
    with pytest.raises(
        StoreVersionError, match=r"store\.db was made by a newer Steerscope .*'9999'.*update Steerscope"
    ):
        Store(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        assert connection.execute(f"SELECT version_num FROM {REVISION_TABLE}").fetchall() == [("9999",)]
    connection.close()


def test_a_place_where_no_store_can_be_is_refused_by_name_and_remedy(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a database, and long enough that SQLite reads a header in it" * 20)
    cases = {
        f"sqlite:///{file}/store.db": r"folder .*/file cannot be made \(.+\); make it yourself or choose",
        f"sqlite:///{tmp_path}": r"is a folder; name a file in it or choose",
        f"sqlite:///{file}": r"/file is not a database file; move it away or choose",
        "sqlite:////proc/steerscope/store.db": r"/proc/steerscope cannot be made",
        "sqlite://": r"sqlite:// cannot hold a store that several processes share; write it as sqlite:///",
        "mysql://me:secret@host/db": r"mysql://me:\*\*\*@host/db cannot hold a store",
        "./store.db": r"'./store.db' is not the URL of a store; write it as sqlite:///",
    }
    for url, words in cases.items():
        with pytest.raises(StoreError, match=words) as caught:
            Store(url)
        assert "\n" not in str(caught.value)
    assert file.read_text().startswith("not a database")


def test_a_database_of_another_program_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "bookmarks.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE places (id INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"bookmarks\.db belongs to another program .*'places'.*new file"):
        Store(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_store_that_cannot_be_written_is_refused_when_it_is_opened() -> None:
    folder = Path(tempfile.mkdtemp())
    path = folder / "store.db"
    Store(f"sqlite:///{path}").close()
    path.chmod(0o444)
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # the administrator may write everywhere, so be somebody else
    try:
        with pytest.raises(StoreError, match=rf"{path} (is read-only|cannot be opened).* writable"):
            Store(f"sqlite:///{path}")
    finally:
        os.seteuid(user)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_store_that_another_program_locks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with Store(f"sqlite:///{path}") as store:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"store\.db is locked by another program; close that program"):
            store.create_run(steer_run())
        assert store.runs() == [], "a reader waited for the writer"
        holder.execute("ROLLBACK")
        holder.close()
        store.create_run(steer_run())


# Both databases


def test_every_statement_compiles_for_both_databases(tmp_path: Path) -> None:
    seen: list[sqlalchemy.ClauseElement] = []

    def note(connection: object, statement: object, *_: object) -> None:
        if isinstance(statement, sqlalchemy.ClauseElement):
            seen.append(statement)

    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        sqlalchemy.event.listen(store.database._engine, "before_execute", note)
        use_everything(store)
    dialect_free = [each for each in seen if not isinstance(each, sqlite.Insert)]
    assert len(dialect_free) >= 40
    assert len({type(each) for each in seen}) >= 4
    for statement in dialect_free:
        for dialect in ("sqlite", "postgresql"):
            assert outline(statement, dialect)
    for make in (rows.insert_new, rows.upsert):
        for dialect in ("sqlite", "postgresql"):
            for table in metadata.sorted_tables:
                assert "ON CONFLICT" in outline(make(dialect, table), dialect)


def test_every_table_compiles_for_both_databases() -> None:
    for table in metadata.sorted_tables:
        for item in (
            CreateTable(table),
            *map(CreateIndex, sorted(table.indexes, key=lambda index: str(index.name))),
        ):
            assert outline(item, "sqlite")
            assert outline(item, "postgresql")
    assert "BIGSERIAL" in outline(CreateTable(metadata.tables["samples"]), "postgresql")
    assert "AUTOINCREMENT" in outline(CreateTable(metadata.tables["samples"]), "sqlite")


def test_plain_sql_is_written_only_where_a_database_is_opened() -> None:
    plain = re.compile(r"exec_driver_sql|\btext\(\"|PRAGMA|sqlite_master")
    guilty = {path.name for path in CORE.rglob("*.py") if plain.search(path.read_text())}
    assert guilty <= {"database.py"}


def use_everything(store: Store) -> None:
    jobs = Jobs(store, lease=5.0)
    claims = Claims(jobs, "elsewhere:1:1")
    job = jobs.submit("generate", {"a": 1}, run=steer_run())
    assert job.run is not None
    store.create_run(steer_run(parent=job.run))
    taken = claims.claim(["generate"])
    assert taken is not None
    claims.heartbeat(job.id)
    claims.turn(job.id)
    claims.progress(job.id, 1, 2, "one", 3.0)
    claims.add_event(job.id, "text", ["a"])
    jobs.events(job.id, after=0, kind="text", limit=5)
    jobs.last_event(job.id, "text")
    jobs.is_cancelled(job.id)
    jobs.active()
    jobs.jobs(kind="generate", limit=3)
    jobs.of_run(job.run)
    store.add_round(job.run, [sample("a", 0)], seconds=1.0)
    found = store.samples(job.run, query="a", after=0, newest=True, limit=3, offset=0)
    store.sample(found[0].id)
    store.finished_units(job.run)
    store.vectors("e").put({"k": np.zeros(2, np.float32)})
    store.vectors("e").get(["k"])
    store.put_metrics(job.run, [Metric(name="x", value=1.0)])
    store.metrics(job.run)
    use_what_is_kept(store, job.run)
    jobs.cancel(job.id)
    claims.stop(job.id, "cancelled")
    resumed = jobs.resume(job.run)
    jobs.cancel(resumed.id)
    own = jobs.submit("generate", run=job.run, owner="elsewhere:1:1")
    claims.finish(own.id, {"x": 1})
    jobs.recover()
    jobs.prune(0.0, 0.0)
    store.runs(task="hypotheses", status="done", kind="steer", parent=None, limit=3)
    store.update_run(job.run, note="x")
    store.delete_run(job.run)


def use_what_is_kept(store: Store, run: str) -> None:
    store.texts([run])
    store.coordinates("v").put({"k": (0.0, 1.0)})
    store.coordinates("v").get(["k"])
    store.put_scores(run, {"bleu": 1.0})
    store.scores()
    store.scores("hypotheses")
    subset = store.save_subset("hypotheses", "mine", ["sample:1"])
    store.subsets("hypotheses")
    store.delete_subset(store.subset(subset.id).id)
    store.put_map(KeptMap(id="m-1", task="hypotheses", created=1.0, made={}, record={}, arrays=b""))
    store.map("m-1")
    store.maps("hypotheses")


def test_one_metric_of_every_run_at_once(store: Store) -> None:
    runs = [store.create_run(steer_run()) for _ in range(3)]
    for number, run in enumerate(runs[:2]):
        store.put_metrics(run.id, [Metric(name="a", value=float(number)), Metric(name="b", value=9.0)])
    assert store.metric("a") == {
        runs[0].id: Metric(name="a", value=0.0),
        runs[1].id: Metric(name="a", value=1.0),
    }
    assert store.metric("c") == {}
