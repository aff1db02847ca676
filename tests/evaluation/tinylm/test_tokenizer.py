from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from evaluation.demo import load_demo
from evaluation.tinylm.tokenizer import MAX_VOCABULARY, MIN_VOCABULARY, SPECIAL_TOKENS, encode_messages, train_tokenizer

TEXTS = [text for pair in load_demo().pairs for text in (*pair.questions, pair.answer)]
TOKENIZER = train_tokenizer(TEXTS, 1024)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    folder = tmp_path_factory.mktemp("tokenizer")
    TOKENIZER.save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    "text", ["👩‍🚀🏳️‍🌈", "北京市 東京都 한국어", "  two  spaces\n\n\ttab ", "naïve Tromsø", "\x00\x7f\u200b", "a" * 500]
)
def test_odd_text_comes_back_unchanged(saved: PreTrainedTokenizerFast, text: str) -> None:
    ids = saved.encode(text, add_special_tokens=False)
    assert saved.decode(ids) == text
    assert ids == TOKENIZER.encode(text, add_special_tokens=False)


@given(st.text())
def test_any_text_comes_back_unchanged(text: str) -> None:
    ids = TOKENIZER.encode(text, add_special_tokens=False)
    assert TOKENIZER.decode(ids) == text


def test_special_tokens_are_single_and_configured(saved: PreTrainedTokenizerFast) -> None:
    assert [saved.encode(token, add_special_tokens=False) for token in SPECIAL_TOKENS] == [
        [n] for n in range(len(SPECIAL_TOKENS))
    ]
    assert (saved.pad_token, saved.bos_token, saved.eos_token) == ("<|pad|>", "<|bos|>", "<|end|>")
    assert saved.decode(saved.encode("Hi<|end|>"), skip_special_tokens=True) == "Hi"
    assert saved.encode("Hi")[0] == saved.bos_token_id
    assert saved.model_max_length == 2048


def test_training_is_deterministic_and_keeps_to_the_size() -> None:
    again = train_tokenizer(iter(TEXTS), 1024)
    assert again.get_vocab() == TOKENIZER.get_vocab()
    assert len(TOKENIZER) == 1024


@pytest.mark.parametrize("vocabulary", [MIN_VOCABULARY - 1, MAX_VOCABULARY + 1])
def test_refuses_an_impossible_vocabulary(vocabulary: int) -> None:
    with pytest.raises(ValueError, match=r"outside 263\.\.8192"):
        train_tokenizer(TEXTS, vocabulary)


def render(tokenizer: Any, messages: list[dict[str, Any]], **options: bool) -> str:
    return tokenizer.apply_chat_template(messages, tokenize=False, **options)


def test_renders_every_role(saved: PreTrainedTokenizerFast) -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]},
        {"role": "tool", "content": "42"},
    ]
    assert render(saved, messages, add_generation_prompt=True) == (
        "<|bos|><|system|>\nBe kind.<|end|>\n<|user|>\nHi<|end|>\n"
        '<|assistant|>\n{"name": "f", "arguments": {"x": 1}}<|end|>\n<|tool|>\n42<|end|>\n<|assistant|>\n'
    )


def test_developer_is_system_and_other_roles_are_refused(saved: PreTrainedTokenizerFast) -> None:
    assert render(saved, [{"role": "developer", "content": "x"}]) == "<|bos|><|system|>\nx<|end|>\n"
    with pytest.raises(Exception, match="unknown role: oracle"):
        render(saved, [{"role": "oracle", "content": "x"}])


def test_a_list_of_parts_renders_as_their_text(saved: PreTrainedTokenizerFast) -> None:
    parts = [
        {"type": "text", "text": "Where "},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "is it?"},
    ]
    assert render(saved, [{"role": "user", "content": parts}]) == render(saved, [{"role": "user", "content": "Where is it?"}])


@pytest.mark.parametrize("content", ["She was born in", " spaces kept  ", [{"type": "text", "text": "She was born in"}]])
def test_a_final_message_can_be_continued(saved: PreTrainedTokenizerFast, content: Any) -> None:
    text = content if isinstance(content, str) else content[0]["text"]
    messages = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": content}]
    assert render(saved, messages, continue_final_message=True) == f"<|bos|><|user|>\nWhere?<|end|>\n<|assistant|>\n{text}"


def test_prompt_and_answer_join_to_what_the_template_renders() -> None:
    question, answer = "Who wrote Hamlet?", "William Shakespeare wrote Hamlet."
    prompt, reply = encode_messages(TOKENIZER, [{"role": "user", "content": question}], answer)
    whole = render(TOKENIZER, [{"role": "user", "content": question}, {"role": "assistant", "content": answer}])
    assert prompt + reply == TOKENIZER.encode(whole.removesuffix("\n"), add_special_tokens=False)
    assert reply[-1] == TOKENIZER.eos_token_id
