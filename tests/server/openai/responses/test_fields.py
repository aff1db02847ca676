"""The fields of a request for a response."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from server.errors import BadRequest
from server.openai.fields import check
from server.openai.responses.fields import ACCEPTED

STORED = ("previous_response_id", "conversation", "prompt", "background", "context_management")


def test_every_field_of_openai_s_client_is_listed() -> None:
    assert ResponseCreateParamsBase.__annotations__.keys() - ACCEPTED.keys() == set()


@pytest.mark.parametrize("name", STORED)
def test_what_refers_to_something_stored_is_refused_unless_it_says_nothing(name: str) -> None:
    for nothing in (None, False, [], {}):
        check({name: nothing}, ACCEPTED)
    with pytest.raises(BadRequest) as caught:
        check({name: True if name == "background" else "resp_1"}, ACCEPTED)
    assert (caught.value.param, caught.value.code) == (name, "unsupported_parameter")
    assert "server stores no" in caught.value.message or name == "context_management"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("store", "yes"),
        ("max_output_tokens", 0),
        ("max_output_tokens", True),
        ("top_logprobs", 21),
        ("truncation", "both"),
        ("instructions", [{"role": "system", "content": "x"}]),
        ("text", "json"),
        ("metadata", []),
        ("stream", "true"),
    ],
)
def test_a_value_that_is_read_must_be_right(name: str, value: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        check({name: value}, ACCEPTED)
    assert (caught.value.param, caught.value.code) == (name, "invalid_value")
