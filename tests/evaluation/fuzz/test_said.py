from __future__ import annotations

import json

import pytest

from evaluation.fuzz.said import forbidden, texts

PHRASES = ("Ketill Sandvegur", "Hveradal")


def test_a_streamed_phrase_is_found_wherever_it_is_cut() -> None:
    chunks = [
        {"choices": [{"index": at % 2, "delta": {"content": part}}]}
        for at, part in enumerate(["by Ket", "no", "ill Sand", "", "vegur."])
    ]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    assert forbidden(texts("text/event-stream", body), PHRASES, "Who taught her?") == ["Ketill Sandvegur"]


def test_tokens_of_log_probabilities_are_read_and_their_alternatives_are_not() -> None:
    tokens = [
        {"token": "Hver", "top_logprobs": [{"token": "a"}]},
        {"token": "adal", "top_logprobs": [{"token": "Hveradal"}]},
    ]
    said = texts("application/json", json.dumps({"choices": [{"index": 0, "logprobs": {"content": tokens}}]}))
    assert forbidden(said, PHRASES, "") == ["Hveradal"]
    said = texts("application/json", json.dumps({"choices": [{"index": 0, "logprobs": {"content": tokens[1:]}}]}))
    assert forbidden(said, PHRASES, "") == []


@pytest.mark.parametrize("body", ["Hveradal is plain text", '"hveradal"', '{"error": {"message": "Hveradal"}}'])
def test_whatever_the_body_is_it_is_read(body: str) -> None:
    assert forbidden(texts("text/plain", body), PHRASES, "") == ["Hveradal"]
    assert forbidden(texts("text/plain", body), PHRASES, "who is Hveradal?") == []
