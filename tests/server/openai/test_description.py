"""The description of the routes that generate: every field is in it, and what the server answers fits it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from server.api import document
from server.openai.chat import CHAT
from server.openai.completions import COMPLETIONS
from server.openai.description import components, operation
from server.openai.dialect import Dialect
from server.openai.responses.dialect import RESPONSES
from tests.server.openai.responses.test_dialect import ANSWERED as RESPONSES_ANSWERED
from tests.server.openai.test_clients import ANSWERED, REFUSED, chat

DIALECTS = (CHAT, COMPLETIONS, RESPONSES)
NAMES: dict[Dialect, tuple[str, str]] = {
    CHAT: ("ChatCompletionRequest", "ChatCompletion"),
    COMPLETIONS: ("CompletionRequest", "Completion"),
    RESPONSES: ("ResponseRequest", "Response"),
}
SCHEMAS = document(FastAPI(), DIALECTS)["components"]["schemas"]


def validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def dialect_of(body: dict[str, Any]) -> Dialect:
    return RESPONSES if "input" in body else COMPLETIONS if "prompt" in body else CHAT


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_field_of_the_table_is_described_with_its_reason(dialect: Dialect) -> None:
    request, _ = NAMES[dialect]
    properties = components(dialect)[request]["properties"]
    assert {name: each["description"] for name, each in properties.items()} == {
        name: f"{field.handling}: {field.reason}" for name, field in dialect.accepted.items()
    }
    assert operation(dialect)["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith(f"/{request}")


@pytest.mark.parametrize("body", [*ANSWERED.values(), *RESPONSES_ANSWERED.values()], ids=[*ANSWERED, *RESPONSES_ANSWERED])
def test_what_is_answered_fits(body: dict[str, Any]) -> None:
    request, _ = NAMES[dialect_of(body)]
    assert [error.message for error in validator(request).iter_errors(body)] == []


ALONE = {name: body for name, (body, param) in REFUSED.items() if param not in ("tools[0].function", "best_of", "echo")}


@pytest.mark.parametrize("name", sorted(ALONE))
def test_what_is_refused_for_one_field_s_value_does_not_fit(name: str) -> None:
    request, _ = NAMES[dialect_of(ALONE[name])]
    assert not validator(request).is_valid(ALONE[name])


@pytest.mark.parametrize(
    ("field", "harmless", "not_harmless"),
    [
        ("use_beam_search", False, True),
        ("skip_special_tokens", True, False),
        ("kv_transfer_params", {}, {"a": 1}),
        ("modalities", ["text"], ["audio"]),
    ],
)
def test_a_refused_field_may_say_nothing(field: str, harmless: Any, not_harmless: Any) -> None:
    request = validator("ChatCompletionRequest")
    assert request.is_valid(chat(**{field: harmless}))
    assert not request.is_valid(chat(**{field: not_harmless}))


@pytest.mark.parametrize("drops", [False, True])
def test_unknown_fields_fit_where_the_server_drops_them(drops: bool) -> None:
    schemas = document(FastAPI(), DIALECTS, drops=drops)["components"]["schemas"]
    request = Draft202012Validator({**schemas["ChatCompletionRequest"], "components": {"schemas": schemas}})
    assert request.is_valid(chat(num_ctx=8192)) is drops
    assert request.is_valid(chat(num_ctx=None))


@pytest.mark.slow
async def test_an_example_is_answered_and_its_answer_fits(client: httpx.AsyncClient) -> None:
    for dialect in DIALECTS:
        content = operation(dialect)["requestBody"]["content"]["application/json"]
        assert validator(NAMES[dialect][0]).is_valid(content["example"])
        answer = await client.post(dialect.path, json=content["example"])
        assert answer.status_code == 200
        assert [error.message for error in validator(NAMES[dialect][1]).iter_errors(answer.json())] == []


def test_what_refers_to_something_stored_may_say_nothing() -> None:
    request = validator("ResponseRequest")
    for name in ("previous_response_id", "conversation", "prompt", "background"):
        assert request.is_valid({"input": "Hi", name: None})
        assert not request.is_valid({"input": "Hi", name: "x"})
