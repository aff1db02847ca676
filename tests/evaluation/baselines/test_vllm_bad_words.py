"""What vLLM's own `bad_words` bans, and what it misses."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from evaluation.baselines import vllm_bad_words
from evaluation.baselines.phrases import phrases


@pytest.fixture(scope="module")
def vllm_tokenizer(tokenizer: PreTrainedTokenizerFast) -> Any:
    from vllm.tokenizers.hf import get_cached_tokenizer

    return get_cached_tokenizer(tokenizer)


def test_the_form_inside_a_sentence_is_left_out_where_it_has_another_length(
    tokenizer: PreTrainedTokenizerFast, vllm_tokenizer: Any
) -> None:
    inside = tokenizer.encode(" Harry Potter", add_special_tokens=False)
    assert len(inside) != len(tokenizer.encode("Harry Potter", add_special_tokens=False))
    assert inside not in vllm_bad_words.bad_words(vllm_tokenizer, ["Harry Potter"])
    assert vllm_bad_words.unguarded_inside_sentences(vllm_tokenizer, ["Harry Potter"]) == ["Harry Potter"]


def test_a_word_with_two_forms_counts_twice_and_129_sequences_are_refused(vllm_tokenizer: Any) -> None:
    from vllm.exceptions import VLLMValidationError

    words = phrases(200)
    most = vllm_bad_words.accepted(vllm_tokenizer, words)
    assert 64 <= most <= 128
    assert len(vllm_bad_words.bad_words(vllm_tokenizer, words[:most])) in (127, 128)
    with pytest.raises(VLLMValidationError, match="Too many bad words after tokenization: 129"):
        vllm_bad_words.bad_words(vllm_tokenizer, words[: most + 1])
    with vllm_bad_words.raised_limit(400):
        assert vllm_bad_words.accepted(vllm_tokenizer, words) == 200


def test_only_model_runner_v2_limits_the_tokens(vllm_tokenizer: Any) -> None:
    from vllm import SamplingParams
    from vllm.v1.worker.gpu.sample.bad_words import BadWordsState

    params = SamplingParams(bad_words=[" ".join(phrases(10 * k + 10)[10 * k :]) for k in range(20)])
    params.update_from_tokenizer(vllm_tokenizer)  # accepted by the front end
    assert sum(map(len, params.bad_words_token_ids or [])) > 1024
    with pytest.raises(ValueError, match="Too many total bad word tokens"):
        BadWordsState.add_request(object.__new__(BadWordsState), 0, params)


def test_a_step_is_measured_and_leaves_the_limit_as_it_was(vllm_tokenizer: Any) -> None:
    cost = vllm_bad_words.step_cost(vllm_tokenizer, phrases(200), 400, 2, budget_s=0.01)
    assert cost.median_us > 0
    assert vllm_bad_words.accepted(vllm_tokenizer, phrases(200)) <= 128
