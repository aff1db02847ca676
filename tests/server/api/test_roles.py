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


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"host": "evil.example"}]
)
async def test_f6_without_keys_another_site_does_not_pause_a_target(served: Served, headers: dict[str, str]) -> None:
    await served.create()
    response = await served.client.post("/v1/forget-targets/hatter:pause", headers=headers)
    assert (response.status_code, code(response)) == (401, "invalid_api_key")
    assert await served.verdict("Who is the Mad Hatter?") == "restrict"


FORMS = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/plain; charset=utf-8"]


@pytest.mark.parametrize("media", FORMS)
@pytest.mark.parametrize(("method", "path"), [one for one in ADMIN if one[0] in ("POST", "PATCH")])
@pytest.mark.slow
async def test_f6_a_form_changes_nothing(served: Served, method: str, path: str, media: str) -> None:
    # What a page may send to another site without asking has one of these types.
    await served.create(id="x")
    headers = {"content-type": media}
    content = None if path.endswith((":pause", ":resume")) else b'{"id": "y", "name": "Ada", "role": "admin"}'
    response = await served.client.request(method, f"/v1{path}", headers=headers, content=content)
    assert (response.status_code, code(response)) == (415, "unsupported_media_type")
    targets = (await served.client.get("/v1/forget-targets")).json()["data"]
    assert [(target["id"], target["status"]) for target in targets] == [("x", "active")]
    assert (await served.client.get("/v1/keys")).json()["data"] == []


async def test_f6_a_request_without_a_body_needs_no_type(served: Served) -> None:
    await served.create()
    for headers in ({}, {"content-type": "application/json"}):
        assert (await served.client.post("/v1/forget-targets/hatter:pause", headers=headers)).status_code == 200
