"""What the guard needs to know about a model's tokens, from the tokenizer objects of vLLM 0.32 and transformers 5."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from guard.errors import VocabularyError
from guard.tokens.cache import VocabularyCache
from guard.tokens.tokenizers import sentencepiece_bytes, vocabulary_of
from guard.tokens.vocabulary import Vocabulary


def vocabulary_from(tokenizer: Any, size: int, cache: VocabularyCache | None = None) -> Vocabulary:
    """Return the vocabulary of a tokenizer.

    Args:
        tokenizer: A fast tokenizer of transformers, vLLM's `MistralTokenizer`, or transformers' `MistralCommonBackend`.
        size: The width of the model's logits.
        cache: Where the vocabularies of fast tokenizers are stored, if they are.

    Raises:
        VocabularyError: The tokenizer does not tell the bytes of its tokens.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        description = backend.to_str()
        return cache.get(description, size, vocabulary_of) if cache else vocabulary_of(description, size)
    mistral = _mistral(tokenizer)
    if mistral is not None:
        return Vocabulary.of(
            [None if mistral.is_special(t) else _mistral_bytes(mistral, t) for t in range(mistral.n_words)], size
        )
    kind = type(tokenizer).__name__
    raise VocabularyError(f"{kind} does not tell the bytes of its tokens: the guard needs a fast tokenizer")


def _mistral(tokenizer: Any) -> Any | None:
    """Return the Tekkenizer or SentencePieceTokenizer of mistral_common inside `tokenizer`, None if there is none."""
    for wrapper in (tokenizer, getattr(tokenizer, "tokenizer", None)):
        # vLLM calls it `instruct`, mistral_common's MistralTokenizer `instruct_tokenizer`.
        instruct = getattr(wrapper, "instruct", None) or getattr(wrapper, "instruct_tokenizer", None)
        inner = getattr(instruct, "tokenizer", None)
        if inner is not None and hasattr(inner, "n_words") and hasattr(inner, "is_special"):
            return inner
    return None


def _mistral_bytes(tokenizer: Any, token: int) -> bytes:
    if hasattr(tokenizer, "id_to_byte_piece"):  # tekken
        return bytes(tokenizer.id_to_byte_piece(token))
    if token == tokenizer.get_special_token("<unk>"):
        return str(tokenizer.decode([token])).encode()  # SentencePiece writes " ⁇ " for it
    return sentencepiece_bytes(tokenizer.id_to_piece(token))


def model_ends(tokenizer: Any, model_config: Any) -> frozenset[int]:
    """Return the ids with which a model ends its answers.

    They are the tokenizer's end of sequence and the ends in the generation config, which vLLM's `ModelConfig` reads.
    """
    end, ends = _named(tokenizer, "eos_token_id"), model_config.try_get_generation_config().get("eos_token_id")
    found = [ends] if isinstance(ends, int) else ends or []
    return frozenset(int(token) for token in [end, *found] if token is not None)


def dead_end_token(tokenizer: Any, size: int, ends: Collection[int] = ()) -> int:
    """Return the id of the dead-end token, with which the guard ends an answer that has no other token left.

    It is a special token that the model does not use in an answer, so that the front end can tell a dead end from an end that the
    model chose. The first of these that exists is taken: the padding token, the unknown token, the beginning of sequence, another
    special token. The model's ends come last. (Qwen's padding token is one of its ends.)

    Args:
        tokenizer: The model's tokenizer.
        size: The width of the model's logits; the id is below it.
        ends: The ids with which the model ends its answers.

    Raises:
        VocabularyError: The tokenizer has no special token.
    """
    end = _named(tokenizer, "eos_token_id")
    named = [_named(tokenizer, name) for name in ("pad_token_id", "unk_token_id", "bos_token_id")]
    for token in [*named, *sorted(tokenizer.all_special_ids)]:
        # SentencePiece has -1 for a token that does not exist.
        if token is not None and token != end and token not in ends and 0 <= token < size:
            return int(token)
    if end is None or not 0 <= end < size:
        raise VocabularyError(
            "the tokenizer has no special token with which the guard could end an answer: the guard cannot run with this model"
        )
    return int(end)


def _named(tokenizer: Any, name: str) -> int | None:
    try:
        token = getattr(tokenizer, name, None)
    except ValueError:
        return None  # tekken raises it for a token that is not in its file
    return None if token is None else int(token)
