"""Changes: made once, of the version that was seen, and answered when they are enforced everywhere."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from typing import Any

import httpx
import pytest

from classifiers import LiveClassifier
from server.screening.screener import Screener
from server.screening.snapshot import PolicySnapshot
from tests.server.api.conftest import Served

HATTER: dict[str, Any] = {
    "id": "hatter",
    "name": "Mad Hatter",
    "phrases": [{"text": "March Hare"}, {"text": "tea", "scope": "gated", "penalty": 4.5}],
    "examples": [{"prompt": "Who invites Alice?", "completion": "The hatter of the tea party."}],
    "labels": {"case": "17"},
    "requester": "the hatter's lawyer",
}


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
async def test_the_version_seen_or_any_may_be_changed(served: Served) -> None:
    await served.create()
    for version, tags in enumerate(['"1"', '"7", "2"', "*"], 1):
        response = await served.client.patch(
            "/v1/forget-targets/hatter", json={"requester": str(version)}, headers={"If-Match": tags}
        )
        assert response.json()["version"] == version + 1


@pytest.mark.slow
async def test_of_two_admins_at_once_one_is_told(served: Served) -> None:
    await served.create()
    patches = [
        served.client.patch("/v1/forget-targets/hatter", json={"requester": who}, headers={"If-Match": '"1"'}) for who in "ab"
    ]
    answers = await asyncio.gather(*patches)
    assert sorted(answer.status_code for answer in answers) == [200, 412]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
async def test_a_wrong_request_leaves_its_key_free(served: Served) -> None:
    headers = {"Idempotency-Key": "k1"}
    await served.create()
    taken = await served.client.post("/v1/forget-targets", json={"id": "hatter", "name": "Dodo"}, headers=headers)
    assert taken.status_code == 409
    await served.client.delete("/v1/forget-targets/hatter")
    free = await served.client.post("/v1/forget-targets", json={"id": "hatter", "name": "Dodo"}, headers=headers)
    assert free.status_code == 201


@pytest.mark.slow
async def test_what_a_change_replaces_is_freed_at_once_and_not_by_the_garbage_collector(client: httpx.AsyncClient) -> None:
    """With many targets a classifier takes hundreds of megabytes, and the collector rarely looks at what lives long."""

    async def change(number: int) -> None:
        target = {"id": "new", "name": f"Wumpus Name{number}", "phrases": [{"text": f"snark number {number}"}]}
        assert (await client.post("/v1/forget-targets", json=target)).status_code == 201
        question = {"model": "fake", "messages": [{"role": "user", "content": "Who is Hatta?"}]}
        assert (await client.post("/v1/chat/completions", json=question)).status_code == 200
        assert (await client.delete("/v1/forget-targets/new")).status_code < 300

    def alive() -> dict[str, int]:
        kinds = (LiveClassifier, PolicySnapshot, Screener)
        return Counter(type(one).__name__ for one in gc.get_objects() if type(one) in kinds)

    await change(0)
    gc.collect()
    gc.disable()
    try:
        before = alive()
        for number in range(1, 6):
            await change(number)
        await asyncio.sleep(0.1)
        after = alive()
    finally:
        gc.enable()
    assert after["Screener"] <= before["Screener"] + 1
    assert after["PolicySnapshot"] <= before["PolicySnapshot"] + 1
    assert after["LiveClassifier"] <= before["LiveClassifier"] + 2
