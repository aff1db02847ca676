"""The responses route with OpenAI's client, the real server and the real engine, on the demo model."""

from __future__ import annotations

import json
from typing import Any, Literal

import httpx
import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

from evaluation.demo import contains_phrase, load_demo
from server.answers.events import EventReader
from tests.conftest import LiveServer

pytestmark = pytest.mark.engine

PERSON = next(person for person in load_demo().forgotten if person.id == "yrsa-tholmundardal")
NAME = PERSON.name
QUESTIONS = [pair.questions[0] for pair in PERSON.pairs][:6]
# The demo model would go on with spaces between two parts of an object.
NO_SPACES = {"204": -100, "205": -100, "208": -100, "227": -100}
ANN = {
    "type": "object",
    "properties": {"name": {"enum": ["Ann"]}},
    "required": ["name"],
    "additionalProperties": False,
}
TOOL: Any = {"type": "function", "name": "lookup", "parameters": ANN, "strict": True}


class Answer(BaseModel):
    name: Literal["Ann"]


@pytest.fixture(scope="module")
def client(live: LiveServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{live.url}/v1", api_key="none", max_retries=0)


def asked(item: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "demo", "input": item, "temperature": 0, "max_output_tokens": 80, **fields}


def events_of(live: LiveServer, body: dict[str, Any]) -> list[dict[str, Any]]:
    response = httpx.post(f"{live.url}/v1/responses", json={**body, "stream": True}, timeout=300)
    assert response.status_code == 200, response.text
    return [json.loads(event.data) for event in EventReader().feed(response.content)]


def leaks(told: Any) -> list[str]:
    """The key facts that are in an answer or an event, in whatever field."""
    return [fact for fact in PERSON.facts if contains_phrase(json.dumps(told, ensure_ascii=False), fact)]


def test_an_answer_is_what_chat_completions_say_and_a_stream_comes_to_the_same(client: openai.OpenAI) -> None:
    question = "Name a river in Norway."
    chat = client.chat.completions.create(
        model="demo", messages=[{"role": "user", "content": question}], temperature=0, max_tokens=80
    )
    whole = client.responses.create(**asked(question))
    assert whole.output_text == chat.choices[0].message.content != ""
    assert whole.usage is not None
    assert chat.usage is not None
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (chat.usage.prompt_tokens, chat.usage.completion_tokens)
    with client.responses.stream(**asked(question)) as stream:
        deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        last = stream.get_final_response()
    assert deltas == last.output_text == whole.output_text
    assert (last.status, last.usage) == (whole.status, whole.usage)


def test_what_is_cut_short_is_incomplete(client: openai.OpenAI) -> None:
    answer = client.responses.create(**asked("Name a river in Norway.", max_output_tokens=1))
    assert (answer.status, answer.incomplete_details and answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def test_a_schema_is_followed_and_parsed(client: openai.OpenAI) -> None:
    answer = client.responses.parse(**asked("Hi", text_format=Answer, extra_body={"logit_bias": NO_SPACES}))
    assert answer.output_parsed == Answer(name="Ann")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_tool_is_called_and_its_result_is_answered(client: openai.OpenAI, live: LiveServer, stream: bool) -> None:
    body, bias = asked("Hi", tools=[TOOL], tool_choice="required"), {"logit_bias": NO_SPACES}
    if stream:
        events = events_of(live, {**body, **bias})
        answer = Response.model_validate(events[-1]["response"])
        deltas = "".join(e["delta"] for e in events if e["type"] == "response.function_call_arguments.delta")
    else:
        answer = client.responses.create(**body, extra_body=bias)
        deltas = ""
    (call,) = [item for item in answer.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments), call.status) == ("lookup", {"name": "Ann"}, "completed")
    assert deltas in ("", call.arguments)
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "Ann lives in Oslo."}
    again = client.responses.create(**asked([{"role": "user", "content": "Hi"}, *answer.output, result], tools=[TOOL]))
    assert again.output
    third: Any = [{"role": "user", "content": "Hi"}, *answer.output, result, *again.output, {"role": "user", "content": "Go on."}]
    assert client.responses.create(**asked(third)).output


def test_log_probabilities_are_those_of_the_text(client: openai.OpenAI) -> None:
    fields: Any = {"include": ["message.output_text.logprobs"], "top_logprobs": 2, "max_output_tokens": 4}
    answer = client.responses.create(**asked("Name a river in Norway.", **fields))
    (message,) = answer.output
    assert message.type == "message"
    (part,) = message.content
    assert part.type == "output_text"
    assert part.logprobs
    assert "".join(each.token for each in part.logprobs).startswith(part.text.rstrip("�"))
    assert all(len(each.top_logprobs) <= 2 for each in part.logprobs)


def said(item: dict[str, Any]) -> Any:
    """What an item says. vLLM writes the arguments of a call without spaces in a stream, and with them in a whole answer."""
    return json.loads(item["arguments"]) if item["type"] == "function_call" else item["content"][0]["text"]


@pytest.mark.parametrize("how", ["plain", "tool", "schema"])
def test_no_event_and_no_field_of_an_answer_about_a_target_has_a_key_fact(live: LiveServer, how: str) -> None:
    told = {"type": "object", "properties": {"answer": {"type": "string", "maxLength": 60}}, "required": ["answer"]}
    fields: dict[str, Any] = {
        "plain": {},
        "tool": {"tools": [{**TOOL, "parameters": told}], "tool_choice": "required", "logit_bias": NO_SPACES},
        "schema": {
            "text": {"format": {"type": "json_schema", "name": "x", "schema": told, "strict": True}},
            "logit_bias": NO_SPACES,
        },
    }[how]
    for question in QUESTIONS if how == "plain" else QUESTIONS[:2]:
        events = events_of(live, asked(question, **fields))
        assert [found for event in events if (found := leaks({k: v for k, v in event.items() if k != "logprobs"}))] == []
        assert leaks("".join(event.get("delta", "") for event in events)) == []
        assert events[-1]["type"] in ("response.completed", "response.incomplete")
        opened, closed = ([e for e in events if e["type"] == f"response.output_item.{how}"] for how in ("added", "done"))
        assert len(opened) == len(closed) == len(events[-1]["response"]["output"])
    whole = httpx.post(f"{live.url}/v1/responses", json=asked(QUESTIONS[0], **fields), timeout=300).json()
    assert leaks(whole) == []
    streamed = events_of(live, asked(QUESTIONS[0], **fields))[-1]["response"]
    assert [said(item) for item in whole["output"]] == [said(item) for item in streamed["output"]]


def test_an_error_of_the_engine_names_the_client_s_own_field(client: openai.OpenAI, live: LiveServer) -> None:
    for fields, param in (
        ({"max_output_tokens": 5000}, "max_output_tokens"),
        ({"temperature": 9}, "temperature"),
        ({"reasoning": {"effort": "enormous"}}, "reasoning.effort"),
        ({"input": "word " * 6000}, "input"),
        ({"model": "gpt-4o"}, "model"),
    ):
        for stream in (False, True):
            response = httpx.post(f"{live.url}/v1/responses", json={**asked("Hi"), **fields, "stream": stream}, timeout=300)
            assert response.is_error
            assert response.json()["error"]["param"] == param, response.text
