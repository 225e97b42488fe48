"""Runs the revisions on the connection that `core.storage.database` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from core.storage.schema import REVISION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=REVISION_TABLE,
    # SQLite cannot alter a column: Alembic then copies the table.
    render_as_batch=True,
)
context.run_migrations()
