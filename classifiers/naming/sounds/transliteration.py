"""Transliteration: finds names in Latin letters that a text writes in another script, and the reverse.

A part of a text in another script is turned into phonemes (`classifiers.naming.sounds.phonemes`), a name in Latin letters into
graphemes with what they may sound like in several languages (`classifiers.naming.sounds.graphemes`), and the two are aligned
(`classifiers.naming.sounds.alignment`). A name matches if the whole and each of its words are alike enough. How alike depends on
the script: one that omits vowels or joins words says less.

Names of few consonants ("Hsiao Yun-Hwa") and Chinese names in Chinese characters are compared in another way: anyascii romanises
both, and rough phonetic rules unify the spellings, so that they and "Сяо Юньхуа" become nearly the same.

A name in Latin letters is compared only with parts of the text in another script, so a text in Latin letters costs no time and
raises no false alarm. A name in another script is searched for in texts in Latin letters.

These are not found: a single short word; Western names in Chinese characters without a dot between their words (贝多芬); Japanese
names in kanji, which anyascii reads as Chinese; and names that a language replaces by its own (Κάρολος for Charles).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from classifiers.naming.sounds.alignment import NameIndex, Stream, cost_per_letter
from classifiers.naming.sounds.graphemes import graphemes
from classifiers.naming.sounds.phonemes import PHONEMES, spoken
from classifiers.naming.typos import TypoIndex

# The fewest letters of a romanised name that is compared by sound. Han characters have too few sounds to allow errors.
_LETTERS = 8
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# A letter outside the Latin script. A segment also contains the spaces, hyphens and dots inside a name.
_FOREIGN_LETTER = (
    r"[\u0370-\u1dff\u1f00-\u1fff\u2c60-\ud7ff\uf900-\ufaff\ufb1d-\ufdff\ufe70-\ufefc\uff66-\uffdc\U00020000-\U0003ffff]"
)
_SEGMENT = re.compile(rf"{_FOREIGN_LETTER}+(?:[^\w\n]{{1,3}}{_FOREIGN_LETTER}+)*")
_FOREIGN = re.compile(_FOREIGN_LETTER)
_EACH_HAN = re.compile(rf"([{_HAN}])")
_HIRAGANA = re.compile(r"[\u3040-\u309f]+")
_KOREAN_PARTICLE = re.compile(r"([\uac00-\ud7a3]{2})(?:에게|에서|으로|은|는|이|가|을|를|의|에|와|과|도|로)(?![\uac00-\ud7a3])")
# Words, each in one script: how they are recognised, and the limit of the cost per consonant.
_APOSTROPHE = r"(?:['\u2019\u05f3](?=[\u05d0-\u05ea]))?"
_SCRIPTS: dict[str, tuple[str, float]] = {
    "cyrillic": (r"[\u0400-\u052f\u02bc]+", 0.2),
    "greek": (r"[\u0370-\u037d\u0386-\u03ff\u1f00-\u1fff\u0300-\u036f]+", 0.2),
    "armenian": (r"[\u0531-\u0588]+", 0.2),
    "georgian": (r"[\u10a0-\u10ff\u1c90-\u1cbf]+", 0.2),
    "hebrew": (rf"(?:[\u0591-\u05f2\ufb1d-\ufb4f]{_APOSTROPHE})+", 0.15),
    "arabic": (r"[\u0620-\u065f\u066e-\u06d3\u06d5-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]+", 0.16),
    "devanagari": (r"[\u0900-\u0963\u0971-\u097f]+", 0.18),
    "indic": (r"[\u0980-\u0dff]+", 0.12),
    "thai": (r"[\u0e01-\u0e3a\u0e40-\u0e45\u0e47-\u0e4e]+", 0.2),
    "hangul": (r"[\uac00-\ud7a3]+", 0.235),
    "katakana": (r"[\u30a1-\u30fa\u30fc\uff66-\uff9f]+", 0.26),
    "hiragana": (r"[\u3041-\u3096]+", 0.2),
    "han": (rf"[{_HAN}]+", 0.28),
}
_LIMITS = {script: limit for script, (_, limit) in _SCRIPTS.items()}
_RUN = re.compile("|".join(f"(?P<{script}>{pattern})" for script, (pattern, _) in _SCRIPTS.items()))
# What may be between two words of a name. Chinese writes a dot between the words of a foreign name.
_BETWEEN = re.compile(r"[ \u00a0\-\u2010\u2011\u05be.'\u2019\u00b7\u30fb\uff65\u2022\u2027\uff1d=\u30a0,]{1,3}")
_DOT = re.compile(r"[\u00b7\u30fb\uff65\u2022\u2027]")
_MOST_WORDS = 6

# Letters that anyascii romanises by shape, but that names romanise by sound: Greek chi, Arabic za, Hebrew vav.
_BETTER = str.maketrans({"\u03c7": "h", "\u03a7": "H", "\u0638": "z", "\u05d5": "w"})
# Spellings of one sound, longer ones first: Wade-Giles and pinyin, English, German and scholarly romanisations. "j" represents
# the sounds of "jam" and "church".
_SOUNDS = (
    (r"'", ""),
    (r"shch|sch|tsh|sh|hs|ts|tz|cz", "s"),
    (r"dzh|zh|dj|tch|ch", "j"),
    (r"ph", "f"),
    (r"kh|gh", "h"),
    (r"th|dh", "t"),
    (r"ck|qu?", "k"),
    (r"\bx", "s"),
    (r"x", "ks"),
    (r"c(?=[eiy])|z", "s"),
    (r"c", "k"),
    (r"(?<=[bdfghjklmnprst])w|ou|oo", "u"),
    (r"w", "v"),
    (r"y|ee", "i"),
    (r"[ae]i", "e"),
    (r"(.)\1+", r"\1"),
)
_RULES = tuple((re.compile(pattern), sound) for pattern, sound in _SOUNDS)
_PLACE = {sound: place for place, sound in enumerate(PHONEMES)}
_NOT_LETTERS = re.compile(r"[^a-z']+")


def _romanised(text: str) -> list[str]:
    """Return the words of `text` in the letters a-z and apostrophes; each Han character is a word."""
    if not text.isascii():
        from anyascii import anyascii

        text = anyascii(_EACH_HAN.sub(r" \1 ", text.translate(_BETTER)))
    return _NOT_LETTERS.sub(" ", text.lower()).split()


# Cached by word: names share words, and so do texts.
@lru_cache(maxsize=262_144)
def _spelled(word: str) -> str:
    for rule, sound in _RULES:
        word = rule.sub(sound, word)
    return word


def sounds(text: str) -> str:
    """Return a phonetic spelling of `text`: words of the letters a-z, separated by single spaces.

    Each Han character is a word, in its Mandarin reading without tones.
    """
    return " ".join([spelled for word in _romanised(text) if (spelled := _spelled(word))])


class TransliterationIndex:
    """Searches for names in scripts other than their own."""

    def __init__(self, names: Sequence[str]) -> None:
        """Index `names`, in their written form, not folded."""
        foreign = [_FOREIGN.search(name) is not None for name in names]
        self._latin = _Sounds([(index, name) for index, name in enumerate(names) if not foreign[index]])
        self._foreign = _Sounds([(index, name) for index, name in enumerate(names) if foreign[index]])
        self._heard = [index for index in range(len(names)) if not foreign[index]]
        self._names = [names[index] for index in self._heard]
        self._by_sound: NameIndex | None = None
        if self._names:
            _compile()

    def find(self, text: str) -> set[int]:
        """Return the indices of the names that `text` writes in another script. The time is linear in the text."""
        found = self._foreign.find(text)
        if text.isascii() or not _FOREIGN.search(text):
            return found
        segments = _SEGMENT.findall(text)
        written = "\n".join(segments)
        if _EACH_HAN.search(written):
            found |= self._latin.find(written, exactly=True)
        # Where other languages have a space, Japanese changes the script and Korean adds a syllable.
        written = _EACH_HAN.sub(" ", _HIRAGANA.sub(" ", written))
        found |= self._latin.find(written)
        if (bare := _KOREAN_PARTICLE.sub(r"\1", written)) != written:
            found |= self._latin.find(bare)
        return found | {index for index, _ in self.heard(text)}

    def heard(self, text: str) -> list[tuple[int, float]]:
        """Return the names that sound like a part of `text`, each with the cost per consonant."""
        if self._by_sound is None:
            # Not before a text needs it: most servers never read another script. Two threads may both make it.
            self._by_sound = NameIndex([graphemes(name) for name in self._names])
        index = self._by_sound
        return [(self._heard[name], cost) for stream in streams(text) for name, cost, _, _ in index.find(stream)]


@lru_cache(maxsize=1)
def _compile() -> None:
    """Compile the search before a text needs it."""
    index = NameIndex([graphemes("Ada Lovelace")])
    for stream in streams("Ада"):
        index.find(stream)
        cost_per_letter(graphemes("Ada"), [stream], 1.0)


def streams(text: str) -> Iterator[Stream]:
    """Yield each part of `text` that is in one script other than Latin, as phonemes."""
    words: list[str] = []
    script, end, dotted = "", -1, False
    for run in [*_RUN.finditer(text), None]:
        between = "" if run is None else text[end : run.start()]
        if run is None or run.lastgroup != script or not _BETWEEN.fullmatch(between):
            if words and (script != "han" or dotted):
                yield _stream(words, script)
            words, dotted = [], False
        if run is not None:
            dotted = dotted or (bool(words) and _DOT.search(between) is not None)
            words.append(run[0])
            script, end = run.lastgroup or "", run.end()


def _stream(words: Sequence[str], script: str) -> Stream:
    sounds: list[str] = []
    bounds: list[tuple[int, bool, bool, int]] = []
    place, kind = 0, 0
    for number, word in enumerate(words):
        said = spoken(word)
        kind = said.kind
        starts, ends = set(said.starts), set(said.ends)
        bounds += [(place + at, at in starts, at in ends, number) for at in sorted(starts | ends)]
        sounds += [said.sounds, " "]
        place += len(said.sounds) + 1
    codes = np.array([_PLACE[sound] for sound in "".join(sounds)], np.int8)
    return Stream(codes, np.array(bounds, np.int32).reshape(-1, 4), kind, _LIMITS[script], _MOST_WORDS)


class _Sounds:
    """Names by their phonetic spelling, with their indices in a list."""

    def __init__(self, names: Sequence[tuple[int, str]]) -> None:
        kept = [(place, sound) for place, name in names if len((sound := sounds(name)).replace(" ", "")) >= _LETTERS]
        self._places = [place for place, _ in kept]
        self._index = TypoIndex([sound for _, sound in kept], real_words=False, exact=True)

    def find(self, text: str, exactly: bool = False) -> set[int]:
        if not self._places or not text:
            return set()
        found = self._index.find(sounds(text))
        return {self._places[typo.index] for typo in found if not (exactly and typo.distance)}
