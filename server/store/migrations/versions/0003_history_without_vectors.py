"""The history keeps no vectors: what is enforced is the latest version, whose vectors stand with the target."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Drop the column."""
    op.drop_column("target_versions", "vectors")
