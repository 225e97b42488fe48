"""Alembic's environment: `core.database` runs it when a store is opened."""
