"""Targets with their versions, snapshots, idempotency keys and peers."""

import sqlalchemy as sa
from alembic import op

from server.store.columns import UtcDateTime, document, identifier

revision = "0001"
down_revision = None

_STATUSES = "status IN ('pending', 'active', 'paused', 'deleted')"
_STATES = "state IN ('proposed', 'active', 'superseded', 'failed')"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "targets",
        sa.Column("id", identifier(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", identifier(16), nullable=False),
        sa.Column("retain_examples", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("activated_at", UtcDateTime()),
        sa.Column("activated_snapshot", sa.Integer()),
        sa.Column("active_version", sa.Integer()),
        sa.Column("always_digest", identifier()),
        sa.Column("gated_digest", identifier()),
        sa.Column("labels", document(), nullable=False),
        sa.Column("requester", sa.Text()),
        sa.Column("legal_basis", sa.Text()),
        sa.Column("document", document()),
        sa.Column("vectors", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_targets"),
        sa.CheckConstraint(_STATUSES, name="ck_targets_status"),
    )
    op.create_index("ix_targets_created_at", "targets", ["created_at", "id"])
    op.create_index("ix_targets_expires_at", "targets", ["expires_at"])
    op.create_table(
        "target_versions",
        sa.Column("target_id", identifier(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", identifier(16), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("always_digest", identifier()),
        sa.Column("gated_digest", identifier()),
        sa.Column("document", document()),
        sa.Column("vectors", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("target_id", "version", name="pk_target_versions"),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name="fk_target_versions_target_id_targets"),
        sa.CheckConstraint(_STATUSES, name="ck_target_versions_status"),
    )
    op.create_table(
        "snapshots",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", identifier(), nullable=False),
        sa.Column("state", identifier(16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("activated_at", UtcDateTime()),
        sa.Column("reason", sa.Text()),
        sa.Column("always", document(), nullable=False),
        sa.Column("gated", document(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_snapshots"),
        sa.CheckConstraint(_STATES, name="ck_snapshots_state"),
    )
    only_active = sa.text("state = 'active'")
    op.create_index(
        "uq_snapshots_active", "snapshots", ["state"], unique=True, sqlite_where=only_active, postgresql_where=only_active
    )
    op.create_table(
        "idempotency",
        sa.Column("key", identifier(255), nullable=False),
        sa.Column("actor", identifier(255), nullable=False),
        sa.Column("request_hash", identifier(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("target_id", identifier()),
        sa.Column("response", document()),
        sa.PrimaryKeyConstraint("key", "actor", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])
    op.create_index("ix_idempotency_target_id", "idempotency", ["target_id"])
    op.create_table(
        "peers",
        sa.Column("instance", identifier(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.Column("snapshot", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("instance", name="pk_peers"),
    )
