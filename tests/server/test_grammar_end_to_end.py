"""Answers under a grammar on the real engine: what is complete says so, and what starves ends alone."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from classifiers.answering import SAY
from tests.conftest import LiveServer

pytestmark = pytest.mark.engine

NAME = "Yrsa Tholmundardal"
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
SCHEMA = {
    "type": "object",
    "properties": {"who": {"enum": [NAME, "ok"]}},
    "required": ["who"],
    "additionalProperties": False,
}
LONG = "the answer is a long one that goes on for some more words"


def chat(**others: Any) -> dict[str, Any]:
    return {"model": "demo", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 60, **others}


def post(live: LiveServer, path: str, *bodies: dict[str, Any]) -> list[httpx.Response]:
    async def all_of_them() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=live.url, timeout=300) as client:
            return await asyncio.gather(*(client.post(path, json=body) for body in bodies))

    answers = asyncio.run(all_of_them())
    assert [answer.status_code for answer in answers] == [200] * len(answers), answers[0].text
    return answers


def plain(live: LiveServer, path: str, body: dict[str, Any]) -> httpx.Response:
    """What vLLM itself answers without the guard."""
    response: httpx.Response = live.engine(path, {**body, "vllm_xargs": {"guard": []}})[0]
    return response


def events_of(response: httpx.Response) -> list[dict[str, Any]]:
    *events, done = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert done == "[DONE]"
    return [json.loads(event) for event in events]


def choices(response: httpx.Response) -> list[tuple[str, str]]:
    """What each choice says and how it ends, of a whole answer or a stream."""
    if response.headers["content-type"].startswith("application/json"):
        found = response.json()["choices"]
        assert [choice["index"] for choice in found] == list(range(len(found)))
        return [(_text(choice.get("message", choice)), choice["finish_reason"]) for choice in found]
    texts: dict[int, str] = {}
    reasons: dict[int, str] = {}
    for event in events_of(response):
        assert "error" not in event
        for choice in event["choices"]:
            index = choice["index"]
            assert index not in reasons, "a chunk after the last one"
            texts[index] = texts.get(index, "") + _text(choice.get("delta", choice))
            if choice["finish_reason"]:
                reasons[index] = choice["finish_reason"]
    assert texts.keys() == reasons.keys()
    return [(texts[index], reasons[index]) for index in sorted(texts)]


def _text(message: dict[str, Any]) -> str:
    calls = "".join(call["function"].get("arguments") or "" for call in message.get("tool_calls") or [])
    return (message.get("content") or message.get("text") or "") + calls


def streamed(body: dict[str, Any], **options: bool) -> dict[str, Any]:
    return {**body, "stream": True} | ({"stream_options": options} if options else {})


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"structured_outputs": {"choice": ["ok"]}}, "ok"),
        ({"structured_outputs": {"regex": "(tea|ok)"}}, None),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": ["ok"]}}}}, '"ok"'),
        ({"structured_outputs": {"choice": ["ok"]}, "min_tokens": 8}, None),
    ],
)
def test_clients_1_a_complete_answer_is_no_dead_end(live: LiveServer, how: dict[str, Any], said: str | None) -> None:
    bodies = [chat(n=8, seed=seed, **how) | {"max_tokens": 20} for seed in (0, 8, 16, 24)]
    for body, answer, stream in zip(bodies, post(live, CHAT, *bodies), post(live, CHAT, *map(streamed, bodies)), strict=True):
        expected = choices(plain(live, CHAT, body))
        assert choices(answer) == choices(stream) == expected
        assert all(text == said for text, _ in expected) or said is None
        assert {reason for _, reason in expected} <= {"stop", "length"}


def test_a_complete_tool_call_is_no_dead_end(live: LiveServer) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": ["x"]}}, "required": ["a"], "additionalProperties": False}
    tool = {"type": "function", "function": {"name": "pick", "parameters": schema, "strict": True}}
    body = chat(n=8, tools=[tool], tool_choice="required", max_tokens=120)
    found = [end for answer in post(live, CHAT, *({**body, "seed": s} for s in (0, 8, 16, 24))) for _, end in choices(answer)]
    assert len(found) == 32
    assert set(found) <= {"tool_calls", "stop", "length"}


def test_without_a_grammar_the_model_cannot_say_the_dead_end(live: LiveServer) -> None:
    dead_end = live.service.running.engine.dead_end
    bias = {str(dead_end): 100}
    for more in ({}, {"min_tokens": 3}, {"ignore_eos": True}):
        body = chat(n=4, seed=0, temperature=2, logit_bias=bias, **more) | {"max_tokens": 12}
        (answer,) = post(live, CHAT, body)
        assert {end for _, end in choices(answer)} <= {"stop", "length"}


def test_clients_2_of_several_choices_the_starved_ones_end_alone(live: LiveServer) -> None:
    bias = {"204": -100, "205": -100, "208": -100, "227": -100}
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    body = chat(n=4, seed=0, temperature=1.5, logit_bias=bias, response_format=shape)
    (whole,), (stream,) = post(live, CHAT, body), post(live, CHAT, streamed(body, include_usage=True))
    for answer in (whole, stream):
        found = choices(answer)
        assert [end for _, end in found].count("content_filter") == 1
        healthy = [text for text, end in found if end == "stop"]
        assert [json.loads(text) for text in healthy] == [{"who": "ok"}] * 3
        assert all(NAME not in text for text, _ in found)
    usage = whole.json()["usage"]
    assert usage["prompt_tokens"] == plain(live, CHAT, body).json()["usage"]["prompt_tokens"]
    assert usage["completion_tokens"] > 3
    last = events_of(stream)[-1]
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] == usage["prompt_tokens"]


def test_clients_3_in_a_stream_healthy_choices_run_to_their_own_end(live: LiveServer) -> None:
    body = chat(n=4, seed=0, temperature=2, max_tokens=80, structured_outputs={"choice": [NAME, LONG]})
    ends: set[str] = set()
    seeds = [{**body, "seed": seed} for seed in (0, 4, 8)]
    for stream, whole in zip(post(live, CHAT, *map(streamed, seeds)), post(live, CHAT, *seeds), strict=True):
        found = choices(stream)
        for text, end in found:
            assert (end == "stop") == (text == LONG)
            assert end in ("stop", "content_filter")
            assert NAME not in text
        assert [end for _, end in choices(whole)] == [end for _, end in found]
        ends |= {end for _, end in found}
    assert ends == {"stop", "content_filter"}


@pytest.mark.parametrize("n", [1, 2])
def test_peers_p1_of_several_prompts_the_starved_one_ends_alone(live: LiveServer, n: int) -> None:
    body = {
        "model": "demo",
        "prompt": ["The father of Yrsa", "7 plus 5 is"],
        "temperature": 0 if n == 1 else 0.01,
        "max_tokens": 24,
        "structured_outputs": {"regex": " (Tholmundardal|12)"},
        "n": n,
    }
    free = plain(live, TEXT, body).json()
    answers = [post(live, TEXT, body)[0], post(live, TEXT, streamed(body, include_usage=True))[0]]
    for answer in answers:
        found = choices(answer)
        assert [end for _, end in found] == ["content_filter"] * n + ["stop"] * n
        assert [text for text, _ in found[n:]] == [" 12"] * n
        assert all("Tholmundardal" not in text for text, _ in found)
    whole, last = answers[0].json(), events_of(answers[1])[-1]
    assert whole.keys() == free.keys()
    assert whole["usage"]["prompt_tokens"] == last["usage"]["prompt_tokens"] == free["usage"]["prompt_tokens"]


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize(
    "options", [{"include_usage": True}, {"include_usage": True, "continuous_usage_stats": True}, {}], ids=["last", "each", "no"]
)
@pytest.mark.parametrize("regex", [NAME, f"ok {NAME}"], ids=["at once", "later"])
def test_clients_4_and_peers_p5_a_starved_stream_ends_like_any_other(
    live: LiveServer, path: str, options: dict[str, bool], regex: str
) -> None:
    asked = chat() if path == CHAT else {"model": "demo", "prompt": "Hi", "max_tokens": 60}
    body = streamed({**asked, "temperature": 0, "structured_outputs": {"regex": regex}}, **options)
    free = events_of(plain(live, path, body))
    (answer,) = post(live, path, body)
    ((text, end),) = choices(answer)
    assert end == "content_filter"
    assert NAME not in text
    assert text.startswith(regex.partition("Y")[0])
    events = events_of(answer)
    assert bool(events[-1]["choices"]) == bool(free[-1]["choices"])
    assert [choice.keys() for choice in events[-2 if options else -1]["choices"]] == [
        choice.keys() for choice in free[-2 if options else -1]["choices"]
    ]
    if options:
        usage = events[-1]["usage"]
        assert usage["prompt_tokens"] == free[-1]["usage"]["prompt_tokens"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        assert events[-1].keys() <= free[-1].keys()
    told = ["usage" in event for event in events if event["choices"]]
    assert told == [bool(options.get("continuous_usage_stats"))] * len(told)


@pytest.mark.parametrize("path", [CHAT, TEXT])
def test_several_choices_that_nothing_starves_are_vllm_s_own(live: LiveServer, path: str) -> None:
    asked = chat() if path == CHAT else {"model": "demo", "prompt": ["Hi", "One two"], "max_tokens": 60}
    body = {**asked, "n": 5, "seed": 3, "temperature": 1, "logprobs": True if path == CHAT else 1}
    body["structured_outputs"] = {"regex": "[a-z]{1,3} (tea|cake)"}
    own, free = post(live, path, body)[0], plain(live, path, body)
    found, expected = own.json(), free.json()
    assert choices(own) == choices(free)
    assert found.keys() == expected.keys()
    assert found["usage"] == expected["usage"]
    assert [choice.keys() for choice in found["choices"]] == [choice.keys() for choice in expected["choices"]]
    assert found["id"] == f"{'chatcmpl' if path == CHAT else 'cmpl'}-{own.headers['x-request-id']}"
    options = {"include_usage": True, "continuous_usage_stats": True}
    (stream,) = post(live, path, streamed(body, **options))
    like = plain(live, path, streamed(body, **options))
    assert choices(stream) == choices(like) == choices(own)
    usage = {key: count for key, count in expected["usage"].items() if count is not None}
    assert events_of(stream)[-1]["usage"] == events_of(like)[-1]["usage"] == usage
    assert len({event["id"] for event in events_of(stream)}) == 1

    def shapes(response: httpx.Response) -> list[str]:
        return sorted({str([*event, *(key for choice in event["choices"] for key in choice)]) for event in events_of(response)})

    assert shapes(stream) == shapes(like)


def test_a_refused_request_is_refused_as_a_whole(live: LiveServer) -> None:
    body = {"model": "demo", "prompt": ["Hi", "Ho"], "structured_outputs": {"choice": ["ok"]}, "max_tokens": 10_000}
    for how in (body, streamed(body), chat(n=2, temperature=0, structured_outputs={"choice": ["ok"]})):
        path = CHAT if "messages" in how else TEXT
        own, free = httpx.post(live.url + path, json=how), plain(live, path, how)
        assert own.status_code == free.status_code == 400
        assert free.json()["error"]["message"].startswith(own.json()["error"]["message"])


@pytest.mark.parametrize("n", [1, 2])
def test_a_choice_that_starves_at_its_first_token_has_an_end_and_a_usage(live: LiveServer, n: int) -> None:
    body = {"model": "demo", "prompt": NAME[:-1], "max_tokens": 5, "structured_outputs": {"regex": "l"}, "n": n, "temperature": 1}
    assert choices(plain(live, TEXT, body)) == [("l", "stop")] * n
    (whole,), (stream,) = post(live, TEXT, body), post(live, TEXT, streamed(body, include_usage=True))
    assert choices(whole) == choices(stream) == [(SAY, "content_filter")] * n
    usage = {key: count for key, count in whole.json()["usage"].items() if count is not None}
    assert events_of(stream)[-1]["usage"] == usage
