"""Where what a text has begun begins, the slow way: a text goes on in every way that could complete a phrase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guard import reference
from guard.folding import DOT, SPACE, StreamFolder
from guard.form import Form
from guard.phrase import Phrase


def start(phrases: Sequence[Phrase], text: str) -> int:
    """Return where the longest phrase begins that `text` has begun and more text could complete; its length if there is none."""
    folded, origin = _folded(text)
    begins = [
        begin
        for phrase in phrases
        for more in set(_continuations(phrase))
        for begin, end in _spans(phrase, folded + _behind(folded, more))
        if begin < len(folded) < end and folded[begin:].strip(SPACE + DOT)
    ]
    return min((origin[begin] for begin in begins), default=len(text))


def _folded(text: str) -> tuple[str, list[int]]:
    """Return the folded text with a space in front, and the character from which each of its characters comes."""
    folder = StreamFolder(SPACE)
    folded, origin = SPACE, [0]
    for at, character in enumerate(text):
        added = folder.feed_text(character)
        folded += added
        origin += [at] * len(added)
    return folded, origin


def _behind(folded: str, more: str) -> str:
    """Return what `more` adds to a folded text."""
    return StreamFolder(folded[-1] if folded[-1] in (SPACE, DOT) else "").feed_text(more)


def _continuations(phrase: Phrase) -> Iterator[str]:
    pattern = phrase.pattern.replace(DOT, DOT + SPACE)
    rests = [pattern[at:] for at in range(len(pattern))]
    if isinstance(phrase, Form) and phrase.gaps:
        rests += [rest[:at] + " x" + rest[at:] for rest in rests for at, letter in enumerate(rest) if letter == SPACE]
        rests += [f"{lead} {rest.strip()}" for rest in rests for lead in ("x", " x")]
    for rest in rests:
        yield from (rest, SPACE + rest, rest.lstrip(SPACE + DOT))
    yield from (phrase.compact[at:] for at in range(len(phrase.compact)))


def _spans(phrase: Phrase, folded: str) -> set[tuple[int, int]]:
    gaps = reference.gap_spans(phrase, folded) if isinstance(phrase, Form) else set()
    return reference.spans(phrase, folded) | gaps | _compact_spans(phrase, folded)


def _compact_spans(phrase: Phrase, folded: str) -> set[tuple[int, int]]:
    """Return where the phrase's letters begin and end; `guard.reference` says where they end."""
    places = [at for at, character in enumerate(folded) if character not in SPACE + DOT]
    return {
        (places[places.index(end - 1) - len(phrase.compact) + 1], end) for end in reference.compact_occurrences(phrase, folded)
    }
