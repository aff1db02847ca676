"""Leads: the tokens that led to a hit, and the other tokens that would lead there at the same place.

An answer that goes back to before a phrase must not take the same way again. The token that began the phrase is banned at that
place, and so is every token that spells more or less of the same word.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from guard.folding import fold
from guard.tokens.vocabulary import Vocabulary

_FEWEST = 3
"""The fewest letters by which a token is taken for the beginning of a word."""


class Leads:
    """What the engine's vocabulary tells about the end of an answer. Threads may share it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def after(self, ids: Sequence[int], text: str, cut: int) -> tuple[int, int] | None:
        """Return how many tokens at the end of an answer hold what is behind a cut, and where in the text the first one begins.

        Where the cut is inside a token, the token is among them, and it begins before the cut.

        Args:
            ids: The answer's token ids.
            text: The end of the answer's text, or all of it.
            cut: A place in `text`, in characters.

        Returns:
            The number of tokens and the place; None if the bytes of the tokens are not those of the text. They are not where a
            parser of the engine has taken something out of the text, or where a character is not valid.
        """
        tail = text[cut:].encode()
        held, count = b"", 0
        raw = self._vocabulary.raw
        while count < len(ids) and (len(held) < len(tail) or not _whole(held)):
            count += 1
            token = ids[-count]
            held = (raw[token] if 0 <= token < len(raw) else b"") + held
        if len(held) < len(tail):
            return None
        if not held.endswith(tail):
            return None
        more = held[: len(held) - len(tail)].decode(errors="replace")
        if text[:cut].endswith(more):
            return count, cut - len(more)
        # Some tokenizers say a space before the first word of an answer, which its text does not have.
        return (count, 0) if count == len(ids) and not cut and more.isspace() else None

    def alike(self, token: int, word: str) -> list[int]:
        """Return `token`, and the ids of tokens that spell the beginning of `word`, or all of it."""
        letters = fold(word).strip().split(" ", 1)[0].encode()
        found = {token}
        for end in range(_FEWEST, len(letters) + 1):
            found.update(self._by_letters.get(letters[:end], ()))
        return sorted(found)

    def prepare(self) -> None:
        """Read the vocabulary now, so that no answer has to wait for it."""
        self._by_letters  # noqa: B018

    @cached_property
    def _by_letters(self) -> dict[bytes, list[int]]:
        found: dict[bytes, list[int]] = {}
        for token, folded in enumerate(self._vocabulary.folded):
            letters = folded.strip(b" .")
            if len(letters) >= _FEWEST and b" " not in letters:
                found.setdefault(letters, []).append(token)
        return found


def _whole(data: bytes) -> bool:
    """Return whether bytes begin at the beginning of a character."""
    return not data or data[0] & 0xC0 != 0x80
