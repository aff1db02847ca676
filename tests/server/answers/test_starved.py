"""An engine's error under a grammar is the dead end of its one choice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from server.answers.reply import Reply, deliver, replied
from server.answers.starved import fed
from server.errors import EngineFailure
from server.metrics import Metrics
from tests.server.answers.conftest import CHAT, COMPLETION, SCOPE, Client, answers, events, nothing, says

ERROR = {"error": {"message": "Internal server error", "code": 500}}
SILENT = {"id": "y", "choices": [{"index": 0, "text": "", "finish_reason": "content_filter"}]}
NAMED = {"id": "x", "object": "text_completion", "created": 5, "model": "m"}


def chunk(text: str, end: str | None = None, **others: Any) -> dict[str, Any]:
    return {**NAMED, "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": end}], **others}


class Engine:
    """Answers the first request from a script, and the silenced one with nothing."""

    def __init__(self, first: Any, silent: Any = None) -> None:
        self.first, self.silent = first, silent or answers(SILENT)
        self.bodies: list[Mapping[str, Any]] = []

    def __call__(self, body: Mapping[str, Any]) -> AbstractAsyncContextManager[Reply]:
        self.bodies.append(body)
        return replied(self.silent if body.get("silent") else self.first, SCOPE, nothing, COMPLETION)

    async def ask(self, metrics: Metrics | None = None, **body: Any) -> Client:
        client = Client()
        async with fed(self, body, lambda body: {**body, "silent": True}, metrics or Metrics()) as reply:
            await deliver(reply, client, {})
        return client


@pytest.mark.parametrize(("body", "status"), [(chunk("a", "stop"), 200), ({"error": {"code": 400}}, 400)])
async def test_any_other_answer_is_passed_on(body: dict[str, Any], status: int) -> None:
    engine = Engine(answers(body, status))
    client = await engine.ask()
    assert (client.status, json.loads(client.body), len(engine.bodies)) == (status, body, 1)


OTHER = {"error": {"message": "The engine is out of memory", "code": 500}}


async def test_redteam_f14_another_error_under_a_grammar_is_passed_on() -> None:
    client = await Engine(answers(OTHER, 500)).ask()
    assert (client.status, json.loads(client.body)) == (500, OTHER)
    assert (await Engine(says([events(chunk("a"), OTHER)])).ask()).chunks == [chunk("a"), OTHER]
    assert (await Engine(says([events(OTHER)])).ask()).chunks == [OTHER]


@pytest.mark.parametrize("field", ["allowed_token_ids", "bad_words"])
async def test_peers_p3_a_grammar_that_the_request_itself_starves_is_an_error(field: str) -> None:
    client = await Engine(answers(ERROR, 500)).ask(**{field: [10]})
    assert (client.status, json.loads(client.body)) == (500, ERROR)
    engine = Engine(says([events(chunk("a"), ERROR)]))
    assert (await engine.ask(stream_options={"include_usage": True}, **{field: [10]})).chunks == [chunk("a"), ERROR]
    assert engine.bodies[0]["stream_options"] == {"include_usage": True}


async def test_a_whole_answer_that_starved_is_asked_for_again() -> None:
    engine = Engine(answers(ERROR, 500))
    client = await engine.ask(prompt="p")
    assert json.loads(client.body) == SILENT
    assert engine.bodies == [{"prompt": "p"}, {"prompt": "p", "silent": True}]


async def test_a_stream_that_starved_at_once_goes_on_with_the_silent_one() -> None:
    engine = Engine(says([events(ERROR)]), says([events(chunk("", "content_filter"))]))
    assert (await engine.ask()).chunks == [chunk("", "content_filter")]


async def test_a_stream_that_starved_later_keeps_its_text_and_ends() -> None:
    metrics = Metrics()
    client = await Engine(says([events(chunk("a"), chunk("b"), ERROR)])).ask(metrics)
    end = {"index": 0, "text": "", "logprobs": None, "finish_reason": "content_filter", "stop_reason": None, "token_ids": None}
    assert client.chunks == [chunk("a"), chunk("b"), {**NAMED, "choices": [end]}]
    assert b"guard_dead_ends_total 1.0" in metrics.text()


async def test_its_usage_comes_last_if_it_was_asked_for() -> None:
    engine = Engine(says([events(chunk("a", usage={"total_tokens": 3}), ERROR)]))
    client = await engine.ask(stream_options={"include_usage": True})
    assert engine.bodies[0]["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
    said, end, last = client.chunks
    assert (said, end["choices"][0]["finish_reason"]) == (chunk("a"), "content_filter")
    assert "usage" not in end
    assert last == {**NAMED, "choices": [], "usage": {"total_tokens": 3}}


async def test_usage_in_each_chunk_stays_where_it_was_asked_for() -> None:
    engine = Engine(says([events(chunk("a", usage={"total_tokens": 3}), ERROR)]))
    client = await engine.ask(stream_options={"include_usage": True, "continuous_usage_stats": True})
    assert [each.get("usage") for each in client.chunks] == [{"total_tokens": 3}] * 3


async def test_a_stream_that_does_not_starve_tells_its_usage_once() -> None:
    counted = {"usage": {"total_tokens": 3}}
    stream = events(chunk("a", **counted), chunk("", "stop", **counted), {**NAMED, "choices": [], **counted})
    client = await Engine(says([stream])).ask(stream_options={"include_usage": True})
    assert client.chunks == [chunk("a"), chunk("", "stop"), {**NAMED, "choices": [], **counted}]


@pytest.mark.parametrize("error", [{"error": {"code": 400}}, {"error": {"message": "no code"}}])
async def test_another_error_in_a_stream_is_passed_on(error: dict[str, Any]) -> None:
    assert (await Engine(says([events(chunk("a"), error)])).ask()).chunks == [chunk("a"), error]


async def test_an_error_after_the_end_is_no_dead_end() -> None:
    assert (await Engine(says([events(chunk("a", "stop"), ERROR)])).ask()).chunks == [chunk("a", "stop"), ERROR]


async def test_a_silent_request_that_fails_is_a_failure() -> None:
    with pytest.raises(EngineFailure):
        await Engine(says([events(ERROR)]), answers(ERROR, 500)).ask()


async def test_a_chat_ends_in_its_own_form() -> None:
    first = {"id": "x", "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]}
    client = Client()
    async with fed(
        lambda _: replied(says([events(first, ERROR)]), SCOPE, nothing, CHAT), {}, lambda body: dict(body), Metrics()
    ) as reply:
        await deliver(reply, client, {})
    assert client.chunks[-1]["choices"][0]["delta"] == {}


@pytest.mark.parametrize("cut", range(0, 300, 7))
async def test_a_starved_stream_cut_anywhere(cut: int) -> None:
    raw = events(chunk("Zoë"), ERROR)
    client = await Engine(says([raw[:cut], raw[cut:]])).ask()
    assert [each["choices"][0]["text"] for each in client.chunks] == ["Zoë", ""]
