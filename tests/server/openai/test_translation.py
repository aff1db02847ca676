"""Dialects that translate requests: what they have in common."""

from __future__ import annotations

import pytest

from server.anthropic.dialect import COUNT_TOKENS, MESSAGES
from server.errors import BadRequest
from server.openai.chat import CHAT
from server.openai.responses.dialect import RESPONSES
from server.openai.translation import TranslatedChat

DIALECTS = (MESSAGES, COUNT_TOKENS, RESPONSES)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.path)
def test_the_engine_gets_a_chat_completion(dialect: TranslatedChat) -> None:
    assert dialect.engine_path == CHAT.path != dialect.path
    assert dialect.fields == CHAT.fields
    assert dialect.accepted is dialect.client_fields


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.path)
def test_an_unknown_field_is_refused_by_its_name(dialect: TranslatedChat) -> None:
    with pytest.raises(BadRequest) as caught:
        dialect.given({"model": "m", "frobnicate": 1})
    assert caught.value.param == "frobnicate"
