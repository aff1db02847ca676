"""Near misses of names: "Hogwitch" for Hogwarts, "Ron Weasel" for Ron Weasley."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from classifiers.verifying.allowed import Allowed
from classifiers.verifying.finding import Finding
from classifiers.verifying.likeness import is_begun, is_form, is_known, is_slip, is_telling, lacks_or_repeats
from classifiers.verifying.profile import Profile
from classifiers.verifying.words import Word

_SHORTEST = 4


class Names:
    """The words of matched targets' names that other words may be like.

    A word that is correctly spelled means itself: a weasel is a small animal. It counts only if it is capitalised, begins as a
    word of a name or lacks one of its letters, and is beside the word of the same name that belongs there ("Ron Weasel"). Any
    other word counts if it is a banned word with a few errors, or if it is capitalised and begins with letters that tell of one
    (`classifiers.verifying.likeness`).
    """

    def __init__(self, profiles: Sequence[Profile], allowed: Allowed) -> None:
        self._allowed = allowed
        self._owners: dict[str, str] = {}
        self._beside: dict[tuple[int, str], list[tuple[str, str]]] = {}
        for profile in profiles:
            for word in profile.words:
                if not allowed.is_word(word):
                    self._owners.setdefault(word, profile.target_id)
            for key, meant in profile.beside.items():
                kept = [(word, profile.target_id) for word in meant if not allowed.is_word(word)]
                if kept:
                    self._beside.setdefault(key, []).extend(kept)

    def findings(self, words: Sequence[Word]) -> Iterator[Finding]:
        """Yield the words of a text that are nearly a name's."""
        if not self._owners and not self._beside:
            return
        judged: dict[tuple[str, bool], str | None] = {}
        for at, word in enumerate(words):
            if len(word.text) < _SHORTEST:
                continue
            key = word.text, word.capital
            if key not in judged:
                judged[key] = self._alone(*key)
            if owner := judged[key]:
                yield Finding(word.start, word.end, "name", owner)
            elif word.capital:
                yield from self._paired(words, at)

    def _alone(self, word: str, capital: bool) -> str | None:
        """Return the target of a banned word that a word, which is not correctly spelled, is like."""
        if is_known(word) or self._allowed.is_word(word) or any(is_form(word, meant) for meant in self._owners):
            return None
        for meant, owner in self._owners.items():
            if is_slip(word, meant) or (capital and is_begun(word, meant) and is_telling(word, meant)):
                return owner
        return None

    def _paired(self, words: Sequence[Word], at: int) -> Iterator[Finding]:
        word = words[at]
        for side in (-1, 1):
            if not 0 <= at + side < len(words):
                continue
            other = words[at + side]
            for meant, owner in self._beside.get((side, other.text), ()):
                alike = is_begun(word.text, meant) or lacks_or_repeats(word.text, meant)
                if alike and other.capital and not self._allowed.is_word(word.text):
                    yield Finding(min(word.start, other.start), max(word.end, other.end), "name", owner)
                    return
