"""A lexicon: by word, the targets whose texts have it. It finds the few targets that a prompt may describe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from classifiers.profile.profile import known_words
from classifiers.target import ForgetTarget

LEAST = 0.5
"""The least information that a prompt must share with a target to be compared with it."""
MOST_EXAMPLES = 8
"""Targets with more examples are left out. Their examples find what is about them, and their many words occur in prompts about
anybody: with TOFU's twenty examples, profiles took 4-13% of the questions about other authors for theirs."""
# A word of more targets than this tells nothing about any of them.
_MOST_TARGETS = 200


class Lexicon:
    """The telling words of targets with few examples. Immutable."""

    def __init__(self, targets: Sequence[ForgetTarget]) -> None:
        postings: dict[str, list[int]] = {}
        for number, target in enumerate(targets):
            if len(target.examples) > MOST_EXAMPLES:
                continue
            for word in known_words(target):
                postings.setdefault(word, []).append(number)
        self._ids = [target.id for target in targets]
        self._targets_of = {word: tuple(of) for word, of in postings.items() if len(of) <= _MOST_TARGETS}

    @property
    def empty(self) -> bool:
        """Whether no target can ever be a candidate."""
        return not self._targets_of

    def candidates(self, words: Mapping[str, float]) -> dict[str, float]:
        """Return the targets that share at least `LEAST` with a prompt, each with the information that they share.

        Args:
            words: The telling stems of the prompt, each with its information (`classifiers.profile.words.informative`).
        """
        found: defaultdict[int, float] = defaultdict(float)
        for word, told in words.items():
            for number in self._targets_of.get(word, ()):
                found[number] += told
        return {self._ids[number]: told for number, told in found.items() if told >= LEAST}
