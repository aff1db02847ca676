"""Transliteration: finds names in Latin letters that a text writes in another script, and the reverse.

anyascii romanises both, and rough phonetic rules unify the spellings, so that "Hsiao Yun-Hwa", "Сяо Юньхуа" and "萧云华" become
nearly the same. They are compared with one or two errors allowed. In scripts that omit vowels (Arabic, Hebrew) and in languages
that change them with the grammatical case (Russian), the consonants of each word are compared as well. A name in Latin letters is
compared only with parts of the text in another script, so a text in Latin letters costs no time and raises no false alarm.

These are not found: names of fewer than eight letters after romanisation, or of fewer than eight consonants where vowels are
missing; Western names in Chinese characters (贝多芬), which follow neither letters nor word boundaries; Japanese names in kanji,
which anyascii reads as Chinese; and names that are spelled after a pronunciation that their Latin letters do not show (Jaime as
Хайме).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from classifiers.naming.typos import TypoIndex

# The fewest consonants that are specific enough: if vowels are compared too, and if the script omits them.
_CONSONANTS = 6
_VOWELLESS_CONSONANTS = 8
# The least similarity of letters, by their longest common subsequence, if vowels are written.
_SIMILAR = 0.75
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
_ABJAD = re.compile(r"[\u0590-\u07bf\ufb1d-\ufdff\ufe70-\ufefc]")
# Arabic and Hebrew omit vowels; languages in Cyrillic script change the last vowels of a name with the grammatical case.
_INFLECTED = re.compile(r"[\u0400-\u052f\u0590-\u07bf\ufb1d-\ufdff\ufe70-\ufefc]")
# Arabic and Hebrew join "and", "in", "to", "from" and "the" to the next word.
_PROCLITIC = re.compile(
    r"(?<!\w)(?:[\u0648\u0641\u0628\u0643\u0644\u05d5\u05d1\u05db\u05dc\u05de\u05e9\u05d4](?:\u0627\u0644)?|\u0627\u0644)(?=\w{3})"
)

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
_VOWELS = re.compile(r"[aeiouh]")
_CLASSES = str.maketrans({"j": "s", "d": "t", "p": "b", "f": "b", "v": "b", "g": "k"})
_NOT_LETTERS = re.compile(r"[^a-z']+")
_DOUBLED = re.compile(r"([a-z])\1+")


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


@lru_cache(maxsize=262_144)
def _skeleton(word: str) -> str:
    return _VOWELS.sub("", _spelled(word.replace("w", ""))).translate(_CLASSES)


def sounds(text: str) -> str:
    """Return a phonetic spelling of `text`: words of the letters a-z, separated by single spaces.

    Each Han character is a word, in its Mandarin reading without tones.
    """
    return " ".join([spelled for word in _romanised(text) if (spelled := _spelled(word))])


def skeletons(text: str) -> list[tuple[str, str]]:
    """Return for each word of `text` the classes of its consonants, and its phonetic spelling. W, y and h count as vowels.

    A word of fewer than two consonants, such as the Arabic article, is joined to the next word.
    """
    words: list[tuple[str, str]] = []
    left, sound = "", ""
    for word in _romanised(text):
        left = _DOUBLED.sub(r"\1", left + _skeleton(word))
        sound += _spelled(word)
        if len(left) > 1:
            words.append((left, sound))
            left, sound = "", ""
    return [*words, (left, sound)] if left else words


class TransliterationIndex:
    """Searches for names in scripts other than their own."""

    def __init__(self, names: Sequence[str]) -> None:
        """Index `names`, in their written form, not folded."""
        foreign = [_FOREIGN.search(name) is not None for name in names]
        self._latin = _Sounds([(index, name) for index, name in enumerate(names) if not foreign[index]])
        self._foreign = _Sounds([(index, name) for index, name in enumerate(names) if foreign[index]])
        self._by_consonants: dict[tuple[str, ...], list[tuple[int, str]]] = {}
        for index, name in enumerate(names):
            words = skeletons(name)
            if not foreign[index] and len(words) > 1 and sum(len(left) for left, _ in words) >= _CONSONANTS:
                entry = (index, "".join(sound for _, sound in words))
                self._by_consonants.setdefault(tuple(left for left, _ in words), []).append(entry)
        self._most_words = max(map(len, self._by_consonants), default=0)

    def find(self, text: str) -> set[int]:
        """Return the indices of the names that `text` writes in another script. The time is linear in the text."""
        found = self._foreign.find(text)
        if text.isascii():
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
        for segment in segments if self._by_consonants else ():
            if _INFLECTED.search(segment):
                found |= self._inflected(segment)
        return found

    def _inflected(self, segment: str) -> set[int]:
        from rapidfuzz.distance import Indel

        found: set[int] = set()
        vowelless = _ABJAD.search(segment) is not None
        # With and without the short words that Arabic and Hebrew join to the next word.
        for text in dict.fromkeys((segment, _PROCLITIC.sub("", segment))):
            words = skeletons(text)
            for start in range(len(words)):
                for end in range(start + 2, min(start + self._most_words, len(words)) + 1):
                    key = tuple(left for left, _ in words[start:end])
                    enough = sum(map(len, key)) >= _VOWELLESS_CONSONANTS
                    for index, name in self._by_consonants.get(key, ()):
                        said = "".join(sound for _, sound in words[start:end])
                        if enough if vowelless else Indel.normalized_similarity(name, said) >= _SIMILAR:
                            found.add(index)
        return found


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
