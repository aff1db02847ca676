"""Whether a text may hold a name in another spelling: a rough comparison by sound.

`classifiers.naming.sounds.transliteration` compares by sound with care, and decides alone. So it leaves out short names, and
allows few differences. Here nothing is decided: a name that is heard is evidence for its target. How well it is heard is
measured by `classifiers.multilingual.said`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from classifiers.naming.sounds.transliteration import sounds
from guard.stopwords import COMMON_WORDS

LEAST = 0.8
"""The least similarity of a name and a run of words, in [0, 1]."""
# Consonants that languages confuse, and silent ones.
_CLASSES = str.maketrans(
    {"r": "l", "b": "p", "v": "p", "f": "p", "w": "p", "g": "k", "h": "", "d": "t", "z": "s", "j": "s"} | {"m": "n"}
)
_VOWELS = re.compile(r"[aeiouy]+")
_TWICE = re.compile(r"(.)\1+")
# A name of fewer consonants sounds like many words.
_FEWEST = 2
_MOST_WORDS = 4


def is_heard(names: Iterable[str], runs: Runs) -> bool:
    """Return whether one of the names sounds like a run of words."""
    return any(runs.similarity(name) >= LEAST for name in names)


class Runs:
    """The runs of up to four words of a text, as consonants and with their vowels."""

    def __init__(self, text: str) -> None:
        words = sounds(text).split()
        runs = {"".join(words[at : at + many]) for many in range(1, _MOST_WORDS + 1) for at in range(len(words) - many + 1)}
        self._spelled = sorted({spelled for run in runs if (spelled := _spelled(run))[0]})

    def similarity(self, name: str) -> float:
        """Return the similarity of a name with the run that sounds most like it, in [0, 1]; 0 for a name without sounds.

        A longer run counts up to the length of the name: it may have an ending.
        """
        consonants, whole = _of_name(name)
        if len(consonants) < _FEWEST or not self._spelled:
            return 0.0
        near = [run for run in self._spelled if abs(len(run[0]) - len(consonants)) <= _FEWEST]
        cut = {(one[: len(consonants)], other[: len(whole)]) for one, other in near}
        both = list(dict.fromkeys([*near, *cut]))
        if not both:
            return 0.0
        similar = [
            cdist([own], [run[part] for run in both], scorer=Levenshtein.normalized_similarity)[0]
            for part, own in enumerate((consonants, whole))
        ]
        return float((similar[0] + similar[1]).max()) / 2


@lru_cache(maxsize=65_536)
def _of_name(name: str) -> tuple[str, str]:
    words = [word for word in name.split() if word.casefold() not in COMMON_WORDS] or name.split()
    return _spelled("".join(sounds(" ".join(words)).split()))


def _spelled(letters: str) -> tuple[str, str]:
    """Return classes of consonants, and the same with one letter per group of vowels."""
    consonants = _TWICE.sub(r"\1", _VOWELS.sub("", letters).translate(_CLASSES))
    whole = _VOWELS.sub(lambda group: "i" if group[0][0] in "eiy" else "u" if group[0][0] in "ou" else "a", letters)
    return consonants, _TWICE.sub(r"\1", whole.translate(_CLASSES))
