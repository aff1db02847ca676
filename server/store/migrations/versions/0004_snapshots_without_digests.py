"""Snapshots hold no digests of restrictions: a process compiles them from the targets when it starts."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Drop the two columns, which were always empty."""
    op.drop_column("snapshots", "always")
    op.drop_column("snapshots", "gated")
