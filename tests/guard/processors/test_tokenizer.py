"""The tokenizer objects of vLLM and transformers: fast ones, Mistral's two kinds, and those that do not say enough."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mistral_common.protocol.instruct.validator import ValidationMode
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from transformers.tokenization_mistral_common import MistralCommonBackend
from vllm.tokenizers.mistral import MistralTokenizer

from guard.errors import VocabularyError
from guard.folding import fold
from guard.processors.tokenizer import dead_end_token, model_ends, vocabulary_from
from guard.tokens.cache import VocabularyCache

DATA = Path(str(importlib.resources.files("mistral_common"))) / "data"
TEXT = "Ångström met Harry  Potter,\n\n哈利波特 in 1999 👍🏽"


def backend(name: str) -> MistralCommonBackend:
    return MistralCommonBackend(tokenizer_path=DATA / name, mode=ValidationMode.test)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tekken_240911.json", "mistral_instruct_tokenizer_240323.model.v3"])
def test_mistral_s_tokenizers(name: str) -> None:
    inner = backend(name)
    tokenizer = MistralTokenizer(inner)
    vocabulary = vocabulary_from(tokenizer, tokenizer.vocab_size + 5)
    assert len(vocabulary) == tokenizer.vocab_size + 5
    assert vocabulary.special == set(tokenizer.all_special_ids)
    assert vocabulary.raw[tokenizer.vocab_size :] == [b""] * 5
    ids = tokenizer.encode(TEXT)
    ours = b"".join(vocabulary.raw[t] for t in ids).decode()
    assert ours.lstrip() == tokenizer.decode(ids, skip_special_tokens=True).lstrip() == TEXT
    assert vocabulary_from(inner, 10).raw[:] == vocabulary.raw[:10]
    # tekken has a padding token; in the other file nothing is at -1, and 1 begins a text.
    assert dead_end_token(tokenizer, len(vocabulary)) == (11 if tokenizer.is_tekken else 1)


def test_sentencepiece_s_unknown_token_is_what_it_decodes_to() -> None:
    tokenizer = MistralTokenizer(backend("mistral_instruct_tokenizer_240323.model.v3"))
    vocabulary = vocabulary_from(tokenizer, tokenizer.vocab_size)
    assert vocabulary.raw[0].decode() == tokenizer.tokenizer.decode([0])
    assert fold(vocabulary.raw[0].decode()) == " "


def test_a_fast_tokenizer(tmp_path: Path) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={c: at for at, c in enumerate(alphabet)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|end|>", pad_token="<|end|>", unk_token=None)
    vocabulary = vocabulary_from(tokenizer, 300)
    assert b"".join(vocabulary.raw[t] for t in tokenizer.encode(TEXT)).decode() == TEXT
    cache = VocabularyCache(tmp_path)
    assert [list(vocabulary_from(tokenizer, 300, cache).raw) for _ in range(2)] == [list(vocabulary.raw)] * 2
    # The only special token ends the text.
    assert dead_end_token(tokenizer, 300) == 256


@pytest.mark.parametrize("tokenizer", [object(), SimpleNamespace(tokenizer=object(), instruct=SimpleNamespace(tokenizer=1))])
def test_a_tokenizer_that_does_not_say_its_bytes_is_an_error(tokenizer: Any) -> None:
    with pytest.raises(VocabularyError, match="does not tell the bytes"):
        vocabulary_from(tokenizer, 10)


class Nameless:
    """As tekken: a token that its file does not name is an error."""

    eos_token_id, bos_token_id = 2, None
    all_special_ids = (7, 5, 2)

    @property
    def pad_token_id(self) -> int:
        raise ValueError("Unknown control token <pad>")


def test_the_dead_end_is_a_special_token_within_the_width() -> None:
    assert dead_end_token(Nameless(), 10) == 5
    assert dead_end_token(Nameless(), 5) == 2
    with pytest.raises(VocabularyError, match="no special token"):
        dead_end_token(Nameless(), 2)
    with pytest.raises(VocabularyError, match="no special token"):
        dead_end_token(SimpleNamespace(eos_token_id=None, pad_token_id=None, bos_token_id=None, all_special_ids=[]), 9)


@pytest.mark.parametrize(("configured", "ends"), [(None, {2}), (1, {1, 2}), ([2, 1], {1, 2}), ([], {2})])
def test_no_end_of_the_model_is_the_dead_end(configured: Any, ends: set[int]) -> None:
    # As Qwen's instruct models: the padding token is one of two ends, and the end of text for completions.
    tokenizer = SimpleNamespace(eos_token_id=2, pad_token_id=1, all_special_ids=[1, 2, 5])
    config = SimpleNamespace(try_get_generation_config=lambda: {"eos_token_id": configured} if configured is not None else {})
    assert model_ends(tokenizer, config) == ends
    assert dead_end_token(tokenizer, 10, ends) == (5 if 1 in ends else 1)
