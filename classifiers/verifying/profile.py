"""A profile: what the verifier looks for of one target."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from threading import Lock

from classifiers.banned import Banned, own, with_forms
from classifiers.target import ForgetTarget
from classifiers.verifying.likeness import SHORTEST
from classifiers.verifying.nearness import letters_of
from guard.folding import fold

MOST_PROFILES = 1024
"""The most profiles that are kept for the next answers; of each there are a few kilobytes."""
LEAST_LETTERS = 8
"""The fewest letters of a fact of which most may be said."""
LEAST_DIGITS = 12
"""The same for a fact that is mostly digits: another year is not a near miss of a year."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A name or an explicit phrase of a target.

    Attributes:
        text: As it is written.
        words: Its folded words.
        name: Whether it is one of the target's names.
        capital: Whether its last word is capitalised.
    """

    text: str
    words: tuple[str, ...]
    name: bool
    capital: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """What the verifier looks for of one target.

    Attributes:
        target_id: The target.
        patterns: The patterns of all phrases, in UTF-8.
        words: The banned single words that other words may be like: folded, of five letters or more.
        beside: For a word that is before (-1) or behind (1) some of `words` in a phrase: these.
        facts: The names and phrases of which most letters must not be said.
        excepted: The folded words of each text that may be said all the same.
    """

    target_id: str
    patterns: frozenset[bytes]
    words: tuple[str, ...]
    beside: dict[tuple[int, str], tuple[str, ...]]
    facts: tuple[Fact, ...]
    excepted: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, target: ForgetTarget) -> Profile:
        """Return the profile of a target. It takes as long as the target's forms take to derive, which are cached."""
        banned = [one for one in target.banned() if one.phrase.penalty == math.inf]
        # A phrase with a beta below 1 has no forms. It is only the mask that begins earlier with it: the words are the same.
        explicit = [replace(phrase, beta=1.0) for phrase in target.phrases if phrase.penalty == math.inf]
        every = [*banned, *with_forms(own(target.names, explicit), target.forms)]
        words = dict.fromkeys(word for one in every for word in _alone(one))
        beside: dict[tuple[int, str], dict[str, None]] = {}
        for one in every:
            split = one.phrase.folded.split()
            for before, word in pairwise(split):
                if word in words:
                    beside.setdefault((-1, before), {})[word] = None
                if before in words:
                    beside.setdefault((1, word), {})[before] = None
        return cls(
            target.id,
            frozenset(one.phrase.pattern.encode() for one in every),
            tuple(words),
            {key: tuple(found) for key, found in beside.items()},
            tuple(_facts(banned)),
            tuple(tuple(fold(text).split()) for text in target.excepted),
        )


def _alone(one: Banned) -> Iterator[str]:
    pattern = one.phrase.pattern
    if len(pattern) >= SHORTEST and pattern.isalpha() and one.phrase.match == "word":
        yield pattern


def _facts(banned: list[Banned]) -> Iterator[Fact]:
    for one in banned:
        if one.reason in ("explicit", "name"):
            letters = letters_of(one.phrase.text)
            digits = sum(letter.isdigit() for letter in letters)
            if len(letters) >= (LEAST_DIGITS if 3 * digits >= len(letters) else LEAST_LETTERS):
                capital = one.phrase.text.split()[-1][0].isupper()
                yield Fact(one.phrase.text, tuple(one.phrase.folded.split()), one.reason == "name", capital)


class _Profiles:
    """The profiles of targets that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[ForgetTarget, Profile]] = OrderedDict()
        self._lock = Lock()

    def of(self, target: ForgetTarget) -> Profile:
        # By identity: a target is immutable but not hashable. It is kept beside its profile, so its number is its own.
        with self._lock:
            known = self._kept.get(id(target))
            if known:
                self._kept.move_to_end(id(target))
                return known[1]
        profile = Profile.of(target)
        with self._lock:
            self._kept[id(target)] = target, profile
            while len(self._kept) > MOST_PROFILES:
                self._kept.popitem(last=False)
        return profile


profile_of = _Profiles().of
"""Return the profile of a target, made anew only if it was not asked for lately."""
