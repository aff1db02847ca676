"""Probes: two tokens that the startup proof lets the engine say, and bans."""

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

# A phrase in each restriction of the proof, so that no restriction of a target has the same content and therefore the same name:
# what the proof drops afterwards would be the target's.
_MARK = Phrase("startup proof of this guard server")
# How many letters a word has that a person recognises in a message.
_CLEAR = range(3, 13)
# Words among which a pair is looked for.
_AT_MOST = 64


@dataclass(frozen=True, slots=True)
class Probe:
    """A token that the proof lets the engine say, and bans. `raw`: its bytes. `word`: what it folds to, without spaces around."""

    token: int
    raw: bytes
    word: str

    @property
    def phrase(self) -> Phrase:
        """The phrase that bans the token, and every other one that holds the word."""
        return Phrase(self.word, match="substring", force=True)

    @property
    def restriction(self) -> Restriction:
        """The restriction of the phrase."""
        return Restriction.compile([self.phrase, _MARK])

    def bans(self, prompt: Probe, next_: Probe) -> bool:
        """Whether the phrase of this probe bans the token of `next_` after a prompt of one token, by the slow reference."""
        return penalty([self.phrase], [prompt.raw], next_.raw) > 0

    def __str__(self) -> str:
        return f"token {self.token} ({self.raw.decode()!r})"


def choose(vocabulary: Vocabulary, dead_end: int, width: int | None = None) -> tuple[Probe, ...]:
    """Return two tokens of the vocabulary such that, after the first as the prompt, a ban of either leaves the other.

    Plain words of 3 to 12 letters that are no stop words come first, then whatever folds to a text at all: single letters,
    digits, stop words. Of a vocabulary without such a pair it is one token. `dead_end` is not chosen, nor ids from `width` on.

    Raises GuardFailure if no token folds to a text by itself: then no phrase could ever be banned in this vocabulary.
    """
    found = nsmallest(_AT_MOST, _words(vocabulary, dead_end, width), key=_clearness)
    for at, second in enumerate(found):
        for first in found[:at]:
            if _part(first, second):
                return first, second
    if not found:
        raise GuardFailure(
            f"startup proof: none of the {len(vocabulary)} tokens of the engine's vocabulary says a letter or a digit by itself, "
            "so no word could be banned. Check that the model's folder holds the tokenizer that belongs to the model."
        )
    return (found[0],)


def _words(vocabulary: Vocabulary, dead_end: int, width: int | None) -> Iterator[Probe]:
    """Yield a token for each word that a token says by itself."""
    seen: set[bytes] = set()
    for token, folded in islice(enumerate(vocabulary.folded), width):
        word = folded.strip()
        # Tokens that begin or end inside a character add a text only together with others. Special tokens have no bytes.
        if not word or word in seen or token == dead_end or not vocabulary.whole[token]:
            continue
        raw, text = vocabulary.raw[token], word.decode()
        if len(text) <= MAX_CHARACTERS and _readable(raw):
            seen.add(word)
            yield Probe(token, raw, text)


def _readable(raw: bytes) -> bool:
    """Whether the bytes are UTF-8, so that a message can show them."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _clearness(probe: Probe) -> tuple[bool, bool, bool, bool, int]:
    """Return the key that sorts clear words first: a word, of letters, of a good length, the token's whole text, its id."""
    word = probe.word
    return (
        COMMON_WORDS.issuperset(word.split()),
        not word.isalpha(),
        len(word) not in _CLEAR,
        probe.raw.decode().strip().casefold() != word,
        probe.token,
    )


def _part(first: Probe, second: Probe) -> bool:
    """Whether the ban of each bans its own token alone, after `first` as the prompt."""
    return (
        first.bans(first, first)
        and second.bans(first, second)
        and not first.bans(first, second)
        and not second.bans(first, first)
        # The reference answers for this prompt; that neither word holds the other makes it true of any.
        and first.word not in second.word
        and second.word not in first.word
    )
