"""Requests as chat programs send them (Open WebUI, Continue): each is answered, or refused with a plain reason.

The shapes were read in the programs' public sources: which fields they send, how they write a round trip of a tool, which headers
they add. A test's id names the program and what it does.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.server.fakes import FakeEngine

pytestmark = pytest.mark.slow

CHAT, TEXT, MESSAGES = "/v1/chat/completions", "/v1/completions", "/v1/messages"
RIVER = {"role": "user", "content": "Name a river in Norway."}
FUNCTION = {"name": "river_of", "description": "The longest river.", "parameters": {"type": "object", "properties": {}}}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "call_1", "type": "function", "function": {"name": "river_of", "arguments": "{}"}}
BLOCK = {"type": "text", "text": "Name a river in Norway."}
CACHED = {"cache_control": {"type": "ephemeral"}}
USAGE = {"stream_options": {"include_usage": True}}
WEBUI = {"authorization": "Bearer none", "http-referer": "https://openwebui.com/", "x-title": "Open WebUI"}
CONTINUE = {"authorization": "Bearer none", "api-key": "none", "user-agent": "Continue/1.2"}
CLAUDE = {"x-api-key": "none", "anthropic-version": "2023-06-01", "anthropic-beta": "prompt-caching-2024-07-31"}

SENT: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "Open WebUI: a chat": (CHAT, WEBUI, {"stream": True, "messages": [RIVER], **USAGE}),
    "Open WebUI: a chat with the parameters of a model": (
        CHAT,
        WEBUI,
        {
            "stream": True,
            "messages": [{"role": "system", "content": "Be brief."}, RIVER],
            "temperature": 0.8,
            "top_p": 0.9,
            "top_k": 40,
            "min_p": 0.0,
            "frequency_penalty": 0,
            "presence_penalty": 0,
            "seed": 42,
            "stop": ["###"],
            "max_tokens": 128,
            "reasoning_effort": "medium",
            "logit_bias": {"5": -100},
            **USAGE,
        },
    ),
    "Open WebUI: a hint to a cache on the last message": (
        CHAT,
        WEBUI,
        {"stream": True, "messages": [{**RIVER, **CACHED}], **USAGE},
    ),
    "Open WebUI: the result of a tool": (
        CHAT,
        WEBUI,
        {
            "stream": True,
            "messages": [
                RIVER,
                {"role": "assistant", "content": "", "tool_calls": [{"index": 0, **CALL}]},
                {"role": "tool", "tool_call_id": "call_1", "content": "Glomma"},
            ],
            "tools": [TOOL],
            **USAGE,
        },
    ),
    "Open WebUI: a title": (CHAT, WEBUI, {"stream": False, "messages": [RIVER], "max_completion_tokens": 1000}),
    "Continue: a chat": (CHAT, CONTINUE, {"stream": True, "messages": [RIVER], "max_tokens": 2048}),
    "Continue: a chat with tools": (
        CHAT,
        CONTINUE,
        {"stream": True, "messages": [RIVER], "max_tokens": 2048, "tools": [TOOL], "parallel_tool_calls": False},
    ),
    "Continue: the result of a tool": (
        CHAT,
        CONTINUE,
        {
            "stream": True,
            "messages": [
                {"role": "system", "content": "Be brief."},
                RIVER,
                {"role": "assistant", "content": " ", "tool_calls": [CALL]},
                {"role": "tool", "content": "Glomma", "tool_call_id": "call_1"},
            ],
            "max_tokens": 2048,
            "tools": [TOOL],
            "parallel_tool_calls": False,
        },
    ),
    "Continue: an edit with a prediction": (
        CHAT,
        CONTINUE,
        {"stream": True, "messages": [RIVER], "stop": ["```"], "prediction": {"type": "content", "content": "x = 1"}},
    ),
    "Continue: an autocompletion": (
        TEXT,
        CONTINUE,
        {
            "stream": True,
            "prompt": "<fim_prefix>x = <fim_suffix>\n<fim_middle>",
            "max_tokens": 64,
            "temperature": 0.01,
            "stop": ["<fim_prefix>", "\n\n"],
        },
    ),
    "Continue: a chat in Anthropic's API": (
        MESSAGES,
        CLAUDE,
        {"stream": True, "max_tokens": 8192, "system": "", "messages": [{"role": "user", "content": [BLOCK]}]},
    ),
    "Continue: the result of a tool in Anthropic's API": (
        MESSAGES,
        CLAUDE,
        {
            "stream": True,
            "max_tokens": 8192,
            "system": [{"type": "text", "text": "Be brief.", **CACHED}],
            "messages": [
                {"role": "user", "content": [{**BLOCK, **CACHED}]},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "river_of", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "Glomma", **CACHED}]},
            ],
            "tools": [{"name": "river_of", "description": "The longest river.", "input_schema": FUNCTION["parameters"]}],
        },
    ),
}


async def test_what_open_webui_and_continue_send_is_answered(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    for name, (path, headers, body) in SENT.items():
        engine.bodies.clear()
        response = await client.post(path, json={"model": "fake", **body}, headers=headers)
        assert response.status_code == 200, (name, response.text)
        assert '"error"' not in response.text, name
        (sent,) = engine.bodies
        assert "cache_control" not in json.dumps(sent), name
        if body.get("stream_options"):
            assert '"usage":{"prompt_tokens"' in response.text, name


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (CHAT, {"messages": [RIVER], "reasoning": {"effort": "low"}}, "reasoning"),
        (CHAT, {"messages": [RIVER], "usage": {"include": True}}, "usage"),
        (CHAT, {"messages": [RIVER], "enable_thinking": False}, "enable_thinking"),
        (CHAT, {"messages": [RIVER], "chat_id": "c", "session_id": "s"}, "chat_id"),
        ("/v1/embeddings", {"input": ["Hello", "World"]}, "model"),
    ],
    ids=[
        "clients-16 OpenRouter's reasoning",
        "clients-16 OpenRouter's usage",
        "clients-16 Qwen's switch",
        "clients-16 data of a session",
        "Continue: embeddings",
    ],
)
async def test_what_they_send_to_other_servers_is_refused_by_name(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], param: str
) -> None:
    response = await client.post(path, json={"model": "fake", **body}, headers=WEBUI)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
