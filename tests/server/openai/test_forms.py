"""A form writes what it reads, and changes only what differs in a piece."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from server.openai.forms import ChatForm, ChoiceForm, CompletionForm

CHAT, COMPLETION = ChatForm(), CompletionForm()
CALL = {"index": 1, "id": "c", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}

BODIES: list[tuple[ChoiceForm, dict[str, Any], list[dict[str, str]]]] = [
    (CHAT, {"id": "x", "choices": []}, []),
    (CHAT, {"error": {"message": "no", "code": 400}}, []),
    (CHAT, {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None}]}, [{"content": ""}]),
    (CHAT, {"choices": [{"index": 2, "delta": {}, "finish_reason": "stop", "stop_reason": 7}]}, [{}]),
    (CHAT, {"choices": [{"index": 0, "delta": {"reasoning": "hm", "content": "a"}}]}, [{"reasoning": "hm", "content": "a"}]),
    (
        CHAT,
        {"choices": [{"index": 0, "delta": {"tool_calls": [CALL]}}], "usage": {"total_tokens": 3}},
        [{"tool_calls[1].name": "look", "tool_calls[1].arguments": '{"a": 1}'}],
    ),
    (
        CHAT,
        {
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "a", "refusal": None}, "finish_reason": "stop"},
                {"index": 1, "message": {"role": "assistant", "content": None}, "finish_reason": "length"},
            ]
        },
        [{"content": "a"}, {}],
    ),
    (COMPLETION, {"choices": [{"index": 0, "text": "a", "logprobs": None, "finish_reason": None}]}, [{"text": "a"}]),
]


@pytest.mark.parametrize(("form", "body", "texts"), BODIES)
def test_what_is_read_is_written_again(form: ChoiceForm, body: dict[str, Any], texts: list[dict[str, str]]) -> None:
    pieces = form.read(body)
    assert [piece.texts for piece in pieces] == texts
    assert form.write(body, pieces) == body | ({"choices": []} if "choices" not in body else {})


def test_index_and_end_are_each_piece_s_own() -> None:
    body = {"choices": [{"index": 3, "text": "a", "finish_reason": "stop", "stop_reason": 5}]}
    (piece,) = COMPLETION.read(body)
    assert (piece.choice, piece.finish_reason, piece.stop_reason) == (3, "stop", 5)
    ended = COMPLETION.write(body, [piece.ended("content_filter")])["choices"]
    assert ended == [{"index": 3, "text": "a", "finish_reason": "content_filter", "stop_reason": None}]


@pytest.mark.parametrize(
    ("form", "choice", "field"),
    [
        (COMPLETION, {"index": 0, "text": "a"}, "text"),
        (CHAT, {"index": 0, "delta": {"content": "a", "role": "assistant"}}, "content"),
        (CHAT, {"index": 0, "message": {"reasoning": "a", "content": "b"}}, "reasoning"),
        (CHAT, {"index": 0, "delta": {"tool_calls": [CALL]}}, "tool_calls[1].arguments"),
    ],
)
def test_a_text_can_be_changed(form: ChoiceForm, choice: dict[str, Any], field: str) -> None:
    (piece,) = form.read({"choices": [choice]})
    changed = form.write({"choices": [choice]}, [replace(piece, texts={**piece.texts, field: "other"})])
    (again,) = form.read(changed)
    assert again.texts == {**piece.texts, field: "other"}
    assert form.read({"choices": [choice]}) == [piece]  # what was read is left as it was


def test_a_text_can_be_taken_back() -> None:
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "a", "reasoning": "b"}}]}
    (piece,) = CHAT.read(body)
    (choice,) = CHAT.write(body, [replace(piece, texts={"content": "a"})])["choices"]
    assert choice["message"] == {"role": "assistant", "content": "a", "reasoning": None}


@pytest.mark.parametrize(
    ("form", "choice", "said"),
    [
        (COMPLETION, {"index": 4, "text": "a"}, {"text": ""}),
        (CHAT, {"index": 4, "delta": {"content": "a"}}, {"delta": {}}),
        (CHAT, {"index": 4, "message": {"content": "a"}}, {"message": {"role": "assistant", "content": ""}}),
    ],
)
def test_a_silent_piece_is_the_same_choice_without_text(form: ChoiceForm, choice: dict[str, Any], said: dict[str, Any]) -> None:
    (piece,) = form.read({"choices": [choice]})
    (written,) = form.write({}, [form.silent(piece)])["choices"]
    assert written == {"index": 4, **said, **dict.fromkeys(("logprobs", "finish_reason", "stop_reason", "token_ids"))}


def test_the_last_token_of_a_choice_leaves_its_text_and_its_other_tokens() -> None:
    scores = {"content": [{"token": "a"}, {"token": "<|pad|>"}]}
    whole = {"index": 0, "message": {"content": "a"}, "logprobs": scores, "finish_reason": "stop", "stop_reason": 3}
    (piece,) = CHAT.read({"choices": [{**whole, "token_ids": [8, 3]}]})
    left = CHAT.unended(piece)
    assert (left.texts, left.finish_reason, left.stop_reason) == ({"content": "a"}, None, None)
    assert (left.raw["logprobs"], left.raw["token_ids"]) == ({"content": [{"token": "a"}]}, [8])
    own = {"tokens": ["<|pad|>"], "token_logprobs": [0.0], "top_logprobs": None, "text_offset": [2]}
    (piece,) = COMPLETION.read({"choices": [{"index": 0, "text": "", "logprobs": own, "finish_reason": "stop"}]})
    assert COMPLETION.unended(piece).raw["logprobs"] == {**own, "tokens": [], "token_logprobs": [], "text_offset": []}
    (piece,) = COMPLETION.read({"choices": [{"index": 0, "text": "a", "logprobs": None, "finish_reason": "stop"}]})
    assert COMPLETION.unended(piece).texts == {"text": "a"}
