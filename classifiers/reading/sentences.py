"""Sentences: the words, sentences and clauses of a text, and which sentences ask or refer back.

The module uses rules and short word lists instead of a model. A wrong cut only costs one more window to encode; a missed cut
leaves a question in a longer window. A sentence ends at a character with the Unicode property Sentence_Terminal, of the scripts
named below.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

FULL_STOPS = "\u3002\uff01\uff1f\uff61\u0964\u0965\u061f\u06d4\u1362\u1367\u0589"
"""Chinese, Japanese, half-width, Devanagari, Arabic, Urdu, Ethiopic, Armenian: they end a sentence even without white space."""
CLOSERS = "\"'\u201d\u2019\u00bb)\\]*_\u300d\u300f\uff09"
"""What may follow the mark that ends a sentence and still belongs to it, escaped for a set in a regular expression."""
_QUESTION_MARKS = "?\uff1f\u061f\u037e\u1367"

# A word: text between white space, divided after these full stops and after "?" or "!" inside it ("egg?What").
_WORD = re.compile(rf"(?:[^\s{FULL_STOPS}?!]+[{FULL_STOPS}?!]*|[{FULL_STOPS}?!]+)[{CLOSERS}]*")
_RUN = re.compile(r"(\S+)(\s*)")
_SENTENCE_END = re.compile(rf"[.!?\u2026{FULL_STOPS}][{CLOSERS}]*$")
# Initials, list numbers and frequent abbreviations end with a full stop that does not end a sentence.
_NO_END = re.compile(
    r"(?:\W*(?:[^\W_]|\d{1,3}|mr|mrs|ms|dr|prof|st|jr|sr|vs|no|nr|e\.g|i\.e|u\.s|z\.b|bzw|mme|mlle|sra?)\.)", re.I
)
_OPENER = re.compile('["\u201c\u201e\u00ab\u300c\u300e]')
_BREAK = re.compile('(?:[:;\u2014\u2013\uff1a\uff1b\u061b\u3001]|^-+|["\u201d\u00bb\u300d\u300f])$')


def _words_in(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


# Words that begin a question, in several languages, and words that begin a request or a question with a verb.
_ASKING = _words_in(
    "who whom whose what what's who's which where when why how",
    "wer wen wem wessen was welche welcher welches wo wann warum wie wat wie waar wanneer",
    "qui quel quelle quels quelles quand pourquoi comment chi quale quali dove quem qual quais onde quando como",
    "quién quiénes qué cuál cuáles dónde cuándo cómo кто что где когда как почему",
)
_REQUESTING = _ASKING | _words_in(
    "can could would will please tell give name list describe explain answer say write is are was were did does do has have",
    "bitte nenne sag kannst peux dites donne puedes dime nombra",
)
_JOINTS = _words_in("and or but also then plus und oder aber et ou mais y o pero e")
_REFERRING = _words_in(
    "he him his she her hers they them their theirs it its this that these those er ihn ihm ihr ihre ihren ihrer seine seinen",
    "seiner il elle lui leur leurs son sa ses él ella ellos su sus lei suo sua ele ela seu он она они его её их",
    "هو هي هم वह उसका उसकी उनके उनका उनकी",
)
_REFERRING_CHARACTERS = re.compile("[他她它其]")

# The number of words before a question word from which on they hide the question.
_LATE = 4

LONG_LINE = 50
"""The fewest characters of a line whose sentence probably continues on the next line."""


class Word(NamedTuple):
    """A word, an upper bound of its word pieces, and whether it ends a sentence or a line that counts as one."""

    text: str
    pieces: int
    end: bool


def words_of(text: str, longest: int) -> list[Word]:
    """Return the words of `text`; a word of more than `longest` word pieces is cut into parts. The time is linear in the text.

    A WordPiece tokenizer yields at most one piece for each character of the canonically decomposed text that is not white space.
    """
    return list(_words(text, longest))


def sentences(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Return the first and last word (exclusive) of each sentence or line, in order; together they cover all `words`."""
    result, start = [], 0
    for number, word in enumerate(words, start=1):
        if word.end:
            result.append((start, number))
            start = number
    return [*result, (start, len(words))] if start < len(words) else result


def ends_sentence(word: str) -> bool:
    """Return whether a word ends a sentence: it ends with a mark that does, and is no initial, number or usual abbreviation."""
    # Only the end of the word: a pattern with an anchor at its end would be tried at every character.
    return _SENTENCE_END.search(word[-8:]) is not None and _NO_END.fullmatch(word[:8]) is None


def asks(words: Sequence[Word]) -> bool:
    """Return whether a sentence ends with a question mark or begins with a question word or a request."""
    return _bare(words[0].text) in _REQUESTING or any(mark in words[-1].text[-4:] for mark in _QUESTION_MARKS)


def refers_back(words: Sequence[Word], short: int = 6) -> bool:
    """Return whether a sentence may depend on earlier ones: it has a pronoun or demonstrative, or at most `short` words."""
    return len(words) <= short or any(
        _bare(word.text) in _REFERRING or _REFERRING_CHARACTERS.search(word.text) is not None for word in words
    )


def clauses(words: Sequence[Word], fewest: int = 3) -> list[tuple[int, int]]:
    """Return the parts of a sentence that may be questions by themselves.

    A sentence is divided at colons, semicolons, dashes and quotation marks; then also where "and" or a comma is followed by a
    word that begins a question or a request. The rest of the sentence from the first question word is a part too, if that word
    comes late.

    Args:
        words: The words of the sentence.
        fewest: The fewest words of a part.

    Returns:
        The first and last word (exclusive) of each part, in all at most three times the sentence; none if it cannot be divided.
    """
    breaks, joints = [], []
    asking = None
    for at in range(1, len(words)):
        before, word = words[at - 1].text, _bare(words[at].text)
        if _BREAK.search(before[-2:]) or _OPENER.match(words[at].text):
            breaks.append(at)
        elif word in _REQUESTING and (before[-1] in ",\uff0c\u060c" or _bare(before) in _JOINTS):
            joints.append(at)
        if asking is None and at >= _LATE and word in _ASKING:
            asking = at
    parts = [*_split(breaks, len(words)), *_split(sorted(breaks + joints), len(words))]
    if asking is not None:
        parts.append((asking, len(words)))
    return [(start, end) for start, end in dict.fromkeys(parts) if end - start >= fewest]


def _split(cuts: Sequence[int], end: int) -> list[tuple[int, int]]:
    return list(zip([0, *cuts], [*cuts, end], strict=True)) if cuts else []


def _words(text: str, longest: int) -> Iterator[Word]:
    line = 0
    for run in _RUN.finditer(text):
        solid, space = run.groups()
        breaks = "\n" in space
        if breaks:
            # Prose that is wrapped continues on the next line; items of a list do not.
            following = text[run.end() : run.end() + 1]
            wrapped = following.islower() or (run.end(1) - line >= LONG_LINE and following.isupper())
            breaks = space.count("\n") > 1 or not wrapped
            line = run.end()
        inner = _WORD.findall(solid) or [solid]
        for number, word in enumerate(inner):
            *parts, last = _parts(word, longest)
            for part in parts:
                yield Word(*part, False)
            if number == len(inner) - 1 and breaks:
                yield Word(*last, True)
            else:
                yield Word(*last, ends_sentence(last[0]))


def _parts(word: str, longest: int) -> Iterator[tuple[str, int]]:
    """Yield `word` in parts of at most `longest` pieces, each with its bound.

    Decomposition sorts runs of combining marks in quadratic time, so it is given only short slices.
    """
    for at in range(0, len(word), longest):
        part = word[at : at + longest]
        pieces = _bound(part)
        if pieces <= longest:
            yield part, pieces
        else:
            # No character decomposes canonically into more than four characters; U+1F82 does into four.
            step = longest // 4
            for inner in range(0, len(part), step):
                yield part[inner : inner + step], _bound(part[inner : inner + step])


def _bound(part: str) -> int:
    return len(part) if part.isascii() else len(unicodedata.normalize("NFD", part))


def _bare(word: str) -> str:
    return word.strip(".,!?:;\"'()[]\u201c\u201d\u2018\u2019\u00ab\u00bb\u201e\u00bf\u00a1\u060c\u061f").casefold()
