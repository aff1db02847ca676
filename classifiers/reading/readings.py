"""Readings: other ways in which a text may be meant to be read.

A model reads text that is spelled letter by letter, reversed or encoded in base64 well enough to answer, so screening must read
it too. A reading is a text for any classifier. Ordinary prose has none, so that it costs only the search for disguises.

Not read are letters of a name that are spread over a text in a way that only an instruction explains, ciphers that have more keys
than shifts of the alphabet, compressed or encrypted text, other encodings (base32), and more than two disguises one inside the
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from classifiers.reading.decoders import DECODERS, Kind

MOST_READINGS = 12
"""The most readings of a text."""
MOST_TIMES = 5
"""The most characters in all readings of a text, as a multiple of its length."""
# Disguises in which another one may have been hidden. Such readings are read again, up to the length of the text in all.
_READ_ON = frozenset(["lookalikes", "escapes", "entities", "percent", "base64", "hex", "spelled", "leet"])


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as it may be meant, and the disguise that hid it. The `repr` does not show the text."""

    kind: Kind
    text: str

    def __repr__(self) -> str:
        return f"Reading({self.kind}, {len(self.text)} characters)"


def readings(text: str) -> list[Reading]:
    """Return the ways in which `text` may be meant to be read, the plainest first; [] for ordinary prose.

    Readings are read once more, so that a disguise inside another is found. There are at most `MOST_READINGS`, together at most
    `MOST_TIMES` as long as `text`. The time is linear in the text.
    """
    first = _read([text], MOST_TIMES * len(text))
    again, room = [], len(text)
    for reading in first:
        if reading.kind in _READ_ON and len(reading.text) <= room:
            again.append(reading.text)
            room -= len(reading.text)
    further = _read(again, MOST_TIMES * len(text) - sum(len(reading.text) for reading in first))
    found = {reading.text: reading for reading in reversed([*first, *further]) if reading.text != text}
    return list(reversed(found.values()))[:MOST_READINGS]


def _read(texts: Sequence[str], room: int) -> list[Reading]:
    """Return readings of `texts` with at most `room` characters in all."""
    found: list[Reading] = []
    for text in texts:
        for kind, decode in DECODERS:
            for reading in decode(text):
                if len(reading) <= room and reading.strip():
                    found.append(Reading(kind, reading))
                    room -= len(reading)
    return found
