"""People: the order of a person's names, initials, and middle names.

These are not forms: nicknames (Bill for William), a name that replaces another one (marriage, pen names), and given names spelled
out where the listed name has initials.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from guard.forms.distinctive import is_distinctive
from guard.forms.names import SUFFIXES, Part, folded_words, is_specific
from guard.stopwords import COMMON_WORDS

Words = tuple[str, ...]
MOST_PARTS = 6
_CLOSED_INITIALS = re.compile(r"^([A-Z]{2,3})\s+(?=\w{3})")


def join(parts: Iterable[Part]) -> Words:
    """Return all words of the parts, particles included."""
    return tuple(word for part in parts for word in part.full)


def is_personal(parts: Sequence[Part]) -> bool:
    """Return whether the parts may be those of a person's name: two to six, none of stop words alone."""
    return 2 <= len(parts) <= MOST_PARTS and not any(
        COMMON_WORDS.issuperset(part.words) for part in parts if len(part.words[0]) > 1
    )


def orders(parts: Sequence[Part]) -> Iterator[Words]:
    """Yield the name with its last part first, and with its first part last, if that is specific.

    With a distinctive surname first it always is: "Potter, Harry". Two given names ("Thomas James") are another person then.
    """
    surname = parts[-1].words
    for form, distinct in (
        (join([parts[-1], *parts[:-1]]), len(surname) == 1 and is_distinctive(surname[0], last=True)),
        (join([*parts[1:], parts[0]]), False),
    ):
        if distinct or is_specific(form):
            yield form


def without_middle(parts: Sequence[Part]) -> Iterator[Words]:
    """Yield the name without its middle names, in both orders, and without its particles, if that is specific."""
    forms = []
    if len(parts) > 2:
        forms += [join([parts[0], parts[-1]]), join([parts[-1], parts[0]])]
    if any(part.particles for part in parts):
        forms.append(tuple(word for part in parts for word in part.words))
    return (form for form in forms if is_specific(form))


def initialled(text: str, parts: Sequence[Part]) -> Iterator[Words]:
    """Yield the name with initials, apart and closed up, and with fewer of them, if that is specific."""
    if not SUFFIXES.isdisjoint(join(parts)):
        return
    for form, initials in _initialled(parts):
        if is_specific(form, initials):
            yield form
    if closed := _CLOSED_INITIALS.match(text.strip()):  # "JK Rowling"
        rest = folded_words(text.strip()[closed.end() :])
        letters = tuple(closed[1].lower())
        if is_specific((*letters, *rest), len(letters)):
            yield (*letters, *rest)
            yield (*rest, *letters)


def _initialled(parts: Sequence[Part]) -> Iterator[tuple[Words, int]]:
    if len(parts) > 2:
        middle = _initials(parts[1:-1])
        yield parts[0].full + middle + parts[-1].full, len(middle)
        yield _initials(parts[:1]) + join(parts[1:]), len(_initials(parts[:1]))
    # A name of two parts does not show whether the surname is first or last.
    readings = [(parts[-1].full, parts[:-1]), (parts[0].full, parts[1:])]
    for surname, given in readings if len(parts) == 2 else readings[:1]:
        letters = _initials(given)
        yield letters + surname, len(letters)
        yield surname + letters, len(letters)
        if len(letters) > 1:
            yield letters[:1] + surname, 1
            yield ("".join(letters), *surname), len(letters)
            yield (*surname, "".join(letters)), len(letters)


def _initials(parts: Sequence[Part]) -> Words:
    return tuple(word[0] for part in parts for word in part.words)
