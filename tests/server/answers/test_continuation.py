"""A continuation asks for what is left of the answer, under the same sampling, with the tokens that were kept."""

from __future__ import annotations

from typing import Any

import pytest

from server.answers.continuation import continued, length, scored, top
from server.answers.repair import Again
from server.openai.fields import BY_ROUTE

AGAIN = Again(choice=2, ids=(7, 8, 9), avoid=(4, 5), digests=("d",))
ARGUMENTS = {"guard": ["old"], "guard_id": "gd-1", "guard_hits": 1, "guard_allow": ["Ada"]}


def chat(**others: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "x"}], "model": "m", "vllm_xargs": ARGUMENTS, **others}


def test_the_prompt_is_what_the_model_read_and_said() -> None:
    sent = continued(
        chat(temperature=0.5, stop=["."], n=3, stream=True, stream_options={"include_usage": True}), [1, 2], AGAIN, 100
    )
    assert sent["prompt"] == [1, 2, 7, 8, 9]
    assert (sent["temperature"], sent["stop"], sent["stream"], sent["model"]) == (0.5, ["."], True, "m")
    assert not {"n", "messages", "stream_options", "echo"} & sent.keys()
    assert sent["return_token_ids"] is True


def test_the_arguments_of_the_guard_are_those_of_the_request_and_what_was_learnt() -> None:
    sent = continued(chat(), [1], AGAIN, 100)["vllm_xargs"]
    assert sent == {"guard": ["d"], "guard_id": "gd-1", "guard_allow": ["Ada"], "guard_avoid": [4, 5], "guard_hits": 1}
    quiet = Again(choice=0, ids=(), avoid=(), digests=(), hits=False)
    assert continued(chat(), [1], quiet, 100)["vllm_xargs"] == {
        "guard": [],
        "guard_id": "gd-1",
        "guard_allow": ["Ada"],
        "guard_avoid": [],
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (chat(max_tokens=10), 7),
        (chat(max_completion_tokens=20, max_tokens=10), 17),
        (chat(), 100 - 2 - 3),
        (chat(max_tokens=1000), 100 - 2 - 3),
        (chat(max_tokens=3), 1),
        ({"prompt": "x", "vllm_xargs": ARGUMENTS}, 13),
    ],
)
def test_what_is_left_of_the_length(body: dict[str, Any], expected: int) -> None:
    assert continued(body, [1, 2], AGAIN, 100)["max_tokens"] == expected
    assert length(body, 2, 100) >= 3


def test_min_tokens_counts_what_was_kept() -> None:
    assert continued(chat(min_tokens=5), [1], AGAIN, 100)["min_tokens"] == 2
    assert continued(chat(min_tokens=2), [1], AGAIN, 100)["min_tokens"] == 0


def test_a_seed_stays_a_seed_and_differs_per_choice_and_try() -> None:
    seeds = {
        continued(chat(seed=1), [1], Again(choice, ids, avoid, ()), 100)["seed"]
        for choice in (0, 1)
        for ids in ((), (3,))
        for avoid in ((), (1,))
    }
    assert len(seeds) == 8
    assert "seed" not in continued(chat(), [1], AGAIN, 100)


def test_log_probabilities_in_the_words_of_both_routes() -> None:
    assert continued(chat(logprobs=True, top_logprobs=3), [1], AGAIN, 100)["logprobs"] == 3
    assert continued(chat(logprobs=True), [1], AGAIN, 100)["logprobs"] == 0
    # Without the client's wish, too: they tell whether what was taken instead is fluent.
    assert continued(chat(logprobs=False), [1], AGAIN, 100)["logprobs"] == 0
    completion = {"prompt": "x", "logprobs": 2, "vllm_xargs": ARGUMENTS}
    assert continued(completion, [1], AGAIN, 100)["logprobs"] == 2
    assert (scored({"logprobs": 0}), top({"logprobs": 0})) == (True, 0)


def test_every_field_is_one_that_completions_pass_on() -> None:
    every = dict.fromkeys(BY_ROUTE["chat"], 1) | {"vllm_xargs": ARGUMENTS, "logprobs": True, "stop": ["x"], "seed": 3}
    sent = continued(every, [1], AGAIN, 100)
    passed = {name for name, field in BY_ROUTE["completion"].items() if field.handling == "passed"}
    assert sent.keys() - passed == {"prompt", "vllm_xargs", "return_token_ids"}
