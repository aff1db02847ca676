"""The store's errors: they name ids and numbers, and have one ancestor."""

from __future__ import annotations

import pytest

from server.store import errors
from server.store.errors import (
    IdempotencyConflict,
    IdempotencyPending,
    InvalidCursor,
    LeaseLost,
    SnapshotConflict,
    StoreError,
    TargetExists,
    TargetNotFound,
    VersionConflict,
)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TargetNotFound("a"), "there is no target 'a'"),
        (TargetExists(["a"]), "there is a target 'a' already"),
        (TargetExists(["a", "b", "c"]), "there is a target 'a' already and 2 more"),
        (VersionConflict("a", 1, 2), "target 'a' is at version 2, not 1"),
        (InvalidCursor(), "the cursor is not one of this list's"),
        (SnapshotConflict(3, "is failed"), "snapshot 3 is failed"),
        (LeaseLost("one"), "the lease of peer 'one' ran out"),
        (IdempotencyConflict(), "the idempotency key was used for another request"),
        (IdempotencyPending(), "the first request with this idempotency key is still being handled"),
    ],
)
def test_messages(error: StoreError, message: str) -> None:
    assert str(error) == message


def test_the_module_lists_every_error() -> None:
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, StoreError)}
    assert all(name in str(errors.__doc__) for name in kinds)
    assert len(kinds) == 11
