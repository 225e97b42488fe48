"""Opens a store's database: its folder, the rules of a connection, migrations, and errors in plain words."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    String,
    column,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from core.errors import StoreError, StoreVersionError
from core.storage.schema import REVISION, REVISION_TABLE, metadata

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
BUSY_SECONDS = 10.0
_ELSEWHERE = "or choose another store with --store or STEERSCOPE_STORE"
_FORMS = "write it as sqlite:///folder/steerscope.db or postgresql+psycopg://user@host/name"
_MIGRATION_KEY = 0x57EE5C09E  # any fixed number: what two PostgreSQL clients lock while one of them migrates
_STORED_REVISION = select(column("version_num", String)).select_from(table(REVISION_TABLE))
_migrating = threading.Lock()  # Alembic keeps its context in module globals, so threads take turns


class Database:
    """A migrated database: `reading()` and `writing()` give connections, failures come as StoreError.

    SQLite runs in WAL mode, so that readers never wait for the writer, and a writing transaction takes the
    write lock when it begins, so that it can never fail half-way because another process wrote in between.
    """

    def __init__(self, url: str) -> None:
        self.url, self.path = _place(url)
        self.name = str(self.path) if self.path else self.url.render_as_string(hide_password=True)
        self._engine = self._connectable()
        self._writer = self._engine.execution_options(writing=True)
        try:
            self._open()
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for single selects."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise self._explained(error) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it is stored, or nothing. IntegrityError comes through as it is."""
        try:
            with self._writer.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise self._explained(error) from error

    def close(self) -> None:
        """Close the pooled connections."""
        self._engine.dispose()

    def _connectable(self) -> Engine:
        if self.path:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"The store's folder {self.path.parent} cannot be made ({error.strerror}); "
                    f"make it yourself {_ELSEWHERE}."
                ) from error
            if self.path.is_dir():
                raise StoreError(f"The store {self.path} is a folder; name a file in it {_ELSEWHERE}.")
        try:
            engine = create_engine(
                self.url,
                json_serializer=_to_json,
                pool_pre_ping=self.path is None,
                pool_size=8,
                max_overflow=24,
            )
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            raise StoreError(
                f"No driver is installed for the store {self.name} ({error}); install it {_ELSEWHERE}."
            ) from error
        if self.path:
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _open(self) -> None:
        found = self._revision()
        if found is None:
            self._migrate()
        elif found != REVISION:
            if not self._is_known(found):
                raise StoreVersionError(
                    f"The store {self.name} was made by a newer Steerscope (its schema is {found!r}, "
                    f"this one knows {REVISION!r}); update Steerscope {_ELSEWHERE}."
                )
            self._migrate()
        if self.path:
            self._write_ahead()
        with self.writing():  # takes the write lock once, so that a read-only store is refused here
            pass

    def _revision(self) -> str | None:
        """The schema's revision by one plain select; None where the database is empty."""
        try:
            with self._engine.connect() as connection:
                try:
                    return connection.execute(_STORED_REVISION).scalar()
                except DBAPIError:
                    connection.rollback()
                    names = set(inspect(connection).get_table_names())
        except DBAPIError as error:
            raise self._explained(error) from error
        if REVISION_TABLE in names:  # made between the two looks
            return self._revision()
        foreign = names if self.path else names & set(metadata.tables)
        if foreign:
            raise StoreError(
                f"The database {self.name} belongs to another program (it has a table {min(foreign)!r}); "
                f"name a new file {_ELSEWHERE}."
            )
        return None

    def _is_known(self, revision: str) -> bool:
        from alembic.script import ScriptDirectory

        return revision in {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}

    def _migrate(self) -> None:
        """To the newest revision, in one transaction; who comes second finds the work done."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with _migrating, self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_KEY)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _write_ahead(self) -> None:
        """Set WAL, a property of the file; SQLite does not wait for a lock when it changes that, so we do."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                with self._engine.connect() as connection:
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                return
            except DBAPIError as error:
                if "locked" not in str(error.orig) or time.monotonic() > deadline:
                    raise self._explained(error) from error
                time.sleep(0.02)

    def _explained(self, error: DBAPIError) -> StoreError:
        cause = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
        if self.path is None:
            return StoreError(f"The store {self.name} failed ({cause}); check that its server is reachable.")
        for words, what in _SQLITE_CAUSES.items():
            if words in cause:
                return StoreError(f"The store {self.path} {what} {_ELSEWHERE}.")
        return StoreError(f"The store {self.path} failed ({cause}); check the disk {_ELSEWHERE}.")


_SQLITE_CAUSES = {
    "file is not a database": "is not a database file; move it away",
    "malformed": "is damaged; restore a copy of it",
    "unable to open": "cannot be opened for writing; make its folder writable",
    "readonly": "is read-only; make the file and its folder writable",
    "locked": "is locked by another program; close that program",
    "full": "has no room left on its disk; free some space",
}


def _place(url: str) -> tuple[URL, Path | None]:
    """The URL in a form that holds from any folder, and the file where the store is one."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"{url!r} is not the URL of a store; {_FORMS}.") from error
    if parsed.get_backend_name() == "postgresql":
        return parsed, None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        shown = parsed.render_as_string(hide_password=True)
        raise StoreError(f"{shown} cannot hold a store that several processes share; {_FORMS}.")
    path = Path(parsed.database).expanduser().absolute()
    return parsed.set(database=str(path)), path


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin_sqlite` does
    for pragma in (f"busy_timeout={int(BUSY_SECONDS * 1000)}", "foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("writing"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _to_json(value: Any) -> str:
    # NaN is no JSON and PostgreSQL refuses it, so it fails here, on every database alike.
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
