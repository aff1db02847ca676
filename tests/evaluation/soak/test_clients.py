from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable

import httpx
import pytest

from evaluation.soak import clients
from evaluation.soak.clients import Told, change, play, stream


def client(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://server")


def events(*finishes: str | None, done: bool = True) -> str:
    chunks = [{"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]} for finish in finishes]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + ("data: [DONE]\n\n" if done else "")


@pytest.mark.parametrize(
    ("status", "body", "ends"),
    [
        (200, events(None, "length"), {"length": 1}),
        (200, events(None, "length", done=False), {"lost": 1}),
        (200, events(None, None), {"lost": 1}),
        (200, 'data: {"error": {"message": "x"}}\n\n' + events(), {"lost": 1}),
        (503, "{}", {"lost": 1}),
    ],
)
async def test_a_stream_is_lost_unless_it_ends(
    status: int, body: str, ends: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "LEAVES", 0)
    told = Told()
    async with client(lambda _: httpx.Response(status, text=body)) as one:
        await stream(one, random.Random(1), ("q",), told)
    assert told.ends == ends
    assert told.failures == (status == 503)


async def test_a_client_that_leaves_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "LEAVES", 1)
    told = Told()
    async with client(lambda _: httpx.Response(200, text=events(*[None] * 20, done=False))) as one:
        await stream(one, random.Random(1), ("q",), told)
    assert told.ends == {"left": 1}


async def test_answers_about_a_target_that_are_cut_short_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "LEAVES", 0)
    monkeypatch.setattr(clients, "ABOUT", 1)
    told = Told()
    async with client(lambda _: httpx.Response(200, text=events("content_filter"))) as one:
        await stream(one, random.Random(1), ("q",), told)
    assert (told.asked, told.cut) == (1, 1)


async def test_a_target_is_made_changed_and_deleted_in_turn() -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(f"{request.method} {request.url.path}")
        return httpx.Response(200)

    told = Told()
    async with client(answer) as one:
        for number in range(4):
            await change(one, number, random.Random(1), told)
    path = "/v1/forget-targets"
    assert sent == [f"POST {path}", f"PATCH {path}/soak-0", f"DELETE {path}/soak-0", f"POST {path}"]
    assert len(told.change_ms) == 4


@pytest.mark.slow
async def test_clients_the_admin_and_the_samples_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.01)
        return httpx.Response(200, text=events("stop"))

    def opened(*_: object) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://server")

    monkeypatch.setattr(clients, "opened", opened)
    told, samples = Told(), list[int]()
    await play("http://server", 0.3, 2, ("q",), told, lambda: samples.append(1), 0.02)
    assert told.statuses["stream 200"] > 2
    assert told.statuses["change 200"] == 1
    assert len(samples) >= 2


@pytest.mark.slow
async def test_a_pause_of_the_process_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "PAUSE_S", 0.2)

    def opened(*_: object) -> httpx.AsyncClient:
        return client(lambda _: httpx.Response(200, text=events("stop")))

    async def hold_up() -> None:
        await asyncio.sleep(0.05)
        time.sleep(0.5)  # noqa: ASYNC251 - the loop itself is to stop

    monkeypatch.setattr(clients, "opened", opened)
    told = Told()
    await asyncio.gather(play("http://server", 1, 0, ("q",), told, lambda: None, 1), hold_up())
    assert [round(pause, 1) for _, pause in told.pauses] == [pytest.approx(0.5, abs=0.1)]
