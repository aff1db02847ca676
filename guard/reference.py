"""The slow reference: what the fast matcher must do, in a few lines on strings.

Tests, evaluations and the server's startup proof compare with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from guard.folding import DOT, SPACE, StreamFolder
from guard.form import Form
from guard.forms.endings import ALL_ENDINGS
from guard.phrase import BRIEF, Phrase

_GAP = re.compile("[ .]")


def folded_stream(pieces: Iterable[bytes]) -> str:
    """Return the folded text of `pieces`, with a space in front for the beginning of the text."""
    folder = StreamFolder(SPACE)
    return SPACE + b"".join(folder.feed(piece) for piece in pieces).decode()


def occurrences(phrase: Phrase, folded: str) -> set[int]:
    """Return where the phrase's occurrences in a folded text end, as offsets in characters. An ending is not part of them.

    Occurrences word for word and, for phrases with a compact form, letter for letter both count.
    """
    ends = set()
    for beginning, whole in phrase.ends():
        for found in _expression(beginning, phrase.match != "substring").finditer(folded):
            end = found.end(1)
            rest = _GAP.split(folded[end:], maxsplit=1)
            if not whole or not rest[0] or (isinstance(phrase, Form) and phrase.ending and _ends_word(rest)):
                ends.add(end)
    return ends | compact_occurrences(phrase, folded)


def _ends_word(rest: list[str]) -> bool:
    """Return whether the letters behind the phrase's are an ending, or may become one because the text ends there."""
    return rest[0] in ALL_ENDINGS or (len(rest) == 1 and any(ending.startswith(rest[0]) for ending in ALL_ENDINGS))


@lru_cache(maxsize=4096)
def _expression(pattern: str, begins_word: bool) -> re.Pattern[str]:
    parts = re.split("([ .])", pattern)
    expression = ""
    for at, part in enumerate(parts):
        if part == DOT:
            expression += r"\. "
        elif part == SPACE:
            # A dot and a space end a sentence, unless the word before them is short, or is not wholly part of the phrase.
            short = len(parts[at - 1]) <= BRIEF or (at == 1 and not begins_word)
            expression += r"(?: |\. ?)" if short else r"(?: |\.(?! ))"
        else:
            expression += re.escape(part)
    lead = "(?<=[ .])" if begins_word else ""
    return re.compile(f"{lead}(?=({expression}))")


def compact_occurrences(phrase: Phrase, folded: str) -> set[int]:
    """Return where occurrences of the phrase's letters end that begin at a word's beginning and end at a word's end."""
    ends = set()
    places = [at for at, character in enumerate(folded) if character not in SPACE + DOT]
    letters = "".join(folded[at] for at in places)
    wanted = phrase.compact
    for first in range(len(letters) - len(wanted) + 1) if wanted else ():
        begin, end = places[first], places[first + len(wanted) - 1] + 1
        begins_word = begin > 0 and folded[begin - 1] in SPACE + DOT
        ends_word = end == len(folded) or folded[end] in SPACE + DOT
        if letters.startswith(wanted, first) and begins_word and ends_word and not _sentence_ends_in(folded[begin:end]):
            ends.add(end)
    return ends


def _sentence_ends_in(text: str) -> bool:
    """Return whether a word of more than three bytes, a dot and a space occur in a folded text before its end."""
    return any(len(_GAP.split(part)[-1].encode()) > BRIEF for part in text.split(DOT + SPACE)[:-1])


def penalty(phrases: Iterable[Phrase], said: Sequence[bytes], token: bytes) -> float:
    """Return the highest penalty of the phrases that `token` completes behind the pieces `said`; 0 if it completes none."""
    before, after = folded_stream(said), folded_stream([*said, token])
    return max((p.penalty for p in phrases if occurrences(p, after) - occurrences(p, before)), default=0.0)
