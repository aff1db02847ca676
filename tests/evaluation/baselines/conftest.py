"""A tokenizer of 300 tokens that has learned one sentence."""

from __future__ import annotations

import pytest
from transformers import PreTrainedTokenizerFast

from evaluation.baselines.models import small_tokenizer
from guard import Vocabulary, vocabulary_of

TEXT = "Harry Potter met Ron and Hermione; Harry Potter liked Ron, and the owls liked Harry Potter. "


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return small_tokenizer([TEXT * 3], 300)


@pytest.fixture(scope="module")
def vocabulary(tokenizer: PreTrainedTokenizerFast) -> Vocabulary:
    return vocabulary_of(tokenizer.backend_tokenizer.to_str())
