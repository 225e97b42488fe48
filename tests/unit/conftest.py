"""A store for every test that wants one: SQLite, and PostgreSQL where STEERSCOPE_TEST_POSTGRES names it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.store import Store

POSTGRES = os.environ.get("STEERSCOPE_TEST_POSTGRES")


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRES else [])])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty place for a store; the named PostgreSQL database is emptied."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    import sqlalchemy

    engine = sqlalchemy.create_engine(str(POSTGRES))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return str(POSTGRES)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite store that was migrated once; copying it is quicker than migrating again."""
    path = tmp_path_factory.mktemp("empty") / "store.db"
    Store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def store(store_url: str, empty_store: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    if store_url.startswith("sqlite"):
        shutil.copy(empty_store, tmp_path / "store.db")
    with Store(store_url) as opened:
        yield opened
