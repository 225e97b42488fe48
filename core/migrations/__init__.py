"""Alembic's environment: `core.storage.database` runs it when a store is opened."""
