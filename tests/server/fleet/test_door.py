"""The door: nothing is said by an engine without a lease, and what is being said breaks off when the lease ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from server.fleet.door import PROVING, READY, Door, Doorkeeper, DoorShut


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(clock: Clock) -> Door:
    return Door(clock)


def kept(door: Door, during: Callable[[], None] = lambda: None) -> Doorkeeper:
    """Return an application behind a door; `during` is called in the middle of each of its answers."""

    async def whole(_: Request) -> Response:
        during()
        return JSONResponse({"said": "secret"})

    async def streamed(_: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first "
            during()
            yield b"secret"

        return StreamingResponse(parts())

    routes = [Route("/whole", whole, methods=["POST"]), Route("/stream", streamed, methods=["POST"])]
    routes += [Route(path, lambda _: PlainTextResponse("open")) for path in ("/health", "/metrics", "/v1/models", "/inside")]
    return Doorkeeper(Starlette(routes=routes), door)


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://engine")


async def test_it_is_shut_from_the_start_and_while_no_lease_lasts(door: Door, clock: Clock) -> None:
    async with client(kept(door)) as asked:
        for until, status in ((None, 503), (110.0, 200), (99.0, 503)):
            if until:
                door.open_until(until)
            assert (await asked.post("/whole")).status_code == status
            assert (await asked.post("/stream")).status_code == status
            assert (await asked.get("/inside")).status_code == status
            assert (await asked.get(READY)).status_code == status
            # These generate nothing; a probe of the process must not restart it because the front end is away.
            assert {(await asked.get(path)).status_code for path in ("/health", "/metrics", "/v1/models")} == {200}
            assert (await asked.post("/health")).status_code == (405 if status == 200 else 503)
        door.open_until(clock.now + 10)
        clock.now += 10
        assert (await asked.post("/whole")).status_code == 503


async def test_an_answer_that_has_not_begun_when_the_lease_ends_becomes_an_error(door: Door) -> None:
    door.open_until(110)
    async with client(kept(door, door.shut)) as asked:
        answer = await asked.post("/whole")
    assert answer.status_code == 503
    assert "secret" not in answer.text


async def test_a_stream_breaks_off_when_the_lease_ends(door: Door) -> None:
    door.open_until(110)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/stream",
        "headers": [],
        "query_string": b"",
        "asgi": {"spec_version": "2.4"},
    }
    with pytest.raises(DoorShut):
        await kept(door, door.shut)(scope, receive, send)
    assert [message.get("body") for message in sent] == [None, b"first "]
    assert all(message.get("more_body", True) for message in sent)


async def test_an_answer_from_before_does_not_go_on_when_the_engine_has_joined_anew(door: Door) -> None:
    door.open_until(110)

    def again() -> None:
        door.shut()
        door.open_until(110)

    async with client(kept(door, again)) as asked:
        assert (await asked.post("/whole")).status_code == 503


async def test_a_renewal_breaks_nothing_off(door: Door) -> None:
    door.open_until(110)
    async with client(kept(door, lambda: door.open_until(120))) as asked:
        assert (await asked.post("/whole")).json() == {"said": "secret"}
        assert (await asked.post("/stream")).text == "first secret"


async def test_the_proof_passes_a_shut_door_and_no_header_opens_it(door: Door) -> None:
    app = kept(door)

    async def proving(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, PROVING: True}, receive, send)

    async with client(proving) as asked:
        assert (await asked.post("/whole")).status_code == 200
    async with client(app) as asked:
        assert (await asked.post("/whole", headers={PROVING: "true"})).status_code == 503


async def test_web_sockets_are_closed(door: Door) -> None:
    door.open_until(110)
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await kept(door)({"type": "websocket", "path": "/inside"}, None, send)  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_an_application_that_stops_leaves_the_fleet(door: Door) -> None:
    left: list[str] = []

    async def leave() -> None:
        left.append("left")

    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> Any:
        if len(sent) == 1:
            assert not left
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await Doorkeeper(Starlette(), door, leave)({"type": "lifespan", "state": {}}, receive, send)
    assert left == ["left"]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
