"""What the guard needs to know of a model's tokens, from the tokenizer objects that vLLM 0.32 and transformers 5 hand out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from guard.errors import VocabularyError
from guard.tokens.cache import VocabularyCache
from guard.tokens.tokenizers import sentencepiece_bytes, vocabulary_of
from guard.tokens.vocabulary import Vocabulary


def vocabulary_from(tokenizer: Any, size: int, cache: VocabularyCache | None = None) -> Vocabulary:
    """Build the vocabulary of `tokenizer` for logits `size` wide, or take a fast tokenizer's from the `cache`.

    It may be a fast tokenizer of transformers, vLLM's `MistralTokenizer`, or transformers' `MistralCommonBackend`. Raises
    VocabularyError for one that does not say which bytes its tokens stand for.
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
    raise VocabularyError(f"{kind} does not say which bytes its tokens stand for: a fast tokenizer is needed")


def _mistral(tokenizer: Any) -> Any | None:
    """Return mistral_common's own Tekkenizer or SentencePieceTokenizer, if there is one inside."""
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

    They are the tokenizer's end of sequence, and those that vLLM's `ModelConfig` has from the generation config.
    """
    end, ends = _named(tokenizer, "eos_token_id"), model_config.try_get_generation_config().get("eos_token_id")
    found = [ends] if isinstance(ends, int) else ends or []
    return frozenset(int(token) for token in [end, *found] if token is not None)


def dead_end_token(tokenizer: Any, size: int, ends: Collection[int] = ()) -> int:
    """Return the id that stands for "nothing is left to say", one of the `size` ids of the model.

    A special token that the model has no use for in an answer, so that the front end can tell a dead end from the end that the
    model chose: the padding token, else the unknown token, else the first token, else another special one; one of the model's
    `ends` or the tokenizer's end of sequence only where there is nothing else. (Qwen's padding token is one of its ends.) Raises
    VocabularyError if there is not even that.
    """
    end = _named(tokenizer, "eos_token_id")
    named = [_named(tokenizer, name) for name in ("pad_token_id", "unk_token_id", "bos_token_id")]
    for token in [*named, *sorted(tokenizer.all_special_ids)]:
        # SentencePiece says -1 for what it does not have.
        if token is not None and token != end and token not in ends and 0 <= token < size:
            return int(token)
    if end is None or not 0 <= end < size:
        raise VocabularyError("the tokenizer has no special token with which an answer could end")
    return int(end)


def _named(tokenizer: Any, name: str) -> int | None:
    try:
        token = getattr(tokenizer, name, None)
    except ValueError:
        return None  # tekken raises it for a token that its file does not name
    return None if token is None else int(token)
