"""What a client is told about an error of the store."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from server.api.failures import answer_to, pending
from server.policy.activation import NotEnforced
from server.store import (
    IdempotencyConflict,
    IdempotencyPending,
    InvalidCursor,
    StoreError,
    StoreUnavailable,
    TargetExists,
    TargetNotFound,
    VersionConflict,
)
from server.store.audit.record import AuditError
from server.store.keys import KeyNotFound
from tests.server.api.conftest import Served


@pytest.mark.slow
async def test_a_store_that_is_gone_is_503(served: Served, tmp_path: Path) -> None:
    await served.create()
    (tmp_path / "store.db").rename(tmp_path / "elsewhere.db")
    served.context.authenticator.changed()
    for response in (
        await served.client.get("/v1/forget-targets"),
        await served.client.post("/v1/forget-targets", json={"name": "Dodo Bird"}),
    ):
        assert response.status_code == 503
        assert response.headers["retry-after"].isdigit()
    (tmp_path / "elsewhere.db").rename(tmp_path / "store.db")
    with sqlite3.connect(tmp_path / "store.db") as check:
        assert check.execute("SELECT count(*) FROM targets").fetchone() == (1,)


@pytest.mark.parametrize(
    ("error", "status", "code", "param"),
    [
        (TargetNotFound("a"), 404, "not_found", "id"),
        (KeyNotFound("k"), 404, "not_found", "id"),
        (TargetExists(["a"]), 409, "target_exists", "id"),
        (VersionConflict("a", 1, 2), 412, "version_conflict", "If-Match"),
        (InvalidCursor(), 400, "invalid_value", "cursor"),
        (IdempotencyPending(), 409, "idempotency_pending", "Idempotency-Key"),
        (IdempotencyConflict(), 422, "idempotency_conflict", "Idempotency-Key"),
        (AuditError("record 3"), 500, "audit_failure", None),
        (StoreUnavailable("the disk is full"), 503, "store_unavailable", None),
    ],
)
def test_each_error_of_the_store_has_its_answer(error: StoreError, status: int, code: str, param: str | None) -> None:
    answer = answer_to(error)
    assert (answer.status, answer.code, answer.param) == (status, code, param)


def test_a_version_conflict_tells_the_version_that_is_there() -> None:
    assert answer_to(VersionConflict("a", 1, 2)).headers == {"ETag": '"2"'}


def test_what_is_pending_names_the_target_and_its_place() -> None:
    error = pending(NotEnforced("not yet", headers={"Retry-After": "2"}), "hatter")
    assert (error.param, error.code) == ("hatter", "pending")
    assert error.headers == {"Retry-After": "2", "Location": "/v1/forget-targets/hatter"}


@pytest.mark.slow
async def test_another_method_is_told_all_that_the_path_has(served: Served) -> None:
    response = await served.client.put("/v1/forget-targets")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_no_answer_may_be_cached(served: Served) -> None:
    assert (await served.client.get("/v1/policy")).headers["cache-control"] == "no-store"
