"""Topics: names that describe something in ordinary words ("laundering money"), which prompts take apart and inflect.

A prompt says "how is money laundered" or "launder the money", and means the same. So all words of such a name are searched for
near each other, in any order and in any form that English endings give them (Quirk et al., A Comprehensive Grammar of the English
Language, 1985, chapter 3 and appendix I). A name of frequent words is left out: those of "making money" are near each other in
prompts about anything.

The rarest word of each name is in one table by the words of which it may be a form, so that the time does not depend on the
number of names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from classifiers.anchors import is_description
from guard.folding import DOT, fold
from guard.forms.names import specificity
from guard.frequency import zipf
from guard.stopwords import COMMON_WORDS

MOST_BETWEEN = 4
"""The most other words among those of a name."""
# The least specificity of a name: "losing weight" has 8.1, "laundering money" and "SIM swapping" 8.9, "forging banknotes" 12.2.
_SPECIFIC = 8.5
_ENDINGS = ("ings", "ing", "ions", "ion", "ers", "er", "ed", "es", "s")
_SHORTEST = 3
# "es" is an ending behind these letters; behind others it is an "e" and an "s".
_HISSING = ("s", "x", "z", "ch", "sh", "o", "i")
_JOINT = re.compile(r"(?<=\w)[-\u2010\u2011](?=\w)")


@lru_cache(maxsize=65_536)
def bases(word: str) -> frozenset[str]:
    """Return the words of which a folded English word may be a form by its ending: itself, "forge" and "forg" for "forging"."""
    found = {word}
    for ending in _ENDINGS:
        stem = word[: -len(ending)]
        if not word.endswith(ending) or len(stem) < _SHORTEST:
            continue
        if ending == "s":
            found |= set() if stem[-1] == "s" else {stem}
        elif ending != "es":
            found |= {stem, stem + "e"}
        elif stem.endswith(_HISSING):
            found.add(stem)
        if stem[-1] == stem[-2]:
            found.add(stem[:-1])
        if stem[-1] == "i":
            found.add(stem[:-1] + "y")
    return frozenset(found)


def topic_of(name: str) -> tuple[frozenset[str], ...]:
    """Return the `bases` of each telling word of a name, the rarest word first; () if the name is no topic.

    A hyphen joins two words to one ("Wi-Fi"): a text may write one or two.
    """
    if not is_description(name):
        return ()
    words = [word for word in fold(_JOINT.sub("", name)).replace(DOT, " ").split() if word not in COMMON_WORDS]
    told = dict.fromkeys(bases(word) for word in sorted(words, key=zipf))
    return tuple(told) if len(told) > 1 and specificity(words) >= _SPECIFIC else ()


class TopicIndex:
    """Searches for topics whose words are near each other."""

    def __init__(self, names: Sequence[str]) -> None:
        """Index names, as they are written."""
        self._topics = [topic_of(name) for name in names]
        self._rarest: dict[str, list[int]] = {}
        for index, topic in enumerate(self._topics):
            for base in topic[0] if topic else ():
                self._rarest.setdefault(base, []).append(index)
        self._known = frozenset(base for topic in self._topics for word in topic for base in word)
        # What two words of a text begin with if they are one word of a name ("wi fi").
        self._begin = frozenset(base[:length] for base in self._known for length in range(2, len(base) - 1))

    def find(self, folded: str) -> list[int]:
        """Return the indices of the names whose words a folded text holds near each other, sorted."""
        if not self._known:
            return []
        at: dict[str, list[tuple[int, int]]] = {}
        candidates: set[int] = set()
        for word, place in self._words(folded):
            for base in bases(word) & self._known:
                at.setdefault(base, []).append(place)
                candidates.update(self._rarest.get(base, ()))
        return sorted(index for index in candidates if self._is_near(self._topics[index], at))

    def _words(self, folded: str) -> Iterator[tuple[str, tuple[int, int]]]:
        """Yield the words of a text that may be of a name, and each two that may be one, with their place: first, last + 1."""
        before = ""
        for number, word in enumerate(folded.replace(DOT, " ").split()):
            if before in self._begin:
                yield before + word, (number - 1, number + 1)
            yield word, (number, number + 1)
            before = word

    @staticmethod
    def _is_near(topic: Sequence[frozenset[str]], at: dict[str, list[tuple[int, int]]]) -> bool:
        places = [sorted({place for base in word for place in at.get(base, ())}) for word in topic]
        if not all(places):
            return False
        most = len(topic) + MOST_BETWEEN
        for start in sorted({first for word in places for first, _ in word}):
            # For each word its first place from here on.
            ends = [next((end for first, end in word if first >= start), None) for word in places]
            if all(end is not None and end - start <= most for end in ends):
                return True
        return False
