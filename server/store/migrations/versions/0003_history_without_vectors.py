"""The history holds no vectors: only the latest version is enforced, and the target's row has its vectors."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Drop the column."""
    op.drop_column("target_versions", "vectors")
