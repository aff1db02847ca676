"""What GUARD (arXiv 2505.13312) must keep the model from saying: token sequences in a trie, and the vectors of words.

`evaluation.baselines.guard_paper` says what this assumes.
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
"""Turns texts into vectors of length one, float32 [texts, dimension]: `classifiers.meaning.encoder.SentenceEncoder.encode`."""

End = tuple[int, int]
"""An end of a text that begins a sequence: the node of the trie, and the number of tokens up to it."""

_WORD = re.compile(r"\w+")
_SHORTEST_WORD = 4
_TOKEN_BITS = 24


def letters_of(word: str) -> str:
    """Return a word without its punctuation."""
    return "".join(_WORD.findall(word))


class TokenTrie:
    """A trie of token sequences, which tells how much of a sequence the end of a text covers."""

    def __init__(self, sequences: Iterable[Sequence[int]]) -> None:
        # By node and token: one table is smaller and quicker to build than a table for each node.
        self._child: dict[int, int] = {}
        self._shortest = [math.inf]  # length of the shortest sequence through each node, in tokens
        for sequence in sequences:
            node = 0
            for token in sequence:
                node = self._child.setdefault(node << _TOKEN_BITS | token, len(self._shortest))
                if node == len(self._shortest):
                    self._shortest.append(math.inf)
                self._shortest[node] = min(self._shortest[node], len(sequence))

    def __len__(self) -> int:
        """The number of nodes, with the root."""
        return len(self._shortest)

    def follow(self, ends: Sequence[End], token: int) -> tuple[tuple[End, ...], float]:
        """Return the ends of the text after `token`, and the largest fraction of a sequence that one covers, 0 to 1.

        Args:
            ends: those of the text before `token`.
            token: the next token id.
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
    """The trie and the vectors of the words that must not be said, made once for any number of answers.

    It keeps the nearness of every word that it has been asked about.

    Attributes:
        trie: both tokenisations of every forbidden text.
        words: the distinct words of four letters or more.
        vectors: their vectors, float32 [words, dimension].
        encode: what made the vectors.
        setup_s: seconds that it took to make all this.
    """

    trie: TokenTrie
    words: list[str]
    vectors: NDArray[np.float32]
    encode: Encode
    setup_s: float = 0.0
    _near: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, encode: Encode) -> Forbidden:
        """Return what must not be said so that none of `texts` is: tokenise them, and encode their words."""
        started = time.perf_counter()
        trie = TokenTrie(tokenisations(tokenizer, texts))
        words = list(dict.fromkeys(word for text in texts for word in _WORD.findall(text) if len(word) >= _SHORTEST_WORD))
        vectors = encode(words) if words else np.zeros((0, 1), np.float32)
        return cls(trie, words, vectors, encode, time.perf_counter() - started)

    def nearness(self, words: Iterable[str]) -> dict[str, float]:
        """Return for each word its largest cosine with a forbidden word; 0 if that is negative or there are none."""
        asked = [word for word in dict.fromkeys(words) if word]
        new = [word for word in asked if word not in self._near]
        if new and not self.words:
            self._near.update(dict.fromkeys(new, 0.0))
        elif new:
            cosines = (self.encode(new) @ self.vectors.T).max(axis=1)
            self._near.update({word: max(float(cosine), 0.0) for word, cosine in zip(new, cosines, strict=True)})
        return {word: self._near[word] for word in asked}
