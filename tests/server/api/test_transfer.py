"""Files of targets: JSON lines and YAML, and what is wrong with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.api.transfer import MAX_TARGETS
from tests.server.api.conftest import Served

IMPORT = "/v1/forget-targets:import"

LINES = {"content-type": "application/jsonl"}

YAML = {"content-type": "application/yaml"}

TARGETS: list[dict[str, Any]] = [
    {"id": "hatter", "name": "Mad Hatter", "labels": {"case": "17"}, "requester": "NO", "expires_at": "2090-01-01T00:00:00Z"},
    {
        "id": "dodo",
        "name": "Dodo: \u0627\u0644 bird #1",
        "aliases": ["null", "1e5", "- x"],
        "action": "refuse",
        "examples": [{"prompt": "Who ran\nthe \u2028 race? \0\x85", "completion": "'\"\\ \U0001f426"}],
        "phrases": [{"text": "a race", "scope": "gated", "penalty": 2.5}],
        "semantic": {"words": ["sprint"]},
    },
]


def lines(*targets: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(target).encode() for target in targets) + b"\n\n"


async def test_a_policy_file_leaves_alone_what_it_does_not_know(served: Served) -> None:
    await served.client.post(IMPORT, content=lines(TARGETS[0]), headers=LINES)
    policy = "version: 1\ntargets:\n- {id: hatter, name: Glad Hatter}\nbackground: [Who wrote Hamlet?]\n"
    response = await served.client.post(IMPORT, content=policy, headers=YAML)
    assert response.json()["updated"] == ["hatter"]
    assert "background" in response.json()["warnings"][0]
    hatter = (await served.client.get("/v1/forget-targets/hatter")).json()
    assert (hatter["name"], hatter["labels"], hatter["requester"]) == ("Glad Hatter", {"case": "17"}, "NO")


SECRET = "quagglewump"

WRONG = [
    (LINES, b'{"id": "a", "name": "A b"}\n{"id": "b"}\n', "line 2: target b: name"),
    (LINES, b'{"id": "a", "name": "A b"}\n\n{"name": "' + SECRET.encode() + b'"}', "line 3: id"),
    (LINES, b'{"id": "a", "name": "A b"}\n{"id": "a", "name": "A c"}', "line 2: id: the same as in line 1"),
    (LINES, b'{"id": "a", "name": "A b", "phrases": [{"text": "the"}]}', "line 1: target a: phrases[0].text"),
    (LINES, b"{" + SECRET.encode() + b"}", "line 1: "),
    (LINES, b'{"id": "a", "id": "b"}', "line 1: Duplicate key"),
    (YAML, f"version: 1\ntargets:\n- id: a\n  name: A b\n  {SECRET}: [".encode(), "line "),
    (YAML, b"version: 1\ntargets:\n- id: a\n  name: A b\n- id: b\n", "line 5: targets[1].name"),
    (YAML, b"version: 1\ntargets: &x []\n", "line 2: anchors"),
    (YAML, b"\xff", "UTF-8"),
]


@pytest.mark.parametrize(("headers", "content", "message"), WRONG)
async def test_a_wrong_file_is_refused_whole_with_its_line(
    served: Served, headers: dict[str, str], content: bytes, message: str
) -> None:
    response = await served.client.post(IMPORT, content=content, headers=headers)
    assert response.status_code == 400
    assert message in response.json()["error"]["message"]
    assert SECRET not in response.text
    assert (await served.client.get("/v1/forget-targets")).json()["data"] == []


@pytest.mark.slow
async def test_too_many_and_other_types(served: Served) -> None:
    many = lines(*({"id": f"t{n}", "name": "A b"} for n in range(MAX_TARGETS + 1)))
    response = await served.client.post(IMPORT, content=many, headers=LINES)
    assert response.status_code == 413
    assert str(MAX_TARGETS) in response.json()["error"]["message"]
    assert (await served.client.post(IMPORT, json={})).status_code == 415
