"""Fields that hold texts, whatever the dialect."""

from __future__ import annotations

from typing import Any

import pytest

from server.errors import BadRequest
from server.openai.texts import joined, objects, schemas, string


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ({}, []),
        (True, []),
        ("a", ["a"]),
        ({"a": 1, "b": [2.5, "c"]}, ["a\n1\nb\n2.5\nc"]),
        ({"arguments": '{"who": "Ada\\u0020Byron"}'}, ["arguments\nwho\nAda Byron"]),
        ({"arguments": "not JSON"}, ["arguments\nnot JSON"]),
        ({"arguments": '{"a": 1, "a": 2}'}, ["arguments\na\n1\na\n2"]),
        ({"other": '{"who": "Ada\\u0020Byron"}'}, ['other\n{"who": "Ada\\u0020Byron"}']),
    ],
)
def test_all_strings_numbers_and_keys_are_one_text(value: Any, expected: list[str]) -> None:
    assert [text.text for text in joined(value, "here")] == expected


def test_json_in_a_string_may_not_nest_without_end() -> None:
    with pytest.raises(BadRequest) as caught:
        joined({"arguments": "[" * 1000}, "tools[0]")
    assert caught.value.param == "tools[0]"


def test_schemas_of_both_kinds_are_read() -> None:
    body = {"response_format": {"type": "json_object"}, "structured_outputs": {"choice": ["a"]}, "n": 1}
    assert [(text.where, text.text) for text in schemas(body)] == [
        ("response_format", "type\njson_object"),
        ("structured_outputs", "choice\na"),
    ]


@pytest.mark.parametrize("value", [1, {}, "x", ["x"], [None]])
def test_a_list_of_objects_is_nothing_else(value: Any) -> None:
    with pytest.raises(BadRequest, match="here"):
        objects(value, "here")


def test_a_string_is_nothing_else() -> None:
    assert string("a", "here") == "a"
    with pytest.raises(BadRequest, match="here must be a string"):
        string(1, "here")
