"""What client libraries send and read, on the real engine. A test's id names its case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import openai
import pytest
from pydantic import BaseModel

from classifiers.answering import SAY
from tests.conftest import LiveServer

pytestmark = pytest.mark.engine

NAME = "Yrsa Tholmundardal"
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
RIVER = {"role": "user", "content": "Name a river in Norway."}
ON = {"role": "user", "content": "Go on."}
NO_SPACES = {"204": -100, "205": -100, "208": -100, "227": -100}
ANN = {"type": "object", "properties": {"name": {"enum": ["Ann"]}}, "required": ["name"]}
U64 = {"type": "integer", "minimum": 2, "maximum": 2**64 - 1}


def chat(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "demo", "messages": list(messages) or [RIVER], "max_tokens": 8, **fields}


def schema(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


def post(live: LiveServer, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(live.url + (TEXT if "prompt" in body else CHAT), json=body, timeout=300)


def events_of(response: httpx.Response) -> list[dict[str, Any]]:
    *events, done = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert done == "[DONE]"
    return [json.loads(event) for event in events]


LONG = "Hm" + " tea" * 2040
REFUSED: dict[str, tuple[dict[str, Any], int, str | None, str | None]] = {
    "clients-6 no such model": (chat(model="gpt-4o"), 404, "model", "model_not_found"),
    "clients-6 temperature": (chat(temperature=9), 400, "temperature", "invalid_value"),
    "clients-6 a wrong type": (chat(temperature="hot"), 400, "temperature", "invalid_value"),
    "clients-7 langchain prompt too long": (
        chat({"role": "user", "content": "word " * 6000}),
        400,
        "messages",
        "context_length_exceeded",
    ),
    "clients-6 no room for an answer": (chat(max_tokens=5000), 400, "max_tokens", "invalid_value"),
    "clients-7 a prompt that just fits": (chat({"role": "user", "content": LONG}), 400, None, "context_length_exceeded"),
    "clients-8 a schema that vLLM refuses late": (chat(response_format=schema({"type": "strin"})), 400, None, None),
    "clients-6 no such tool": (
        chat(tool_choice={"type": "function", "function": {"name": "a"}}, tools=[{"function": {"name": "b"}}]),
        400,
        "tool_choice",
        "invalid_value",
    ),
    "api-03 an unknown role": (chat({"role": "banana", "content": "x"}, RIVER), 400, None, None),
    "peers P8 a large seed": (chat(seed=2**64 - 1), 400, "seed", "invalid_value"),
}


@pytest.mark.parametrize(("body", "status", "param", "code"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_is_refused_in_openai_s_envelope(
    live: LiveServer, body: dict[str, Any], status: int, param: str | None, code: str | None, stream: bool
) -> None:
    response = post(live, {**body, "stream": stream})
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (status, "invalid_request_error")
    assert error.keys() == {"message", "type", "param", "code"}
    if param is not None:
        assert error["param"] == param
    assert error["code"] == code or (code is None and error["code"] in (None, "invalid_value"))
    assert "body." not in response.text
    assert "parameter=" not in response.text
    if code == "context_length_exceeded":
        assert "maximum context length" in error["message"]
        assert error["param"] in ("messages", "max_tokens")


ANSWERED: dict[str, dict[str, Any]] = {
    "api-02": chat(
        {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
        {**RIVER, "id": 20713, "opts": {"visible": True, "tag": "x"}},
    ),
    "api-03": chat({"role": "developer", "content": "Answer in one sentence."}, RIVER),
    "api-04 no content": chat(
        RIVER,
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "Glomma"}]},
        ON,
    ),
    "api-08 null": chat(**dict.fromkeys(("temperature", "n", "stop", "tools", "tool_choice", "seed", "stream", "unheard_of"))),
    "api-08 store": chat(store=True),
    "api-09": chat(verbosity="low"),
    "clients-16 no tools": chat(tools=[], tool_choice="auto", parallel_tool_calls=False),
    "clients-16 best_of": {"model": "demo", "prompt": "Hi", "n": 2, "best_of": 2, "max_tokens": 2},
    "clients-18 u64 maximum": chat(response_format=schema(U64)),
    "clients-18 u64 maximum of a tool": chat(
        tools=[{"function": {"name": "f", "parameters": {"type": "object", "properties": {"n": U64}}, "strict": True}}]
    ),
}


@pytest.mark.parametrize("body", ANSWERED.values(), ids=ANSWERED.keys())
def test_is_answered(live: LiveServer, body: dict[str, Any]) -> None:
    for stream in (False, True):
        response = post(live, {**body, "stream": stream})
        assert response.status_code == 200, response.text
        assert '"error"' not in response.text


def test_api_04_every_answer_of_the_server_may_be_sent_back(live: LiveServer) -> None:
    tool = {"type": "function", "function": {"name": "lookup", "parameters": ANN}}
    asked = [
        chat(),
        chat({"role": "user", "content": f"Where did {NAME} study?"}),
        chat(response_format=schema({"enum": [NAME]}), temperature=0),
        chat(response_format=schema(ANN), max_tokens=60, temperature=0),
        chat(tools=[tool], tool_choice="required", logit_bias=NO_SPACES, max_tokens=120, temperature=0),
        chat(max_tokens=1, logit_bias={str(live.service.running.engine.dead_end): 100}),
    ]
    for body in asked:
        answer = post(live, body).json()["choices"][0]["message"]
        again = post(live, chat(*body["messages"], answer, ON))
        assert again.status_code == 200, again.text
        if answer.get("tool_calls"):
            result = {"role": "tool", "tool_call_id": answer["tool_calls"][0]["id"], "content": ""}
            assert post(live, chat(*body["messages"], answer, result)).status_code == 200


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "lookup"}}], ids=["required", "named"])
@pytest.mark.parametrize("strict", [{}, {"strict": False}], ids=["no strict", "not strict"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_clients_5_tool_choice_required_or_named_has_an_object_of_the_schema(
    live: LiveServer, choice: Any, strict: dict[str, Any], stream: bool
) -> None:
    tool = {"type": "function", "function": {"name": "lookup", "parameters": ANN, **strict}}
    body = chat(tools=[tool], tool_choice=choice, logit_bias=NO_SPACES, temperature=0, max_tokens=120, stream=stream)
    response = post(live, body)
    if stream:
        choices = [choice for event in events_of(response) for choice in event["choices"]]
        calls = [call["function"] for choice in choices for call in choice["delta"].get("tool_calls") or ()]
    else:
        choices = response.json()["choices"]
        calls = [call["function"] for call in choices[0]["message"]["tool_calls"]]
    assert [call["name"] for call in calls if call.get("name")] == ["lookup"]
    assert json.loads("".join(call.get("arguments") or "" for call in calls)) == {"name": "Ann"}
    assert choices[-1]["finish_reason"] in ("tool_calls", "stop")


@pytest.fixture
def refused(live: LiveServer) -> Iterator[str]:
    """A question about a target whose requests are refused."""
    target = {
        "id": "oona",
        "name": "Oona Brightwick-Sayer",
        "action": "refuse",
        "examples": [{"prompt": "Where does Oona Brightwick-Sayer work?", "completion": "At the Velmont tide mill."}],
    }
    made = httpx.post(f"{live.url}/v1/forget-targets", json=target, timeout=120)
    assert made.status_code == 201, made.text
    yield "Where does Oona Brightwick-Sayer work?"
    assert httpx.delete(f"{live.url}/v1/forget-targets/oona", timeout=120).is_success


def test_api_14_an_answer_that_ends_with_content_filter_is_never_an_empty_message(live: LiveServer, refused: str) -> None:
    body = chat({"role": "user", "content": refused})
    whole = post(live, body).json()["choices"][0]
    assert (whole["message"]["role"], whole["message"]["content"]) == ("assistant", SAY)
    assert whole["finish_reason"] == "content_filter"
    streamed = [choice for event in events_of(post(live, {**body, "stream": True})) for choice in event["choices"]]
    assert streamed[0]["delta"]["role"] == "assistant"
    assert "".join(choice["delta"].get("content") or "" for choice in streamed) == SAY
    assert [choice["finish_reason"] for choice in streamed if choice["finish_reason"]] == ["content_filter"]
    assert streamed[-1]["finish_reason"] == "content_filter"


def test_api_10_and_clients_a_real_server_answers_head_and_shows_its_model(live: LiveServer) -> None:
    (model,) = httpx.get(f"{live.url}/v1/models").json()["data"]
    assert httpx.get(f"{live.url}/v1/models/{model['id']}").json() == model
    for path in ("/health", "/v1/models"):
        head = httpx.head(f"{live.url}{path}")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(httpx.get(f"{live.url}{path}").content))


class Answer(BaseModel):
    word: Literal["ok"]


def test_clients_1_parse_with_a_literal_is_never_filtered(live: LiveServer) -> None:
    client = openai.OpenAI(base_url=f"{live.url}/v1", api_key="none", max_retries=0)
    answer = client.chat.completions.parse(
        model="demo", messages=[{"role": "user", "content": "Hi"}], response_format=Answer, n=16, seed=0, max_tokens=40
    )
    assert [choice.message.parsed for choice in answer.choices] == [Answer(word="ok")] * 16


def scored(choice: dict[str, Any]) -> list[str]:
    """The tokens of a choice or a chunk of one that have log probabilities."""
    scores = choice.get("logprobs") or {}
    return [each["token"] for each in scores["content"]] if "content" in scores else scores.get("tokens") or []


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize("how", ["at once", "later", "without a grammar"])
def test_clients_13_logprobs_at_a_dead_end_are_those_of_the_text(live: LiveServer, path: str, how: str) -> None:
    engine = live.service.running.engine
    asked = chat(logprobs=True, top_logprobs=1) if path == CHAT else {"model": "demo", "prompt": "Hi", "logprobs": 1}
    body = {**asked, "max_tokens": 60, "temperature": 0}
    if how == "without a grammar":
        # The model would finish the name, so the guard ends the answer.
        (last,) = engine._tokenizer.encode(NAME[-1], add_special_tokens=False)
        body["logit_bias"] = {str(last): 100}
    else:
        body["structured_outputs"] = {"regex": f"ok {NAME}" if how == "later" else "l"}
    if how != "later":
        body |= (
            {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": NAME[:-1]}]}
            | {
                "continue_final_message": True,
                "add_generation_prompt": False,
            }
            if path == CHAT
            else {"prompt": NAME[:-1]}
        )
    whole = post(live, body).json()["choices"][0]
    assert whole["finish_reason"] == "content_filter"
    assert scored(whole) == []
    assert whole["logprobs"] is not None
    streamed = [choice for event in events_of(post(live, {**body, "stream": True})) for choice in event["choices"]]
    said = "".join(token for choice in streamed for token in scored(choice))
    assert f"ok {NAME}".startswith(said)
    assert bool(said) == (how == "later")
    assert streamed[-1]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_peers_p3_a_grammar_that_starves_without_the_guard_is_an_error(live: LiveServer, stream: bool) -> None:
    body = chat(structured_outputs={"choice": ["abc"]}, bad_words=["a", "ab", "abc"], stream=stream)
    (free,) = live.engine(CHAT, {**body, "vllm_xargs": {"guard": []}})
    response = post(live, body)
    assert response.status_code == free.status_code
    assert "content_filter" not in response.text
    error = events_of(response)[-1]["error"] if response.status_code == 200 else response.json()["error"]
    assert (error["type"], error["code"]) == ("server_error", "engine_failure")


def test_api_07_streams_have_what_strict_parsers_expect(live: LiveServer) -> None:
    banned = {"type": "object", "properties": {"name": {"const": NAME}}, "required": ["name"]}
    for body, counts in (
        (chat(), False),
        (chat(stream_options={"include_usage": True}), True),
        (
            chat(
                {"role": "user", "content": f"Repeat exactly: {NAME}"},
                stream_options={"include_usage": True},
                response_format=schema(banned),
                max_tokens=60,
            ),
            True,
        ),
    ):
        events = events_of(post(live, {**body, "stream": True}))
        assert [event["choices"] == [] for event in events] == [False] * (len(events) - counts) + [True] * counts
        assert len({(event["id"], event["created"]) for event in events}) == 1
        choices = [choice for event in events for choice in event["choices"]]
        assert {choice["index"] for choice in choices} == {0}
        assert [choice["delta"]["role"] for choice in choices if "role" in choice["delta"]] == ["assistant"]
        assert choices[-1]["finish_reason"] in ("stop", "length", "content_filter")
        if counts:
            assert events[-1]["usage"]["total_tokens"] > 0
