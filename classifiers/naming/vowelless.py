"""Names without vowels: finds "Yrs Thlmndrdl" for "Yrsa Tholmundardal"."""

from __future__ import annotations

import re
from collections.abc import Sequence

_VOWELS = re.compile("[aeiou]")
# Two words or more without vowels, in a folded text. "Y" may have been taken for a vowel or not.
_RUN = re.compile(r"(?<!\S)[b-df-hj-np-tv-z]{1,20}(?: [b-df-hj-np-tv-z]{1,20})+(?!\S)")
# The fewest consonants of a name.
_LEAST = 7
_MOST_WORDS = 6


class VowellessIndex:
    """Searches for names of two or more words of which only the consonants are written."""

    def __init__(self, names: Sequence[str]) -> None:
        """Index folded names."""
        self._names = names
        self._places: dict[str, list[int]] | None = None

    def find(self, folded: str) -> set[int]:
        """Return the indices of the names whose consonants the `folded` text has as words of their own."""
        runs = _RUN.findall(folded)
        if not any(len(run) > _LEAST for run in runs):
            return set()
        if self._places is None:
            # Not before a text needs it. Two threads may both make it.
            self._places = _consonants(self._names)
        found: set[int] = set()
        for run in runs:
            words = run.split()
            for start in range(len(words)):
                for end in range(start + 2, min(start + _MOST_WORDS, len(words)) + 1):
                    found.update(self._places.get(" ".join(words[start:end]), ()))
        return found


def _consonants(names: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        left = _VOWELS.sub("", name)
        for form in {left, left.replace("y", "")}:
            words = form.split()
            if form != name and len(words) > 1 and len(form) - form.count(" ") >= _LEAST:
                places.setdefault(" ".join(words), []).append(place)
    return places
