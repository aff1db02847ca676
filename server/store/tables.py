"""The tables of targets, snapshots, idempotency keys, peers and quotas.

SQLite reads a row up to the last column that a query asks for. So large columns (documents, vectors) come last.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from server.store.base import Base
from server.store.columns import UtcDateTime, document, identifier

Status = Literal["pending", "active", "paused", "deleted"]
STATUSES: tuple[Status, ...] = ("pending", "active", "paused", "deleted")
SnapshotState = Literal["proposed", "active", "superseded", "failed"]
_STATUS_CHECK = "status IN ('pending', 'active', 'paused', 'deleted')"
_STATE_CHECK = "state IN ('proposed', 'active', 'superseded', 'failed')"


class TargetRow(Base):
    """The latest version of each target.

    `document` is a `ForgetTarget` as JSON, NULL after a purge. `active_version` is the version that the active snapshot enforces,
    NULL if it enforces none; while a change is pending, it is lower than `version`. The digests name the restrictions of this
    version, and `vectors` has its encoded examples (`server.policy.vectors`).
    """

    __tablename__ = "targets"
    __table_args__ = (
        CheckConstraint(_STATUS_CHECK, name="status"),
        Index("ix_targets_created_at", "created_at", "id"),
        Index("ix_targets_expires_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(identifier(), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(identifier(16))
    retain_examples: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    activated_snapshot: Mapped[int | None] = mapped_column(Integer)
    active_version: Mapped[int | None] = mapped_column(Integer)
    always_digest: Mapped[str | None] = mapped_column(identifier())
    gated_digest: Mapped[str | None] = mapped_column(identifier())
    labels: Mapped[dict[str, str]] = mapped_column(document())
    requester: Mapped[str | None] = mapped_column(Text)
    legal_basis: Mapped[str | None] = mapped_column(Text)
    document: Mapped[dict[str, Any] | None] = mapped_column(document())
    vectors: Mapped[bytes | None] = mapped_column(LargeBinary)


class TargetVersionRow(Base):
    """Every version of every target. Only a purge and the removal of examples and documents change a row."""

    __tablename__ = "target_versions"
    __table_args__ = (CheckConstraint(_STATUS_CHECK, name="status"),)

    target_id: Mapped[str] = mapped_column(identifier(), ForeignKey("targets.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(identifier(16))
    actor: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(Text)
    always_digest: Mapped[str | None] = mapped_column(identifier())
    gated_digest: Mapped[str | None] = mapped_column(identifier())
    document: Mapped[dict[str, Any] | None] = mapped_column(document())


class SnapshotRow(Base):
    """The numbered states of the policy. At most one is active: a unique index in the database sees to it."""

    __tablename__ = "snapshots"
    __table_args__ = (
        CheckConstraint(_STATE_CHECK, name="state"),
        Index(
            "uq_snapshots_active",
            "state",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(identifier())
    state: Mapped[str] = mapped_column(identifier(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(Text)


class IdempotencyRow(Base):
    """Requests with an idempotency key. `status` is NULL while the request is being handled."""

    __tablename__ = "idempotency"
    __table_args__ = (
        Index("ix_idempotency_created_at", "created_at"),
        Index("ix_idempotency_target_id", "target_id"),
    )

    key: Mapped[str] = mapped_column(identifier(255), primary_key=True)
    actor: Mapped[str] = mapped_column(identifier(255), primary_key=True)
    request_hash: Mapped[str] = mapped_column(identifier())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[int | None] = mapped_column(Integer)
    target_id: Mapped[str | None] = mapped_column(identifier())
    response: Mapped[Any | None] = mapped_column(document())


class PeerRow(Base):
    """The processes on the store: servers, front ends of a fleet, and its engines (`server.store.peers`).

    `snapshot` is the highest number that the process has acknowledged, 0 for none: a server's is that of a snapshot, an engine's
    a revision (`server.store.fleet`). `about` is what an engine says of itself.
    """

    __tablename__ = "peers"

    instance: Mapped[str] = mapped_column(identifier(), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime] = mapped_column(UtcDateTime)
    snapshot: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(identifier(16), server_default="server")
    about: Mapped[dict[str, Any] | None] = mapped_column(document())


class QuotaRow(Base):
    """The token buckets that servers share: how many tokens a bucket had at a time of the database's."""

    __tablename__ = "quotas"
    __table_args__ = (Index("ix_quotas_at", "at"),)

    bucket: Mapped[str] = mapped_column(identifier(64), primary_key=True)
    tokens: Mapped[float] = mapped_column(Double)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
