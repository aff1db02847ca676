"""The store: forget targets, snapshots, keys and the audit log, in SQLite or PostgreSQL."""

from server.store.database.database import Database
from server.store.database.notify import Notifier, notifier_of
from server.store.errors import (
    IdempotencyConflict,
    IdempotencyPending,
    InvalidCursor,
    LeaseLost,
    SchemaTooNew,
    SnapshotConflict,
    StoreError,
    StoreUnavailable,
    TargetExists,
    TargetNotFound,
    VersionConflict,
)
from server.store.fleet import Changes, Fleet
from server.store.idempotency import Idempotency
from server.store.peers import Peers
from server.store.quotas import Quotas, Use
from server.store.records import (
    Compiled,
    Purged,
    StoredPeer,
    StoredResponse,
    StoredSnapshot,
    StoredTarget,
    StoredVersion,
    TargetDraft,
    TargetPage,
)
from server.store.snapshots import Snapshots
from server.store.targets.reader import Standing
from server.store.targets.repository import Targets

__all__ = [
    "Changes",
    "Compiled",
    "Database",
    "Fleet",
    "Idempotency",
    "IdempotencyConflict",
    "IdempotencyPending",
    "InvalidCursor",
    "LeaseLost",
    "Notifier",
    "Peers",
    "Purged",
    "Quotas",
    "SchemaTooNew",
    "SnapshotConflict",
    "Snapshots",
    "Standing",
    "StoreError",
    "StoreUnavailable",
    "StoredPeer",
    "StoredResponse",
    "StoredSnapshot",
    "StoredTarget",
    "StoredVersion",
    "TargetDraft",
    "TargetExists",
    "TargetNotFound",
    "TargetPage",
    "Targets",
    "Use",
    "VersionConflict",
    "notifier_of",
]
