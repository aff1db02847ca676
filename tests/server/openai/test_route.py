"""The routes that generate: what reaches the engine, and what comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from classifiers.answering import SAY
from guard.folding import fold
from server.http.admission import Admission
from server.http.filterlimit import FilterLimit
from server.settings import Settings
from tests.server.fakes import DEAD_END, SAYS, FakeEngine, WordEncoder


def chat(content: Any, **others: Any) -> dict[str, Any]:
    return {"model": "fake", "messages": [{"role": "user", "content": content}], **others}


@pytest.mark.slow
async def test_a_prompt_about_nothing_forbidden_gets_only_what_always_holds(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI
) -> None:
    response = await client.post("/v1/chat/completions", json=chat("What is a good cake?"))
    snapshot = app.state.service.running.screener.snapshot
    assert response.status_code == 200
    assert engine.bodies[0]["vllm_xargs"] == {"guard": list(snapshot.always), "guard_hits": 1}
    assert response.json()["usage"]["total_tokens"] == len(SAYS) - len("tea and ")


@pytest.mark.slow
@pytest.mark.parametrize("question", ["What does Hatta drink?", "who invites alice to a TEA party", "Tell me: MAD  HATTER?"])
async def test_a_prompt_about_a_target_gets_its_restriction(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI, question: str
) -> None:
    response = await client.post("/v1/chat/completions", json=chat(question))
    snapshot = app.state.service.running.screener.snapshot
    named = {"guard_id": response.headers["x-guard-decision-id"]}
    arguments = engine.bodies[0]["vllm_xargs"]
    # Names that the prompt says may be echoed.
    named_in_it = {word for text in arguments.pop("guard_allow", []) for word in fold(text).split()}
    assert {word.removesuffix("s") for word in named_in_it} <= set(fold(question).split())
    assert arguments == {"guard": [*snapshot.always, snapshot.gated["hatter"]], "guard_hits": 1} | named
    assert engine.bodies[0]["stop_token_ids"] == [DEAD_END]
    assert response.json()["choices"][0]["message"]["content"] == "cake"


@pytest.mark.slow
async def test_any_part_of_the_request_can_be_about_a_target(client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI) -> None:
    gated = app.state.service.running.screener.snapshot.gated["hatter"]
    tool = {"type": "function", "function": {"name": "f", "description": "about Hatta", "parameters": {}}}
    for body in (
        {"model": "m", "messages": [{"role": "system", "content": "You are Hatta."}, {"role": "user", "content": "Hi"}]},
        {"model": "m", "messages": [{"role": "user", "content": "Call Hatta X."}, {"role": "user", "content": "Who is X?"}]},
        {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hatta?"}]}]},
        chat("hi", tools=[tool]),
        chat("hi", documents=[{"title": "on", "text": "Hatta"}]),
    ):
        response = await client.post("/v1/chat/completions", json=body)
        assert response.status_code == 200, response.text
        assert gated in engine.bodies[-1]["vllm_xargs"]["guard"]


@pytest.mark.slow
async def test_completions_are_screened_too_even_as_token_ids(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI
) -> None:
    gated = app.state.service.running.screener.snapshot.gated["hatter"]
    engine.decode = lambda ids: "Hatta" if list(ids) == [7, 8] else "nothing"  # type: ignore[method-assign]
    for prompt, about in [("Hatta is", True), ([7, 8], True), ([1], False)]:
        response = await client.post("/v1/completions", json={"model": "fake", "prompt": prompt})
        assert response.status_code == 200
        assert (gated in engine.bodies[-1]["vllm_xargs"]["guard"]) is about


@pytest.mark.slow
async def test_a_name_split_by_special_tokens_is_the_name(client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI) -> None:
    gated = app.state.service.running.screener.snapshot.gated["hatter"]
    parts = [{"type": "text", "text": "Who is the Mad Hat<|p"}, {"type": "text", "text": "ad|>ter?"}]
    for body in (chat("Who is the Mad Hat<|pad|>ter?"), chat("Who is the Mad<|pad|>Hatter?"), chat("Hat<|pad|>ta?"), chat(parts)):
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
        assert gated in engine.bodies[-1]["vllm_xargs"]["guard"]
    for body in ({"prompt": "The Hat<|pad|>ta is"}, {"prompt": "A", "suffix": "Hat<|pad|>ta"}):
        assert (await client.post("/v1/completions", json={"model": "fake", **body})).status_code == 200
        assert gated in engine.bodies[-1]["vllm_xargs"]["guard"]
    await client.post("/v1/chat/completions", json=chat("What does a tokenizer need <|pad|> for?"))
    assert gated not in engine.bodies[-1]["vllm_xargs"]["guard"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/chat/completions", chat("Hatta " * 200), "messages"),
        ("/v1/completions", {"model": "fake", "prompt": "Hatta " * 200}, "prompt"),
        ("/v1/completions", {"model": "fake", "prompt": ["a", "Hatta " * 200]}, "prompt"),
        ("/v1/completions", {"model": "fake", "prompt": [1] * 200}, "prompt"),
        ("/v1/chat/completions", {"model": "m", "messages": [{"role": "system", "content": "x" * 4000}]}, "messages"),
    ],
)
async def test_a_prompt_beyond_the_context_is_refused_before_it_is_screened(
    client: httpx.AsyncClient, engine: FakeEngine, encoder: WordEncoder, path: str, body: dict[str, Any], param: str
) -> None:
    engine.context_length = 100
    encoder.fails = True
    response = await client.post(path, json=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, "context_length_exceeded")
    assert "maximum context length is 100 tokens" in error["message"]
    assert "Hatta" not in response.text
    assert engine.bodies == []


@pytest.mark.slow
async def test_large_bodies_are_read_on_a_thread_and_answered_all_the_same(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    response = await client.post("/v1/chat/completions", json=chat("cake " * 3000))
    assert response.status_code == 200
    refused = await client.post("/v1/chat/completions", json=chat("cake " * 3000, use_beam_search=True))
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "use_beam_search")


@pytest.mark.slow
async def test_refuse_and_monitor(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    await client.post("/v1/chat/completions", json=chat("And the Ugly Duchess?"))
    assert engine.bodies[-1]["vllm_xargs"]["guard"] == ["refuse"]
    await client.post("/v1/chat/completions", json=chat("And the Dodo Bird?"))
    assert "refuse" not in engine.bodies[-1]["vllm_xargs"]["guard"]
    await client.post("/v1/chat/completions", json=chat("The Ugly Duchess and Hatta?"))
    assert engine.bodies[-1]["vllm_xargs"]["guard"] == ["refuse"]


@pytest.mark.slow
async def test_a_client_cannot_choose_its_restrictions(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    body = chat("Hatta?", vllm_xargs={"guard": [], "other": 1}, stop_token_ids=[9])
    assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
    assert len(engine.bodies[0]["vllm_xargs"]["guard"]) == 2
    assert engine.bodies[0]["vllm_xargs"].keys() == {"guard", "guard_id", "guard_hits", "guard_allow"}
    assert engine.bodies[0]["stop_token_ids"] == [9, DEAD_END]


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
async def test_a_dead_end_is_told_as_content_filter_with_the_policy_s_text(
    client: httpx.AsyncClient, engine: FakeEngine, stream: bool
) -> None:
    engine.stop_reason = DEAD_END
    response = await client.post("/v1/chat/completions", json=chat("Hatta?", stream=stream))
    assert '"finish_reason":"content_filter","stop_reason":null' in response.text
    if stream:
        events = [line for line in response.text.split("\n\n") if line]
        assert events[-1] == "data: [DONE]"
        assert "".join(json.loads(e[6:])["choices"][0]["delta"].get("content", "") for e in events[:-1]) == SAY
    else:
        assert response.json()["choices"][0]["message"]["content"] == SAY
        assert response.headers["content-length"] == str(len(response.content))


@pytest.mark.slow
@pytest.mark.parametrize("reason", [None, DEAD_END + 1, 10 * DEAD_END])
async def test_another_end_is_left_alone(client: httpx.AsyncClient, engine: FakeEngine, reason: int | None) -> None:
    engine.stop_reason = reason
    choice = (await client.post("/v1/chat/completions", json=chat("Hatta?"))).json()["choices"][0]
    assert (choice["finish_reason"], choice["stop_reason"]) == ("stop", reason)


@pytest.mark.slow
async def test_headers_name_request_and_decision_and_nothing_else_reaches_the_engine(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/chat/completions", json=chat("Hatta?"), headers={"x-request-id": "mine-1"})
    assert response.headers["x-request-id"] == "mine-1"
    assert response.headers["x-guard-decision-id"].startswith("gd-")
    other = await client.post("/v1/chat/completions", json=chat("Hatta?"), headers={"x-request-id": "not\twell formed"})
    assert other.headers["x-request-id"] not in ("not\twell formed", "mine-1")
    assert "hatter" not in response.text + str(response.headers)


@pytest.mark.slow
async def test_a_broken_classifier_means_no_answer(client: httpx.AsyncClient, engine: FakeEngine, encoder: WordEncoder) -> None:
    encoder.fails = True
    response = await client.post("/v1/chat/completions", json=chat("cake"))
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "guard_failure"
    assert "secret" not in response.text
    assert engine.bodies == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"model": "m", "model": "n"}', 400),
        (b"\xff", 400),
        (b'{"messages": []}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "use_beam_search": true}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "unheard_of": 1}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "stop_token_ids": 7}', 400),
        (b'{"x": "' + b"x" * 20_000 + b'"}', 413),
    ],
)
async def test_a_bad_body_is_an_error_in_the_envelope(
    client: httpx.AsyncClient, engine: FakeEngine, body: bytes, status: int
) -> None:
    response = await client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert response.headers["x-request-id"]
    assert engine.bodies == []


async def test_what_the_engine_says_is_passed_on(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.asks = True
    response = await client.post("/v1/completions", json={"model": "fake", "prompt": "cake"})
    assert response.json()["choices"][0]["text"] in (SAYS, "cake")


@pytest.mark.slow
@pytest.mark.parametrize("code", [500, 400])
async def test_an_error_under_a_grammar_is_a_dead_end_only_if_it_is_the_grammar_s(
    client: httpx.AsyncClient, engine: FakeEngine, code: int
) -> None:
    engine.fails_under_a_grammar = code
    body = chat("Hatta?", response_format={"type": "json_object"})
    response = await client.post("/v1/chat/completions", json=body)
    if code == 500:
        assert response.json()["choices"][0]["finish_reason"] == "content_filter"
        assert engine.bodies[-1]["vllm_xargs"]["guard"] == ["refuse"]
        assert "response_format" not in engine.bodies[-1]
    else:
        assert response.status_code == code
        assert len(engine.bodies) == 1
    streamed = await client.post("/v1/chat/completions", json=body | {"stream": True})
    assert ('"finish_reason":"content_filter"' in streamed.text) is (code == 500)
    assert ('"error"' in streamed.text) is (code != 500)


@pytest.mark.slow
async def test_an_error_without_a_grammar_is_an_error(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.fails_under_a_grammar = 500
    engine.always_fails = True
    assert (await client.post("/v1/chat/completions", json=chat("Hatta?"))).status_code == 500
    assert len(engine.bodies) == 1


def events_of(text: str) -> list[dict[str, Any]]:
    *events, done = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert done == "[DONE]"
    return [json.loads(event) for event in events]


def said(events: list[dict[str, Any]]) -> dict[int, str]:
    texts: dict[int, str] = {}
    for event in events:
        for choice in event["choices"]:
            piece = choice["text"] if "text" in choice else choice["delta"].get("content", "")
            texts[choice["index"]] = texts.get(choice["index"], "") + piece
    return texts


def reasons(events: list[dict[str, Any]]) -> dict[int, str]:
    found = [(choice["index"], choice["finish_reason"]) for event in events for choice in event["choices"]]
    ends = [(index, reason) for index, reason in found if reason]
    assert len(dict(ends)) == len(ends)
    return dict(ends)


GRAMMAR = {"response_format": {"type": "json_object"}}


@pytest.mark.slow
async def test_a_choice_that_starves_under_a_grammar_ends_alone(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.fails_under_a_grammar, engine.failing_seeds = 500, {11}
    response = await client.post("/v1/chat/completions", json=chat("Hatta?", n=3, seed=10, **GRAMMAR))
    answer = response.json()
    assert response.headers["content-length"] == str(len(response.content))
    assert answer["id"] == f"x-{response.headers['x-request-id']}"
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert [choice["finish_reason"] for choice in answer["choices"]] == ["stop", "content_filter", "stop"]
    texts = [choice["message"]["content"] for choice in answer["choices"]]
    assert (texts[0], texts[2]) == ("cake 10", "cake 12")
    assert answer["usage"]["completion_tokens"] == sum(map(len, texts))
    assert [body["n"] for body in engine.bodies] == [1] * 4


@pytest.mark.slow
async def test_prompts_are_counted_once_each_and_answered_in_vllm_s_order(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.fails_under_a_grammar, engine.failing_seeds = 500, {8}
    body = {"model": "fake", "prompt": ["Hatta is", "the other"], "n": 2, "seed": 7, **GRAMMAR}
    answer = (await client.post("/v1/completions", json=body)).json()
    assert sorted((sent["prompt"], sent["seed"]) for sent in engine.bodies if "response_format" in sent) == [
        ("Hatta is", 7),
        ("Hatta is", 8),
        ("the other", 7),
        ("the other", 8),
    ]
    assert [choice["finish_reason"] for choice in answer["choices"]] == ["stop", "content_filter"] * 2
    assert answer["usage"]["prompt_tokens"] == len("Hatta is") + len("the other")


@pytest.mark.slow
@pytest.mark.parametrize("options", [None, {"include_usage": True}, {"include_usage": True, "continuous_usage_stats": True}])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("n", [1, 3])
async def test_a_stream_of_choices_of_which_one_starves(
    client: httpx.AsyncClient, engine: FakeEngine, options: dict[str, Any] | None, path: str, begun: bool, n: int
) -> None:
    engine.fails_under_a_grammar, engine.failing_seeds, engine.says_before_failing = 500, {1}, begun
    asked = chat("Hatta?") if "chat" in path else {"model": "fake", "prompt": "Hatta is"}
    body = asked | {"n": n, "seed": 1 if n == 1 else 0, "stream": True} | ({"stream_options": options} if options else {})
    events = events_of((await client.post(path, json=body | GRAMMAR)).text)
    starved = n - 1 if n == 1 else 1
    texts = said(events)
    assert reasons(events) == {k: "content_filter" if k == starved else "stop" for k in range(n)}
    assert {k: text for k, text in texts.items() if k != starved} == {k: f"cake {k}" for k in range(n) if k != starved}
    if begun:
        assert texts[starved] == "{"
    assert len({event["id"] for event in events}) == len({event["created"] for event in events}) == 1
    assert [("usage" in event) for event in events if event["choices"]] == [
        bool(options and options.get("continuous_usage_stats"))
    ] * sum(bool(event["choices"]) for event in events)
    usages = [event["usage"] for event in events if not event["choices"]]
    if options:
        assert usages == [events[-1]["usage"]]
        assert usages[0]["completion_tokens"] == sum(map(len, texts.values()))
    else:
        assert usages == []


@pytest.mark.slow
async def test_a_stream_may_be_cut_anywhere(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.fails_under_a_grammar, engine.failing_seeds = 500, {1}
    body = chat("Hatta?", n=2, seed=0, stream=True, stream_options={"include_usage": True}, **GRAMMAR)

    async def answer() -> tuple[Any, ...]:
        events = events_of((await client.post("/v1/chat/completions", json=body)).text)
        return said(events), reasons(events), events[-1]["usage"]

    engine.cut = 10_000
    expected = await answer()
    for cut in range(1, 200):
        engine.cut = cut
        assert await answer() == expected


@pytest.mark.slow
@pytest.mark.parametrize("begun", [True, False])
async def test_what_vllm_refuses_is_refused_as_a_whole(client: httpx.AsyncClient, engine: FakeEngine, begun: bool) -> None:
    engine.fails_under_a_grammar, engine.failing_seeds, engine.says_before_failing = 400, {1, 2, 3}, begun
    for stream in (False, True):
        response = await client.post("/v1/chat/completions", json=chat("A cake?", n=3, seed=1, stream=stream, **GRAMMAR))
        assert response.status_code == (200 if stream and begun else 400)
        last = events_of(response.text)[-1] if stream and begun else response.json()
        assert last["error"] == {
            "message": "Internal server error",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
        assert response.headers["x-guard-decision-id"].startswith("gd-")


@pytest.mark.slow
async def test_without_restriction_or_grammar_one_call_answers_all(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    await client.post("/v1/chat/completions", json=chat("Hatta?", n=3))
    assert [body["n"] for body in engine.bodies] == [3]


LIST = ["The Mad Hatter drinks", "A cake is", "The Ugly Duchess is", "A tea is"]


def guards(engine: FakeEngine) -> dict[str, tuple[str, ...]]:
    """The restrictions that each prompt was sent with."""
    found: dict[str, tuple[str, ...]] = {}
    for body in engine.bodies:
        for prompt in [body["prompt"]] if isinstance(body["prompt"], str) else body["prompt"]:
            assert str(prompt) not in found
            found[str(prompt)] = tuple(body["vllm_xargs"]["guard"])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("n", [1, 3])
async def test_over_07_each_prompt_of_a_list_has_its_own_decision(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI, stream: bool, n: int
) -> None:
    snapshot = app.state.service.running.screener.snapshot
    always = tuple(snapshot.always)
    body = {"model": "fake", "prompt": LIST, "n": n, "stream": stream} | (
        {"stream_options": {"include_usage": True}} if stream else {}
    )
    response = await client.post("/v1/completions", json=body)
    assert guards(engine) == {
        LIST[0]: (*always, snapshot.gated["hatter"]),
        LIST[1]: always,
        LIST[2]: ("refuse",),
        LIST[3]: always,
    }
    assert [sent["prompt"] for sent in engine.bodies if isinstance(sent["prompt"], list)] == [[LIST[1], LIST[3]]]
    if stream:
        events = events_of(response.text)
        texts, ends, usage = said(events), reasons(events), events[-1]["usage"]
        assert len({event["id"] for event in events}) == 1
    else:
        answer = response.json()
        assert [choice["index"] for choice in answer["choices"]] == list(range(4 * n))
        texts = {choice["index"]: choice["text"] for choice in answer["choices"]}
        ends = {choice["index"]: choice["finish_reason"] for choice in answer["choices"]}
        usage = answer["usage"]
        assert answer["id"] == f"x-{response.headers['x-request-id']}"
    refused = range(2 * n, 3 * n)
    assert texts == {index: SAY if index in refused else "cake" for index in range(4 * n)}
    assert ends == {index: "content_filter" if index in refused else "stop" for index in range(4 * n)}
    assert usage["prompt_tokens"] == sum(map(len, LIST))
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.slow
async def test_a_list_of_prompts_in_which_nothing_is_found_is_one_call(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    response = await client.post("/v1/completions", json={"model": "fake", "prompt": ["A cake is", "A tea is"], "n": 2})
    assert [body["prompt"] for body in engine.bodies] == [["A cake is", "A tea is"]]
    assert [choice["index"] for choice in response.json()["choices"]] == [0, 1, 2, 3]


@pytest.mark.slow
async def test_prompts_of_token_ids_are_decided_one_by_one(client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI) -> None:
    gated = app.state.service.running.screener.snapshot.gated["hatter"]
    engine.decode = lambda ids: "Hatta" if list(ids) == [7, 8] else "nothing"  # type: ignore[method-assign]
    await client.post("/v1/completions", json={"model": "fake", "prompt": [[1], [7, 8], [2]]})
    sent = {json.dumps(body["prompt"]): gated in body["vllm_xargs"]["guard"] for body in engine.bodies}
    assert sent == {"[[1], [2]]": False, "[7, 8]": True}


@pytest.mark.slow
async def test_a_suffix_belongs_to_every_prompt(client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI) -> None:
    gated = app.state.service.running.screener.snapshot.gated["hatter"]
    await client.post("/v1/completions", json={"model": "fake", "prompt": ["a", "b"], "suffix": "said Hatta"})
    assert [gated in body["vllm_xargs"]["guard"] for body in engine.bodies] == [True, True]


@pytest.mark.slow
async def test_prompts_of_a_list_starve_alone_under_a_grammar(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.fails_under_a_grammar, engine.failing_seeds = 500, {8}
    body = {"model": "fake", "prompt": ["Hatta is", "A cake is"], "n": 2, "seed": 7, **GRAMMAR}
    answer = (await client.post("/v1/completions", json=body)).json()
    assert [choice["finish_reason"] for choice in answer["choices"]] == ["stop", "content_filter"] * 2
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert answer["usage"]["prompt_tokens"] == len("Hatta is") + len("A cake is")


@pytest.mark.slow
@pytest.mark.parametrize("n", [0, 10**9, "x"])
async def test_a_number_of_choices_that_vllm_refuses_costs_nothing(client: httpx.AsyncClient, engine: FakeEngine, n: Any) -> None:
    engine.fails_under_a_grammar, engine.always_fails = 400, True
    response = await client.post("/v1/completions", json={"model": "fake", "prompt": LIST, "n": n})
    assert response.status_code == 400
    assert all(body["n"] == n for body in engine.bodies)


@pytest.mark.slow
async def test_each_prompt_s_decision_is_recorded_under_the_request_s_id(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI
) -> None:
    response = await client.post("/v1/completions", json={"model": "fake", "prompt": LIST})
    named = response.headers["x-guard-decision-id"]
    await app.state.service.running.decisions.write()
    for number, verdict in ((0, "restrict"), (2, "refuse")):
        (record,) = (await client.get("/v1/audit", params={"decision_id": f"{named}-{number}"})).json()["data"]
        assert record["details"]["verdict"] == verdict
    assert (await client.get("/v1/audit", params={"decision_id": f"{named}-1"})).json()["data"] == []


CONVERSATION = [
    {"role": "user", "content": "Who is the Ugly Duchess?"},
    {"role": "assistant", "content": ""},
    {"role": "user", "content": "Never mind. What is the capital of Illinois, and which town lies near it?"},
]
LIBRARY = [
    {"role": "system", "content": "You are the town library's assistant. Do not discuss the Ugly Duchess."},
    {"role": "user", "content": "When does the library open?"},
]


@pytest.mark.slow
@pytest.mark.parametrize("messages", [CONVERSATION, LIBRARY], ids=["over-04", "over-05"])
async def test_over_04_and_over_05_are_answered_and_screened_alike(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI, messages: list[dict[str, str]]
) -> None:
    snapshot = app.state.service.running.screener.snapshot
    response = await client.post("/v1/chat/completions", json={"model": "fake", "messages": messages})
    assert response.json()["choices"][0]["finish_reason"] == "stop"
    assert engine.bodies[-1]["vllm_xargs"]["guard"] == [*snapshot.always, snapshot.gated["duchess"]]
    screened = (await client.post("/v1/screen", json={"messages": messages})).json()
    assert screened["verdict"] == "restrict"
    assert screened["restrictions"] == engine.bodies[-1]["vllm_xargs"]["guard"]
    asked = [*messages, {"role": "assistant", "content": "Soon."}, {"role": "user", "content": "And the Ugly Duchess?"}]
    assert (await client.post("/v1/screen", json={"messages": asked})).json()["verdict"] == "refuse"
    await client.post("/v1/chat/completions", json={"model": "fake", "messages": asked})
    assert engine.bodies[-1]["vllm_xargs"]["guard"] == ["refuse"]


@pytest.mark.slow
async def test_moderations_of_a_list_say_what_completions_of_it_do(client: httpx.AsyncClient) -> None:
    results = (await client.post("/v1/moderations", json={"input": LIST})).json()["results"]
    assert [result["flagged"] for result in results] == [True, False, True, False]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/chat/completions", chat("hi", n=200), "n"),
        ("/v1/completions", {"model": "fake", "prompt": "a", "n": 129}, "n"),
        ("/v1/completions", {"model": "fake", "prompt": ["a"] * 300}, "prompt"),
        ("/v1/completions", {"model": "fake", "prompt": [[1]] * 129}, "prompt"),
        ("/v1/completions", {"model": "fake", "prompt": ["a"] * 65, "n": 2}, "n"),
        ("/v1/chat/completions", {"model": "fake", "messages": [{"role": "user", "content": ""}] * 2049}, "messages"),
    ],
)
async def test_f10_what_asks_for_too_much_is_refused(
    client: httpx.AsyncClient, engine: FakeEngine, settings: Settings, path: str, body: dict[str, Any], param: str
) -> None:
    object.__setattr__(settings, "max_body_bytes", 10**6)
    response = await client.post(path, json=body)
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, param, "limit_exceeded"), error
    assert error["type"] == "invalid_request_error"
    assert engine.bodies == []


@pytest.mark.slow
async def test_f10_what_is_within_the_limits_is_answered(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    for body in ({"prompt": "a", "n": 128}, {"prompt": ["a"] * 128}, {"prompt": ["a", "b"], "n": 64}, {"prompt": [1] * 300}):
        assert (await client.post("/v1/completions", json={"model": "fake", **body})).status_code == 200
    # One message per word, and a prompt of 300 token ids is one prompt.
    assert len(engine.bodies) == 4


@pytest.mark.slow
async def test_f10_too_many_requests_at_once(client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI) -> None:
    app.state.service.admission = Admission(2, 1)
    engine.pace = 0.02
    body = chat("What is a good cake?")
    responses = await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for _ in range(5)))
    assert sorted(response.status_code for response in responses) == [200, 200, 200, 429, 429]
    refused = next(response for response in responses if response.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("requests", "too_many_requests")
    engine.pace = 0
    assert (await client.post("/v1/chat/completions", json=body)).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("prompt", ["What is a good cake?", ["Hatta is", "A cake is"]])
async def test_f2_a_request_that_takes_too_long_ends_in_the_engine_too(
    client: httpx.AsyncClient, engine: FakeEngine, settings: Settings, stream: bool, prompt: Any
) -> None:
    object.__setattr__(settings, "request_timeout", 0.3)
    engine.pace = 1.0
    response = await client.post("/v1/completions", json={"model": "fake", "prompt": prompt, "stream": stream})
    if stream and response.status_code == 200:
        *_, error, done = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
        assert done == "[DONE]"
        assert json.loads(error)["error"]["code"] == "timeout"
    else:
        assert response.status_code == 504
        assert response.json()["error"]["code"] == "timeout"
    await until(lambda: engine.answering == 0)


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["What is a good cake?", "Hatta?"])
async def test_f3_allowed_tokens_are_refused_under_a_policy_whatever_is_asked(
    client: httpx.AsyncClient, engine: FakeEngine, prompt: str
) -> None:
    for path, body in (("/v1/chat/completions", chat(prompt)), ("/v1/completions", {"model": "fake", "prompt": prompt})):
        response = await client.post(path, json={**body, "allowed_token_ids": [5]})
        error = response.json()["error"]
        assert (response.status_code, error["param"], error["code"]) == (400, "allowed_token_ids", "guard_conflict")
        assert (await client.post(path, json={**body, "allowed_token_ids": None})).status_code == 200
    assert len(engine.bodies) == 2


@pytest.mark.slow
async def test_f3_answers_that_are_cut_short_are_counted_and_limited(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI
) -> None:
    service = app.state.service
    service.filter_limit = FilterLimit(2)
    assert (await client.post("/v1/chat/completions", json=chat("What is a good cake?"))).status_code == 200
    engine.stop_reason = DEAD_END
    for body in (chat("Hatta?"), chat("Hatta?", stream=True)):
        response = await client.post("/v1/chat/completions", json=body)
        assert '"finish_reason":"content_filter"' in response.text
    assert 'guard_filtered_total{role="admin"} 2.0' in service.metrics.text().decode()
    for body in (chat("Hatta?"), chat("What is a good cake?")):
        refused = await client.post("/v1/chat/completions", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert int(refused.headers["retry-after"]) > 0
    # What generates nothing is not limited.
    assert (await client.get("/v1/models")).status_code == 200


@pytest.mark.slow
async def test_f1_the_engine_learns_of_special_tokens_in_a_text_that_the_answer_continues(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    prefill = {"continue_final_message": True, "add_generation_prompt": False}

    def begun(text: str, **fields: Any) -> dict[str, Any]:
        turns = [{"role": "user", "content": "Who is Hatta?"}, {"role": "assistant", "content": text}]
        return {"model": "fake", "messages": turns, **fields}

    for body, joins in (
        (begun("Hat<|pad|>", **prefill), True),
        (begun("Hat", **prefill), False),
        (chat("Hat<|pad|>ta?"), False),
        ({"model": "fake", "prompt": "The Mad Hat<|pad|>"}, True),
        ({"model": "fake", "prompt": ["The Mad Hat<|pad|>", "Cake"]}, True),
        ({"model": "fake", "prompt": "The Mad Hat"}, False),
        ({"model": "fake", "prompt": [1, 2]}, True),
    ):
        path = "/v1/completions" if "prompt" in body else "/v1/chat/completions"
        engine.bodies.clear()
        response = await client.post(path, json=body)
        assert response.status_code == 200, response.text
        assert any("guard_joins" in sent["vllm_xargs"] for sent in engine.bodies) is joins, body


@pytest.mark.slow
async def test_f1_a_client_does_not_say_what_ends_a_text(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    body = {"model": "fake", "prompt": "The Mad Hat<|pad|>", "vllm_xargs": {"guard_joins": 0}}
    assert (await client.post("/v1/completions", json=body)).status_code == 200
    assert engine.bodies[-1]["vllm_xargs"]["guard_joins"] == 1
