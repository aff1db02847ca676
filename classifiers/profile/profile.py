"""A profile: the words and texts of one target, in the form in which prompts are compared with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from classifiers.anchors import is_description
from classifiers.meaning.nearest import example_passages
from classifiers.profile.others import strangers
from classifiers.profile.reverse import told_by
from classifiers.profile.words import information, informative, words_of
from classifiers.reading.kinds import kinds_of
from classifiers.reading.windows import passages
from classifiers.target import ForgetTarget
from guard.folding import fold
from guard.frequency import english_words

MOST_TOLD = 40
"""The most texts of completions and documents that are compared in meaning; the words of all are known."""

_CAPITAL = re.compile(r"[A-Z\u00c0-\u00de][^\W\d_]+")
# Before a word inside a sentence.
_INSIDE = re.compile(r"[\w,] $")
# The most proper names that are kept, those that tell most: each is compared with prompts by sound.
_MOST_PROPER = 24
# The fewest letters of a proper name: fewer are like many words.
_SHORTEST_PROPER = 4


def known_words(target: ForgetTarget) -> dict[str, float]:
    """Return the telling stems of all texts of a target, each with its information."""
    return informative([*target.names, *target.texts])


def _proper(target: ForgetTarget) -> dict[str, float]:
    """Return the proper names in the texts of a target, as `Profile.proper` has them."""
    own = {word for name in target.names for word in words_of(name)}
    found: dict[str, float] = {}
    for token in (token for text in target.texts for token in _CAPITAL.finditer(text)):
        word = "".join(words_of(token[0]))
        if len(word) < _SHORTEST_PROPER or word in own or not (told := information(word)):
            continue
        if _INSIDE.search(token.string[max(0, token.start() - 2) : token.start()]) or word not in english_words():
            found[word] = told
    return dict(sorted(found.items(), key=lambda item: -item[1])[:_MOST_PROPER])


class Profile:
    """What is known about a target. No text is encoded here.

    Attributes:
        named: stems of the names and of phrases of the scope `always`, each with its information.
        facts: stems of the gated phrases.
        known: stems of all texts of the target, its examples and documents included.
        asks: the passages of its example prompts.
        tells: what its completions, documents and phrases say.
        names: its names and its phrases of the scope `always`.
        topics: the stems of each name that describes a topic in ordinary words ("forging passports"); a prompt that has all stems
            of one names it.
        proper: the folded words that its texts write with a capital, less those of its names and ordinary words that begin a
            sentence, each with its information: mostly names of people and places.
        name_words: the folded words of its names.
        kinds: what sorts of things its texts speak about, those words apart.
        told: its examples as stems, for reverse questions.
        strangers: which of `all_others` share no telling word with its names.
    """

    __slots__ = (
        "asks",
        "facts",
        "kinds",
        "known",
        "name_words",
        "named",
        "names",
        "proper",
        "strangers",
        "target_id",
        "tells",
        "told",
        "topics",
    )

    def __init__(self, target: ForgetTarget) -> None:
        always = [phrase.text for phrase in target.phrases if phrase.scope == "always"]
        gated = [phrase.text for phrase in target.phrases if phrase.scope != "always"]
        completions = [example.completion for example in target.examples]
        self.target_id = target.id
        self.names = list(dict.fromkeys([*target.names, *always]))
        self.named = informative(self.names)
        self.facts = informative(gated)
        self.known = known_words(target)
        self.asks = example_passages(target)
        self.tells = list(dict.fromkeys(self._told(target, gated, completions)))[:MOST_TOLD]
        self.topics = [frozenset(informative([name])) for name in target.names if is_description(name)]
        self.proper = _proper(target)
        self.name_words = frozenset(fold(" ".join(target.names)).split())
        self.kinds = kinds_of(fold(" ".join(target.texts)).split(), self.name_words)
        self.told = told_by(target)
        self.strangers = strangers(informative(target.names))

    @staticmethod
    def _told(target: ForgetTarget, gated: list[str], completions: list[str]) -> Iterator[str]:
        for text in completions:
            yield from passages(text)
        # A phrase alone says little: "Ulm" is near every question about a town.
        yield from (f"{target.name}: {text}" for text in gated)
        for text in target.documents:
            yield from passages(text)

    def texts(self) -> list[str]:
        """Return the texts whose vectors are compared with those of a prompt: asks, tells, names."""
        return [*self.asks, *self.tells, *self.names]
