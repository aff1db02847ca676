"""Graphemes: what the letters of a name in Latin script may sound like in the languages that write such names.

A grapheme is one letter or a group of letters with one sound ("sh"). Each has a cost from 0 to 1 for each phoneme that another
script may have in its place, a cost for nothing in its place, and the classes of consonants that it may belong to.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from classifiers.naming.sounds.phonemes import PHONEMES

CLASSES = {
    sound: number for number, sounds in enumerate(("pbfvBF", "tdQ", "szSZCJcY", "kgX", "mM", "nN", "lrL"), 1) for sound in sounds
}
"""Class of each phoneme that is a consonant, 1 to 7. A missing phoneme, such as a vowel or h, has no class."""
_MOST_CLASSES = 3

# Grapheme: its classes, the likeliest first (0: it may be missing or a vowel); cost of no phoneme; cost of each phoneme.
_GRAPHEMES: dict[str, tuple[str, float, str]] = {
    " ": ("0", 0.4, " 0"),
    "-": ("0", 0.03, " 0"),
    "b": ("1", 0.9, "b0 B0 p15 v30 F30 f50 w40"),
    "p": ("1", 0.9, "p0 F0 b10 B30 f30"),
    "f": ("1", 0.9, "f0 F0 p10 v20 b30 B40 h30"),
    "v": ("10", 0.9, "v0 B0 w5 f10 b10 u20 p30 F20 o30"),
    "w": ("01", 0.4, "w0 v5 B5 u0 o10 b30 f40 g20 h40"),
    "t": ("2", 0.9, "t0 d15 Q10 C30 c20 J40"),
    "d": ("2", 0.9, "d0 t10 J25 Q20 c30 z40"),
    "θ": ("23", 0.9, "Q0 t0 d15 s10 z15 c20 f40 Y15 S40 F40"),
    "s": ("3", 0.9, "s0 Y0 z5 S15 c30 Z30 C40 J40"),
    "z": ("3", 0.9, "z0 s10 c5 J10 Y15 C30 Z15 S30 Q20"),
    "c": ("3", 0.9, "c0 s15 z10 C15 J20 Y20 S30 t50"),
    "S": ("3", 0.9, "S0 Y0 s5 C20 Z20 c40 z40 J40 h40"),
    "C": ("340", 0.9, "C0 S10 k10 X5 h10 s20 Y10 c15 J20 Z40 g40"),
    "Č": ("3", 0.9, "C0 S15 J20 c10 s30 Z30 Y20"),
    "J": ("304", 0.5, "J0 Z5 h15 y10 X15 z15 C15 S25 c20 i20 g20 e40"),
    # G before e, i and y.
    "G": ("430", 0.9, "g0 J5 Z5 k10 h15 X15 C25 z20 y30 S30 c30"),
    "g": ("430", 0.8, "g0 k10 h20 J20 X10 N30 y30 C40"),
    # The g of "ng", which one phoneme may represent together with the n.
    "ĝ": ("043", 0.05, "g0 k10 J10 Z15 h20 X10 C30"),
    "H": ("40", 0.3, "g0 h5 k20 X5 f40 v40"),
    "k": ("4", 0.9, "k0 X0 g10 h30 C40"),
    # C before e, i and y.
    "E": ("34", 0.9, "s0 c5 C10 S20 k20 Q10 z20 Y10 X20 Z40"),
    "q": ("43", 0.9, "k0 X10 C10 g15 S30"),
    "K": ("04", 0.3, "h0 X0 k5 g25"),
    # X is k and s, and one of them may be missing.
    "x": ("43", 0.5, "k0 h10 X5 g20 S20 s20 z20 Y20"),
    "ẋ": ("03", 0.3, "s0 z10 Y5 S15 c20 h40"),
    "h": ("04", 0.1, "h0 X10 g10 k30 w40 y40"),
    "m": ("5", 0.9, "m0 M0 n30 ~10 N30"),
    # M before b and p.
    "ṁ": ("56", 0.6, "m0 M0 n5 ~0 N15"),
    "n": ("6", 0.8, "n0 N5 ~0 m25 M40"),
    "l": ("7", 0.9, "l0 L0 r5 u40 w30 y40"),
    "r": ("7", 0.9, "r0 l5 L40 h40 g30"),
    # R at the end of a word or before a consonant.
    "ṙ": ("70", 0.15, "r0 l5 a5 e10 o15"),
    "a": ("0", 0.25, "a0 A0 e10 o15 y15 i25 u20 h20 w25"),
    "e": ("0", 0.15, "e0 A5 a12 i8 y5 o15 u20 h20"),
    "i": ("0", 0.2, "i0 A15 y0 e8 a15 u20 o25"),
    "o": ("0", 0.2, "o0 A10 u5 w0 a8 e15 i25 y30"),
    "u": ("0", 0.2, "u0 A5 w0 o8 a8 y10 i12 e15 v20 B20"),
    "y": ("0", 0.15, "y0 i0 e15 J25 u15 Z30 a20"),
    # An e at the end of a word.
    "ė": ("0", 0.03, "e0 A0 a8 i8 y10 o10 h10 u15"),
    # S, t, d, x and z at the end of a word, which French does not speak.
    "ṡ": ("30", 0.3, "s0 z5 Y0 S15 c20 Z30 C40 J30"),
    "ṫ": ("20", 0.3, "t0 d15 Q10 c25 C30"),
    "ḋ": ("20", 0.3, "d0 t10 J25 c30"),
}
GRAPHEMES = "".join(_GRAPHEMES)
"""The graphemes, one sign each; a grapheme is represented by its index in this string."""

_SPELLINGS = tuple(
    (re.compile(pattern), sign)
    for pattern, sign in (
        (r"[’'`ʻʼ.]", ""), (r"[^a-z-]+", " "),
        (r"t[sz]?sch|tch|cz|(?<=c)ch", "Č"), (r"sch|sh", "S"), (r"\bch(?=[rl])", "k"), (r"ch", "C"), (r"ph", "f"), (r"th", "θ"),
        (r"kh", "K"), (r"gh", "H"),
        (r"ts|tz|zz", "c"), (r"dzh|zh|dj", "J"), (r"dz", "c"), (r"ck", "k"), (r"c(?=[eiy])", "E"), (r"c", "k"),
        (r"qu?", "q"), (r"\bwr", "r"), (r"wh", "w"), (r"x", "xẋ"), (r"ng", "nĝ"), (r"\bkn|\bgn", "n"), (r"\brh", "r"),
        (r"j", "J"), (r"g(?=[eiy])", "G"), (r"([^aeiou])\1+", r"\1"), (r"m(?=[bp])", "ṁ"), (r"r(?=\b|[^aeiouyh])", "ṙ"),
        (r"(?<=[^ ]{2})e\b", "ė"), (r"(?<=[^ ]{2})s\b", "ṡ"), (r"(?<=[^ ]{2})t\b", "ṫ"), (r"(?<=[^ ]{2})d\b", "ḋ"),
    )
)  # fmt: skip
_MARKED = str.maketrans(
    {"ç": "s", "š": "sh", "ş": "sh", "ș": "sh", "č": "ch", "ć": "ch", "ž": "zh", "ñ": "ny", "ß": "ss", "ğ": "h"}
)


@lru_cache(maxsize=262_144)
def graphemes(name: str) -> tuple[int, ...]:
    """Return the graphemes of `name`, as indices into `GRAPHEMES`."""
    from anyascii import anyascii

    text = anyascii(unicodedata.normalize("NFC", name.lower()).translate(_MARKED)).lower()
    for pattern, sign in _SPELLINGS:
        text = pattern.sub(sign, text)
    return tuple(GRAPHEMES.index(sign) for sign in text.strip() if sign in _GRAPHEMES)


def classes() -> NDArray[np.int8]:
    """Return the classes of each grapheme, int8 [graphemes, 3], -1 after the last."""
    table = np.full((len(GRAPHEMES), _MOST_CLASSES), -1, np.int8)
    for row, (numbers, _, _) in enumerate(_GRAPHEMES.values()):
        table[row, : len(numbers)] = [int(number) for number in numbers]
    return table


def evidence() -> NDArray[np.float32]:
    """Return how much each grapheme tells, float32 [graphemes]: 0 for vowels, less for a consonant that is often silent."""
    rows = _GRAPHEMES.values()
    return np.array([0 if numbers[0] == "0" else min(cost + 0.2, 0.9) for numbers, cost, _ in rows], np.float32)


def sound_classes() -> NDArray[np.int8]:
    """Return the class of each phoneme, int8 [phonemes], 0 if it has none."""
    return np.array([CLASSES.get(sound, 0) for sound in PHONEMES], np.int8)


def costs() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return the costs of an alignment, float32, by the kind of script.

    Returns:
        The cost of each phoneme in place of each grapheme [kinds, graphemes, phonemes], the cost of each grapheme without a
        phoneme [kinds, graphemes], and the cost of each phoneme without a grapheme [kinds, phonemes].
    """
    replaced = np.ones((3, len(GRAPHEMES), len(PHONEMES)), np.float32)
    missing = np.ones((3, len(GRAPHEMES)), np.float32)
    for row, (_, cost, sounds) in enumerate(_GRAPHEMES.values()):
        missing[:, row] = cost
        for sound in re.findall(r".\d+", sounds):
            replaced[:, row, PHONEMES.index(sound[0])] = int(sound[1:]) / 100
    for vowel in "aeėiouy":
        missing[1, GRAPHEMES.index(vowel)] = 0.04 if vowel in "aeė" else 0.1
    added = np.full((3, len(PHONEMES)), 0.9, np.float32)
    for kind, sounds in enumerate(
        (
            "a20 e15 i15 o20 u20 A5 y10 w20 h45 ~5 M25 L20",
            "a10 e10 i10 o10 u10 A5 y12 w12 h35 ~5 M25 L10",
            "a10 e8 i6 o6 u2 A5 y10 w12 h45 ~5 M25 L20",
        )
    ):
        added[kind, 0] = 0.4
        for sound in sounds.split():
            added[kind, PHONEMES.index(sound[0])] = int(sound[1:]) / 100
    # Scripts of syllables often have one row for both.
    # Chinese has "ji", "qi" and "xi" for what was "gi", "ki" and "hi".
    for grapheme, sound in ("kJ", "qJ", "gJ", "GJ", "kC", "qC", "hS"):
        place = 2, GRAPHEMES.index(grapheme), PHONEMES.index(sound)
        replaced[place] = min(replaced[place], 0.15)
    replaced[2, GRAPHEMES.index("l"), PHONEMES.index("r")] = 0
    replaced[2, GRAPHEMES.index("r"), PHONEMES.index("l")] = 0
    return replaced, missing, added
