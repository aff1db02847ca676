"""Several calls of the engine, answered as one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from server.answers.fanout import Call, fanned
from server.answers.reply import Reply, deliver, replied
from server.errors import EngineFailure
from tests.server.answers.conftest import COMPLETION, SCOPE, Client, answers, events, nothing, says


def asking(app_of: Callable[[Call], ASGIApp], receive: Receive = nothing) -> Callable[[Call], AbstractAsyncContextManager[Reply]]:
    return lambda call: replied(app_of(call), SCOPE, receive, COMPLETION)


def calls(count: int, prompts: int = 1) -> list[Call]:
    return [Call(number, number * prompts // count, {}) for number in range(count)]


def usage(prompt: int, said: int) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}


def choice(text: str, end: str | None = "stop") -> dict[str, Any]:
    return {"index": 0, "text": text, "finish_reason": end}


async def test_whole_answers_become_one() -> None:
    def app_of(call: Call) -> ASGIApp:
        body = {"id": f"cmpl-x{call.suffix}", "created": call.number, "choices": [choice(f"text {call.number}")]}
        return answers({**body, "usage": usage(5 + call.prompt, 1 + call.number)})

    client = Client()
    async with fanned(asking(app_of), calls(4, prompts=2)) as reply:
        await deliver(reply, client, {})
    assert json.loads(client.body) == {
        "id": "cmpl-x",
        "created": 0,
        "choices": [{**choice(f"text {number}"), "index": number} for number in range(4)],
        "usage": usage(5 + 6, 1 + 2 + 3 + 4),
    }


def streaming(call: Call) -> bytes:
    named = {"id": f"cmpl-x{call.suffix}", "created": call.number}
    return events(
        *({**named, "choices": [choice(letter, None)]} for letter in f"ab{call.number}"),
        {**named, "choices": [choice("", "length")]},
        {**named, "choices": [], "usage": usage(5, 3)},
    )


@pytest.mark.parametrize("cut", range(0, len(streaming(Call(0, 0, {}))) + 1, 3))
@pytest.mark.slow
async def test_streams_become_one_wherever_they_are_cut(cut: int) -> None:
    client = Client()
    async with fanned(asking(lambda call: says([streaming(call)[:cut], streaming(call)[cut:]])), calls(3)) as reply:
        await deliver(reply, client, {})
    *said, last = client.chunks
    assert {(chunk["id"], chunk["created"]) for chunk in client.chunks} == {("cmpl-x", said[0]["created"])}
    texts: dict[int, str] = {}
    ends: dict[int, str] = {}
    for chunk in said:
        (one,) = chunk["choices"]
        texts[one["index"]] = texts.get(one["index"], "") + one["text"]
        if one["finish_reason"]:
            ends[one["index"]] = one["finish_reason"]
    assert texts == {0: "ab0", 1: "ab1", 2: "ab2"}
    assert ends == dict.fromkeys(range(3), "length")
    assert (last["choices"], last["usage"]) == ([], usage(5, 9))


async def test_without_a_count_in_each_there_is_none() -> None:
    client = Client()
    async with fanned(asking(lambda _: says([events({"choices": [choice("a")]})])), calls(2)) as reply:
        await deliver(reply, client, {})
    assert [chunk["choices"][0]["index"] for chunk in client.chunks] in ([0, 1], [1, 0])


async def test_a_slow_choice_does_not_hold_up_the_others() -> None:
    go = asyncio.Event()

    def app_of(call: Call) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if call.number == 0:
                await go.wait()
            await send({"type": "http.response.body", "body": events({"choices": [choice("a")]})})

        return app

    async with fanned(asking(app_of), calls(2)) as reply:
        chunks = aiter(reply.answered)
        assert (await anext(chunks)).pieces[0].choice == 1
        go.set()
        assert [chunk.pieces[0].choice async for chunk in chunks] == [0]


async def test_one_call_s_error_is_the_whole_answer_and_ends_the_others() -> None:
    heard: list[str] = []

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append((await receive())["type"])

    client = Client()
    apps = [waits, answers({"error": {"code": 400}}, 400), waits]
    async with fanned(asking(lambda call: apps[call.number]), calls(3)) as reply:
        await deliver(reply, client, {})
    assert (client.status, json.loads(client.body)) == (400, {"error": {"code": 400}})
    assert heard == ["http.disconnect", "http.disconnect"]


async def test_an_error_in_a_stream_ends_it() -> None:
    def app_of(call: Call) -> ASGIApp:
        return says([events({"error": {"code": 400}})]) if call.number else says([events({"choices": [choice("a", None)]})])

    client = Client()
    async with fanned(asking(app_of), calls(2)) as reply:
        await deliver(reply, client, {})
    assert client.chunks[-1] == {"error": {"code": 400}}


async def test_what_a_call_raises_is_raised() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise EngineFailure("broken")

    with pytest.raises(EngineFailure, match="broken"):
        async with fanned(asking(lambda call: broken if call.number else answers({"choices": []})), calls(2)):
            pass


async def test_a_client_that_leaves_ends_every_call() -> None:
    leaves, heard = asyncio.Event(), []

    async def receive() -> dict[str, Any]:
        await leaves.wait()
        return {"type": "http.disconnect"}

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        if len(heard) == 0:
            leaves.set()
        heard.append((await receive())["type"])

    with pytest.raises(ClientDisconnect):
        async with fanned(asking(lambda _: waits, receive), calls(3)):
            pass
    assert heard == ["http.disconnect"] * 3


async def test_a_fan_out_that_is_cancelled_ends_its_calls() -> None:
    heard: list[str] = []

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append((await receive())["type"])

    async def run() -> None:
        async with fanned(asking(lambda _: waits), calls(2)):
            pass

    running = asyncio.create_task(run())
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert heard == ["http.disconnect"] * 2


async def test_more_than_one_choice_per_call_cannot_be_merged() -> None:
    with pytest.raises(EngineFailure, match="2 choices"):
        async with fanned(asking(lambda _: answers({"choices": [choice("a"), choice("b")]})), calls(2)):
            pass
