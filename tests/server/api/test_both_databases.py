"""A target's life on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.api.conftest import Served
from tests.server.store.conftest import cluster, dialect, migrated, store_url

__all__ = ["cluster", "dialect", "migrated", "store_url"]


@pytest.mark.slow
async def test_a_target_is_made_changed_paused_resumed_and_purged(served: Served) -> None:
    made = await served.create(labels={"case": "17"}, examples=[{"prompt": "Who\0?", "completion": "He."}])
    assert made["status"] == "active"
    found = await served.client.get("/v1/forget-targets", params={"label": "case:17"})
    assert [target["id"] for target in found.json()["data"]] == ["hatter"]
    patch = await served.client.patch("/v1/forget-targets/hatter", json={"action": "refuse"}, headers={"If-Match": '"1"'})
    assert patch.json()["enforced_version"] == 2
    await served.client.post("/v1/forget-targets/hatter:pause")
    resumed = await served.client.post("/v1/forget-targets/hatter:resume", headers={"Idempotency-Key": "k"})
    assert resumed.json()["status"] == "active"
    assert (await served.client.get("/v1/forget-targets/hatter/report")).json()["enforcement"]["snapshot"] == 4
    assert (await served.client.delete("/v1/forget-targets/hatter?purge=true")).status_code == 204
    again = await served.client.post("/v1/forget-targets/hatter:resume", headers={"Idempotency-Key": "k"})
    assert again.status_code == 404
    assert (await served.client.get("/v1/forget-targets/a%00b")).status_code == 404
    async with served.context.database.read() as session:
        assert (await served.context.audit.verify(session)).ok


@pytest.mark.slow
async def test_many_admins_at_once_lose_nothing(served: Served) -> None:
    bodies = [{"id": f"t{number}", "name": f"Name Number {number}"} for number in range(12)]
    answers = await asyncio.gather(*(served.client.post("/v1/forget-targets", json=body) for body in bodies))
    assert [answer.json()["status"] for answer in answers] == ["active"] * 12
    assert len(served.context.activation.enforcement.snapshot.targets) == 12
