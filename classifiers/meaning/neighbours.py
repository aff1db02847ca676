"""Neighbours: the words that come near the anchors of targets in meaning, and the phrases that keep them out of answers.

Words are compared here, when a target is compiled. What the guard gets are phrases, which it finds in every tokenization.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from classifiers.meaning.encoder import Encoder, Vectors, uncached
from classifiers.meaning.wordlist import WordList, finite
from classifiers.semantic import Near, SemanticSpec, exempt, folded_anchor, folded_words
from classifiers.target import ForgetTarget
from guard.forms.derive import inflected
from guard.frequency import english
from guard.phrase import Phrase

COMMON: Final = 4.6
"""The Zipf value from which on an English word is too common to be banned for its meaning: most answers have one of them.

With it, half as many paragraphs of novels have a banned word, and 8% fewer paraphrases of facts do (`evaluation.meaning`).
"""
MAX_OWN: Final = 2000
"""The most words of a target's own texts that are compared beside the list; encoding them takes about a second."""
# Cosines that are in memory at once: 64 MB.
_AT_ONCE: Final = 1 << 24


class Neighbours:
    """Finds the words near the anchors of targets. Safe for threads.

    The word list is loaded, or encoded, when the first target with anchors comes.
    """

    def __init__(self, encoder: Encoder, folder: Path | None = None) -> None:
        """Load nothing yet.

        Args:
            encoder: Encodes words. A cache of it is left alone.
            folder: Where the vectors of the word list are kept; None keeps them in memory alone.
        """
        self.encoder = encoder
        self._uncached = uncached(encoder)
        self._folder = folder
        self._list: WordList | None = None
        self._lock = threading.Lock()

    def of(self, targets: Iterable[ForgetTarget]) -> dict[str, list[Near]]:
        """Return, by the id of each target that has anchors, the words near them, the nearest first.

        The anchors come first. Words that are exempt (`classifiers.semantic.exempt`), words of the target's names, words that its
        phrases ban or price already, and common English words are left out.

        Raises:
            ValueError: The encoder has no vector for an anchor; the message names the target.
            OSError: The vectors of the word list cannot be written.
            EncoderError: A vector is not finite; other encoders may raise other exceptions.
        """
        wanted = [(t, spec, sorted(set(map(folded_anchor, spec.words)))) for t in targets if (spec := t.anchors()) and spec.words]
        if not wanted:
            return {}
        listed = self._words()
        own = {target.id: _own_words(target, listed) for target, _, _ in wanted}
        others = WordList.of(sorted(set().union(*own.values())), self._uncached)
        every = sorted({anchor for _, _, anchors in wanted for anchor in anchors})
        vectors = self._vectors(every, listed)
        lowest = min(spec.floor for _, spec, _ in wanted)
        near = dict(zip(every, zip(_near(listed, vectors, lowest), _near(others, vectors, lowest), strict=True), strict=True))
        void = {anchor for anchor, vector in zip(every, vectors, strict=True) if not vector.any()}
        found = {}
        for target, spec, anchors in wanted:
            if not void.isdisjoint(anchors):
                raise ValueError(f"target {target.id}: the encoder has no vector for one of its semantic words: use another word")
            best: dict[str, tuple[float, str]] = {}
            for anchor in anchors:
                in_list, in_texts = near[anchor]
                for word, cosine in chain(in_list, ((w, c) for w, c in in_texts if w in own[target.id])):
                    best[word] = max(best.get(word, (0.0, "")), (cosine, anchor))
            themselves = [Near(anchor, anchor, 1.0, math.inf) for anchor in anchors]
            found[target.id] = [*themselves, *_priced(target, spec, best, anchors)]
        return found

    def _words(self) -> WordList:
        with self._lock:
            if self._list is None:
                with tqdm(desc="words for semantic matching, once per encoder", unit=" words", delay=1) as shown:

                    def progress(done: int, total: int) -> None:
                        shown.total = total
                        shown.update(done - shown.n)

                    self._list = (
                        WordList.cached(self._uncached, self._folder, progress)
                        if self._folder is not None
                        else WordList.in_memory(self._uncached, progress)
                    )
            return self._list

    def _vectors(self, anchors: Sequence[str], listed: WordList) -> Vectors:
        """Return the vectors of anchors: float32 [anchors, dimension]."""
        unknown = [anchor for anchor in anchors if anchor not in listed.row]
        encoded = dict(zip(unknown, finite(self._uncached.encode(unknown)), strict=True)) if unknown else {}
        rows = [encoded[a] if a in encoded else listed.vectors[listed.row[a]].astype(np.float32) for a in anchors]
        return np.stack(rows)


def phrases_near(words: Iterable[Near]) -> Iterator[Phrase]:
    """Yield the gated phrases that keep words near an anchor out of answers: the words, and the forms of the anchors."""
    for near in words:
        phrase = Phrase(near.word, "gated", penalty=near.penalty, force=True)
        yield phrase
        if near.word == near.anchor:
            yield from inflected(phrase)


def _near(words: WordList, anchors: Vectors, lowest: float) -> list[list[tuple[str, float]]]:
    """Return for each anchor the words with a cosine above `lowest`, with the cosine rounded to hundredths."""
    found: list[list[tuple[str, float]]] = [[] for _ in anchors]
    block = max(64, _AT_ONCE // len(anchors))
    for at in range(0, len(words.words), block):
        # Rounded, so that the order in which a processor adds up does not decide.
        cosines: NDArray[np.float32] = np.round(words.vectors[at : at + block].astype(np.float32) @ anchors.T, 2)
        for row, column in zip(*np.nonzero(cosines > lowest), strict=True):
            found[column].append((words.words[at + row], round(float(cosines[row, column]), 2)))
    return found


def _own_words(target: ForgetTarget, listed: WordList) -> set[str]:
    """Return the words of a target's texts that the list lacks."""
    texts = [phrase.text for phrase in target.phrases]
    texts += [example.completion for example in target.examples] + list(target.documents)
    found: dict[str, None] = {}
    for text in texts:
        found.update(dict.fromkeys(word for word in folded_words(text) if word not in listed.row and not exempt(word)))
        if len(found) >= MAX_OWN:
            break
    return set(list(found)[:MAX_OWN])


def _priced(
    target: ForgetTarget, spec: SemanticSpec, best: Mapping[str, tuple[float, str]], anchors: Sequence[str]
) -> Iterator[Near]:
    left_out = {word for text in [*target.names, *spec.allow] for word in folded_words(text)}
    left_out.update(anchors)
    # The person who wrote a phrase decides what its word costs.
    left_out.update(phrase.folded for phrase in target.own_phrases())
    for word, (cosine, anchor) in sorted(best.items(), key=lambda item: (-item[1][0], item[0])):
        penalty = spec.penalty(cosine)
        if penalty > 0 and word not in left_out and english(word) < COMMON:
            yield Near(word, anchor, cosine, penalty)
