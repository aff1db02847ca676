"""A dead end is told as `content_filter`, in every choice, streamed or whole, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.answers.chunk import Chunk
from server.answers.deadends import dead_ends
from server.answers.reply import deliver, replied
from server.metrics import Metrics
from tests.server.answers.conftest import CHAT, COMPLETION, SCOPE, Client, answers, collected, events, nothing, says, stream

TOKEN = 3


def choice(index: int, stop: Any, **others: Any) -> dict[str, Any]:
    return {"index": index, "text": "a", "finish_reason": "stop", "stop_reason": stop, **others}


async def test_only_the_choice_that_met_it_is_changed() -> None:
    metrics = Metrics()
    body = {"id": "x", "choices": [choice(0, None), choice(1, TOKEN, logprobs={"tokens": ["a"]}), choice(2, "end")]}
    (told,) = await collected(dead_ends(TOKEN, metrics)(stream([Chunk.of(body, COMPLETION)])))
    changed = {**choice(1, None, logprobs={"tokens": []}), "finish_reason": "content_filter"}
    assert told == {"id": "x", "choices": [choice(0, None), changed, choice(2, "end")]}
    assert b"guard_dead_ends_total 1.0" in metrics.text()


async def test_a_text_that_looks_like_it_is_left_alone() -> None:
    body = {"choices": [{"index": 0, "text": '"stop_reason":3', "finish_reason": "stop", "stop_reason": None}]}
    chunk = Chunk.of(body, COMPLETION)
    assert [each async for each in dead_ends(TOKEN, Metrics())(stream([chunk]))] == [chunk]


async def test_a_whole_answer() -> None:
    client = Client()
    body = {"choices": [{"index": 0, "message": {"content": "ö"}, "finish_reason": "stop", "stop_reason": TOKEN}]}
    async with replied(answers(body), SCOPE, nothing, CHAT) as reply:
        await deliver(reply.after(dead_ends(TOKEN, Metrics())), client, {})
    assert json.loads(client.body)["choices"][0]["finish_reason"] == "content_filter"
    assert client.headers["content-length"] == str(len(client.body))


STREAM = events(
    {"id": "x", "choices": [{"index": 0, "delta": {"content": "Zoë"}, "finish_reason": None}]},
    {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": TOKEN}]},
    {"id": "x", "choices": [], "usage": {"total_tokens": 2}},
)


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
@pytest.mark.slow
async def test_a_stream_cut_anywhere(cut: int) -> None:
    client = Client()
    async with replied(says([STREAM[:cut], STREAM[cut:]]), SCOPE, nothing, CHAT) as reply:
        await deliver(reply.after(dead_ends(TOKEN, Metrics())), client, {"x-a": "b"})
    said, end, usage = client.chunks
    assert said["choices"][0]["delta"] == {"content": "Zoë"}
    assert end["choices"] == [{"index": 0, "delta": {}, "finish_reason": "content_filter", "stop_reason": None}]
    assert usage["usage"] == {"total_tokens": 2}
    assert client.headers == {"content-type": "text/event-stream", "x-a": "b"}


LOGPROBS = {"content": [{"token": "tea", "logprob": -0.1}, {"token": "<|pad|>", "logprob": 0.0}]}


@pytest.mark.parametrize("key", ["message", "delta"])
async def test_clients_13_logprobs_at_a_dead_end_do_not_tell_the_token(key: str) -> None:
    said = {"index": 0, key: {"content": "tea"}, "logprobs": LOGPROBS, "finish_reason": "stop", "stop_reason": TOKEN}
    (told,) = await collected(dead_ends(TOKEN, Metrics())(stream([Chunk.of({"choices": [said]}, CHAT)])))
    assert told["choices"][0]["logprobs"] == {"content": LOGPROBS["content"][:1]}
    assert told["choices"][0][key] == {"content": "tea"}
