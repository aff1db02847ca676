"""Every field that a client library can send has a place in the table, and none that gets round the guard has one."""

from __future__ import annotations

import pytest

from server.anthropic.fields import ACCEPTED


@pytest.mark.slow
def test_every_field_of_the_client_library_is_known() -> None:
    from anthropic.types.message_count_tokens_params import MessageCountTokensParams
    from anthropic.types.message_create_params import MessageCreateParamsBase

    named = {*MessageCreateParamsBase.__annotations__, *MessageCountTokensParams.__annotations__, "stream"}
    # Headers, which the library takes as arguments.
    assert named - {"workspace_id"} - ACCEPTED.keys() == set()


@pytest.mark.slow
def test_every_field_of_vllm_s_own_route_was_looked_at() -> None:
    from vllm.entrypoints.anthropic.protocol import AnthropicMessagesRequest

    own = {"mm_payload", "return_mm_kwargs", "cache_salt", "watermarking", "vllm_xargs", "chat_template_kwargs"}
    own |= {"kv_transfer_params", "ec_transfer_params"}
    assert set(AnthropicMessagesRequest.model_fields) - own - ACCEPTED.keys() == set()
    assert not own & ACCEPTED.keys()
