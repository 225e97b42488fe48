"""The store's tables, as SQLAlchemy describes them; every statement on them runs on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

REVISION = "0002"
"""The Alembic revision that these tables are; a test compares them with what the migrations build."""

REVISION_TABLE = "steerscope_revision"
"""Where Alembic notes the revision: our own name, so that a shared PostgreSQL database is no trap."""

NAME = 64
"""Characters that the name of a metric or score may have."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts ids itself only in a column of type INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")
_RunId = String(16)


def _run_column(name: str, *, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    return Column(name, _RunId, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=primary_key, nullable=nullable)


runs = Table(
    "runs",
    metadata,
    Column("id", _RunId, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("task", Text, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("pair", Text),
    Column("pair_spec", JSON(none_as_null=True)),
    Column("role", String(16), nullable=False),
    Column("queries", JSON, nullable=False),
    Column("replicates", Integer, nullable=False),
    Column("expected", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("samples", Integer, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("created", Double, nullable=False),
    Column("finished", Double),
    Column("versions", JSON, nullable=False),
    Column("owner", Text),
    Column("parent", _RunId, ForeignKey("runs.id", ondelete="SET NULL"), index=True),
    Column("note", Text, nullable=False),
    Column("starred", Boolean, nullable=False, server_default=false()),
    Column("error", Text),
    Index(None, "task", "created"),
    Index(None, "created"),
)

samples = Table(
    "samples",
    metadata,
    Column("id", _Serial, primary_key=True),
    _run_column("run"),
    Column("query", Text, nullable=False),
    Column("replicate", Integer, nullable=False),
    Column("chain", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("token_ids", JSON, nullable=False),
    Column("logprobs", LargeBinary),
    Column("finish", String(16), nullable=False),
    Column("negatives", JSON, nullable=False),
    UniqueConstraint("run", "query", "replicate"),
    Index(None, "run", "id"),
    # An id is never used twice, so a link to a deleted sample cannot show another one.
    sqlite_autoincrement=True,
)

vectors = Table(
    "vectors",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("embedder", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

metrics = Table(
    "metrics",
    metadata,
    _run_column("run", primary_key=True),
    Column("name", String(NAME), primary_key=True),
    Column("value", Double),
    Column("low", Double),
    Column("high", Double),
    Column("reference", Double),
    Column("n", Integer),
    Column("better", String(16)),
    Column("note", Text, nullable=False),
)

scores = Table(
    "scores",
    metadata,
    _run_column("run", primary_key=True),
    Column("name", String(NAME), primary_key=True),
    Column("seed", Integer, primary_key=True, autoincrement=False),
    Column("value", Double),
    Column("note", Text, nullable=False),
)

coordinates = Table(
    "coordinates",
    metadata,
    Column("view", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("x", Double, nullable=False),
    Column("y", Double, nullable=False),
)

subsets = Table(
    "subsets",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("task", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("samples", JSON, nullable=False),
    UniqueConstraint("task", "name"),
)

maps = Table(
    "maps",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("task", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("made", JSON, nullable=False),
    Column("record", JSON, nullable=False),
    Column("arrays", LargeBinary, nullable=False),
    Index(None, "task", "created"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("owner", Text),
    Column("lease_until", Double),
    Column("heartbeat", Double),
    Column("cancel", Boolean, nullable=False, server_default=false()),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("eta", Double),
    Column("message", Text, nullable=False),
    Column("error", Text),
    Column("result", JSON(none_as_null=True)),
    Column("created", Double, nullable=False),
    Column("started", Double),
    Column("finished", Double),
    _run_column("run", nullable=True),
    Index(None, "status", "priority", "id"),
    Index(None, "run", "id"),
    sqlite_autoincrement=True,
)

events = Table(
    "events",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("job", _Serial, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("created", Double, nullable=False),
    Index(None, "job", "id"),
    # A reader asks for events after the last id it saw, so ids must grow even when old rows are pruned.
    sqlite_autoincrement=True,
)
