"""Who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import Response

from tests.server.api.conftest import Served

ADMIN = [
    ("POST", "/forget-targets"),
    ("PATCH", "/forget-targets/x"),
    ("DELETE", "/forget-targets/x"),
    ("POST", "/forget-targets/x:pause"),
    ("POST", "/forget-targets/x:resume"),
    ("POST", "/forget-targets:preview"),
    ("POST", "/forget-targets:import"),
    ("POST", "/keys"),
    ("GET", "/keys"),
    ("DELETE", "/keys/x"),
]
AUDITOR = [
    ("GET", "/forget-targets"),
    ("GET", "/forget-targets/x"),
    ("GET", "/forget-targets/x/history"),
    ("GET", "/forget-targets/x/report"),
    ("GET", "/forget-targets:export"),
    ("GET", "/policy"),
    ("GET", "/audit"),
    ("POST", "/screen"),
]
CLIENT = [("POST", "/moderations")]


def code(response: Response) -> Any:
    return response.json()["error"]["code"] if response.is_error else None


@pytest.mark.parametrize(("method", "path"), ADMIN + AUDITOR + CLIENT)
async def test_a_role_opens_what_is_for_it_and_is_looked_at_before_the_body(served: Served, method: str, path: str) -> None:
    roles = {role: await served.key(role) for role in ("client", "auditor", "admin")}
    allowed = [roles["admin"], *([roles["auditor"]] if (method, path) not in ADMIN else [])]
    if (method, path) in CLIENT:
        allowed.append(roles["client"])
    for role, headers in roles.items():
        response = await served.client.request(method, f"/v1{path}", headers=headers, content=b"{" if method == "POST" else None)
        assert (response.status_code == 403) is (headers not in allowed), role
    nobody = await served.client.request(method, f"/v1{path}")
    assert (nobody.status_code, code(nobody)) == (401, "invalid_api_key")
