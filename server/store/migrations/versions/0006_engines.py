"""Engines of a fleet as peers, and what they are to hold."""

import sqlalchemy as sa
from alembic import op

from server.store.columns import UtcDateTime, document, identifier

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns and make the tables."""
    op.add_column("peers", sa.Column("kind", identifier(16), nullable=False, server_default="server"))
    op.add_column("peers", sa.Column("about", document(), nullable=True))
    op.create_table(
        "engine_needs",
        sa.Column("digest", identifier(), nullable=False),
        sa.Column("owner", identifier(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("dropped_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest", "owner", name="pk_engine_needs"),
    )
    op.create_index("ix_engine_needs_revision", "engine_needs", ["revision"])
    op.create_table(
        "engine_files",
        sa.Column("digest", identifier(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_engine_files"),
    )
