"""Keys over REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.server.api.conftest import Served


@pytest.mark.slow
async def test_a_key_is_shown_once_works_and_is_revoked(served: Served) -> None:
    made = await served.client.post("/v1/keys", json={"role": "admin", "name": "operator"})
    assert made.status_code == 201
    text = made.json()["key"]
    headers = {"authorization": f"Bearer {text}"}
    assert (await served.client.get("/v1/keys")).status_code == 401
    expires = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    auditor = await served.client.post(
        "/v1/keys",
        json={"role": "auditor", "name": "a", "expires_at": expires, "rate_per_minute": 600, "burst": 2},
        headers=headers,
    )
    listed = (await served.client.get("/v1/keys", headers=headers)).json()["data"]
    assert [key["role"] for key in listed] == ["admin", "auditor"]
    assert not any("key" in key or text in str(key) for key in listed)
    assert (listed[1]["rate_per_minute"], listed[1]["burst"]) == (600, 2)
    other = {"authorization": f"Bearer {auditor.json()['key']}"}
    assert (await served.client.get("/v1/policy", headers=other)).status_code == 200
    assert (await served.client.delete(f"/v1/keys/{listed[1]['id']}", headers=headers)).status_code == 204
    assert (await served.client.get("/v1/policy", headers=other)).status_code == 401
    records = (await served.client.get("/v1/audit", headers=headers)).json()["data"]
    assert [(record["action"], record["actor"]) for record in records] == [
        ("key.revoke", listed[0]["id"]),
        ("key.create", listed[0]["id"]),
        ("key.create", "loopback"),
    ]
    assert text.rpartition("-")[2] not in str(records)


@pytest.mark.parametrize(
    "body",
    [
        {"role": "root", "name": "x"},
        {"role": "admin", "name": ""},
        {"role": "admin", "name": "a\nb"},
        {"role": "admin", "name": "x", "burst": 3},
        {"role": "admin", "name": "x", "rate_per_minute": 0},
        {"role": "admin", "name": "x", "expires_at": "2001-01-01T00:00:00Z"},
        {"role": "admin"},
    ],
)
async def test_a_wrong_key_is_not_made(served: Served, body: dict[str, Any]) -> None:
    assert (await served.client.post("/v1/keys", json=body)).status_code == 400
    assert (await served.client.get("/v1/keys")).json()["data"] == []


async def test_a_secret_is_not_kept_for_an_idempotency_key(served: Served) -> None:
    body = {"role": "admin", "name": "x"}
    response = await served.client.post("/v1/keys", json=body, headers={"Idempotency-Key": "k"})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "Idempotency-Key")


async def test_an_unknown_key_is_404(served: Served) -> None:
    for key_id in ("000000000000", "%00"):
        assert (await served.client.delete(f"/v1/keys/{key_id}")).status_code == 404
