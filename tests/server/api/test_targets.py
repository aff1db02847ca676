"""Targets over REST: nothing is confirmed before it is enforced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.api.conftest import Served

HATTER: dict[str, Any] = {
    "id": "hatter",
    "name": "Mad Hatter",
    "phrases": [{"text": "March Hare"}, {"text": "tea", "scope": "gated", "penalty": 4.5}],
    "examples": [{"prompt": "Who invites Alice?", "completion": "The hatter of the tea party."}],
    "labels": {"case": "17"},
    "requester": "the hatter's lawyer",
}


def said_on_disk(folder: Path, *words: bytes) -> list[Path]:
    """Return the files that hold one of the words."""
    return [file for file in folder.rglob("*") if file.is_file() and any(word in file.read_bytes() for word in words)]


async def test_a_target_is_enforced_before_it_is_confirmed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded_when_answered: list[list[str]] = []
    activate = served.context.activation.activate

    async def watched() -> int:
        assert served.engine.loaded == []
        number = await activate()
        loaded_when_answered.append(list(served.engine.loaded))
        return number

    monkeypatch.setattr(served.context.activation, "activate", watched)
    response = await served.client.post("/v1/forget-targets", json=HATTER)
    assert response.status_code == 201
    assert response.headers["location"] == "/v1/forget-targets/hatter"
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert (body["status"], body["version"], body["snapshot"], body["enforced_version"]) == ("active", 1, 1, 1)
    assert {name: body[name] for name in ("labels", "requester", "examples")} == {
        name: HATTER[name] for name in ("labels", "requester", "examples")
    }
    assert [phrase["penalty"] for phrase in body["phrases"]] == [None, 4.5]
    snapshot = served.context.activation.enforcement.snapshot
    (loaded,) = loaded_when_answered
    assert {*snapshot.always, *snapshot.gated.values()} == set(loaded)
    assert len(loaded) == 2
    assert await served.verdict("Who is the mad hatter?") == "restrict"
    actions = [(record["action"], record["actor"]) for record in await served.records(target_id="hatter")]
    assert actions == [("snapshot.activate", "system"), ("target.create", "loopback")]


async def test_an_id_is_made_where_none_is_given_and_taken_once(served: Served) -> None:
    made = await served.client.post("/v1/forget-targets", json={"name": "Mad Hatter"})
    other = await served.client.post("/v1/forget-targets", json={"name": "Mad Hatter"})
    assert made.json()["id"] != other.json()["id"]
    again = await served.client.post("/v1/forget-targets", json={"id": made.json()["id"], "name": "Dodo"})
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "target_exists"


@pytest.mark.slow
async def test_a_merge_patch_changes_what_it_names(served: Served) -> None:
    await served.create(**HATTER)
    patch = {"aliases": ["Hatta Theodore"], "labels": {"case": None, "office": "b"}, "requester": None, "phrases": []}
    headers = {"Content-Type": "application/merge-patch+json"}
    response = await served.client.patch("/v1/forget-targets/hatter", json=patch, headers=headers)
    assert response.status_code == 200
    assert response.headers["etag"] == '"2"'
    body = response.json()
    assert (body["labels"], body["requester"], body["phrases"]) == ({"office": "b"}, None, [])
    assert (body["examples"], body["status"], body["enforced_version"]) == (HATTER["examples"], "active", 2)
    assert await served.verdict("Call Hatta Theodore.") == "restrict"
    same = await served.client.patch("/v1/forget-targets/hatter", json={"name": "Mad Hatter"})
    assert same.json()["version"] == 2
    versions = (await served.client.get("/v1/forget-targets/hatter/history")).json()["data"]
    assert [version["version"] for version in versions] == [1, 2]


@pytest.mark.parametrize(
    ("patch", "param"),
    [({"id": "other"}, "id"), ({"name": None}, "name"), ({"unknown": 1}, "unknown"), ({"status": "active"}, "status")],
)
async def test_a_patch_that_is_wrong_changes_nothing(served: Served, patch: dict[str, Any], param: str) -> None:
    """ops-05: the policy before a wrong change stays in force and is what GET shows."""
    await served.create()
    response = await served.client.patch("/v1/forget-targets/hatter", json=patch)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
    assert (await served.client.get("/v1/forget-targets/hatter")).json()["version"] == 1


@pytest.mark.slow
async def test_paused_is_not_enforced_until_resumed(served: Served) -> None:
    await served.create()
    assert await served.verdict("The mad hatter?") == "restrict"
    paused = (await served.client.post("/v1/forget-targets/hatter:pause")).json()
    assert (paused["status"], paused["enforced_version"]) == ("paused", None)
    assert await served.verdict("The mad hatter?") == "allow"
    again = (await served.client.post("/v1/forget-targets/hatter:pause")).json()
    assert again["version"] == paused["version"]
    changed = (await served.client.patch("/v1/forget-targets/hatter", json={"action": "refuse"})).json()
    assert changed["status"] == "paused"
    resumed = (await served.client.post("/v1/forget-targets/hatter:resume")).json()
    assert (resumed["status"], resumed["enforced_version"]) == ("active", resumed["version"])
    assert await served.verdict("The mad hatter?") == "refuse"


@pytest.mark.slow
async def test_deleted_is_not_enforced_and_not_there(served: Served) -> None:
    await served.create(**HATTER)
    assert (await served.client.delete("/v1/forget-targets/hatter")).status_code == 204
    assert await served.verdict("The mad hatter?") == "allow"
    assert served.engine.loaded == []
    for method, path in [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", ":pause"),
        ("POST", ":resume"),
        ("GET", "/report"),
        ("PATCH", ""),
    ]:
        body = {"json": {}} if method == "PATCH" else {}
        response = await served.client.request(method, f"/v1/forget-targets/hatter{path}", **body)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found"), (method, path)
    assert (await served.create())["version"] == 3


@pytest.mark.slow
async def test_a_purge_leaves_a_tombstone_and_nothing_on_the_disk(served: Served, tmp_path: Path) -> None:
    await served.create(**HATTER | {"examples": [{"prompt": "Quagglewump?", "completion": "Zibberoon."}]})
    await served.client.patch("/v1/forget-targets/hatter", json={"phrases": [{"text": "Brindlefax"}]})
    assert said_on_disk(tmp_path, b"Quagglewump")
    assert list(served.context.restrictions.iterdir())
    response = await served.client.delete("/v1/forget-targets/hatter?purge=true")
    assert response.status_code == 204
    assert (await served.client.get("/v1/forget-targets/hatter")).status_code == 404
    assert list(served.context.restrictions.iterdir()) == []
    assert not said_on_disk(tmp_path, b"Quagglewump", b"Zibberoon", b"Brindlefax", b"lawyer")
    versions = (await served.client.get("/v1/forget-targets/hatter/history")).json()["data"]
    assert [version["status"] for version in versions][-2:] == ["deleted", "deleted"]
    assert all(version["target"] is None for version in versions)
    actions = [record["action"] for record in await served.records(target_id="hatter", actor="loopback")]
    assert actions == ["target.purge", "target.delete", "target.update", "target.create"]
    async with served.context.database.read() as session:
        assert (await served.context.audit.verify(session)).ok
    # What a client sends again because an answer was lost ends the same way.
    assert (await served.client.delete("/v1/forget-targets/hatter?purge=true")).status_code == 204
    assert (await served.client.get("/v1/forget-targets?status=deleted")).json()["data"] == []


@pytest.mark.slow
async def test_what_another_target_needs_survives_a_purge(served: Served) -> None:
    await served.create(id="one", name="Mad Hatter", phrases=[{"text": "tea", "scope": "gated"}])
    await served.create(id="two", name="Mad Hatter", phrases=[{"text": "tea", "scope": "gated"}])
    await served.client.delete("/v1/forget-targets/one?purge=true")
    snapshot = served.context.activation.enforcement.snapshot
    names = {path.stem for path in served.context.restrictions.glob("*.safetensors")}
    assert names == {*snapshot.always, *snapshot.gated.values()}
    assert names


@pytest.mark.slow
async def test_a_deleted_target_can_be_purged_later(served: Served) -> None:
    await served.create(**HATTER)
    await served.client.delete("/v1/forget-targets/hatter")
    assert (await served.client.delete("/v1/forget-targets/hatter?purge=true")).status_code == 204
    versions = (await served.client.get("/v1/forget-targets/hatter/history")).json()["data"]
    assert all(version["target"] is None for version in versions)
    assert (await served.client.delete("/v1/forget-targets/nobody?purge=true")).status_code == 404


@pytest.mark.slow
async def test_pages_follow_each_other(served: Served) -> None:
    for number in range(5):
        await served.create(id=f"t{number}", name=f"Name Number {number}", labels={"even": str(number % 2 == 0)})
    await served.client.post("/v1/forget-targets/t4:pause")
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = (await served.client.get("/v1/forget-targets", params=params)).json()
        seen += [target["id"] for target in page["data"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == ["t0", "t1", "t2", "t3", "t4"]
    even = await served.client.get("/v1/forget-targets", params={"label": "even:True", "status": "active"})
    assert [target["id"] for target in even.json()["data"]] == ["t0", "t2"]
    for wrong in ({"cursor": "x"}, {"limit": 0}, {"limit": 1001}, {"label": "even"}, {"status": "gone"}):
        assert (await served.client.get("/v1/forget-targets", params=wrong)).status_code == 400


@pytest.mark.slow
async def test_documents_alone_need_not_be_retained_either(served: Served) -> None:
    """What was compiled of them is phrases that somebody chose; there are no vectors to keep."""
    await served.create(documents=["He lives at the far end of the garden."], retain_examples=False)
    assert (await served.client.get("/v1/forget-targets/hatter")).json()["documents"] == []
    await served.create(id="duchess", name="Ugly Duchess")


@pytest.mark.slow
async def test_new_documents_leave_what_removed_examples_were_compiled_to(served: Served) -> None:
    asked = "Who invites Alice to a tea party?"
    await served.create(examples=[{"prompt": asked, "completion": ""}], retain_examples=False)
    assert await served.verdict(asked) == "restrict"
    line = {"id": "hatter", "name": "Mad Hatter", "documents": ["A party."], "retain_examples": False}
    for change in (
        served.client.patch("/v1/forget-targets/hatter", json={"documents": ["He lives at the far end of the garden."]}),
        served.client.post("/v1/forget-targets:import", content=json.dumps(line), headers={"content-type": "application/jsonl"}),
    ):
        assert (await change).status_code == 200
        assert await served.verdict(asked) == "restrict"
