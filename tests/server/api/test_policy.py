"""What is in force, and the audit log."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.api.conftest import Served


async def test_the_policy_says_which_snapshot_each_process_enforces(served: Served) -> None:
    empty = (await served.client.get("/v1/policy")).json()
    assert (empty["snapshot"], empty["digest"], empty["serving"]) == (0, None, True)
    await served.create()
    await served.create(id="dodo", name="Dodo Bird")
    await served.client.post("/v1/forget-targets/dodo:pause")
    policy = (await served.client.get("/v1/policy")).json()
    assert policy["snapshot"] == served.context.activation.enforcement.snapshot.number == 3
    assert policy["targets"] == {"pending": 0, "active": 1, "paused": 1, "deleted": 0}
    (peer,) = policy["peers"]
    assert (peer["instance"], peer["snapshot"], peer["alive"]) == ("one", 3, True)
    assert len(policy["digest"]) == 64
    assert policy["workers"] == [{"rank": 0, "held": policy["restrictions"], "acknowledged": True}]
    assert policy["restrictions"] == 1
    served.engine.loaded.clear()
    (worker,) = (await served.client.get("/v1/policy")).json()["workers"]
    assert worker == {"rank": 0, "held": 0, "acknowledged": False}


async def test_the_audit_log_is_read_in_pages_and_by_what_is_wanted(served: Served) -> None:
    await served.create()
    await served.create(id="dodo", name="Dodo Bird")
    every = await served.records()
    assert [record["seq"] for record in every] == [4, 3, 2, 1]
    first = (await served.client.get("/v1/audit", params={"limit": 3})).json()
    rest = (await served.client.get("/v1/audit", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert first["data"] + rest["data"] == every
    assert rest["next_cursor"] is None
    assert [record["target_ids"] for record in await served.records(action="target.create")] == [["dodo"], ["hatter"]]
    assert len(await served.records(target_id="hatter")) == 2
    assert await served.records(since=every[0]["at"]) == every[:1]
    assert await served.records(until=every[-1]["at"]) == []
    assert "Hatter" not in str(every)


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"cursor": 0},
        {"cursor": 2**63},
        {"cursor": "x"},
        {"since": "2020-01-01"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"actor": "a\0b"},
    ],
)
async def test_a_wrong_question_is_400(served: Served, params: dict[str, Any]) -> None:
    assert (await served.client.get("/v1/audit", params=params)).status_code == 400
