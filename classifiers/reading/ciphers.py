"""Ciphers: each undoes a way of changing the letters of every word, where a text has words only after that.

Each function yields the parts of a text that were changed. For ordinary prose it yields nothing.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

from guard.frequency import common_words, zipf

# How many words may count against a run of words before it ends.
_PATIENCE = 2

_WORD = re.compile(r"[^\W\d_]+")


def reversed_text(text: str) -> Iterator[str]:
    """Yield the parts of `text` that are words only backwards, read letter by letter from the end, and word by word."""
    runs = list(_strange_runs(text, _backwards))
    if runs:
        yield "\n".join(run[::-1] for run in runs)
        yield "\n".join(_WORD.sub(lambda found: found[0][::-1], run) for run in runs)


def rot13(text: str) -> Iterator[str]:
    """Yield the parts of `text` that are words only in rot13."""
    if runs := list(_strange_runs(text, _rotated)):
        yield codecs.encode("\n".join(runs), "rot13")


def _backwards(word: str) -> str:
    return word[::-1]


def _rotated(word: str) -> str:
    return codecs.encode(word, "rot13")


@lru_cache(maxsize=65_536)
def _vote(word: str, read: Callable[[str], str]) -> int:
    """Return 1 if a word is common only after `read`, -1 if it is common only before, else 0."""
    word = word.lower()
    if not 1 < len(word) < 24:
        return 0
    common = common_words()
    return (len(word) > 2 and read(word) in common) - (word in common)


def _strange_runs(text: str, read: Callable[[str], str]) -> Iterator[str]:
    """Yield the runs of words that become common words only by `read`, with the unknown words among and beside them.

    A word counts for the run if it is common only after `read`, and against it if it is common only before. A run needs three
    more words for it than against it, or two if it has at most four words.
    """
    start, end, score, best, words = 0, 0, 0, 0, 0
    for found in _WORD.finditer(text):
        score += _vote(found[0], read)
        if score < 0 or score < best - _PATIENCE:
            if best >= (3 if words > 4 else 2):
                yield text[start:end]
            score = best = words = 0
            continue
        if not words:
            start = found.start()
        words += 1
        # The run ends at its best score, and includes the unknown words after it.
        if score >= best:
            best, end = score, found.end()
    if best >= (3 if words > 4 else 2):
        yield text[start:end]


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Alphabets of the other shifts, and the reversed alphabet (Atbash).
_ALPHABETS = [_LETTERS[shift:] + _LETTERS[:shift] for shift in range(1, 26) if shift != 13] + [_LETTERS[::-1]]


def _replaced(table: dict[int, int], word: str) -> str:
    return word.translate(table)


_SHIFTS = tuple(
    partial(_replaced, str.maketrans(_LETTERS + _LETTERS.upper(), alphabet + alphabet.upper())) for alphabet in _ALPHABETS
)
# The fewest strange words in a row, and how many of the first words of a run say which alphabet it has.
_STRANGE = 3
_SAMPLE = 48
# The fewest letters of the words that an alphabet makes common.
_VOTING = 9


def caesar(text: str) -> Iterator[str]:
    """Yield the parts of `text` that are words only after a shift of the alphabet, or in the reversed alphabet.

    Only three words in a row that are not common make it look for an alphabet.
    """
    if (strange := _strange(text)) and (read := _alphabet(strange)) is not None:
        runs = list(_strange_runs(text, read))
        if runs:
            yield read("\n".join(runs))


def _strange(text: str) -> list[str]:
    """Return the words of `text` that are in a row of at least `_STRANGE` words of which none is common."""
    common = common_words()
    found: list[str] = []
    row: list[str] = []
    for word in [*_ASCII_WORD.findall(text.lower()), "the"]:
        if word in common:
            if len(row) >= _STRANGE:
                found += row
                if len(found) >= _SAMPLE:
                    break
            row = []
        elif len(word) > 1:
            row.append(word)
    return found[:_SAMPLE]


def _alphabet(words: list[str]) -> Callable[[str], str] | None:
    """Return what makes the most of the words common, if it does that with a third of them, and with enough letters."""
    common = common_words()
    words = [word for word in dict.fromkeys(words) if 2 < len(word) < 24]
    made = [[word for word in words if read(word) in common] for read in _SHIFTS]
    best = max(made, key=len)
    enough = 3 * len(best) >= len(words) and len("".join(best)) >= _VOTING
    return _SHIFTS[made.index(best)] if enough and len(best) > 1 else None


_ASCII_WORD = re.compile(r"[A-Za-z]+")
_PIG_RUN = re.compile(r"[A-Za-z'’-]*[A-Za-z]{2}ay\b(?:[\s,;:-]+[A-Za-z'’-]*[A-Za-z]ay\b)+")
_PIG_WORD = re.compile(r"([A-Za-z]+?)([wy]?)ay\b")
_ONSET = re.compile(
    r"(?:s(?:ch|cr|hr|pl|pr|qu|tr|[chklmnpqtw])|[bcfgkp]l|[bcdfgkpt]r|ch|ph|qu|th|thr|tw|wh|dw|gw|kn|gn|wr|[b-df-hj-np-tv-z])$"
)


def pig_latin(text: str) -> Iterator[str]:
    """Yield the parts of `text` in pig latin, in which each word has its first consonants at its end, before "ay"."""
    if "ay" not in text:
        return
    common = common_words()
    for run in _PIG_RUN.finditer(text):
        words = [word.lower() for word in _ASCII_WORD.findall(run[0])]
        if 2 * sum(word in common for word in words) < len(words):
            yield _PIG_WORD.sub(lambda found: _unpigged(found, common, True), run[0])
            if (other := _PIG_WORD.sub(lambda found: _unpigged(found, common, False), run[0])) != run[0]:
                yield other


def _unpigged(found: re.Match[str], common: frozenset[str], longest: bool) -> str:
    """Return the word that a word in pig latin means: the most frequent one, else the one with the longest or shortest beginning.

    "Asway" is "as" or "was": without `longest`, the second word counts.
    """
    stem, glide = found[1], found[2]
    lower = stem.lower()
    moved = [lower[at:] + lower[:at] for at in range(1, len(lower)) if _ONSET.match(lower[at:])]
    glided = [glide + lower] if glide else []
    known = sorted({word for word in [*moved, lower, *glided] if word in common}, key=zipf, reverse=True)
    if known:
        word = known[0 if longest else -1]
    elif glide == "w" or not moved:
        word = lower
    elif glide and longest:
        word = glided[0]
    else:
        word = moved[0 if longest else -1]
    return word.capitalize() if stem[0].isupper() else word


_MORSE_CODES = """
    .- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..
    ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----. .--.-. -.--. ..--..
"""
_MORSE = dict(zip(_MORSE_CODES.split(), f"{_LETTERS}0123456789@(?", strict=True))
_MORSE_RUN = re.compile(r"[.\-]{1,6}(?:(?: {1,7}| ?[/|\n] ?)[.\-]{1,6}){5,}")
_MORSE_SIGNS = str.maketrans(
    {"·": ".", "•": ".", "∙": ".", "\u2013": "-", "\u2014": "-", "\u2212": "-", "_": "-", "\u2026": "..."}
)
# The fewest different letters of a Morse text: a line of dashes has one.
_DIFFERENT = 4


def morse(text: str) -> Iterator[str]:
    """Yield the parts of `text` in Morse code, with a slash, a line or three spaces between words."""
    for run in _MORSE_RUN.finditer(text.translate(_MORSE_SIGNS)):
        words = [[_MORSE.get(code, "") for code in word.split()] for word in re.split(r"\s*[/|\n]\s*| {3,}", run[0])]
        if all(letter for word in words for letter in word) and len({letter for word in words for letter in word}) >= _DIFFERENT:
            yield " ".join("".join(word) for word in words)


_VOWELLESS = re.compile(
    r"(?<![\w'’.-])[b-df-hj-np-tv-zB-DF-HJ-NP-TV-Z]+(?:'?[, ]{1,2}[b-df-hj-np-tv-zB-DF-HJ-NP-TV-Z]+){2,}(?![\w'’-])"
)
# The fewest consonants of a run of words without vowels.
_CONSONANTS = 8
_VOWELS = re.compile("[aeiou]")


@lru_cache(maxsize=1)
def _voweled() -> dict[str, str]:
    """Return the most frequent English word for the consonants of each frequent one. The first call takes about 0.1 s."""
    from wordfreq import top_n_list

    table: dict[str, str] = {}
    for word in top_n_list("en", 6000):
        if word.isascii() and word.isalpha() and len(consonants := _VOWELS.sub("", word)) > 1:
            table.setdefault(consonants, word)
    return table


def vowelless(text: str) -> Iterator[str]:
    """Yield the parts of `text` without vowels, with vowels in the words that are frequent English ones."""
    for run in _VOWELLESS.finditer(text):
        # Abbreviations are in capitals.
        if sum(map(str.islower, run[0])) >= _CONSONANTS:
            yield _ASCII_WORD.sub(_with_vowels, run[0])


def _with_vowels(found: re.Match[str]) -> str:
    # A capital inside is a name's.
    if found.start() and found[0][0].isupper():
        return found[0]
    return _voweled().get(found[0].lower(), found[0])
