"""Each way round the guard that a request field offers, and that no field of vLLM's is left unjudged."""

from typing import Any

import pytest

from server.errors import BadRequest
from server.openai.chat import CHAT as CHAT_DIALECT
from server.openai.completions import COMPLETIONS
from server.openai.dialect import Dialect
from server.openai.fields import BY_ROUTE, FIELDS, GUARD_CONFLICT, UNSUPPORTED, Route, forwarded, given

DIALECTS: dict[Route, Dialect] = {"chat": CHAT_DIALECT, "completion": COMPLETIONS}

BODIES: dict[Route, dict[str, Any]] = {
    "chat": {"model": "m", "messages": [{"role": "user", "content": "hello"}]},
    "completion": {"model": "m", "prompt": "hello"},
}
BOTH: tuple[Route, ...] = ("chat", "completion")
CHAT: tuple[Route, ...] = ("chat",)
COMPLETION: tuple[Route, ...] = ("completion",)

OPEN: list[tuple[dict[str, Any], tuple[Route, ...]]] = [
    ({}, BOTH),
    ({"temperature": 2.0, "top_p": 1, "min_p": 0, "top_k": 5, "seed": 1, "n": 4, "max_tokens": 9}, BOTH),
    ({"logit_bias": {"5": 100}, "allowed_token_ids": [1], "bad_words": ["x"], "stop": ["a"], "stop_token_ids": [2]}, BOTH),
    ({"response_format": {"type": "json_object"}}, BOTH),
    ({"structured_outputs": {"choice": ["a"]}}, BOTH),
    ({"vllm_xargs": {"guard": []}, "request_id": "mine"}, BOTH),
    ({"stream": True, "stream_options": {"include_usage": True}}, BOTH),
    ({"use_beam_search": False, "prompt_logprobs": None, "return_token_ids": False, "skip_special_tokens": True}, BOTH),
    ({"kv_transfer_params": {}, "ec_transfer_params": None, "logprob_token_ids": [], "routed_experts_prompt_start": 0}, BOTH),
    ({"add_special_tokens": True, "cache_salt": "x", "priority": 1, "user": "u", "session_id": "s"}, BOTH),
    ({"metadata": {"a": "b"}, "store": False, "service_tier": "auto", "safety_identifier": "s", "prompt_cache_key": "k"}, BOTH),
    ({"logprobs": True, "top_logprobs": 20}, CHAT),
    ({"echo": False, "tools": [], "tool_choice": "none", "documents": [{"text": "t"}]}, CHAT),
    ({"chat_template_kwargs": {}}, CHAT),
    ({"chat_template_kwargs": {"enable_thinking": False, "thinking": True}}, CHAT),
    ({"mm_processor_kwargs": {}, "media_io_kwargs": None, "chat_template": None}, CHAT),
    ({"continue_final_message": True, "add_generation_prompt": False, "reasoning_effort": "low"}, CHAT),
    ({"modalities": ["text"], "prediction": {"type": "content", "content": "x"}, "verbosity": "low"}, CHAT),
    ({"function_call": "none", "functions": [], "web_search_options": {}}, CHAT),
    ({"seed": 2**63 - 1, "store": True}, BOTH),
    ({"seed": -(2**63), "store": False}, BOTH),
    ({"logprobs": 0}, COMPLETION),
    ({"echo": True, "suffix": "end", "best_of": 1, "prompt_embeds": None}, COMPLETION),
    ({"best_of": 3, "n": 3}, COMPLETION),
]


@pytest.mark.parametrize(("fields", "routes"), OPEN)
def test_open(fields: dict[str, Any], routes: tuple[Route, ...]) -> None:
    for route in routes:
        DIALECTS[route].check(BODIES[route] | fields)


CLOSED: list[tuple[str, list[Any], tuple[Route, ...], str]] = [
    ("use_beam_search", [True, 1, "true", "false", 0, [], {}], BOTH, GUARD_CONFLICT),
    ("truncate_prompt_tokens", [0, -1, 5], BOTH, GUARD_CONFLICT),
    ("truncation_side", ["left"], BOTH, GUARD_CONFLICT),
    ("prompt_logprobs", [0, 1, -1, False], BOTH, GUARD_CONFLICT),
    ("logprob_token_ids", [[1], 1], BOTH, GUARD_CONFLICT),
    ("return_token_ids", [True, 1, "on"], BOTH, GUARD_CONFLICT),
    ("return_tokens_as_token_ids", [True, "1"], BOTH, GUARD_CONFLICT),
    ("skip_special_tokens", [False, 0, "off"], BOTH, GUARD_CONFLICT),
    ("kv_transfer_params", [{"prompt_token_ids": [1, 2]}, "x"], BOTH, GUARD_CONFLICT),
    ("ec_transfer_params", [{"a": 1}], BOTH, GUARD_CONFLICT),
    ("routed_experts_prompt_start", [1, False, "0"], BOTH, GUARD_CONFLICT),
    ("return_token_offsets", [True], BOTH, UNSUPPORTED),
    ("mm_payload", ["none"], BOTH, UNSUPPORTED),
    ("return_mm_kwargs", [False], BOTH, UNSUPPORTED),
    ("stream", ["true", 1, 0], BOTH, "invalid_value"),
    ("store", ["true", 1], BOTH, "invalid_value"),
    ("seed", [2**63, -(2**63) - 1, 2**64 - 1], BOTH, "invalid_value"),
    ("chat_template", ["{{ x }}", ""], CHAT, GUARD_CONFLICT),
    (
        "chat_template_kwargs",
        [{"enable_thinking": "Ada"}, {"enable_thinking": 1}, {"documents": []}, {"thinking": True, "x": True}, "x", ["thinking"]],
        CHAT,
        GUARD_CONFLICT,
    ),
    ("mm_processor_kwargs", [{"a": 1}], CHAT, GUARD_CONFLICT),
    ("media_io_kwargs", [{"image": {}}], CHAT, GUARD_CONFLICT),
    ("echo", [True, 1, "yes", 0], CHAT, GUARD_CONFLICT),
    ("echo", ["yes", 1], COMPLETION, "invalid_value"),
    ("return_prompt_text", [True], CHAT, GUARD_CONFLICT),
    ("max_tokens", [0, 0.0], CHAT, "invalid_value"),
    ("max_completion_tokens", [0], CHAT, "invalid_value"),
    ("logprobs", [1, "true"], CHAT, "invalid_value"),
    ("top_logprobs", [-1, 21, 2.0, "3", True], CHAT, "invalid_value"),
    ("logprobs", [-1, 21, 2.0, "3", True], COMPLETION, "invalid_value"),
    ("continue_final_message", ["true"], CHAT, "invalid_value"),
    ("add_generation_prompt", [0], CHAT, "invalid_value"),
    ("modalities", [["text", "audio"], "text"], CHAT, UNSUPPORTED),
    ("web_search_options", [{"search_context_size": "low"}], CHAT, UNSUPPORTED),
    ("audio", [{"voice": "a"}], CHAT, UNSUPPORTED),
    ("functions", [[{"name": "f"}]], CHAT, UNSUPPORTED),
    ("function_call", [{"name": "f"}, "f"], CHAT, UNSUPPORTED),
    ("prompt_embeds", ["AAAA", ["AAAA"]], COMPLETION, GUARD_CONFLICT),
    ("best_of", [2, True, 1.0, 0], COMPLETION, UNSUPPORTED),
    ("logits_processors", [["module.Class"], None], BOTH, UNSUPPORTED),
    ("guided_regex", ["a+"], BOTH, UNSUPPORTED),
    ("guard", [[]], BOTH, UNSUPPORTED),
    ("Stream", [True], BOTH, UNSUPPORTED),
    ("prompt", ["text"], CHAT, UNSUPPORTED),
    ("messages", [[]], COMPLETION, UNSUPPORTED),
]


@pytest.mark.parametrize(("name", "values", "routes", "code"), CLOSED)
def test_closed(name: str, values: list[Any], routes: tuple[Route, ...], code: str) -> None:
    for route in routes:
        for value in values:
            with pytest.raises(BadRequest) as caught:
                DIALECTS[route].check(BODIES[route] | {name: value})
            assert (caught.value.param, caught.value.code, caught.value.status) == (name, code, 400)
            assert name in caught.value.message


def test_every_field_with_a_condition_has_a_closed_case() -> None:
    tested = {(name, route) for name, _, routes, _ in CLOSED for route in routes}
    conditional = {(field.name, route) for field in FIELDS if field.allowed for route in field.routes}
    assert conditional <= tested


NOTHING: dict[str, Any] = {
    **dict.fromkeys(("temperature", "n", "stop", "seed", "logprobs", "moderation", "unheard_of", "use_beam_search")),
    "tools": [],
    "functions": [],
    "documents": [],
    "logit_bias": {},
    "metadata": {},
}


def test_what_says_nothing_is_left_out_whatever_its_name() -> None:
    for route in BOTH:
        assert given(BODIES[route] | NOTHING, BY_ROUTE[route]) == BODIES[route]
    zeros = {"temperature": 0, "stream": False, "stop": "", "n": 0, "logit_bias": [], "tools": {}}
    assert given(zeros, BY_ROUTE["chat"]) == zeros


def test_unknown_fields_are_left_out_only_if_that_is_set() -> None:
    body = BODIES["chat"] | {"num_ctx": 8192, "guard": [], "use_beam_search": True}
    assert given(body, BY_ROUTE["chat"]) == body
    assert given(body, BY_ROUTE["chat"], drop_unknown=True) == BODIES["chat"] | {"use_beam_search": True}


def test_unknown_names_are_shown_only_when_they_are_plain() -> None:
    for name in ("x" * 65, "Ada\nByron", "ü"):
        with pytest.raises(BadRequest) as caught:
            CHAT_DIALECT.check({name: 1})
        assert name not in caught.value.message


def test_forwarded() -> None:
    body = BODIES["chat"] | {
        "vllm_xargs": {"guard": ["0"]},
        "request_id": "r",
        "store": False,
        "metadata": {},
        "n": 2,
        "echo": False,
    }
    CHAT_DIALECT.check(body)
    assert forwarded(body, BY_ROUTE["chat"]) == BODIES["chat"] | {"n": 2, "echo": False}
    assert body["vllm_xargs"] == {"guard": ["0"]}  # the caller's body is left as it was


def test_table_is_consistent() -> None:
    for route in BOTH:
        assert len(BY_ROUTE[route]) == sum(route in field.routes for field in FIELDS)  # no name twice
    assert all(field.allowed for field in FIELDS if field.handling == "refused")


def test_every_field_of_vllm_is_judged() -> None:
    """A new vLLM with a new field, or without an old one, fails here, and somebody reads what the field does."""
    chat = pytest.importorskip("vllm.entrypoints.openai.chat_completion.protocol").ChatCompletionRequest
    completion = pytest.importorskip("vllm.entrypoints.openai.completion.protocol").CompletionRequest
    models: dict[Route, Any] = {"chat": chat, "completion": completion}
    for route, model in models.items():
        ours = {name for name, field in BY_ROUTE[route].items() if field.handling != "dropped"}
        assert ours == set(model.model_fields)
        dropped = {name for name, field in BY_ROUTE[route].items() if field.handling == "dropped"}
        assert dropped.isdisjoint(model.model_fields)
