"""Requests split into calls of one choice, and a client that leaves them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Send

from server.errors import EngineFailure
from server.fanout import Call, Fanout, calls_of

BODY = {"model": "m", "prompt": "x"}


@pytest.mark.parametrize(
    ("fields", "calls"),
    [
        ({}, 1),
        ({"n": 1}, 1),
        ({"n": 3}, 3),
        ({"n": "3"}, 3),
        ({"n": 3.0}, 3),
        ({"prompt": ["x"]}, 1),
        ({"prompt": ["x", "y"], "n": 2}, 4),
        ({"prompt": [5, 6, 7]}, 1),
        ({"prompt": [[5, 6], [7]]}, 2),
        # What vLLM refuses.
        ({"n": 0}, 1),
        ({"n": -2}, 1),
        ({"n": "x"}, 1),
        ({"n": 2.5}, 1),
        ({"n": 10**9}, 1),
        ({"n": 2, "temperature": 0}, 1),
        ({"n": 2, "seed": "x"}, 1),
        ({"prompt": []}, 1),
    ],
    ids=str,
)
def test_how_many_calls(fields: dict[str, Any], calls: int) -> None:
    body = BODY | fields
    split = calls_of(body)
    assert [call.number for call in split] == list(range(calls))
    if calls == 1:
        assert split[0].body == body
    else:
        assert all(call.body["n"] == 1 for call in split)


@pytest.mark.parametrize(
    ("seed", "seeds"), [(None, [None] * 3), (-1, [-1] * 3), (5, [5, 6, 7]), (2**63 - 2, [2**63 - 2, 2**63 - 1, -(2**63)])]
)
def test_seeds_are_those_vllm_gives(seed: int | None, seeds: list[int | None]) -> None:
    assert [call.body.get("seed") for call in calls_of({**BODY, "n": 3, "seed": seed})] == seeds


def test_the_numbers_go_prompt_by_prompt() -> None:
    split = calls_of({**BODY, "prompt": ["x", "y"], "n": 2, "seed": 4})
    assert [(call.prompt, call.body["prompt"], call.body["seed"]) for call in split] == [
        (0, "x", 4),
        (0, "x", 5),
        (1, "y", 4),
        (1, "y", 5),
    ]


class Client:
    """What a fan-out talks to: it keeps what it gets, and leaves when told to."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.leaves = asyncio.Event()

    async def send(self, message: Message) -> None:
        self.got.append(message)

    async def receive(self) -> Message:
        await self.leaves.wait()
        return {"type": "http.disconnect"}


def start(status: int = 200, kind: bytes = b"application/json") -> Message:
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]}


@pytest.mark.parametrize("kind", [b"application/json", b"text/event-stream"])
async def test_a_client_that_leaves_ends_every_call(kind: bytes) -> None:
    client, ended = Client(), []

    async def ask(call: Call, receive: Receive, send: Send) -> None:
        await send(start(kind=kind))
        if call.number == 1:
            client.leaves.set()
        assert (await receive())["type"] == "http.disconnect"
        ended.append(call.number)
        # What vLLM's route answers then.
        await send({"type": "http.response.body", "body": b"null"})

    await Fanout(calls_of({**BODY, "n": 3}), client.send).run(ask, client.receive)
    assert sorted(ended) == [0, 1, 2]
    assert not any(message.get("body") for message in client.got)


@pytest.mark.parametrize("kind", [b"application/json", b"text/event-stream"])
async def test_one_call_s_error_is_the_whole_answer_and_ends_the_others(kind: bytes) -> None:
    client, ended = Client(), []

    async def ask(call: Call, receive: Receive, send: Send) -> None:
        if call.number == 1:
            await asyncio.sleep(0.01)
            await send(start(400))
            await send({"type": "http.response.body", "body": b'{"error":', "more_body": True})
            await send({"type": "http.response.body", "body": b"1}"})
            return
        await send(start(kind=kind))
        await send({"type": "http.response.body", "body": b'data: {"choices":[{}]}\n\n', "more_body": True})
        await receive()
        ended.append(call.number)

    await Fanout(calls_of({**BODY, "n": 3}), client.send).run(ask, client.receive)
    assert ended == [0, 2]
    assert [message.get("status") for message in client.got] == [400, None]
    assert client.got[1]["body"] == b'{"error":1}'


async def test_what_a_call_raises_is_raised_when_all_have_ended() -> None:
    client, ended = Client(), []

    async def ask(call: Call, receive: Receive, send: Send) -> None:
        if call.number == 1:
            raise EngineFailure("broken")
        await receive()
        ended.append(call.number)

    with pytest.raises(EngineFailure, match="broken"):
        await Fanout(calls_of({**BODY, "n": 3}), client.send).run(ask, client.receive)
    assert ended == [0, 2]
    assert client.got == []


async def test_a_fan_out_that_is_cancelled_ends_its_calls() -> None:
    client, ended = Client(), []

    async def ask(call: Call, receive: Receive, send: Send) -> None:
        await receive()
        ended.append(call.number)

    running = asyncio.create_task(Fanout(calls_of({**BODY, "n": 2}), client.send).run(ask, client.receive))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == [0, 1]


async def test_a_call_without_an_answer_is_an_error() -> None:
    client = Client()

    async def ask(call: Call, receive: Receive, send: Send) -> None:
        pass

    with pytest.raises(EngineFailure, match="without an answer"):
        await Fanout(calls_of({**BODY, "n": 2}), client.send).run(ask, client.receive)
