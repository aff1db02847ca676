"""Occurrences: whether a name that is found in a text is one there, or an ordinary word, or the name of somebody else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial

from classifiers.naming.distinctive import needed
from classifiers.naming.person import Role, names_a_thing, role_of
from classifiers.naming.search import NAME, NAMESAKE, PART_OF_NAME, PERSON, SMALL, Place, Search, match_of
from classifiers.naming.weak import is_called_otherwise, is_name
from classifiers.naming.written import Written
from classifiers.protocol import Match
from classifiers.reading.kinds import kinds_of
from classifiers.target import ForgetTarget
from guard.folding import fold
from guard.forms.judgement import looks_like_name

WORD = 0.8
"""Score of a distinctive word of a name (`classifiers.naming.distinctive`) and of a name with misspelt words."""
PART = 0.5
"""Score of this evidence, which is never certain."""

_NAMES = ("alias", "variant", "bare")
# A word of the names of more targets than this tells none of them.
_MOST_BEARERS = 8


class Occurrences:
    """Judges where names of targets occur. What is known of a target is read when its name is first found."""

    def __init__(self, targets: Sequence[ForgetTarget]) -> None:
        """Read the names of persons among the targets, each of which has an id of its own."""
        self._targets = {target.id: target for target in targets}
        self._own: dict[str, frozenset[str]] = {}
        self._kinds: dict[str, frozenset[str]] = {}
        people = (name for target in targets for name in target.names if looks_like_name(name))
        self._surnames = frozenset(fold(name).split()[-1] for name in people)

    def judged(self, search: Search, folded: str, score: float, place: Place) -> Iterator[Match]:
        """Yield the matches of each occurrence, with a judgement of those that may be no name.

        Args:
            search: Which texts are searched for, and whose they are.
            folded: The folded text of a request.
            score: The score of a match for certain.
            place: How the text is written.
        """
        for index, end in search.found(folded):
            for target_id, evidence in search.owners[index]:
                if not search.doubtful(index) or evidence == "phrase":
                    yield match_of(target_id, score, evidence)
                    continue
                few = len(search.owners[index]) <= _MOST_BEARERS
                text = place.written
                words = text.range_at(end, search.words[index])
                weak = search.weak(index) and evidence in _NAMES
                own = partial(self._own_words, target_id)
                sure = is_name(text, words.start, words.stop, weak, own, search.in_capitals(index))
                if evidence not in _NAMES and self._is_in_a_name(text, words):
                    if evidence != "part":
                        yield match_of(target_id, WORD, NAMESAKE, False)
                elif weak and is_called_otherwise(text, words, own(), self._own_kinds(target_id)):
                    yield match_of(target_id, score, NAMESAKE, False)
                elif evidence in ("alias", "variant"):
                    yield match_of(target_id, score, evidence if sure else self._doubt_about(text, words, weak), sure)
                elif evidence in ("certain", "bearer", "uncertain"):
                    certain = evidence == "certain" or (few and self._spoken_of(text, words, evidence))
                    yield match_of(target_id, WORD, "word" if sure else NAMESAKE, sure and certain)
                elif evidence == "initials and surname" and sure and all(map(text.capital, words)):
                    yield match_of(target_id, WORD, "variant")
                elif sure and few and self._spoken_of(text, words, evidence):
                    yield match_of(target_id, WORD, "word")
                elif evidence == "part":
                    if few and sure and text.mean_somebody(words):
                        told = text.by_initials(words)
                        person = len(words) == 1 and role_of(text, words) >= Role.DID
                        evidence = "initials" if told else PERSON if person else PART_OF_NAME
                        yield Match(target_id, WORD if told else PART, evidence, NAME, told)
                elif not text.says_names or (sure and self._with_capitals(text, words, evidence)):
                    yield match_of(target_id, score, "word" if evidence == "capital" else "variant", False)

    def _is_in_a_name(self, text: Written, words: range) -> bool:
        """Return whether a surname is a part of the name of a thing that is called after a person."""
        return len(words) == 1 and text.words[words.start] in self._surnames and names_a_thing(text, words)

    @staticmethod
    def _doubt_about(text: Written, words: range, weak: bool) -> str:
        """Return the evidence of a whole name in doubt."""
        return SMALL if weak and text.says_names and not any(map(text.capital, words)) else "weak name"

    @staticmethod
    def _spoken_of(text: Written, words: range, evidence: str) -> bool:
        """Return whether the text speaks of a bare word of a name as of a person, sure enough for this word."""
        if len(words) > 1 or (least := needed(text.words[words.start], evidence)) is None:
            return False
        # In a text without any capital, an English word without an article that did something is a name: "what did thatcher do".
        role = role_of(text, words)
        return role >= least and (evidence == "bearer" or text.mean_somebody(words) or (text.small and role >= Role.DID))

    @staticmethod
    def _with_capitals(text: Written, words: range, evidence: str) -> bool:
        return all(map(text.upper if evidence == "acronym" else text.capital, words))

    def _own_words(self, target_id: str) -> frozenset[str]:
        """Return the folded words in all texts of a target."""
        if target_id not in self._own:
            target = self._targets[target_id]
            self._own[target_id] = frozenset(fold(" ".join([*target.names, *target.texts])).split())
        return self._own[target_id]

    def _own_kinds(self, target_id: str) -> Collection[str]:
        """Return the kinds of things that the texts of a target speak about."""
        if target_id not in self._kinds:
            target = self._targets[target_id]
            names = frozenset(fold(" ".join(target.names)).split())
            self._kinds[target_id] = kinds_of(self._own_words(target_id), names)
        return self._kinds[target_id]
