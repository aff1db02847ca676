"""A whole answer of the engine's is a message."""

from __future__ import annotations

import pytest

from tests.server.anthropic.test_stream import USAGE, whole


@pytest.mark.parametrize("arguments", ['{"n": ', "7", "x"])
async def test_a_call_whose_input_cannot_be_read_is_left_out_of_a_whole_message(arguments: str) -> None:
    calls = [{"id": "c", "function": {"name": "a", "arguments": arguments}}]
    message = await whole({"content": "So:", "tool_calls": calls}, "length")
    assert message["content"] == [{"type": "text", "text": "So:"}]
    assert message["stop_reason"] == "max_tokens"


async def test_what_a_cache_knew_is_counted_by_itself() -> None:
    message = await whole({"content": "x"}, usage={**USAGE, "prompt_tokens_details": {"cached_tokens": 5}})
    assert (message["usage"]["input_tokens"], message["usage"]["cache_read_input_tokens"]) == (2, 5)


async def test_without_counts_they_are_zero() -> None:
    assert (await whole({"content": "x"}, usage=None))["usage"]["output_tokens"] == 0
