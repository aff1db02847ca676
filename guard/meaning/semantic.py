"""Embedding matching: penalises words that mean nearly the same as an anchor, a word that must not be said.

It is for gated restrictions only, because words with a similar meaning are common in answers about something else.

The words that a token says are those words of the text with the token appended that end behind the text so far. A word ends at a
space, and where the text ends at present. Whether "phys" will become "physics" or "physician" is not known yet, so it is judged
as it is, which is also what the exact matcher does. A word that continues is judged again as the longer word; a word that was
said before and that the token only ends is not.

A token that is one whole word with its leading space says that word wherever it is appended. One mask, computed once, penalises
these tokens (`SemanticMasks.ban`). What other tokens say depends on the unfinished word, and may be a word without a vector. They
are judged for a few candidates per step (`SemanticCursor.finishing`); a token that is not a candidate is not judged.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban
from guard.errors import RestrictionError
from guard.folding import DOT, SPACE, StreamFolder
from guard.meaning.anchors import MAX_WORD, Anchors, Vectors, exempt
from guard.meaning.wordvectors import WordVectors
from guard.tokens.vocabulary import Vocabulary

Ids = NDArray[np.int64]

CANDIDATES = 8
"""How many of a step's most likely tokens a caller should give to `finishing`."""

CACHED_WORDS = 4096


class SemanticMasks:
    """The anchors of one restriction over one vocabulary. It must not be used by several threads at once.

    Args:
        anchors: The restriction's anchors.
        wordvectors: The vocabulary's word vectors, made by the anchors' encoder.
        vocabulary: The vocabulary.
        capacity: How many penalties of learnt words to keep.

    Raises:
        RestrictionError: If `anchors` and `wordvectors` are of different encoders.
        ValueError: If `capacity` is below one.
    """

    def __init__(
        self,
        anchors: Anchors,
        wordvectors: WordVectors,
        vocabulary: Vocabulary,
        capacity: int = CACHED_WORDS,
    ) -> None:
        if anchors.encoder != wordvectors.encoder:
            raise RestrictionError(f"the anchors were made by {anchors.encoder!r}, the word vectors by {wordvectors.encoder!r}")
        if wordvectors.tokens.words and wordvectors.vectors.shape[1] != anchors.dimension:
            raise RestrictionError(
                f"the anchors have vectors of length {anchors.dimension}, the words of length {wordvectors.vectors.shape[1]}"
            )
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self.anchors = anchors
        self.vocabulary = vocabulary
        self._wordvectors = wordvectors
        self._capacity = capacity
        self._costs: OrderedDict[str, float] = OrderedDict()

    @cached_property
    def ban(self) -> Ban:
        """The tokens with a leading space that are one whole word near an anchor. They say it wherever they are appended."""
        tokens = self._wordvectors.tokens
        return self._tokens_near(tokens.spaced, tokens.spaced_row)

    @cached_property
    def bare(self) -> Ban:
        """The same for tokens without the leading space. They say their word at the beginning of a text and behind a space."""
        tokens = self._wordvectors.tokens
        return self._tokens_near(tokens.bare, tokens.bare_row)

    def _tokens_near(self, ids: Ids, rows: Ids) -> Ban:
        costs = np.zeros(len(self._wordvectors.tokens.words), np.float32)
        costs[list(self._near)] = list(self._near.values())
        costs = costs[rows]
        return Ban.of(ids[costs > 0], costs[costs > 0])

    @cached_property
    def _near(self) -> dict[int, float]:
        # Row -> penalty of the whole words near an anchor. Other words are left out: there may be thousands of restrictions, and
        # few words are near. The vectors were checked when they were made or read.
        if not self._wordvectors.tokens.words:
            return {}
        costs = self.anchors.priced(self._wordvectors.vectors)
        return {int(row): float(costs[row]) for row in np.flatnonzero(costs)}

    def said(self, word: str, token: int, pending: bytes = b"") -> list[str]:
        """Return the words that `token` says, without the exempt ones. An id outside the vocabulary says nothing.

        Args:
            word: The folded text since the last space.
            token: The token id.
            pending: The bytes of an unfinished character behind `word`.
        """
        vocabulary = self.vocabulary
        if not 0 <= token < len(vocabulary) or not vocabulary.raw[token]:
            return []
        if pending or token in vocabulary.cut:
            added = StreamFolder("" if word else SPACE, pending).feed(vocabulary.raw[token]).decode()
        else:
            added = vocabulary.folded[token].decode()
        added = added.replace(DOT, SPACE)
        words = (word + added).split(SPACE)
        if not added or added.startswith(SPACE):
            words = words[1:] if word else words
        return [said for said in words if not exempt(said)]

    def unknown(self, word: str, candidates: Iterable[int], pending: bytes = b"") -> list[str]:
        """Return the words without a known penalty that `candidates` would say, each once, in the candidates' order.

        A caller encodes them, for a whole batch of sequences in one call, and gives the vectors to `learn`.
        """
        words = dict.fromkeys(said for token in candidates for said in self.said(word, int(token), pending))
        return [said for said in words if said not in self._wordvectors.row and said not in self._costs]

    def learn(self, words: Sequence[str], vectors: Vectors) -> None:
        """Keep the penalties of `words`, given their vectors.

        Args:
            words: Folded words.
            vectors: float32 [words, dim], made by the anchors' encoder.

        Raises:
            RestrictionError: For vectors that are not finite unit or zero rows of the right number and length.
        """
        if len(words) != len(vectors):
            raise RestrictionError(f"the encoder returned {len(vectors)} vectors for {len(words)} words")
        for word, cost in zip(words, self.anchors.penalties(vectors).tolist(), strict=True):
            self._costs[word] = cost
            self._costs.move_to_end(word)
        while len(self._costs) > self._capacity:
            self._costs.popitem(last=False)

    def finishing(self, word: str, candidates: Iterable[int], pending: bytes = b"") -> Ban:
        """Return the ban of those `candidates` that would say a word near an anchor.

        Words that have no vector and were not learnt are not judged.

        Args:
            word: The folded text since the last space.
            candidates: Token ids.
            pending: The bytes of an unfinished character behind `word`.
        """
        worst = {int(token): max(map(self._cost, self.said(word, int(token), pending)), default=0.0) for token in candidates}
        near = [token for token, cost in worst.items() if cost > 0]
        return Ban.of(np.array(near, np.int64), np.array([worst[token] for token in near], np.float32))

    def _cost(self, word: str) -> float:
        row = self._wordvectors.row.get(word)
        if row is not None:
            return self._near.get(row, 0.0)
        if word not in self._costs:
            return 0.0
        self._costs.move_to_end(word)
        return self._costs[word]


class SemanticCursor:
    """The state of one sequence: its unfinished word, and at most three bytes of an unfinished character."""

    __slots__ = ("_masks", "_pending", "_word")

    def __init__(self, masks: SemanticMasks, prompt: Sequence[int] = ()) -> None:
        """Start behind the token ids `prompt`. A word may begin in the prompt's last message."""
        self._masks = masks
        self._word = ""
        self._pending = b""
        # A character has at most four bytes, so a tail of this length without a space is a word that is too long to be compared.
        tail, _ = masks.vocabulary.tail(prompt, 4 * (MAX_WORD + 1))
        self.extend(tail)

    @property
    def word(self) -> str:
        """The folded text since the last space: empty where a word may begin, and cut to MAX_WORD + 1 characters."""
        return self._word

    def extend(self, ids: Iterable[int]) -> None:
        """Read sampled token ids. Ids outside the vocabulary add no text."""
        vocabulary = self._masks.vocabulary
        for token in ids:
            if not 0 <= token < len(vocabulary) or not vocabulary.raw[token]:
                continue
            if self._pending or token in vocabulary.cut:
                folder = StreamFolder("" if self._word else SPACE, self._pending)
                added = folder.feed(vocabulary.raw[token]).decode()
                self._pending = folder.pending
            else:
                added = vocabulary.folded[token].decode()
            self._word = (self._word + added).replace(DOT, SPACE).rsplit(SPACE, 1)[-1][: MAX_WORD + 1]

    def bans(self) -> tuple[Ban, ...]:
        """Return the penalties that need no encoder: those of tokens that are one whole word. The parts share no ids."""
        parts = (self._masks.ban,) if self._word else (self._masks.ban, self._masks.bare)
        return tuple(part for part in parts if len(part))

    def unknown(self, candidates: Iterable[int]) -> list[str]:
        """Return the words without a known penalty that `candidates` would say here; see `SemanticMasks.unknown`."""
        return self._masks.unknown(self._word, candidates, self._pending)

    def learn(self, words: Sequence[str], vectors: Vectors) -> None:
        """Keep the penalties of `words`, given their vectors; see `SemanticMasks.learn`."""
        self._masks.learn(words, vectors)

    def finishing(self, candidates: Iterable[int]) -> Ban:
        """Return the ban of those `candidates` that would say a word near an anchor here; see `SemanticMasks.finishing`."""
        return self._masks.finishing(self._word, candidates, self._pending)
