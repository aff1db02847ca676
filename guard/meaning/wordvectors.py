"""Word vectors: a vector for each word that is a single token of a vocabulary, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from guard import mapped
from guard.errors import CorruptRestriction, FormatMismatch, RestrictionError
from guard.folding import DOT, SPACE
from guard.meaning.anchors import Encode, Vectors, checked, exempt
from guard.tokens.vocabulary import Vocabulary

Ids = NDArray[np.int64]

logger = logging.getLogger(__name__)

FORMAT = 1
SUFFIX = ".words.safetensors"

Progress = Callable[[int, int], object]
"""Called with the number of words that are encoded and the number of all words."""


def _whole_word(folded: str) -> str | None:
    """Return the word if a token's folded text is one word, with or without spaces around it, and not exempt; else None."""
    held = folded.replace(DOT, SPACE).split()
    return held[0] if len(held) == 1 and not exempt(held[0]) else None


@dataclass(frozen=True, eq=False)
class WholeWords:
    """The tokens of a vocabulary that are one word each.

    Tokens that begin or end inside a character are not among them: what they add depends on their neighbours.

    Attributes:
        words: The distinct folded words of the tokens that begin with a space, sorted.
        spaced: int64 [n]; the ids of these tokens.
        spaced_row: int64 [n]; the index of each one's word in `words`.
        bare: int64 [m]; the ids of tokens without a leading space that are one of `words`. Behind a space, and at the beginning
            of a text, they are whole words too.
        bare_row: int64 [m]; the index of each one's word in `words`.
    """

    words: tuple[str, ...]
    spaced: Ids
    spaced_row: Ids
    bare: Ids
    bare_row: Ids

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> WholeWords:
        """Find the whole words of `vocabulary`."""
        spaced: list[tuple[int, str]] = []
        bare: list[tuple[int, str]] = []
        for token, data in enumerate(vocabulary.folded):
            if not data or token in vocabulary.cut:
                continue
            word = _whole_word(data.decode())
            if word is not None:
                (spaced if data.startswith((b" ", b".")) else bare).append((token, word))
        words = tuple(sorted({word for _, word in spaced}))
        row = {word: at for at, word in enumerate(words)}
        # Most tokens without a space are pieces of words. Only those that are also words with a space are worth a vector.
        bare = [(token, word) for token, word in bare if word in row]
        return cls(
            words,
            np.array([token for token, _ in spaced], np.int64),
            np.array([row[word] for _, word in spaced], np.int64),
            np.array([token for token, _ in bare], np.int64),
            np.array([row[word] for _, word in bare], np.int64),
        )


@dataclass(frozen=True, eq=False)
class WordVectors:
    """The vectors of a vocabulary's whole words.

    Attributes:
        tokens: The whole words.
        vectors: float32 [words, dim], unit or zero rows.
        encoder: The name of the encoder that made them. It must change whenever the vectors do: with the model, its weights and
            its number type.
    """

    tokens: WholeWords
    vectors: Vectors
    encoder: str

    @cached_property
    def row(self) -> dict[str, int]:
        """The row of `vectors` for each word."""
        return {word: at for at, word in enumerate(self.tokens.words)}

    @classmethod
    def of(
        cls, tokens: WholeWords, encode: Encode, encoder: str, *, batch: int = 1024, progress: Progress | None = None
    ) -> WordVectors:
        """Encode the words of `tokens`.

        Args:
            tokens: The vocabulary's whole words.
            encode: The encoder.
            encoder: The encoder's name; see the class.
            batch: Words per call of `encode`.
            progress: Called after each batch.

        Raises:
            RestrictionError: For vectors that are not finite or not unit or zero rows.
            ValueError: If `encoder` is empty.
            Exception: Whatever `encode` raises.
        """
        if not encoder:
            raise ValueError("word vectors need the name of the encoder that makes them")
        vectors = np.zeros((0, 0), np.float32)
        for at in range(0, len(tokens.words), batch):
            words = tokens.words[at : at + batch]
            part = checked(encode(words), len(words), vectors.shape[1] if at else None, RestrictionError)
            if not at:
                vectors = np.zeros((len(tokens.words), part.shape[1]), np.float32)
            vectors[at : at + len(words)] = part
            if progress is not None:
                progress(at + len(words), len(tokens.words))
        return cls(tokens, vectors, encoder)

    @classmethod
    def cached(
        cls,
        folder: Path,
        vocabulary: Vocabulary,
        encode: Encode,
        encoder: str,
        *,
        batch: int = 1024,
        progress: Progress | None = None,
    ) -> WordVectors:
        """Return the vectors that `folder` has for this vocabulary and encoder; compute and write them if it has none.

        A file that cannot be read, or that has other words, is replaced. Processes that do this at the same time each compute the
        vectors, and the file of the last one remains. The arguments are those of `of`.

        Raises:
            RestrictionError: As `of` does.
            ValueError: As `of` does.
            OSError: If the file cannot be written.
        """
        path = folder / (cache_key(vocabulary, encoder) + SUFFIX)
        tokens = WholeWords.of(vocabulary)
        if path.exists():
            try:
                return cls(tokens, _load(path, tokens.words, encoder), encoder)
            except RestrictionError as error:
                logger.warning("word vectors are computed again: %s", error)
        made = cls.of(tokens, encode, encoder, batch=batch, progress=progress)
        _save(path, made)
        return made

    @classmethod
    def stored(cls, folder: Path, vocabulary: Vocabulary, encoder: str) -> WordVectors:
        """Return the vectors that `folder` has for this vocabulary and encoder.

        Raises:
            RestrictionError: If it has none, or none that can be used.
        """
        path = folder / (cache_key(vocabulary, encoder) + SUFFIX)
        if not path.is_file():
            raise RestrictionError("the folder has no word vectors of this vocabulary and this encoder: compute them first")
        tokens = WholeWords.of(vocabulary)
        return cls(tokens, _load(path, tokens.words, encoder), encoder)


def cache_key(vocabulary: Vocabulary, encoder: str) -> str:
    """Return the sha256, in hexadecimal, of the format, the encoder's name and the vocabulary's folded tokens."""
    digest = hashlib.sha256(json.dumps(["guard-words", FORMAT, encoder, len(vocabulary), sorted(vocabulary.cut)]).encode())
    for folded in vocabulary.folded:
        digest.update(folded + b"\n")  # folded text has no line breaks
    return digest.hexdigest()


def _content(words: bytes, vectors: Vectors) -> str:
    digest = hashlib.sha256(json.dumps([len(words), vectors.dtype.str, vectors.shape]).encode())
    digest.update(words)
    digest.update(np.ascontiguousarray(vectors).data)
    return digest.hexdigest()


def _save(path: Path, made: WordVectors) -> None:
    words = "\n".join(made.tokens.words).encode()
    metadata = {"format": str(FORMAT), "encoder": made.encoder, "content": _content(words, made.vectors)}
    arrays: dict[str, NDArray[np.generic]] = {
        "words": np.frombuffer(words, np.uint8),
        "vectors": np.ascontiguousarray(made.vectors),
    }
    mapped.store(path, arrays, metadata)


def _load(path: Path, words: tuple[str, ...], encoder: str) -> Vectors:
    """Return the vectors in `path`.

    Raises:
        FormatMismatch: If the file has another format or is of another encoder.
        CorruptRestriction: If it cannot be read, or does not have the vectors of `words`.
    """
    try:
        # Mapped: the workers of one machine share the pages.
        metadata, arrays = mapped.load(path)
        if metadata.get("format") != str(FORMAT) or metadata.get("encoder") != encoder:
            raise FormatMismatch("the file has another format version or is of another encoder")
        held, vectors = arrays["words"].tobytes(), arrays["vectors"]
    except (KeyError, ValueError, OSError) as error:
        raise CorruptRestriction(f"the file cannot be read: {error}") from error
    # The words are compared, not only the digest: a later version of this code may take other tokens for words.
    if held != "\n".join(words).encode() or vectors.ndim != 2 or metadata.get("content") != _content(held, vectors):
        raise CorruptRestriction("the file does not hold the vectors of these words")
    return checked(vectors, len(words), None, CorruptRestriction) if words else np.zeros((0, 0), np.float32)
