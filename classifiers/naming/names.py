"""Names: the variants in which a name is written, and whether a variant still means one person.

Variants have the parts in another order ("Yun-Hwa Hsiao", "Hsiao, Yun-Hwa"), initials ("Y.-H. Hsiao", "JK Rowling", "Joanne K.
Rowling"), no middle names, titles or particles, no hyphens and apostrophes ("Yunhwa", "OBrien"), a nickname ("Maggie
Thatcher"), or the German genitive ("Hsiaos"). Folding already takes care of case, accents, punctuation, possessives after an
apostrophe, and scripts without spaces directly after a name.

These are not variants: a surname or a given name alone (the operator can list it), a name that replaces another one (marriage,
pen names), given names spelled out where the target has initials, and an additional middle name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from classifiers.naming.nicknames import nicknames
from guard.folding import fold
from guard.forms.judgement import looks_like_name
from guard.forms.names import SUFFIXES, Part, is_specific, split_name
from guard.frequency import zipf
from guard.stopwords import COMMON_WORDS

# The Zipf value below which a word is not a common given name.
_RARE = 3.8
_MOST_PARTS = 6


@lru_cache(maxsize=1_024)
def parts_of(name: str) -> tuple[Part, ...]:
    """Return the parts of a name (`guard.forms.names.split_name`), which several modules ask for one after another."""
    return tuple(split_name(name))


@lru_cache(maxsize=262_144)
def variants(name: str) -> tuple[str, ...]:
    """Return the folded variants of `name` that still mean the same person, in a fixed order, without the folded name itself.

    The parts of a name that does not look like that of a person (one word, more than six parts, stop words) keep their order. The
    result is cached, because most names stay the same when a policy changes.
    """
    own = " ".join(fold(name).split())
    parts = parts_of(name)
    core = _join(parts)
    forms: list[tuple[str, ...]] = []
    if len(parts) > 1:
        forms += [core, *_closed(parts)]
    if 2 <= len(parts) <= _MOST_PARTS and not any(
        COMMON_WORDS.issuperset(part.words) for part in parts if len(part.words[0]) > 1
    ):
        forms += [form for form in (*_orders(parts), *_nicknamed(parts)) if is_specific(form)]
        if SUFFIXES.isdisjoint(core):
            forms += [form for form, initials in _initialled(parts) if is_specific(form, initials)]
    forms += [(*form[:-1], form[-1] + "s") for form in (tuple(own.split()), core) if _takes_genitive(form)]
    # Folded again, because in scripts without spaces each letter becomes a word of its own.
    texts = dict.fromkeys(" ".join(fold(" ".join(form)).split()) for form in forms)
    return tuple(text for text in texts if text not in ("", own))


@lru_cache(maxsize=262_144)
def loose_variants(name: str) -> tuple[str, ...]:
    """Return folded forms of a person's name that many people share: surname first ("Collins, Michael"), and with initials.

    They are only a hint, and they are no `variants`.
    """
    if not looks_like_name(name):
        return ()
    parts = parts_of(name)
    if len(parts) < 2:
        return ()
    *given, surname = parts
    forms = dict.fromkeys([" ".join(_join([surname, *given])), " ".join([*_initials(given), *surname.full])])
    strict = variants(name)
    return tuple(text for text in forms if text not in strict)


@lru_cache(maxsize=262_144)
def initials(name: str) -> str:
    """Return the initials of a person's name of two to four words ("y t"); "" of any other name. Many people share them."""
    if not looks_like_name(name):
        return ""
    letters = _initials(parts_of(name))
    return " ".join(letters) if len(letters) > 1 else ""


def _takes_genitive(words: Sequence[str]) -> bool:
    if not words or len(words[-1]) < 3 or words[-1][-1] in "sxz":
        return False
    # A common word with an "s" is a plural: "roses" does not mean a person called Rose.
    return len(words) > 1 or (len(words[0]) > 4 and zipf(words[0]) < 3)


def _join(parts: Iterable[Part]) -> tuple[str, ...]:
    return tuple(word for part in parts for word in part.full)


def _rotations(parts: Sequence[Part]) -> Iterator[tuple[str, ...]]:
    """Yield the name with its last part first, and with its first part last."""
    if len(parts) > 1:
        yield _join([parts[-1], *parts[:-1]])
        yield _join([*parts[1:], parts[0]])


def _closed(parts: Sequence[Part]) -> Iterator[tuple[str, ...]]:
    """Yield the name without hyphens and apostrophes, in its own order and in others."""
    closed = [Part((), ("".join(part.full),)) if len(part.words) > 1 else part for part in parts]
    if closed != list(parts):
        yield _join(closed)
        yield from (form for form in _rotations(closed) if is_specific(form))


def _orders(parts: Sequence[Part]) -> Iterator[tuple[str, ...]]:
    """Yield the whole words in other orders, and without particles or middle names."""
    yield from _rotations(parts)
    if any(part.particles for part in parts):
        yield tuple(word for part in parts for word in part.words)
    if len(parts) > 2:
        yield _join([parts[0], parts[-1]])
        yield _join([parts[-1], parts[0]])
        # Without a second surname, the first two parts may be the whole name of another person, unless both are rare.
        if all(zipf(word) < _RARE for part in parts[:2] for word in part.words):
            yield _join(parts[:2])


def _nicknamed(parts: Sequence[Part]) -> Iterator[tuple[str, ...]]:
    """Yield a nickname in the place of the given name, before the surname."""
    if len(parts[0].words) == 1:
        yield from ((short, *parts[-1].full) for short in nicknames(parts[0].words[0]))


def _initialled(parts: Sequence[Part]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield forms with initials, each with the number of its initials."""
    if len(parts) > 2:
        middle = _initials(parts[1:-1])
        yield parts[0].full + middle + parts[-1].full, len(middle)
        yield _initials(parts[:1]) + _join(parts[1:]), len(_initials(parts[:1]))
    # The name does not show whether the surname is first or last.
    for surname, given in ((parts[-1].full, parts[:-1]), (parts[0].full, parts[1:])):
        letters = _initials(given)
        yield letters + surname, len(letters)
        yield surname + letters, len(letters)
        if len(letters) > 1:
            yield letters[:1] + surname, 1
            if len(parts) == 2 or given == parts[:-1]:
                yield ("".join(letters), *surname), len(letters)
                yield (*surname, "".join(letters)), len(letters)


def _initials(parts: Sequence[Part]) -> tuple[str, ...]:
    return tuple(word[0] for part in parts for word in part.words)
