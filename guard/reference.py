"""The slow reference: what the fast matcher must do, in a few lines on strings.

Tests, evaluations and the server's startup proof compare with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from guard.excepted import Excepted, closed_in
from guard.folding import DOT, SPACE, StreamFolder
from guard.form import Form
from guard.forms.endings import ALL_ENDINGS
from guard.phrase import BRIEF, Phrase

_GAP = re.compile("[ .]")
_RUN = re.compile("[ .]+")
_MIDDLE = re.compile(r"([ .]+)([^ .]+)([ .]+)")


def folded_stream(pieces: Iterable[bytes]) -> str:
    """Return the folded text of `pieces`, with a space in front for the beginning of the text."""
    folder = StreamFolder(SPACE)
    return SPACE + b"".join(folder.feed(piece) for piece in pieces).decode()


def occurrences(phrase: Phrase, folded: str) -> set[int]:
    """Return where the phrase's occurrences in a folded text end, as offsets in characters. An ending is not part of them.

    Occurrences word for word and, for phrases with a compact form, letter for letter both count.
    """
    gaps = gap_spans(phrase, folded) if isinstance(phrase, Form) else set()
    return {end for _, end in spans(phrase, folded) | gaps} | compact_occurrences(phrase, folded)


def spans(phrase: Phrase, folded: str) -> set[tuple[int, int]]:
    """Return where the phrase's occurrences word for word begin and end in a folded text."""
    return {span for text, ends_word in phrase.ends() for span in _spans_of(phrase, text, ends_word, folded)}


def _spans_of(phrase: Phrase, beginning: str, ends_word: bool, folded: str) -> set[tuple[int, int]]:
    """Return where one of the beginnings to which the phrase's penalty applies begins and ends."""
    found = set()
    for match in _expression(beginning, phrase.match != "substring").finditer(folded):
        rest = _GAP.split(folded[match.end(1) :], maxsplit=1)
        if not ends_word or not rest[0] or (isinstance(phrase, Form) and phrase.ending and _ends_word(rest)):
            found.add(match.span(1))
    return found


def gap_spans(form: Form, folded: str) -> set[tuple[int, int]]:
    """Return where occurrences of a form with exactly one more word between two of its words begin and end in a folded text."""
    found = set()
    words = form.pattern.split(SPACE)
    for at in range(1, len(words)) if form.gaps else ():
        before, after = _expression(SPACE.join(words[:at]), begins_word=True), SPACE.join(words[at:])
        for match in before.finditer(folded):
            middle = _MIDDLE.match(folded, match.end(1))
            if middle and _crosses(words[at - 1], middle[1]) and _crosses(middle[2], middle[3]):
                behind = _expression(after, begins_word=True).match(folded, middle.end())
                if behind:
                    rest = _GAP.split(folded[behind.end(1) :], maxsplit=1)
                    if not rest[0] or (form.ending and _ends_word(rest)):
                        found.add((match.start(1), behind.end(1)))
    return found


def _crosses(word: str, gap: str) -> bool:
    """Return whether a phrase may go on behind a word and a run of spaces and dots."""
    return gap != DOT + SPACE or len(word) <= BRIEF


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


def covers(exception: Excepted, folded: str) -> list[tuple[int, int]]:
    """Return where an exception begins and ends in a folded text: whole, or as far as the text goes."""
    pattern = exception.pattern
    found = _whole(exception, folded)
    for length in range(1, len(pattern)):
        if pattern[length - 1] in SPACE + DOT:
            continue
        # What may follow, so that the exception may still go on.
        tail = {SPACE: r"(?: |\.)?", DOT: r"(?:\. ?)?"}.get(pattern[length], "")
        if pattern[length] == SPACE and len(_GAP.split(pattern[:length])[-1]) <= BRIEF:
            tail = r"(?: |\. ?)?"
        for begun in _expression(pattern[:length], begins_word=True).finditer(folded):
            if re.fullmatch(tail, folded[begun.end(1) :]):
                found.append((begun.start(1), len(folded)))
    return found


def excused(phrases: Sequence[Phrase], span: tuple[int, int], folded: str, exceptions: Iterable[Excepted]) -> bool:
    """Return whether an occurrence is inside an exception that is whole, or that the end of the text has begun.

    The exception's own text must hold one of the `phrases` at that place: the phrase that occurs, or a form of the same words
    that may carry an ending.
    """
    return any(
        begin <= span[0] and span[1] <= end and _places(folded[begin : span[1]], span[0] - begin) in _held(phrase, exception)
        for phrase in phrases
        for exception in exceptions
        if exception.phrases is None or phrase.pattern in exception.phrases
        for begin, end in covers(exception, folded)
    )


def excuses_gap(exception: Excepted, phrase: Phrase) -> bool:
    """Return whether the phrase is a form with a gap, and the exception ends with it, with one more word in it."""
    if not isinstance(phrase, Form) or (exception.phrases is not None and phrase.pattern not in exception.phrases):
        return False
    text = SPACE + exception.pattern.replace(DOT, DOT + SPACE)
    return any(end == len(text) for _, end in gap_spans(phrase, text))


def _excused_gap(form: Form, span: tuple[int, int], folded: str, exceptions: Iterable[Excepted]) -> bool:
    """Return whether an exception that ends with a name with one more word in it is said to its end there."""
    return any(
        excuses_gap(exception, form) and any(begin <= span[0] and end == span[1] for begin, end in _whole(exception, folded))
        for exception in exceptions
    )


def _whole(exception: Excepted, folded: str) -> list[tuple[int, int]]:
    """Return where an exception begins and ends in a folded text, if its last word ends there."""
    found = [match.span(1) for match in _expression(exception.pattern, begins_word=True).finditer(folded)]
    return [span for span in found if folded[span[1] : span[1] + 1] in ("", SPACE, DOT)]


def _held(phrase: Phrase, exception: Excepted) -> set[tuple[int, int]]:
    text = SPACE + exception.pattern.replace(DOT, DOT + SPACE)
    return {_places(text[1:end], begin - 1) for begin, end in spans(phrase, text)}


def _places(text: str, begin: int) -> tuple[int, int]:
    """Return `begin` and the end of `text`, counted as if each run of spaces and dots were one character."""
    return len(_RUN.sub(SPACE, text[:begin])), len(_RUN.sub(SPACE, text))


def _said(
    phrase: Phrase, folded: str, exceptions: Sequence[Excepted], phrases: Sequence[Phrase], allowed: Collection[str]
) -> set[tuple[int, int]]:
    """Return the occurrences of the phrase that no exception excuses; of those letter by letter the ends, twice.

    A phrase whose pattern is `allowed` occurs only with one more word in it, and with the beginnings that its beta counts. An
    exception for some of the phrases excuses no text that is one of the others, too: a beginning that beta counts may be one.
    """
    held, found = _held_with(phrase, phrases), set[tuple[int, int]]()
    for text, ends_word in phrase.ends():
        if text == phrase.pattern and phrase.pattern in allowed:
            continue
        owners = {p.pattern for p in phrases if _alike(p, phrase) and (text, ends_word) in p.ends()}
        fitting = [exception for exception in exceptions if exception.phrases is None or owners <= exception.phrases]
        spoken = _spans_of(phrase, text, ends_word, folded)
        found |= {span for span in spoken if not excused(held, span, folded, fitting)}
    if isinstance(phrase, Form):
        found |= {span for span in gap_spans(phrase, folded) if not _excused_gap(phrase, span, folded, exceptions)}
    if phrase.pattern in allowed or any(closed_in(phrase, exception) for exception in exceptions):
        return found
    return found | {(end, end) for end in compact_occurrences(phrase, folded)}


def _alike(phrase: Phrase, other: Phrase) -> bool:
    """Return whether a word must begin where either begins, or where neither does."""
    return (phrase.match == "substring") == (other.match == "substring")


def _held_with(phrase: Phrase, phrases: Sequence[Phrase]) -> list[Phrase]:
    """Return the phrase, and the forms among `phrases` of the same words that may carry an ending."""
    return [phrase, *(p for p in phrases if isinstance(p, Form) and p.ending and p.pattern == phrase.pattern)]


def penalty(
    phrases: Sequence[Phrase],
    said: Sequence[bytes],
    token: bytes,
    exceptions: Sequence[Excepted] = (),
    allowed: Sequence[str] = (),
) -> float:
    """Return the highest penalty of the phrases that `token` completes behind the pieces `said`; 0 if it completes none.

    It also completes a phrase if it leaves an exception that excused the phrase so far. What may be said although it is a phrase
    is in `allowed`: `guard.decoding.allowing` says what that means.
    """
    before, after = folded_stream(said), folded_stream([*said, token])
    fine = {Phrase(text, force=True).pattern for text in allowed}
    worst = 0.0
    for phrase in phrases:
        if _said(phrase, after, exceptions, phrases, fine) - _said(phrase, before, exceptions, phrases, fine):
            worst = max(worst, phrase.penalty)
    return worst
