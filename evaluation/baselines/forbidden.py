"""What GUARD (arXiv 2505.13312) must keep from being said, prepared: token sequences in a trie, and the vectors of words.

See `evaluation.baselines.guard_paper` for what is assumed.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from evaluation.baselines.no_bad_words import tokenisations

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to vectors of length one, float32 [texts, dimension], such as `classifiers.meaning.encoder.SentenceEncoder.encode`."""

End = tuple[int, int]

_WORD = re.compile(r"\w+")
_SHORTEST_WORD = 4
_TOKEN_BITS = 24


def letters_of(word: str) -> str:
    """Return a word without the punctuation in and around it."""
    return "".join(_WORD.findall(word))


class TokenTrie:
    """Token sequences, and how much of one the end of a text covers."""

    def __init__(self, sequences: Iterable[Sequence[int]]) -> None:
        self._child: dict[int, int] = {}  # by node and token: one table is smaller and quicker to build than one a node
        self._shortest = [math.inf]  # of the sequences through a node, in tokens
        for sequence in sequences:
            node = 0
            for token in sequence:
                node = self._child.setdefault(node << _TOKEN_BITS | token, len(self._shortest))
                if node == len(self._shortest):
                    self._shortest.append(math.inf)
                self._shortest[node] = min(self._shortest[node], len(sequence))

    def __len__(self) -> int:
        """The number of nodes, the root among them."""
        return len(self._shortest)

    def follow(self, ends: Sequence[End], token: int) -> tuple[tuple[End, ...], float]:
        """Return the ends of the text after `token`, and the largest fraction of a sequence that one covers, 0 to 1.

        `ends` are those before `token`: (node, tokens) of each end of the text that begins a sequence.
        """
        after = []
        covered = 0.0
        for node, tokens in (*ends, (0, 0)):
            child = self._child.get(node << _TOKEN_BITS | token)
            if child is not None:
                after.append((child, tokens + 1))
                covered = max(covered, (tokens + 1) / self._shortest[child])
        return tuple(after), covered


@dataclass
class Forbidden:
    """What must not be said, made once for any number of answers: the trie, and the vectors of the words.

    `vectors`: float32 [words, dimension]. `setup_s`: seconds it took to make. The nearness of every word met so far is kept.
    """

    trie: TokenTrie
    words: list[str]
    vectors: NDArray[np.float32]
    encode: Encode
    setup_s: float = 0.0
    _near: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, encode: Encode) -> Forbidden:
        """Tokenise `texts`, and encode their words."""
        started = time.perf_counter()
        trie = TokenTrie(tokenisations(tokenizer, texts))
        words = list(dict.fromkeys(word for text in texts for word in _WORD.findall(text) if len(word) >= _SHORTEST_WORD))
        vectors = encode(words) if words else np.zeros((0, 1), np.float32)
        return cls(trie, words, vectors, encode, time.perf_counter() - started)

    def nearness(self, words: Iterable[str]) -> dict[str, float]:
        """Return for each word its largest cosine with a forbidden word, 0 if it is negative or there are none."""
        asked = [word for word in dict.fromkeys(words) if word]
        new = [word for word in asked if word not in self._near]
        if new and not self.words:
            self._near.update(dict.fromkeys(new, 0.0))
        elif new:
            cosines = (self.encode(new) @ self.vectors.T).max(axis=1)
            self._near.update({word: max(float(cosine), 0.0) for word, cosine in zip(new, cosines, strict=True)})
        return {word: self._near[word] for word in asked}
