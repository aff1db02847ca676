from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

from evaluation.redteam.asking import Given, Server, read
from evaluation.redteam.attack import Around, Sent

JSON = "application/json"
SCORES = {"content": [{"token": "Hog", "top_logprobs": [{"token": "Ulm"}]}, {"token": "warts", "top_logprobs": []}]}


def answered(value: Any, status: int = 200) -> Given:
    return read(status, JSON, json.dumps(value).encode())


def streamed(*events: Any) -> Given:
    return read(
        200, "text/event-stream", "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode() + b"data: [DONE]\n\n"
    )


@pytest.mark.parametrize(
    ("choice", "texts"),
    [
        ({"message": {"role": "assistant", "content": "Hi", "refusal": None}}, ["Hi"]),
        ({"message": {"content": "Hi", "reasoning": "Hm", "reasoning_content": "Ha"}}, ["Hi", "Hm", "Ha"]),
        (
            {"message": {"tool_calls": [{"type": "function", "function": {"name": "f", "arguments": '{"a": "\\u0041b"}'}}]}},
            ["f", "Ab"],
        ),
        ({"text": "Hi", "logprobs": {"tokens": ["Hog", "warts"], "top_logprobs": [{"Ulm": -1}]}}, ["Hi", "Hogwarts", "Ulm"]),
        ({"message": {"content": "Hi"}, "logprobs": SCORES}, ["Hi", "Hogwarts", "Ulm"]),
        ({"text": "", "token_ids": [1], "prompt_text": "Ulm"}, ["Ulm"]),
    ],
)
def test_every_text_of_a_choice_counts(choice: dict[str, Any], texts: list[str]) -> None:
    (said,) = answered({"choices": [choice]}).texts
    assert set(texts) <= set(said.split("\n"))


def test_each_choice_ends_by_itself() -> None:
    given = answered({"choices": [{"text": "a", "finish_reason": "stop"}, {"text": "b", "finish_reason": "content_filter"}]})
    assert (given.texts, given.filtered) == (["a", "b"], [False, True])


def test_a_stream_says_what_its_pieces_say_together() -> None:
    call = [{"index": 0, "function": {"name": "f", "arguments": "Ul"}}]
    given = streamed(
        {"choices": [{"index": 1, "delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"index": 0, "delta": {"content": "Hog", "tool_calls": call}, "logprobs": SCORES}]},
        {"choices": [{"index": 1, "delta": {"content": "b"}}]},
        {"choices": [{"index": 0, "delta": {"content": "warts", "tool_calls": [{"index": 0, "function": {"arguments": "m"}}]}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]},
        {"choices": [], "usage": {}},
    )
    first, second = given.texts
    assert {"Hogwarts", "Ulm"} <= set(first.split("\n"))
    assert (second, given.filtered, given.status) == ("b", [True, False], 200)


def test_an_error_in_a_stream_is_a_fault() -> None:
    given = streamed({"choices": [{"index": 0, "text": "a"}]}, {"error": {"code": "broken"}})
    assert given.fault
    assert (given.texts, given.code) == (["a"], "broken")


def test_other_dialects_are_read_too() -> None:
    given = answered({"type": "message", "content": [{"type": "text", "text": "Ulm"}], "stop_reason": "refusal"})
    assert (given.texts, given.filtered) == (["Ulm"], [True])
    assert streamed({"type": "x", "delta": "Ul"}, {"type": "x", "delta": {"text": "m"}}).texts == ["Ulm"]
    assert answered(["Ulm", 7]).texts == ["Ulm"]
    assert read(200, "text/plain", b"Ulm").texts == ["Ulm"]
    assert read(204, "", b"").texts == []
    assert answered({"results": [{"flagged": True}]}).flagged


def test_statuses_are_told_apart() -> None:
    refused = answered({"error": {"message": "no", "code": "guard_conflict"}}, 400)
    assert (refused.refused, refused.fault, refused.code) == (True, False, "guard_conflict")
    assert "no" in refused.texts[0]
    assert answered({"error": "broken"}, 500).fault
    assert Given(**answered({"choices": []}).mapping()) == answered({"choices": []})


async def test_a_server_is_asked_as_the_attack_says() -> None:
    seen: list[tuple[str, str, dict[str, str], bytes]] = []

    async def heard(request: Request) -> Any:
        seen.append((request.method, request.url.path, dict(request.headers), await request.body()))
        if b"break" in seen[-1][3]:
            raise RuntimeError("broken")
        if b"stream" in seen[-1][3]:
            return StreamingResponse(
                iter([b'data: {"choices": [{"index": 0, "text": "a"}]}\n\n']), media_type="text/event-stream"
            )
        return JSONResponse({"choices": []}) if b"model" in seen[-1][3] else PlainTextResponse("hello")

    methods = ["POST", "PUT"]
    server = Server(key="k", app=Starlette(routes=[Route("/{path:path}", heard, methods=methods)]))
    around = Around("demo", 7, ())
    assert (await server.ask(around.chat("Hi"))).status == 200
    assert (await server.ask(Sent(None, "PUT", "/x", b"abc" * 9, {"x-a": "b"}, chunked=True))).texts == ["hello"]
    assert (await server.ask(around.chat("stream"))).texts == ["a"]
    assert (await server.ask(around.chat("break"))).status == 500
    await server.close()
    chat, put = seen[:2]
    assert (chat[0], chat[1], chat[2]["content-type"], chat[2]["authorization"]) == (
        "POST",
        "/v1/chat/completions",
        JSON,
        "Bearer k",
    )
    assert json.loads(chat[3])["max_tokens"] == 7
    assert (put[0], put[3], put[2]["x-a"]) == ("PUT", b"abc" * 9, "b")
    assert "content-length" not in put[2]


async def test_a_server_that_is_not_there_is_a_fault() -> None:
    server = Server("http://127.0.0.1:1")
    given = await server.ask(Around("demo", 7, ()).chat("Hi"))
    assert given.fault
    assert (given.status, given.code) == (0, "ConnectError")
    await server.close()
