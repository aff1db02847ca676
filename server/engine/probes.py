"""Probes: two tokens that the startup proof allows the engine to say, and then bans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice

from guard.phrase import MAX_CHARACTERS, Phrase
from guard.reference import penalty
from guard.restriction import Restriction
from guard.stopwords import COMMON_WORDS
from guard.tokens.vocabulary import Vocabulary
from server.errors import GuardFailure

# A phrase in each restriction of the proof, so that content and name differ from those of every target's restriction. The proof
# deletes its restrictions at the end.
_MARK = Phrase("startup proof of this guard server")
# The number of letters of a word that a person easily recognises in a message.
_CLEAR = range(3, 13)
# How many words are tried for a pair.
_AT_MOST = 64


@dataclass(frozen=True, slots=True)
class Probe:
    """A token that the proof allows the engine to say, and then bans.

    Attributes:
        token: Its id.
        raw: Its bytes.
        word: What it folds to, without the spaces around it.
    """

    token: int
    raw: bytes
    word: str

    @property
    def phrase(self) -> Phrase:
        """The phrase that bans the token and every other token that contains the word."""
        return Phrase(self.word, match="substring", force=True)

    @property
    def restriction(self) -> Restriction:
        """The restriction of the phrase."""
        return Restriction.compile([self.phrase, _MARK])

    def bans(self, prompt: Probe, next_: Probe) -> bool:
        """Return whether the phrase of this probe bans the token of `next_` after that of `prompt`, by the slow reference."""
        return penalty([self.phrase], [prompt.raw], next_.raw) > 0

    def __str__(self) -> str:
        return f"token {self.token} ({self.raw.decode()!r})"


def choose(vocabulary: Vocabulary, dead_end: int, width: int | None = None) -> tuple[Probe, ...]:
    """Return two tokens such that, with the first as the prompt, a ban of one does not ban the other.

    Words of 3 to 12 letters that are not stop words come first, then every other token that folds to a text: single letters,
    digits, stop words. If the vocabulary has no such pair, the result is one token.

    Args:
        vocabulary: The vocabulary of the engine.
        dead_end: A token id that is not chosen.
        width: The number of token ids that a prompt may use; ids from here on are not chosen.

    Raises:
        GuardFailure: No token folds to a text by itself, so nothing could be banned in this vocabulary.
    """
    found = nsmallest(_AT_MOST, _words(vocabulary, dead_end, width), key=_clearness)
    for at, second in enumerate(found):
        for first in found[:at]:
            if _part(first, second):
                return first, second
    if not found:
        raise GuardFailure(
            f"startup proof: none of the {len(vocabulary)} tokens of the engine's vocabulary spells a letter or a digit by "
            "itself, so the guard could not ban a word. Check that the model's folder holds the model's own tokenizer."
        )
    return (found[0],)


def _words(vocabulary: Vocabulary, dead_end: int, width: int | None) -> Iterator[Probe]:
    """Yield one token for each word that a single token spells."""
    seen: set[bytes] = set()
    for token, folded in islice(enumerate(vocabulary.folded), width):
        word = folded.strip(b" .")
        # A token that begins or ends inside a character spells nothing by itself. Special tokens have no bytes.
        if not word or word in seen or token == dead_end or not vocabulary.whole[token]:
            continue
        raw, text = vocabulary.raw[token], word.decode()
        if len(text) <= MAX_CHARACTERS and _readable(raw):
            seen.add(word)
            yield Probe(token, raw, text)


def _readable(raw: bytes) -> bool:
    """Return whether the bytes are UTF-8, so that a message can show them."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _clearness(probe: Probe) -> tuple[bool, bool, bool, bool, int]:
    """Return a key that sorts clear words first.

    In this order: not a stop word, only letters, of a clear length, the whole text of its token, the token's id.
    """
    word = probe.word
    return (
        COMMON_WORDS.issuperset(word.split()),
        not word.isalpha(),
        len(word) not in _CLEAR,
        probe.raw.decode().strip().casefold() != word,
        probe.token,
    )


def _part(first: Probe, second: Probe) -> bool:
    """Return whether, after `first` as the prompt, the phrase of each bans its own token and not the other."""
    return (
        first.bans(first, first)
        and second.bans(first, second)
        and not first.bans(first, second)
        and not second.bans(first, first)
        # The reference shows it for this prompt. It holds for any prompt if neither word contains the other.
        and first.word not in second.word
        and second.word not in first.word
    )
