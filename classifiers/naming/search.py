"""The search for names: folded texts, each with the targets that it identifies, and whether an occurrence may be no name."""

from __future__ import annotations

from collections.abc import Container, Mapping
from functools import cached_property
from typing import Final, NamedTuple

from classifiers.naming.weak import is_weak
from classifiers.naming.written import Written
from classifiers.protocol import Match
from guard.matching.finder import Finder
from guard.phrase import MatchKind, Phrase

NAME = "alias"
DOUBTFUL = 0.6
"""Score of an uncertain match."""
UNLIKELY = 0.55
"""Score of one that is a namesake or in small letters, so that another occurrence goes before it."""
PART_OF_NAME = "part"
"""Evidence: a surname or a given name that many people bear, or initials."""
PERSON = "person"
"""Evidence: such a surname, of which the text speaks as of a person (`classifiers.naming.person`)."""
NAMESAKE = "namesake"
"""Evidence: a name or a distinctive word of one in somebody else's longer name ("Cynthia Nixon", "Miami Heat")."""
SMALL = "small"
"""Evidence: a weak name in small letters where capitals tell names."""
WHOLE = frozenset(["alias", "phrase", "variant"])
"""The evidence of whole names: of a weak one an occurrence may be an ordinary word. The rest is judged by its capitals alone."""


class Doubt(NamedTuple):
    """What in a prompt may be the name of a target, but is not for certain.

    Attributes:
        named: The name, or a distinctive word of it.
        part: No more than a word that many people bear.
        person: Such a word, of which the prompt speaks as of a person.
        namesake: The name is in somebody else's longer name.
        small: The name is in small letters where capitals tell names.
    """

    named: bool = False
    part: bool = False
    person: bool = False
    namesake: bool = False
    small: bool = False

    @classmethod
    def of(cls, evidence: str) -> Doubt:
        """Return what the evidence of an uncertain match says; `NO_DOUBT` if there is none ("")."""
        part = evidence in (PART_OF_NAME, PERSON)
        return cls(bool(evidence) and not part, part, evidence == PERSON, evidence == NAMESAKE, evidence == SMALL)


NO_DOUBT: Final = Doubt()
"""Nothing of a name is in the prompt, or all of it."""


def match_of(target_id: str, score: float, evidence: str, certain: bool = True) -> Match:
    """Return a match by name; an uncertain one has the score `DOUBTFUL`, or `UNLIKELY`."""
    if not certain:
        score = UNLIKELY if evidence in (NAMESAKE, SMALL) else DOUBTFUL
    return Match(target_id, score, evidence, NAME, certain)


class Place:
    """A text, of which it is seen how it is written only if somebody asks."""

    def __init__(self, text: str) -> None:
        """Look at nothing yet."""
        self._text = text

    @cached_property
    def written(self) -> Written:
        """How the text is written."""
        return Written(self._text)


class Search:
    """Folded texts to search for, and for each the targets that it identifies, with the evidence.

    Attributes:
        owners: For each text, by its number, the ids of its targets, each with the evidence.
        words: The number of its words.
    """

    def __init__(
        self,
        patterns: Mapping[str, Mapping[str, str]],
        match: MatchKind,
        small: Container[str] = (),
        in_capitals: Container[str] = (),
    ) -> None:
        """Compile texts.

        Args:
            patterns: The folded texts, each with the ids of its targets, each with the evidence.
            match: Whether word boundaries count.
            small: Texts that are written without capitals, so that capitals say nothing about them.
            in_capitals: Texts that are written in capitals only ("WHO").
        """
        # A finder reports equal patterns once and knows no targets, so each pattern is entered once, for all its
        # targets. There is one finder per kind of match, because two kinds of the same text would share a pattern.
        self._finder = Finder([Phrase(folded, match=match, force=True) for folded in patterns])
        self._texts = list(patterns)
        self._letters = [len(folded) - folded.count(" ") for folded in patterns]
        self.owners = [tuple(owners.items()) for owners in patterns.values()]
        self.words = [folded.count(" ") + 1 for folded in patterns]
        self._judged = match == "word"
        self._small = small
        self._in_capitals = in_capitals

    def weak(self, index: int) -> bool:
        """Return whether a text is a weak name. This is judged when it is found, because few texts ever are."""
        return self._judged and self._texts[index] not in self._small and is_weak(self._texts[index])

    def in_capitals(self, index: int) -> bool:
        """Return whether a text is written in capitals only."""
        return self._texts[index] in self._in_capitals

    def doubtful(self, index: int) -> bool:
        """Return whether an occurrence may be no name: the text is weak, a single word, or shared by many people."""
        if not self._judged or self.words[index] == 1:
            return self._judged
        return any(evidence not in WHOLE for _, evidence in self.owners[index]) or self.weak(index)

    def found(self, folded: str) -> list[tuple[int, int]]:
        """Return the occurrences, each with the number of its text and its end; of texts that are not doubtful only the first."""
        occurrences = dict.fromkeys(
            (index, end if self.doubtful(index) else 0) for index, end in sorted(self._finder.find(folded.strip()))
        )
        return list(occurrences)

    def held(self, folded: str) -> dict[str, dict[str, str]]:
        """Return the texts in `folded`, each with the targets that it identifies."""
        found = sorted({index for index, _ in self._finder.find(folded)})
        return {self._texts[index]: dict(self.owners[index]) for index in found}

    def matches(self, folded: str, score: float, letters: int = 0, doubting: bool = False) -> list[Match]:
        """Return a match for each target of each text in `folded` that has at least `letters` letters.

        If `doubting`, those of weak names are uncertain.
        """
        return [
            match_of(target_id, score, evidence, not (doubting and self.weak(index) and evidence == "alias"))
            for index in sorted({index for index, _ in self._finder.find(folded)})
            if self._letters[index] >= letters
            for target_id, evidence in self.owners[index]
        ]
