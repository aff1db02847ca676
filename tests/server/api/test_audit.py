"""The audit log over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.api.conftest import Served


@pytest.mark.slow
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
