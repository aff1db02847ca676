"""The errors of the store.

    StoreError                    everything that the store reports
    ├── StoreUnavailable          the database is gone, full or locked for too long: the same call may work later
    ├── SchemaTooNew              a later version of this program wrote the database
    ├── TargetNotFound            there is no such target, or it was deleted
    ├── TargetExists              the id is taken
    ├── VersionConflict           somebody else has changed the target
    ├── InvalidCursor             the cursor of a page was not made here, or is of another list
    ├── SnapshotConflict          the snapshot is not in the state that the call needs
    ├── LeaseLost                 the lease of this process is over: it must not serve until it has registered again
    └── IdempotencyConflict       the key was used for another request
        └── IdempotencyPending    the first request with the key is still being handled

Messages name ids, numbers and kinds of failure. No message holds a target's content, a statement's parameters, a password or what
a database says about a row.
"""

from __future__ import annotations


class StoreError(Exception):
    """Everything that the store reports."""


class StoreUnavailable(StoreError):
    """The database is gone, full or locked for too long. Nothing was changed.

    If the connection is lost during a commit, the database has either the old or the new state.
    """


class SchemaTooNew(StoreError):
    """The database has a schema that this version of the program does not know."""


class TargetNotFound(StoreError):
    """There is no target with this id, or it was deleted."""

    def __init__(self, target_id: str) -> None:
        super().__init__(f"there is no target {target_id!r}")
        self.target_id = target_id


class TargetExists(StoreError):
    """The id is taken. `target_ids` are all ids of the call that are taken."""

    def __init__(self, target_ids: list[str]) -> None:
        more = f" and {len(target_ids) - 1} more" if len(target_ids) > 1 else ""
        super().__init__(f"there is a target {target_ids[0]!r} already{more}")
        self.target_ids = target_ids


class VersionConflict(StoreError):
    """The target is at version `actual`, and the caller has seen version `expected`."""

    def __init__(self, target_id: str, expected: int, actual: int) -> None:
        super().__init__(f"target {target_id!r} is at version {actual}, not {expected}")
        self.target_id, self.expected, self.actual = target_id, expected, actual


class InvalidCursor(StoreError):
    """The cursor was not made here, or is of another list."""

    def __init__(self) -> None:
        super().__init__("the cursor is not one of this list's")


class SnapshotConflict(StoreError):
    """The snapshot is not in the state that the call needs."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"snapshot {number} {why}")
        self.number = number


class LeaseLost(StoreError):
    """The lease is over or the peer was removed. The peer must stop serving and register again."""

    def __init__(self, instance: str) -> None:
        super().__init__(f"the lease of peer {instance!r} ran out")
        self.instance = instance


class IdempotencyConflict(StoreError):
    """The idempotency key was used for another request."""

    def __init__(self, why: str = "the idempotency key was used for another request") -> None:
        super().__init__(why)


class IdempotencyPending(IdempotencyConflict):
    """The first request with this key is still being handled."""

    def __init__(self) -> None:
        super().__init__("the first request with this idempotency key is still being handled")
