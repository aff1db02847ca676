"""Views: strings in which to search for names that are hidden in a text, too many and too rough for any other classifier."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from classifiers.reading.decoders import Kind
from guard.folding import fold

_HYPHENATED = re.compile(r"[\w-]+")
_LETTER = re.compile(r"[^\W\d_]")
_LINE = re.compile(r"[\r\n]+")
_SENTENCE = re.compile(r"[.!?\u2026\u3002]+")
_CAMEL = re.compile(r"([a-z\u00df-\u00ff])(?=[A-Z])")
# The boundary between a Latin letter and one of another script: Korean and Arabic join particles to a name.
_SCRIPTS = re.compile(
    r"(?<=[A-Za-z\u00c0-\u024f])(?=[\u0370-\u1dff\u3000-\ud7ff])|(?<=[\u0370-\u1dff\u3000-\ud7ff])(?=[A-Za-z\u00c0-\u024f])"
)


@dataclass(frozen=True, slots=True)
class View:
    """A text in which to search for names of at least `letters` letters, between word boundaries if `whole_words`."""

    kind: Kind
    text: str
    letters: int
    whole_words: bool


def views(text: str) -> Iterator[View]:
    """Yield the strings that may show a hidden name: the text reversed or in rot13, initial letters, joined words separated.

    None of them is much longer than the text.
    """
    folded = " ".join(fold(text).split())
    yield View("reversed", folded[::-1], 8, True)
    for words in (_HYPHENATED.sub(lambda found: found[0][::-1], text), " ".join(word[::-1] for word in text.split())):
        yield View("reversed", fold(words), 8, True)
    yield View("rot13", codecs.encode(folded, "rot13"), 8, True)
    for parts, letters in ((_LINE.split(text), 8), (_SENTENCE.split(text), 8), (folded.split(), 10)):
        initials = "".join([first[0] for part in parts if (first := _LETTER.search(part[:40]))])
        if len(initials) >= letters:
            yield View("acrostic", fold(initials).replace(" ", ""), letters, False)
    if _CAMEL.search(text):
        yield View("joined", fold(_CAMEL.sub(r"\1 ", text)), 6, True)
    if not text.isascii() and (apart := _SCRIPTS.sub(" ", text)) != text:
        yield View("scripts", fold(apart), 4, True)
