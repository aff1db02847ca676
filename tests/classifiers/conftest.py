"""A small encoder whose vectors can be worked out by hand, the real one loaded once, and short ways to write targets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from classifiers import CachedEncoder, Example, ForgetTarget, Screened, SentenceEncoder
from classifiers.meaning.encoder import Vectors, unit_rows
from guard.folding import fold


class BagOfWords:
    """Vectors that count folded words, hashed into 512 places: the cosine is the share of common words. No words: zeros."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    @property
    def dimension(self) -> int:
        return 512

    @property
    def fingerprint(self) -> str:
        return "bag of words"

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        counts = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in fold(text).split():
                digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
                counts[row, int.from_bytes(digest, "big") % self.dimension] += 1
        return unit_rows(counts)


def a_target(target_id: str, name: str = "Nobody Known", prompts: Sequence[str] = (), **fields: object) -> ForgetTarget:
    examples = [Example(prompt=prompt, completion="…") for prompt in prompts]
    return ForgetTarget.model_validate({"id": target_id, "name": name, "examples": examples, **fields})


def screened(*texts: str) -> list[Screened]:
    return [Screened.of(text) for text in texts]


# Texts that a classifier must take without an error, and in which nobody is meant.
STRANGE = {
    "empty": "",
    "blank": " \n\t ",
    "emoji": "😀😀 🎉",
    "one letter, a megabyte": "a" * 1_000_000,
    "no letters": "?!... --- ///",
    "mixed scripts": "Привет мир 今天天气怎么样 שלום hello नमस्ते 안녕하세요 สวัสดี",
    "lone surrogate": "abc \ud800 def",
    "combining marks": "\u0301\u0316" * 5_000,
    "control characters": "\x00\x01\x1f\u200b\u202e",
}


@pytest.fixture
def bag_of_words() -> BagOfWords:
    return BagOfWords()


@pytest.fixture(scope="session")
def real_encoder() -> Iterator[SentenceEncoder]:
    """The default encoder, loaded with the hub closed."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    yield SentenceEncoder()
    if before is None:
        del os.environ["HF_HUB_OFFLINE"]
    else:
        os.environ["HF_HUB_OFFLINE"] = before


@pytest.fixture(scope="session")
def cached_encoder(real_encoder: SentenceEncoder) -> CachedEncoder:
    """The same, for tests that encode the same background."""
    return CachedEncoder(real_encoder)
