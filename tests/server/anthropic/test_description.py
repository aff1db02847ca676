"""The routes are described with every field, and what the description allows is what they take."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from server.anthropic.dialect import COUNT_TOKENS, MESSAGES, Messages
from server.anthropic.fields import ACCEPTED
from server.api import document
from tests.server.anthropic.test_stream import whole

DIALECTS = (MESSAGES, COUNT_TOKENS)
DOCUMENT = document(FastAPI(), DIALECTS)
SCHEMAS = DOCUMENT["components"]["schemas"]
HI = {"model": "demo", "messages": [{"role": "user", "content": "Hi"}]}


def validator(name: str) -> Draft202012Validator:
    schema = {**SCHEMAS[name], "components": DOCUMENT["components"]}
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.path)
def test_every_field_is_described_with_its_reason(dialect: Messages) -> None:
    operation = DOCUMENT["paths"][dialect.path]["post"]
    assert operation["security"] == [{"HTTPBearer": []}]
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    described = SCHEMAS[name]["properties"]
    assert described.keys() == ACCEPTED.keys()
    assert all(ACCEPTED[field].reason in described[field]["description"] for field in described)


@pytest.mark.parametrize(
    ("name", "body", "valid"),
    [
        ("MessageRequest", {**HI, "max_tokens": 9, "unheard_of": None, "tools": []}, True),
        ("MessageRequest", HI, False),
        ("MessageRequest", {**HI, "max_tokens": 0}, False),
        ("MessageRequest", {**HI, "max_tokens": 9, "unheard_of": 1}, False),
        ("MessageRequest", {**HI, "max_tokens": 9, "mcp_servers": [{}]}, False),
        ("MessageTokensRequest", HI, True),
        ("MessageTokensRequest", {"messages": []}, False),
    ],
)
def test_what_is_described_is_what_is_taken(name: str, body: dict[str, Any], valid: bool) -> None:
    assert validator(name).is_valid(body) is valid


async def test_a_message_is_as_described() -> None:
    validator("Message").validate(await whole({"content": "x"}, "content_filter"))


def test_unknown_fields_are_described_as_the_operator_has_it() -> None:
    dropping = document(FastAPI(), DIALECTS, drops=True)["components"]["schemas"]
    assert dropping["MessageRequest"]["additionalProperties"] is True
