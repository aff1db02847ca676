"""Targets over REST: nothing is confirmed before it is enforced."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.api.models import MAX_EXAMPLES
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


async def test_what_no_worker_acknowledges_is_pending_and_tried_again(served: Served) -> None:
    served.engine.refuses = True
    response = await served.client.post("/v1/forget-targets", json=HATTER)
    assert response.status_code == 503
    error = response.json()["error"]
    assert (error["param"], error["code"]) == ("hatter", "pending")
    assert response.headers["location"] == "/v1/forget-targets/hatter"
    assert response.headers["retry-after"].isdigit()
    shown = (await served.client.get("/v1/forget-targets/hatter")).json()
    assert (shown["status"], shown["enforced_version"]) == ("pending", None)
    assert (await served.client.get("/v1/policy")).json()["pending"] == ["hatter"]
    served.engine.refuses = False
    await served.context.activation.activate()
    shown = (await served.client.get("/v1/forget-targets/hatter")).json()
    assert (shown["status"], shown["enforced_version"]) == ("active", 1)


async def test_what_breaks_on_the_way_into_force_is_pending_too(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    served.context.encoder.fails = True  # type: ignore[attr-defined]
    response = await served.client.post("/v1/forget-targets", json=HATTER)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "pending")
    assert response.json()["error"]["param"] == "hatter"
    assert (await served.client.delete("/v1/forget-targets/hatter")).status_code == 204
    assert "secret" not in response.text + caplog.text


async def test_an_id_is_made_where_none_is_given_and_taken_once(served: Served) -> None:
    made = await served.client.post("/v1/forget-targets", json={"name": "Mad Hatter"})
    other = await served.client.post("/v1/forget-targets", json={"name": "Mad Hatter"})
    assert made.json()["id"] != other.json()["id"]
    again = await served.client.post("/v1/forget-targets", json={"id": made.json()["id"], "name": "Dodo"})
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "target_exists"


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
    await served.create()
    response = await served.client.patch("/v1/forget-targets/hatter", json=patch)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
    assert (await served.client.get("/v1/forget-targets/hatter")).json()["version"] == 1


@pytest.mark.parametrize("tags", ['"2"', 'W/"1"', "1", ""])
@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", "/hatter"), ("DELETE", "/hatter"), ("POST", "/hatter:pause"), ("POST", "/hatter:resume")],
)
async def test_another_version_than_the_one_seen_is_412(served: Served, tags: str, method: str, path: str) -> None:
    await served.create()
    body = {"json": {"name": "Dodo"}} if method == "PATCH" else {}
    response = await served.client.request(method, f"/v1/forget-targets{path}", headers={"If-Match": tags}, **body)
    assert response.status_code == 412
    assert response.json()["error"]["code"] == "version_conflict"
    assert response.headers["etag"] == '"1"'
    assert (await served.client.get("/v1/forget-targets/hatter")).json()["version"] == 1


async def test_the_version_seen_or_any_may_be_changed(served: Served) -> None:
    await served.create()
    for version, tags in enumerate(['"1"', '"7", "2"', "*"], 1):
        response = await served.client.patch(
            "/v1/forget-targets/hatter", json={"requester": str(version)}, headers={"If-Match": tags}
        )
        assert response.json()["version"] == version + 1


async def test_of_two_admins_at_once_one_is_told(served: Served) -> None:
    await served.create()
    patches = [
        served.client.patch("/v1/forget-targets/hatter", json={"requester": who}, headers={"If-Match": '"1"'}) for who in "ab"
    ]
    answers = await asyncio.gather(*patches)
    assert sorted(answer.status_code for answer in answers) == [200, 412]


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


async def test_what_another_target_needs_survives_a_purge(served: Served) -> None:
    await served.create(id="one", name="Mad Hatter", phrases=[{"text": "tea", "scope": "gated"}])
    await served.create(id="two", name="Mad Hatter", phrases=[{"text": "tea", "scope": "gated"}])
    await served.client.delete("/v1/forget-targets/one?purge=true")
    snapshot = served.context.activation.enforcement.snapshot
    names = {path.stem for path in served.context.restrictions.iterdir()}
    assert names == {*snapshot.always, *snapshot.gated.values()}
    assert names


async def test_a_deleted_target_can_be_purged_later(served: Served) -> None:
    await served.create(**HATTER)
    await served.client.delete("/v1/forget-targets/hatter")
    assert (await served.client.delete("/v1/forget-targets/hatter?purge=true")).status_code == 204
    versions = (await served.client.get("/v1/forget-targets/hatter/history")).json()["data"]
    assert all(version["target"] is None for version in versions)
    assert (await served.client.delete("/v1/forget-targets/nobody?purge=true")).status_code == 404


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


async def test_the_same_request_with_a_key_is_carried_out_once(served: Served) -> None:
    headers = {"Idempotency-Key": "k1"}
    body = {"name": "Mad Hatter"}
    first = await served.client.post("/v1/forget-targets", json=body, headers=headers)
    again = await served.client.post("/v1/forget-targets", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["etag"] == first.headers["etag"]
    other = await served.client.post("/v1/forget-targets", json={"name": "Dodo"}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_conflict")
    assert len((await served.client.get("/v1/forget-targets")).json()["data"]) == 1
    too_long = await served.client.post("/v1/forget-targets", json=body, headers={"Idempotency-Key": "k" * 256})
    assert too_long.status_code == 400
    await served.client.delete(f"/v1/forget-targets/{first.json()['id']}?purge=true")
    gone = await served.client.post("/v1/forget-targets", json=body, headers=headers)
    assert gone.status_code == 404


async def test_a_key_is_taken_while_its_request_is_handled(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    going_on, go_on = asyncio.Event(), asyncio.Event()
    activate = served.context.activation.activate

    async def slow() -> int:
        going_on.set()
        await go_on.wait()
        return await activate()

    monkeypatch.setattr(served.context.activation, "activate", slow)
    headers = {"Idempotency-Key": "k1"}
    first = asyncio.create_task(served.client.post("/v1/forget-targets", json=HATTER, headers=headers))
    await going_on.wait()
    meanwhile = await served.client.post("/v1/forget-targets", json=HATTER, headers=headers)
    assert (meanwhile.status_code, meanwhile.json()["error"]["code"]) == (409, "idempotency_pending")
    go_on.set()
    assert (await first).status_code == 201


async def test_a_key_whose_change_was_not_enforced_tries_again_and_makes_no_second_target(served: Served) -> None:
    headers = {"Idempotency-Key": "k1"}
    served.engine.refuses = True
    first = await served.client.post("/v1/forget-targets", json={"name": "Mad Hatter"}, headers=headers)
    again = await served.client.post("/v1/forget-targets", json={"name": "Mad Hatter"}, headers=headers)
    assert (first.status_code, again.status_code) == (503, 503)
    assert first.json()["error"]["param"] == again.json()["error"]["param"]
    served.engine.refuses = False
    enforced = await served.client.post("/v1/forget-targets", json={"name": "Mad Hatter"}, headers=headers)
    assert (enforced.status_code, enforced.json()["status"]) == (201, "active")
    assert len((await served.client.get("/v1/forget-targets")).json()["data"]) == 1


async def test_a_wrong_request_leaves_its_key_free(served: Served) -> None:
    headers = {"Idempotency-Key": "k1"}
    await served.create()
    taken = await served.client.post("/v1/forget-targets", json={"id": "hatter", "name": "Dodo"}, headers=headers)
    assert taken.status_code == 409
    await served.client.delete("/v1/forget-targets/hatter")
    free = await served.client.post("/v1/forget-targets", json={"id": "hatter", "name": "Dodo"}, headers=headers)
    assert free.status_code == 201


SECRET = "quagglewump"
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "Mad Hatter", "phrases": [{"text": "the"}]}, "phrases[0]"),
    ({"name": "Mad Hatter", "phrases": [{"text": "tea"}, {"text": SECRET * 90_000}]}, "phrases[1].text"),
    ({"name": "Mad Hatter", "phrases": [{"text": SECRET, "penalty": 0}]}, "phrases[0].penalty"),
    ({"name": "Mad Hatter", "phrases": [{"text": SECRET, "scope": "never"}]}, "phrases[0].scope"),
    ({"name": "Mad Hatter", "phrases": [SECRET]}, "phrases[0]"),
    ({"name": "!"}, "name"),
    ({"name": SECRET * 100}, "name"),
    ({"name": "Mad Hatter", "aliases": ["Hatta", "?"]}, "aliases[1]"),
    ({"name": "Mad Hatter", "id": "Not An Id"}, "id"),
    ({"name": "Mad Hatter", "examples": [{"prompt": " ", "completion": SECRET}]}, "examples[0].prompt"),
    ({"name": "Mad Hatter", "examples": [{"prompt": "x", "completion": "y"}] * 10_000}, "examples"),
    ({"name": "Mad Hatter", "semantic": {"words": ["the"]}}, "semantic.words[0]"),
    ({"name": "Mad Hatter", "requester": "a\0b"}, "requester"),
    ({"name": "Mad Hatter", "labels": {"a": 1}}, "labels.a"),
    ({"name": "Mad Hatter", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"name": "Mad Hatter", "expires_at": "2099-01-01T00:00:00"}, "expires_at"),
    ({"name": "Mad Hatter", "expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
    ({"name": "Mad Hatter", "expires_at": 4_000_000_000}, "expires_at"),
    ({"name": "Mad Hatter", "retain_examples": "yes"}, "retain_examples"),
    ({"name": "Mad Hatter", SECRET * 10: 1}, "(a name that is not shown)"),
    ({}, "name"),
]


@pytest.mark.parametrize(("body", "param"), WRONG)
async def test_a_wrong_body_is_told_by_its_place_and_never_quoted(served: Served, body: dict[str, Any], param: str) -> None:
    response = await served.client.post("/v1/forget-targets", json=body)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["param"] == param
    assert SECRET not in response.text
    if param == "examples":
        assert str(MAX_EXAMPLES) in error["message"]
    if param == "phrases[0]" and "the" in str(body):
        assert "force" in error["message"] or "dictionary" in error["message"]
    assert (await served.client.get("/v1/forget-targets")).json()["data"] == []


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b'{"name": "a b", "name": "c d"}', {}, 400, "duplicate_key"),
        (b'{"name": NaN}', {}, 400, "invalid_json"),
        (b"[" * 100 + b"]" * 100, {}, 400, "invalid_json"),
        (b"[]", {}, 400, "invalid_json"),
        (b"", {}, 400, "invalid_json"),
        (b'{"name": "a b"}', {"content-type": "text/plain"}, 415, "unsupported_media_type"),
        (b'{"name": "a b"}', {"content-type": "application/json; charset=latin-1"}, 415, "unsupported_media_type"),
        (b'{"name": "a b"}', {"content-encoding": "gzip"}, 415, "unsupported_media_type"),
        (b'{"name": "' + b"a" * 2**20 + b'"}', {}, 413, "request_too_large"),
    ],
)
async def test_bodies_go_through_the_strict_parser(
    served: Served, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = await served.client.post(
        "/v1/forget-targets", content=content, headers={"content-type": "application/json"} | headers
    )
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


async def test_forced_and_expiring(served: Served) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    body = await served.create(phrases=[{"text": "the", "force": True}], expires_at=later.isoformat())
    assert datetime.fromisoformat(body["expires_at"]) == later
    assert body["phrases"][0]["force"] is True


async def test_a_store_that_is_gone_is_503(served: Served, tmp_path: Path) -> None:
    await served.create()
    (tmp_path / "store.db").rename(tmp_path / "elsewhere.db")
    served.context.authenticator.changed()
    for response in (
        await served.client.get("/v1/forget-targets"),
        await served.client.post("/v1/forget-targets", json={"name": "Dodo Bird"}),
    ):
        assert response.status_code == 503
        assert response.headers["retry-after"].isdigit()
    (tmp_path / "elsewhere.db").rename(tmp_path / "store.db")
    with sqlite3.connect(tmp_path / "store.db") as check:
        assert check.execute("SELECT count(*) FROM targets").fetchone() == (1,)


async def test_before_the_server_is_ready_every_route_is_503(starting: httpx.AsyncClient) -> None:
    for method, path in [
        ("GET", "/forget-targets"),
        ("POST", "/forget-targets"),
        ("GET", "/policy"),
        ("GET", "/audit"),
        ("GET", "/keys"),
        ("POST", "/screen"),
        ("POST", "/moderations"),
        ("POST", "/forget-targets:import"),
        ("GET", "/forget-targets:export"),
    ]:
        response = await starting.request(method, f"/v1{path}", content=b"not even JSON" if method == "POST" else None)
        assert (response.status_code, response.json()["error"]["code"]) == (503, "not_ready"), path


async def test_documents_alone_need_not_be_retained_either(served: Served) -> None:
    """What was compiled of them is phrases that somebody chose; there are no vectors to keep."""
    await served.create(documents=["He lives at the far end of the garden."], retain_examples=False)
    assert (await served.client.get("/v1/forget-targets/hatter")).json()["documents"] == []
    await served.create(id="duchess", name="Ugly Duchess")


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
