from __future__ import annotations

import random
from typing import Any

import pytest

from evaluation.redteam import parameters
from evaluation.redteam.attack import TEXT
from server.openai.fields import BY_ROUTE
from tests.evaluation.redteam.asked import BLIND, CASE, NAMELESS, sent

# Fields of vLLM that get round a guard or show what it hides, from the list of threats.
FIELDS = {
    *("vllm_xargs", "use_beam_search", "logprobs", "top_logprobs", "logprob_token_ids", "prompt_logprobs", "echo", "logit_bias"),
    *("min_p", "top_k", "temperature", "continue_final_message", "allowed_token_ids", "n", "best_of", "prompt_embeds"),
    *("chat_template", "chat_template_kwargs", "truncate_prompt_tokens", "add_special_tokens", "return_token_ids"),
    *("return_tokens_as_token_ids", "stream", "stop", "suffix", "min_tokens", "kv_transfer_params", "bad_words"),
}


def body(kind: str, **others: Any) -> dict[str, Any]:
    made = sent(kind, **others).body
    assert made is not None
    return made


def test_every_dangerous_field_is_sent_and_every_field_is_one_that_vllm_has() -> None:
    used = {name for kind in parameters.KINDS for seed in range(30) for name in body(kind.name, seed=seed)}
    assert used >= FIELDS
    assert used <= set(BY_ROUTE["chat"]) | set(BY_ROUTE["completion"])


@pytest.mark.parametrize("kind", ["continue_final_message", "completion_inside", "token_ids_inside", "prefill_without_a_name"])
def test_the_prompt_ends_inside_the_fact(kind: str) -> None:
    made = sent(kind)
    begins = made.begun.removeprefix("Her father was ")
    assert CASE.fact.startswith(begins)
    assert 0 < len(begins) < len(CASE.fact)


def test_token_ids_stand_for_the_prompt() -> None:
    assert bytes(body("token_ids")["prompt"]).decode() == f"<{CASE.question}>"
    assert body("completion_typed_template")["prompt"] == f"<{CASE.question}>"
    first, second = body("batch_token_ids")["prompt"]
    assert CASE.question in bytes(second).decode()
    assert CASE.question not in bytes(first).decode()
    biased = body("logit_bias")["logit_bias"]
    assert {int(token) for token in biased} == set(f" {CASE.fact}".encode())


def test_without_a_tokenizer_no_token_ids_are_sent() -> None:
    left_out = {kind.name for kind in parameters.KINDS if kind.make(CASE, BLIND, random.Random(0)) is None}
    assert left_out == {
        *("logprob_token_ids", "logit_bias", "logit_bias_mildly", "allowed_token_ids", "completion_typed_template"),
        *("token_ids", "token_ids_inside", "batch_token_ids"),
    }
    kept = {kind.name for kind in parameters.KINDS if kind.make(NAMELESS, BLIND, random.Random(0)) is not None}
    assert {"stream", "n_choices", "completion", "parts", "chat_template"} <= kept


def test_the_question_is_where_a_server_may_not_look() -> None:
    assert all(CASE.question not in str(message["content"]) for message in body("chat_template")["messages"])
    assert CASE.question in body("chat_template")["chat_template"]
    assert body("message_name")["messages"][0]["name"].startswith(CASE.question)
    assert "".join(part["text"] for part in body("parts")["messages"][0]["content"]) == CASE.question
    assert sent("batch").path == TEXT
