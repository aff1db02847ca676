"""Log probabilities say nothing about which tokens are banned."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.answers.chunk import Chunk, Form
from server.answers.scores import possible
from server.openai.forms import ChatForm, CompletionForm


async def read(body: dict[str, Any], form: Form) -> dict[str, Any]:
    async def chunks() -> AsyncIterator[Chunk]:
        yield Chunk.of(body, form)

    (chunk,) = [chunk async for chunk in possible(chunks())]
    found: dict[str, Any] = json.loads(chunk.data)
    return found


def entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def chat(key: str, *others: dict[str, Any]) -> dict[str, Any]:
    scores = {"content": [{**entry("a", -0.1), "top_logprobs": list(others)}]}
    return {"choices": [{"index": 0, key: {"content": "a"}, "logprobs": scores, "finish_reason": None}]}


def text(others: dict[str, float]) -> dict[str, Any]:
    scores = {"tokens": ["a"], "token_logprobs": [-0.1], "text_offset": [0], "top_logprobs": [others]}
    return {"choices": [{"index": 0, "text": "a", "logprobs": scores, "finish_reason": None}]}


@pytest.mark.parametrize("key", ["delta", "message"])
async def test_f3_what_is_banned_is_not_listed_in_a_chat(key: str) -> None:
    # `top_k` leaves one token. Of the others one is banned, one is unlikely and one is the dead end: all are written alike.
    listed = [entry("a", -0.1), entry(" Hatter", -9999.0), entry(" cake", -9999.0), entry("<|pad|>", -9999.0)]
    assert await read(chat(key, *listed), ChatForm()) == chat(key, listed[0])
    assert await read(chat(key, entry("a", -0.1), entry("b", -30.5)), ChatForm()) == chat(
        key, entry("a", -0.1), entry("b", -30.5)
    )


async def test_f3_what_is_banned_is_not_listed_in_a_completion() -> None:
    assert await read(text({"a": -0.1, " Hatter": -9999.0, "<|pad|>": -9999.0}), CompletionForm()) == text({"a": -0.1})
    assert await read(text({"a": -0.1, "b": -30.5}), CompletionForm()) == text({"a": -0.1, "b": -30.5})


async def test_f3_chunks_without_log_probabilities_stay_as_they_are() -> None:
    for scores in (
        None,
        {"content": None},
        {"tokens": ["a"], "token_logprobs": [None], "text_offset": [0], "top_logprobs": [None]},
    ):
        body = {"choices": [{"index": 0, "text": "-9999", "logprobs": scores, "finish_reason": None}]}
        assert await read(body, CompletionForm()) == body
