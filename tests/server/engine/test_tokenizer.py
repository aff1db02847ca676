"""What the model reads of a text into which special tokens are typed."""

from __future__ import annotations

import time

import pytest
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from evaluation.tinylm.tokenizer import train_tokenizer
from server.engine.tokenizer import PromptTokenizer, knows_role

PLAIN = "Where did Yrsa Tholmundardal study?"
DEMO = PromptTokenizer(train_tokenizer([PLAIN, "Tell me about tea, cake and a <| sign."], 400), 100)


def words(*added: AddedToken) -> PromptTokenizer:
    """A tokenizer of single letters, lower-cased, with `added` tokens."""
    backend = Tokenizer(models.BPE({letter: at for at, letter in enumerate("abcdefghijklmnopqrstuvwxyz<|>_[]")}, []))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.add_tokens(list(added))
    return PromptTokenizer(PreTrainedTokenizerFast(tokenizer_object=backend), 100)


@pytest.mark.parametrize(
    "typed",
    [
        "Where did Yr<|pad|>sa Tholmun<|pad|>dardal study?",
        "<|bos|>Where did Yr<|end|>sa Tholm<|user|>undardal<|pad|> study?<|end|>",
        "Where did Y<|pad|><|pad|><|bos|>rsa Tholmundardal study?",
        "Where did Yr<|p<|pad|>ad|>sa Tholmun<|e<|end|>nd|>dardal study?",
        "Where did Yr<|p<|p<|pad|>ad|>ad|>sa Tholmundardal study?",
    ],
)
def test_without_special_tokens_the_text_is_the_plain_one(typed: str) -> None:
    assert PLAIN in DEMO.readings(typed)


def test_a_special_token_may_part_two_words() -> None:
    typed = "Where<|pad|>did<|pad|>Yrsa<|end|>Tholmundardal study?"
    assert DEMO.readings(typed) == [PLAIN.replace("Where did Yrsa Tholm", "WheredidYrsaTholm"), PLAIN]


@pytest.mark.parametrize("text", ["", "a", PLAIN, "a <| sign", "<|PAD|>", "<|pad |>", "< |pad|>", "<|unheard_of|>", "<|pa\nd|>"])
def test_what_the_model_reads_as_letters_has_no_other_reading(text: str) -> None:
    assert DEMO.readings(text) == []


def test_nothing_but_special_tokens_is_read_as_nothing() -> None:
    assert DEMO.readings("<|pad|>") == ["", " "]


def test_a_token_that_takes_white_space_with_it() -> None:
    stripping = words(AddedToken("<x>", lstrip=True, rstrip=True, special=True, normalized=False))
    assert "abcd" in [reading.replace(" ", "") for reading in stripping.readings("ab <x> cd")]
    assert stripping.readings("ab <y> cd") == []


def test_a_token_that_is_looked_for_in_the_normalized_text() -> None:
    typed = words(AddedToken("<x>", special=True, normalized=True))
    assert typed.readings("AB<X>cd")
    assert words(AddedToken("<x>", special=True, normalized=False)).readings("AB<X>cd") == []


def test_an_added_token_that_is_not_special_is_read_as_its_letters() -> None:
    assert words(AddedToken("<x>", special=False)).readings("ab<x>cd") == []


def test_vllms_truncation_of_its_own_tokenizer_does_not_cut_readings() -> None:
    tokenizer = train_tokenizer([PLAIN], 400)
    tokenizer.encode(PLAIN, truncation=True, max_length=3)
    own = PromptTokenizer(tokenizer, 100)
    tokenizer.encode(PLAIN, truncation=True, max_length=3)
    assert PLAIN in own.readings(f"{PLAIN[:11]}<|pad|>{PLAIN[11:]}")


def test_an_ordinary_prompt_pays_microseconds() -> None:
    text = "Tell me about the leadership author from Taipei. " * 3
    begun = time.perf_counter()
    for _ in range(1000):
        DEMO.readings(text)
    assert time.perf_counter() - begun < 0.2  # measured: 0.6 microseconds each


@pytest.mark.parametrize(
    ("template", "known"),
    [
        ("{%- if message['role'] == 'developer' -%}", True),
        ("{{ '<|im_start|>' + message['role'] }}", False),
        ({"default": "{{ message['role'] }}", "tool_use": "developer"}, True),
        ({"default": "{{ message['role'] }}"}, False),
        # Tokenizers without a template write the messages themselves.
        (None, True),
    ],
)
def test_api_03_a_template_that_does_not_mention_a_role_does_not_know_it(template: object, known: bool) -> None:
    assert knows_role(template, "developer") is known
