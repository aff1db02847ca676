"""Embedding matching: what may not be said because it means nearly the same as a word that must not be said.

For gated restrictions only: what is near in meaning to a forgotten word is common in answers that are about something else.

Which words a token says, given the text so far: every word of the text with the token appended that ends behind the text so far.
A word ends at a space, and where the text ends at this moment: whether "phys" will be "physics" or "physician" nobody knows yet,
so it is judged as it stands, as the exact matcher does. A word that goes on is judged again, as the longer word that it then is;
one that was said before and is only ended by the token is not judged again.

A token that is one whole word with its leading space says that word wherever it is appended, and is penalised by a mask found
once (`SemanticMasks.ban`). What other tokens say depends on the word that is being said, and may be a word that has no vector
yet: those are judged for a few candidates a step only (`SemanticCursor.finishing`). A candidate that is not given is not judged.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban
from guard.errors import RestrictionError
from guard.folding import StreamFolder
from guard.meaning.anchors import MAX_WORD, Anchors, Vectors, exempt
from guard.meaning.wordvectors import WordVectors
from guard.tokens.vocabulary import Vocabulary

Ids = NDArray[np.int64]

CANDIDATES = 8
"""How many of a step's most likely tokens a caller should give to `finishing`, unless it knows better."""

CACHED_WORDS = 4096


class SemanticMasks:
    """The anchors of one restriction over one vocabulary. Not for several threads at once.

    `encode` must be the encoder that made `anchors`; without one, words that no single token holds are not judged. The penalties
    of the last `capacity` of those are kept.

    Raises RestrictionError if `anchors` and `wordvectors` were made by different encoders, and ValueError for a capacity below
    one.
    """

    def __init__(
        self,
        anchors: Anchors,
        wordvectors: WordVectors,
        vocabulary: Vocabulary,
        capacity: int = CACHED_WORDS,
    ) -> None:
        if anchors.encoder != wordvectors.encoder:
            raise RestrictionError(f"anchors made by {anchors.encoder!r}, word vectors by {wordvectors.encoder!r}")
        if wordvectors.tokens.words and wordvectors.vectors.shape[1] != anchors.dimension:
            raise RestrictionError(f"anchors of length {anchors.dimension}, word vectors of {wordvectors.vectors.shape[1]}")
        if capacity < 1:
            raise ValueError(f"capacity {capacity}")
        self.anchors = anchors
        self.vocabulary = vocabulary
        self._wordvectors = wordvectors
        self._capacity = capacity
        self._costs: OrderedDict[str, float] = OrderedDict()

    @cached_property
    def ban(self) -> Ban:
        """The tokens with a leading space that are one whole word near an anchor: they say it wherever they are appended."""
        tokens = self._wordvectors.tokens
        return self._tokens_near(tokens.spaced, tokens.spaced_row)

    @cached_property
    def bare(self) -> Ban:
        """The same for tokens without the leading space: they say their word at the beginning of a text and behind a space."""
        tokens = self._wordvectors.tokens
        return self._tokens_near(tokens.bare, tokens.bare_row)

    def _tokens_near(self, ids: Ids, rows: Ids) -> Ban:
        costs = np.zeros(len(self._wordvectors.tokens.words), np.float32)
        costs[list(self._near)] = list(self._near.values())
        costs = costs[rows]
        return Ban.of(ids[costs > 0], costs[costs > 0])

    @cached_property
    def _near(self) -> dict[int, float]:
        # Row -> penalty of the whole words near an anchor. Only those are kept: they are rare, and there may be thousands of
        # restrictions. The vectors were checked when they were made or read.
        if not self._wordvectors.tokens.words:
            return {}
        costs = self.anchors.priced(self._wordvectors.vectors)
        return {int(row): float(costs[row]) for row in np.flatnonzero(costs)}

    def said(self, word: str, token: int, pending: bytes = b"") -> list[str]:
        """Return the words that `token` says behind the unfinished folded `word`, less those that are exempt.

        `pending`: the bytes of an unfinished character behind `word`. An id outside the vocabulary says nothing.
        """
        vocabulary = self.vocabulary
        if not 0 <= token < len(vocabulary) or not vocabulary.raw[token]:
            return []
        if pending or token in vocabulary.cut:
            added = StreamFolder(last_space=not word, pending=pending).feed(vocabulary.raw[token]).decode()
        else:
            added = vocabulary.folded[token].decode()
        words = (word + added).split(" ")
        if not added or added.startswith(" "):
            words = words[1:] if word else words
        return [said for said in words if not exempt(said)]

    def unknown(self, word: str, candidates: Iterable[int], pending: bytes = b"") -> list[str]:
        """Return the words that `candidates` would say and that have no penalty yet, each once, in the candidates' order.

        With `learn`, for those who encode the words of a whole batch of sequences in one call.
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
            raise RestrictionError(f"{len(vectors)} vectors for {len(words)} words")
        for word, cost in zip(words, self.anchors.penalties(vectors).tolist(), strict=True):
            self._costs[word] = cost
            self._costs.move_to_end(word)
        while len(self._costs) > self._capacity:
            self._costs.popitem(last=False)

    def finishing(self, word: str, candidates: Iterable[int], pending: bytes = b"") -> Ban:
        """Return which of `candidates` would say a word near an anchor behind the unfinished `word`.

        A word that has no vector and has not been learnt is not judged.

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
    """Where one sequence stands: the word that is being said and at most three bytes of an unfinished character."""

    __slots__ = ("_masks", "_pending", "_word")

    def __init__(self, masks: SemanticMasks, prompt: Sequence[int] = ()) -> None:
        """Start behind the token ids `prompt`: a word that begins in its last message counts."""
        self._masks = masks
        self._word = ""
        self._pending = b""
        # Four bytes a character: a tail without a space is then a word that is too long to be compared.
        tail, _ = masks.vocabulary.tail(prompt, 4 * (MAX_WORD + 1))
        self.extend(tail)

    @property
    def word(self) -> str:
        """What was said since the last space, folded: empty where a word may begin, MAX_WORD + 1 characters if it is longer."""
        return self._word

    def extend(self, ids: Iterable[int]) -> None:
        """Read the token ids that were sampled. Ids outside the vocabulary add no text."""
        vocabulary = self._masks.vocabulary
        for token in ids:
            if not 0 <= token < len(vocabulary) or not vocabulary.raw[token]:
                continue
            if self._pending or token in vocabulary.cut:
                folder = StreamFolder(last_space=not self._word, pending=self._pending)
                added = folder.feed(vocabulary.raw[token]).decode()
                self._pending = folder.pending
            else:
                added = vocabulary.folded[token].decode()
            self._word = (self._word + added).rsplit(" ", 1)[-1][: MAX_WORD + 1]

    def bans(self) -> tuple[Ban, ...]:
        """Return the penalties that need no encoder: of tokens that are one whole word. The parts share no ids."""
        # A token that is no continuation ends an unfinished character as an invalid one, which reads as a space.
        parts = (self._masks.ban, self._masks.bare) if not self._word or self._pending else (self._masks.ban,)
        return tuple(part for part in parts if len(part))

    def unknown(self, candidates: Iterable[int]) -> list[str]:
        """Return the words that `candidates` would say here and that have no penalty yet."""
        return self._masks.unknown(self._word, candidates, self._pending)

    def learn(self, words: Sequence[str], vectors: Vectors) -> None:
        """Keep the penalties of `words`, given their vectors; see SemanticMasks."""
        self._masks.learn(words, vectors)

    def finishing(self, candidates: Iterable[int]) -> Ban:
        """Return which of `candidates` would say a word near an anchor here; see SemanticMasks."""
        return self._masks.finishing(self._word, candidates, self._pending)
