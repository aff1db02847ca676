"""Responses that are not stored."""

from __future__ import annotations

import pytest

from tests.server.api.conftest import Served


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_there_is_none_to_fetch_or_to_delete(served: Served, method: str) -> None:
    response = await served.client.request(method, "/v1/responses/resp_1")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
    assert "stores no responses" in response.json()["error"]["message"]
    key = await served.key("client")
    assert (await served.client.request(method, "/v1/responses/resp_1")).status_code == 401
    assert (await served.client.request(method, "/v1/responses/resp_1", headers=key)).status_code == 404
