"""Token buckets that the servers on one store share."""

import sqlalchemy as sa
from alembic import op

from server.store.columns import UtcDateTime, identifier

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "quotas",
        sa.Column("bucket", identifier(64), nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name="pk_quotas"),
    )
    op.create_index("ix_quotas_at", "quotas", ["at"])
