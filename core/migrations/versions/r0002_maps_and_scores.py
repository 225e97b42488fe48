"""Scores of runs, coordinates of samples, saved subsets and kept maps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables that the perspective page needs."""
    op.create_table(
        "scores",
        sa.Column("run", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("value", sa.Double()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "name", "seed", name="pk_scores"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_scores_run", ondelete="CASCADE"),
    )
    op.create_table(
        "coordinates",
        sa.Column("view", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("y", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("view", "key", name="pk_coordinates"),
    )
    op.create_table(
        "subsets",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("samples", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subsets"),
        sa.UniqueConstraint("task", "name", name="uq_subsets_task_name"),
    )
    op.create_table(
        "maps",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("made", sa.JSON(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("arrays", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_maps"),
    )
    op.create_index("ix_maps_task_created", "maps", ["task", "created"])
