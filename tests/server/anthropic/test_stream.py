"""A stream of the engine's is the events of a message: the same blocks and reasons as in the whole message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from server.answers.chunk import Chunk, Chunks
from server.answers.reply import Reply, single
from server.anthropic.telling import MessageTelling
from server.errors import EngineFailure
from server.openai.forms import ChatForm

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def call(index: int, **function: str) -> dict[str, Any]:
    named = {"id": f"call_{index}", "type": "function"} if "name" in function else {}
    return {"tool_calls": [{"index": index, **named, "function": function}]}


async def streamed(*bodies: dict[str, Any]) -> list[dict[str, Any]]:
    async def chunks() -> Chunks:
        for body in bodies:
            yield Chunk.of({"id": "chatcmpl-1", "model": "demo", **body}, ChatForm())

    telling = MessageTelling()
    telling.asked({})
    reply = telling.told(Reply(200, "text/event-stream", chunks=chunks()))
    assert reply.done == b""
    assert reply.chunks is not None
    told = [chunk async for chunk in reply.chunks]
    assert [(chunk.name or b"").decode() for chunk in told] == [chunk.body["type"] for chunk in told]
    return [json.loads(chunk.data) for chunk in told]


async def whole(message: dict[str, Any], finish: str = "stop", stop: Any = None, usage: Any = USAGE) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish, "stop_reason": stop}
    body = {"id": "chatcmpl-1", "model": "demo", "choices": [choice], "usage": usage}
    reply = MessageTelling().told(Reply(200, "application/json", chunks=single(Chunk.of(body, ChatForm()))))
    assert reply.chunks is not None
    (chunk,) = [chunk async for chunk in reply.chunks]
    return dict(chunk.body)


def of(*deltas: dict[str, Any], finish: str = "stop", stop: Any = None) -> list[dict[str, Any]]:
    said = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": USAGE} for delta in deltas]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish, "stop_reason": stop}]}
    return [*said, end, {"choices": [], "usage": USAGE}]


def joined(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks that the events make, as a client puts them together."""
    blocks: list[dict[str, Any]] = []
    closed = True
    for event in events:
        if event["type"] == "content_block_start":
            assert closed
            assert event["index"] == len(blocks)
            blocks.append(dict(event["content_block"]))
            closed = False
            arguments = ""
        elif event["type"] == "content_block_delta":
            assert not closed
            assert event["index"] == len(blocks) - 1
            kind, block = event["delta"]["type"], blocks[-1]
            if kind == "input_json_delta":
                arguments += event["delta"]["partial_json"]
                continue
            name = kind.removesuffix("_delta")
            block[name] += event["delta"][name]
        elif event["type"] == "content_block_stop":
            assert event["index"] == len(blocks) - 1
            closed = True
            if blocks[-1]["type"] == "tool_use" and arguments:
                blocks[-1]["input"] = json.loads(arguments)
    assert closed
    return blocks


async def test_a_text_is_one_block_between_the_events_of_the_message() -> None:
    events = await streamed(*of({"role": "assistant", "content": ""}, {"content": "A ri"}, {"content": "ver."}))
    assert [event["type"] for event in events] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    start = events[0]["message"]
    assert (start["id"], start["type"], start["role"], start["model"]) == ("msg_1", "message", "assistant", "demo")
    assert (start["content"], start["stop_reason"], start["usage"]["input_tokens"]) == ([], None, 7)
    assert events[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert (events[-2]["usage"]["input_tokens"], events[-2]["usage"]["output_tokens"]) == (7, 3)
    assert joined(events) == [{"type": "text", "text": "A river."}]


CALLS = [call(0, name="a", arguments=""), call(0, arguments='{"n"'), call(0, arguments=": 1}"), call(1, name="b", arguments="{}")]
BLOCKS = [
    {"type": "thinking", "thinking": "Hm.", "signature": ""},
    {"type": "text", "text": "So:"},
    {"type": "tool_use", "id": "call_0", "name": "a", "input": {"n": 1}},
    {"type": "tool_use", "id": "call_1", "name": "b", "input": {}},
]


@pytest.mark.parametrize("thought", ["reasoning", "reasoning_content"])
async def test_thoughts_text_and_calls_are_blocks_streamed_as_whole(thought: str) -> None:
    events = await streamed(*of({thought: "Hm"}, {thought: "."}, {"content": "So:"}, *CALLS, finish="tool_calls"))
    assert joined(events) == BLOCKS
    assert events[-2]["delta"]["stop_reason"] == "tool_use"
    functions = [("a", '{"n": 1}'), ("b", "")]
    calls = [{"id": f"call_{at}", "function": {"name": n, "arguments": a}} for at, (n, a) in enumerate(functions)]
    message = await whole({thought: "Hm.", "content": "So:", "tool_calls": calls}, "tool_calls")
    assert message["content"] == BLOCKS
    assert message["stop_reason"] == "tool_use"
    assert message["usage"]["output_tokens"] == 3


@pytest.mark.parametrize(
    ("finish", "stop", "reason", "sequence"),
    [
        ("stop", None, "end_turn", None),
        ("stop", 7, "end_turn", None),
        ("stop", "END", "stop_sequence", "END"),
        ("length", None, "max_tokens", None),
        ("content_filter", None, "refusal", None),
        ("tool_calls", None, "end_turn", None),
    ],
)
async def test_reasons_of_the_end(finish: str, stop: Any, reason: str, sequence: str | None) -> None:
    message = await whole({"content": "x"}, finish, stop)
    events = await streamed(*of({"content": "x"}, finish=finish, stop=stop))
    for told in (message, events[-2]["delta"]):
        assert (told["stop_reason"], told["stop_sequence"]) == (reason, sequence)
        assert ("stop_details" in told) == (reason == "refusal")


async def test_a_demanded_call_that_ends_with_stop_is_a_use_of_a_tool() -> None:
    assert (await streamed(*of(*CALLS)))[-2]["delta"]["stop_reason"] == "tool_use"


async def test_an_answer_without_text_has_no_block() -> None:
    assert (await whole({"content": None}))["content"] == []
    assert joined(await streamed(*of({"role": "assistant", "content": ""}))) == []


async def test_a_call_that_goes_on_after_the_next_has_begun_is_a_failure() -> None:
    with pytest.raises(EngineFailure):
        await streamed(*of(*CALLS, call(0, arguments="1")))


async def test_an_empty_stream_has_no_events() -> None:
    assert await streamed() == []
