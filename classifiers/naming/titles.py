"""Titles: how people write the title of a work from memory.

They leave out the article at its beginning ("Lord of the Rings"), exchange articles and prepositions inside it or leave them out
("Girl with the Pearl Earring"), and write numbers in digits or in words ("100 Years of Solitude").
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from guard.folding import fold
from guard.forms.numbers import Words, numbers
from guard.stopwords import COMMON_WORDS

_ARTICLES = ("the", "a", "an")
_PREPOSITIONS = ("of", "in", "with", "on", "at", "for")
_LEADING_WORDS = """
    the a an der die das le la les el los las il lo gli een het os as
"""
LEADING = frozenset(_LEADING_WORDS.split())
"""Folded articles at the beginning of a title, in several languages."""
_MOST = 48
_LETTERS = 4


@lru_cache(maxsize=65_536)
def title_variants(name: str) -> tuple[str, ...]:
    """Return other folded forms of a title, in a fixed order, without the folded title itself: at most 48.

    The form without the leading article comes first. It may be a single word; every other form has two words that are no function
    words.
    """
    own = tuple(fold(name).split())
    if len(own) < 2:
        return ()
    bare = own[1:] if own[0] in LEADING else own
    # The forms with the leading article contain those without it.
    kept = [bare] if bare != own and (_telling(bare) or (len(bare) == 1 and len(bare[0]) >= _LETTERS)) else []
    kept += [form for form in dict.fromkeys(_forms(bare)) if form not in (own, bare) and _telling(form)]
    return tuple(" ".join(form) for form in kept[:_MOST])


def _telling(words: Words) -> bool:
    return sum(word not in COMMON_WORDS and len(word) > 1 for word in words) > 1


def _forms(words: Words) -> Iterator[Words]:
    yield from numbers(words, alone=True)
    if words[:2] in (("one", "hundred"), ("one", "thousand")):
        yield ("a", *words[1:])
    inner = [at for at, word in enumerate(words) if at and word in _ARTICLES]
    if inner:
        yield tuple(word for at, word in enumerate(words) if at not in inner)
    for at, word in enumerate(words[1:], 1):
        if word in _ARTICLES:
            yield from ((*words[:at], other, *words[at + 1 :]) for other in _ARTICLES if other != word)
            yield (*words[:at], *words[at + 1 :])
        elif word in _PREPOSITIONS:
            yield from ((*words[:at], other, *words[at + 1 :]) for other in _PREPOSITIONS if other != word)
            if at + 1 < len(words) and words[at + 1] not in _ARTICLES:
                yield (*words[: at + 1], "the", *words[at + 1 :])
