"""Typing errors: finds names with a wrong, missing, additional or doubled letter, or with two neighbouring letters exchanged.

All names are searched for at once, in a time that does not depend on their number. If the edit distance of two strings is at most
k, at most k deletions from each lead to a common subsequence. So the index enters each name under all its deletions, and looks up
each run of words of a text under all of its deletions (Mor and Fraenkel, "A hash code method for detecting and correcting
spelling errors", CACM 25(12), 1982; SymSpell by Garbe, 2012). It only uses the first letters, for which the same property holds.
rapidfuzz verifies each candidate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from classifiers.arrays import bits_of, doubled
from guard.forms.names import specificity
from guard.frequency import zipf

ONE_ERROR = 8
"""The fewest letters of a name that may have one error."""
TWO_ERRORS = 14
"""The fewest letters of a name that may have two errors."""
# The fewest letters of a name that may have other word divisions.
_DIVIDED = 10
# The number of first letters whose deletions are entered.
_PREFIX = 12
LONGEST = 96
"""The most letters of a name that is searched for; a phrase has at most 512 characters."""
# A word of the text with at least this Zipf value is not taken for an error, unless the other words of the name have at least
# this specificity.
_REAL_WORD = 3.8
_REST_IS_SPECIFIC = 10.0
# The size of the table that recognises most absent keys without a search: log2 of the bits per key, and of the most bits in all.
_FILTER_BITS_A_KEY = 4
_MOST_FILTER_BITS = 26


@dataclass(frozen=True, slots=True)
class Typo:
    """A name, by its index in the list, that a text contains with `distance` typing errors (0: with other word divisions)."""

    index: int
    distance: int


def errors_allowed(letters: int) -> int:
    """Return how many errors a name of `letters` letters may have. With an error, a short name would often be another word."""
    return 0 if letters < ONE_ERROR else 1 if letters < TWO_ERRORS else 2


class TypoIndex:
    """Searches for names with typing errors.

    It leaves out names of fewer than 8 or more than 96 letters. The distance is that of Damerau and Levenshtein between the
    letters, without spaces. A name of ten or more letters may have missing or additional spaces.
    """

    def __init__(self, names: Sequence[str], real_words: bool = True, exact: bool = False) -> None:
        """Index names.

        Args:
            names: Folded names.
            real_words: Whether real words are not taken for errors of other words ("Joan Smith" for "John Smith").
            exact: Whether a name without an error is reported too, with the distance 0.
        """
        self._names = list(names)
        self._report_exact = exact
        self._real_words = real_words
        self._exact = frozenset(self._names)
        at: dict[str, list[int]] = {}
        for index, name in enumerate(self._names):
            letters = name.replace(" ", "")
            if ONE_ERROR <= len(letters) <= LONGEST:
                at.setdefault(letters, []).append(index)
        self._letters = list(at)
        self._owners = list(at.values())
        self._most_words = 1 + max((name.count(" ") + 1 for name in self._names), default=0)
        text, start = _points(self._letters)
        self._length = np.diff(start)
        self._errors = np.array([errors_allowed(int(n)) for n in self._length], np.int64)
        keys, owner = _enter(text, start, self._errors, _PREFIX)
        order = np.argsort(keys, kind="stable")
        self._keys, self._owner = keys[order], owner[order]
        self._filter = bits_of(self._keys, min(max(len(keys), 4).bit_length() + _FILTER_BITS_A_KEY, _MOST_FILTER_BITS))

    def find(self, folded: str) -> list[Typo]:
        """Return the names that the `folded` text contains with an error, each with its least distance, in the order of the list.

        A listed name without an error is not taken for an error of another name.
        """
        if not self._letters:
            return []
        # A word that is longer than any name cannot be part of one, but it separates the words beside it.
        words = [word if len(word) <= LONGEST + 2 else " " for word in folded.split()]
        text, start = _points(words)
        runs = _candidates(
            text,
            start,
            self._keys,
            self._owner,
            self._filter,
            self._length,
            self._errors,
            self._most_words,
            _PREFIX,
            LONGEST + 2,
        )
        pairs = {(" ".join(words[i:j]), int(entry)) for i, j, entry in runs.tolist()}
        return self._verified(list(pairs))

    def _verified(self, pairs: list[tuple[str, int]]) -> list[Typo]:
        if not pairs:
            return []
        from rapidfuzz.distance import DamerauLevenshtein
        from rapidfuzz.process import cpdist

        distances = cpdist(
            [run.replace(" ", "") for run, _ in pairs],
            [self._letters[entry] for _, entry in pairs],
            scorer=DamerauLevenshtein.distance,
            score_cutoff=2,
        )
        least: dict[int, int] = {}
        for (run, entry), distance in zip(pairs, distances.tolist(), strict=True):
            if distance <= self._errors[entry] and (self._report_exact or run not in self._exact):
                for index in self._owners[entry]:
                    if distance < least.get(index, 3) and is_error_of(run, self._names[index], self._real_words):
                        least[index] = int(distance)
        return [Typo(index, distance) for index, distance in sorted(least.items())]


def is_error_of(run: str, name: str, real_words: bool) -> bool:
    """Return whether a run of words within the allowed distance of `name` may be taken for an error of it.

    It may not if the run without a single letter at its end is the better reading, if it lacks an initial, if a short name has
    other word divisions, or if the error turns words only into common words and the unchanged words are not specific.

    Args:
        run: Folded words of a text.
        name: The folded name.
        real_words: As in `TypoIndex`.
    """
    read, meant = run.split(), name.split()
    if len(read) != len(meant) and len(name.replace(" ", "")) < _DIVIDED:
        return False
    if any(len(read[end]) == 1 < len(meant[end]) for end in (0, -1)) and len(read) > len(meant):
        return False
    # Without its initial, "o ransome kuti" is a family.
    if sum(map(len, read)) < sum(map(len, meant)) and (
        (len(meant[0]) == 1 and read[0][0] != meant[0]) or (len(meant[-1]) == 1 and read[-1][-1] != meant[-1])
    ):
        return False
    if not real_words:
        return True
    stayed = set(read) & set(meant)
    changed = [word for word in read if word not in stayed]
    if specificity(sorted(stayed)) >= _REST_IS_SPECIFIC:
        return True
    return not all(zipf(word) >= _REAL_WORD for word in changed) if changed else False


def _points(texts: Iterable[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the concatenated code points of `texts`, uint32, and the index at which each begins, int64 [texts + 1]."""
    listed = list(texts)
    start = np.zeros(len(listed) + 1, np.int64)
    np.cumsum([len(text) for text in listed], out=start[1:])
    return np.frombuffer("".join(listed).encode("utf-32-le", "surrogatepass"), np.uint32), start


def _compiled(function: Any) -> Any:
    return njit(cache=True, nogil=True)(function)


@_compiled
def _key(letters: Any, length: int, first: int, second: int) -> Any:
    """Return the hash of the letters without those at `first` and `second`; -1 means none."""
    key = np.uint64(1469598103934665603)
    for at in range(length):
        if at != first and at != second:
            key = (key ^ np.uint64(letters[at])) * np.uint64(1099511628211)
    # The low bits of a product depend only on low bits, so they are mixed with high bits before they address the table.
    return key ^ (key >> np.uint64(29))


@_compiled
def _deletions(letters: Any, length: int, errors: int, prefix: int, keys: Any) -> int:
    """Write the keys of the first letters without up to `errors` of them into `keys`; return the number of keys."""
    length = min(length, prefix)
    keys[0] = _key(letters, length, -1, -1)
    count = 1
    for first in range(length):
        keys[count] = _key(letters, length, first, -1)
        count += 1
        if errors > 1:
            for second in range(first + 1, length):
                keys[count] = _key(letters, length, first, second)
                count += 1
    return count


@_compiled
def _enter(text: Any, start: Any, errors: Any, prefix: int) -> Any:
    """Return all keys of all names, uint64, and the number of the name of each key, int32."""
    buffer = np.empty(1 + prefix + prefix * prefix, np.uint64)
    total = 0
    for name in range(len(start) - 1):
        length = min(start[name + 1] - start[name], prefix)
        total += 1 + length + (length * (length - 1) // 2 if errors[name] > 1 else 0)
    keys, owner = np.empty(total, np.uint64), np.empty(total, np.int32)
    at = 0
    for name in range(len(start) - 1):
        letters = text[start[name] : start[name + 1]]
        count = _deletions(letters, len(letters), errors[name], prefix, buffer)
        keys[at : at + count] = buffer[:count]
        owner[at : at + count] = name
        at += count
    return keys, owner


@_compiled
def _candidates(
    text: Any, start: Any, keys: Any, owner: Any, table: Any, length_of: Any, errors_of: Any, most: int, prefix: int, longest: int
) -> Any:
    """Return the runs of words that share a key with a name: first word, last word (exclusive), name; int64 [n, 3]."""
    found = np.empty((16, 3), np.int64)
    count = 0
    words = len(start) - 1
    mask = np.uint64(len(table) * 64 - 1)
    letters = np.empty(longest + 1, np.uint32)
    wanted = np.empty(1 + prefix + prefix * prefix, np.uint64)
    ends = np.empty(most, np.int64)
    for i in range(words):
        # `ends`: the number of letters of each run that begins here. Runs that are at least as long as the prefix share its keys.
        runs, filled = 0, 0
        for j in range(i, min(i + most, words)):
            size = start[j + 1] - start[j]
            if filled + size > longest or text[start[j]] == 32:
                break
            for at in range(start[j], start[j + 1]):
                letters[filled] = text[at]
                filled += 1
            ends[runs] = filled
            runs += 1
        run = 0
        while run < runs:
            size = ends[run]
            last = run + 1 if size < prefix else runs
            if size >= 7:
                total = _deletions(letters, size, 1 if size < 12 and last == run + 1 else 2, prefix, wanted)
                for k in range(total):
                    key = wanted[k]
                    place = key & mask
                    if not (table[place >> np.uint64(6)] >> (place & np.uint64(63))) & np.uint64(1):
                        continue
                    low, high = 0, len(keys)
                    while low < high:
                        middle = (low + high) >> 1
                        if keys[middle] < key:
                            low = middle + 1
                        else:
                            high = middle
                    while low < len(keys) and keys[low] == key:
                        name = owner[low]
                        for r in range(run, last):
                            if abs(ends[r] - length_of[name]) <= errors_of[name]:
                                if count == len(found):
                                    found = doubled(found)
                                found[count, 0], found[count, 1], found[count, 2] = i, i + r + 1, name
                                count += 1
                        low += 1
            run = last
    return found[:count]
