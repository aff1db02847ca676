"""Import and export: all or nothing, and back again."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

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


@pytest.mark.slow
async def test_lines_make_change_and_leave_alone(served: Served) -> None:
    first = await served.client.post(IMPORT, content=lines(*TARGETS), headers=LINES)
    assert first.status_code == 200, first.text
    assert (first.json()["created"], first.json()["updated"], first.json()["unchanged"]) == (["hatter", "dodo"], [], 0)
    assert await served.verdict("The mad hatter?") == "restrict"
    changed = {**TARGETS[0], "name": "Glad Hatter"}
    third = {"id": "duchess", "name": "Ugly Duchess"}
    again = await served.client.post(IMPORT, content=lines(changed, TARGETS[1], third), headers=LINES)
    assert (again.json()["created"], again.json()["updated"], again.json()["unchanged"]) == (["duchess"], ["hatter"], 1)
    assert again.json()["snapshot"] == (await served.client.get("/v1/policy")).json()["snapshot"]
    assert await served.verdict("The mad hatter?") == "allow"
    (record,) = await served.records(action="target.import", limit=1, target_id="duchess")
    assert record["details"] == {"created": 1, "updated": 1}


async def test_a_dry_run_says_what_would_be_done(served: Served) -> None:
    response = await served.client.post(f"{IMPORT}?dry_run=true", content=lines(*TARGETS), headers=LINES)
    assert response.json()["created"] == ["hatter", "dodo"]
    assert response.json()["snapshot"] is None
    assert (await served.client.get("/v1/forget-targets")).json()["data"] == []


@pytest.mark.slow
@pytest.mark.parametrize("accept", ["application/jsonl", "application/yaml"])
async def test_what_is_exported_can_be_imported(served: Served, accept: str) -> None:
    await served.client.post(IMPORT, content=lines(*TARGETS), headers=LINES)
    await served.client.post("/v1/forget-targets/dodo:pause")
    exported = await served.client.get("/v1/forget-targets:export", headers={"accept": accept})
    assert exported.headers["content-type"].startswith(accept)
    same = await served.client.post(IMPORT, content=exported.content, headers={"content-type": accept})
    assert (same.json()["created"], same.json()["updated"], same.json()["unchanged"]) == ([], [], 2), same.text
    before = {target["id"]: target for target in (await served.client.get("/v1/forget-targets")).json()["data"]}
    for target_id in before:
        await served.client.delete(f"/v1/forget-targets/{target_id}")
    await served.client.post(IMPORT, content=exported.content, headers={"content-type": accept})
    after = {target["id"]: target for target in (await served.client.get("/v1/forget-targets")).json()["data"]}
    named = ["name", "aliases", "examples", "phrases", "semantic", "action"]
    if accept == "application/jsonl":
        named += ["labels", "requester", "expires_at"]
    assert {i: [t[n] for n in named] for i, t in after.items()} == {i: [t[n] for n in named] for i, t in before.items()}


async def test_nothing_is_exported_in_both_forms(served: Served) -> None:
    assert (await served.client.get("/v1/forget-targets:export")).text == ""
    empty = (await served.client.get("/v1/forget-targets:export?format=yaml")).text
    assert yaml.safe_load(empty) == {"version": 1, "targets": []}
    assert (await served.client.post(IMPORT, content=empty, headers=YAML)).status_code == 200


@pytest.mark.slow
async def test_an_import_is_carried_out_once_and_may_wait(served: Served) -> None:
    headers = LINES | {"Idempotency-Key": "k"}
    served.engine.refuses = True
    first = await served.client.post(IMPORT, content=lines(*TARGETS[:1]), headers=headers)
    assert (first.status_code, first.json()["error"]["code"]) == (503, "pending")
    served.engine.refuses = False
    second = await served.client.post(IMPORT, content=lines(*TARGETS[:1]), headers=headers)
    third = await served.client.post(IMPORT, content=lines(*TARGETS[:1]), headers=headers)
    assert second.json() == third.json()
    assert second.json()["created"] == ["hatter"]
    assert third.headers["idempotent-replayed"] == "true"
