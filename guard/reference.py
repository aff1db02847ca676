"""The slow reference: what the fast matcher must do, in a few lines on strings.

Tests, evaluations and the server's startup proof compare with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from guard.folding import StreamFolder
from guard.phrase import Phrase


def folded_stream(pieces: Iterable[bytes]) -> str:
    """Return the folded text of `pieces`, with a space in front for the beginning of the text."""
    folder = StreamFolder(last_space=True)
    return " " + b"".join(folder.feed(piece) for piece in pieces).decode()


def occurrences(phrase: Phrase, folded: str) -> set[int]:
    """Return where the phrase's occurrences in a folded text end, as offsets in characters.

    Occurrences word for word and, for phrases with a compact form, letter for letter both count.
    """
    pattern = phrase.reached if phrase.match == "substring" else " " + phrase.reached
    ends = set()
    at = folded.find(pattern)
    while at >= 0:
        end = at + len(pattern)
        if not phrase.whole_word or end == len(folded) or folded[end] == " ":
            ends.add(end)
        at = folded.find(pattern, at + 1)
    return ends | compact_occurrences(phrase, folded)


def compact_occurrences(phrase: Phrase, folded: str) -> set[int]:
    """Return where occurrences of the phrase's letters end that begin at a word's beginning and end at a word's end."""
    ends = set()
    places = [at for at, character in enumerate(folded) if character != " "]
    letters = "".join(folded[at] for at in places)
    wanted = phrase.compact
    for first in range(len(letters) - len(wanted) + 1) if wanted else ():
        begin, end = places[first], places[first + len(wanted) - 1] + 1
        begins_word = begin > 0 and folded[begin - 1] == " "
        ends_word = end == len(folded) or folded[end] == " "
        if letters.startswith(wanted, first) and begins_word and ends_word:
            ends.add(end)
    return ends


def penalty(phrases: Iterable[Phrase], said: Sequence[bytes], token: bytes) -> float:
    """Return the highest penalty of the phrases that `token` completes behind the pieces `said`; 0 if it completes none."""
    before, after = folded_stream(said), folded_stream([*said, token])
    return max((p.penalty for p in phrases if occurrences(p, after) - occurrences(p, before)), default=0.0)
