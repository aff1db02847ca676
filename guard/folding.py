"""Folding: the form in which the guard compares texts.

Two texts that a reader takes for the same should fold to the same string, however they were typed and however a tokenizer cut
them. Folding maps each character by itself, so it can run over a stream:

1. Compatibility decomposition (NFKD) and case folding are repeated until nothing changes. This unifies width, ligatures, ß, İ
   and the final sigma.
2. Combining marks, enclosing marks, default-ignorable characters (soft hyphen, zero-width characters, variation selectors),
   tatweel and the replacement character U+FFFD are dropped. Marks of scripts that are written without spaces are kept, because
   they distinguish words: the voicing of kana (が is not か), the tone marks and vowels of Thai, Lao, Tibetan and Myanmar.
3. `guard.letters` maps letters that people type in another way: ø to o, æ to ae, Cyrillic а to a.
4. Letters and digits are kept. A vowel sign without a combining class (Devanagari, Bengali ...) counts as a letter.
5. A letter of a script that is written without spaces (Han, kana, Thai, Lao, Khmer, Myanmar, Tibetan) becomes a word of its
   own, with a space on both sides. In such a text a word match is therefore a substring match.
6. A mark that ends a sentence (. ! ? and the like) becomes a dot, everything else a space. A run of these becomes one space, or a
   dot if it begins with one; a dot keeps a space behind it if there was one. So "Harry.Potter" folds to "harry.potter", and "to
   be frank. Cotter" to "to be frank. cotter": `guard.matching.kernels` says when a phrase ends there.

Steps 1 and 2 are the Unicode Standard's identifier caseless match (section 3.13, D146 and D147), without the combining marks. No
character depends on its neighbours. A kana with a separate voicing mark (half width, or decomposed) folds to two words, of which
`guard.forms` makes a form.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from functools import lru_cache

from guard.letters import LETTERS

SPACE, DOT = " ", "."
_SPACELESS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana phonetic extensions
    (0x3400, 0x4DBF),  # Han extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han compatibility
    (0x1B000, 0x1B16F),  # kana supplements
    (0x20000, 0x3FFFF),  # Han extensions
)

# The part of Default_Ignorable_Code_Point (Unicode Character Database) that category Cf and the combining class do not cover.
_IGNORABLE = frozenset(
    [
        *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
        *(*range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
        *range(0xFE00, 0xFE10),
        *(0x0640, 0xFFFD),  # tatweel lengthens a line; the replacement character replaces bytes that are no text
    ]
)
_VOICING = "\u3099\u309a"
_SENTENCE_ENDS = frozenset(".!?\u2026\u203d\u061f\u06d4\u0964\u0965\u3002\u037e\u0589\u1362\u1367")


def _ignorable(character: str) -> bool:
    code = ord(character)
    return code in _IGNORABLE or 0xE0000 <= code <= 0xE0FFF


def _kana(character: str) -> bool:
    return "\u3040" <= character <= "\u30ff"


def _spaceless(character: str) -> bool:
    code = ord(character)
    return code >= 0x0E00 and any(low <= code <= high for low, high in _SPACELESS)


@lru_cache(maxsize=65536)
def fold_character(character: str) -> str:
    """Return the fold of one character: "", or letters and digits, spaces and dots, in any order."""
    if _ignorable(character):
        return ""
    text = character
    while True:
        further = unicodedata.normalize("NFKD", text).casefold()
        if further == text:
            break
        text = further
    folded: list[str] = []
    for part in text:
        if part in _VOICING and folded and _kana(folded[-1].strip()):
            # が as one character stays one: its mark must not make it a か that is followed by something.
            folded[-1] = f" {unicodedata.normalize('NFC', folded[-1].strip() + part)} "
            continue
        folded.append(_fold_part(part))
    return "".join(folded)


def _fold_part(part: str) -> str:
    category = unicodedata.category(part)
    if category == "Me" or _ignorable(part) or (unicodedata.combining(part) and not _spaceless(part)):
        return ""
    if part in LETTERS:
        return LETTERS[part]
    if category == "Nd":
        return str(unicodedata.decimal(part))
    if category[0] in "LN" or category in ("Mc", "Mn"):
        return f" {part} " if _spaceless(part) else part
    return DOT if part in _SENTENCE_ENDS else SPACE


def fold_sentences(text: str) -> str:
    """Return the folded form of `text`, with the dots that may end sentences; the module defines it.

    A leading or trailing space or dot is kept, because it tells that a word begins or ends there.
    """
    if text.isascii():  # most text is
        return _fold_ascii(text, "")[0]
    return StreamFolder().feed_text(text)


def fold(text: str) -> str:
    """Return the folded form of `text` without its sentences: each dot is a space. The space at either end is kept."""
    return _GAPS.sub(SPACE, fold_sentences(text))


class StreamFolder:
    """Folds a text that arrives in pieces of bytes, which may be cut inside a UTF-8 character.

    The joined results are the fold of the whole text as `bytes.decode("utf-8", "replace")` reads it. An incomplete character at
    the end is held back in `pending` until it is complete or turns out to be invalid.

    Attributes:
        last: The end of the folded text so far: a space, a dot, or "" for a letter or if nothing is known. With a space, another
            one adds nothing.
    """

    __slots__ = ("_decoder", "last")

    def __init__(self, last: str = "", pending: bytes = b"") -> None:
        """Start a stream.

        Args:
            last: See the class; a space at the start of a text.
            pending: The bytes of an unfinished character.
        """
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        if pending:
            self._decoder.setstate((pending, 0))
        self.last = last

    @property
    def pending(self) -> bytes:
        """The bytes of an unfinished character: three at most."""
        return self._decoder.getstate()[0]

    def feed(self, data: bytes) -> bytes:
        """Return what `data` adds to the folded text, in UTF-8."""
        return self.feed_text(self._decoder.decode(data)).encode()

    def feed_text(self, text: str) -> str:
        """Return what `text` adds to the folded text. Half of a surrogate pair adds a space."""
        if text.isascii():
            folded, self.last = _fold_ascii(text, self.last)
            return folded
        out: list[str] = []
        last = self.last
        for character in text:
            for part in fold_character(character):
                if part == SPACE:
                    if last != SPACE:
                        out.append(part)
                        last = part
                elif part == DOT:
                    if not last:
                        out.append(part)
                        last = part
                else:
                    out.append(part)
                    last = ""
        self.last = last
        return "".join(out)


def _one(run: re.Match[str]) -> str:
    found = run[0]
    return SPACE if found[0] == SPACE else DOT + SPACE if SPACE in found else DOT


def _fold_ascii(text: str, last: str) -> tuple[str, str]:
    """Return what `text` adds to the folded text, and the end of the folded text then (see `StreamFolder.last`).

    This is the same map, faster: a table maps the characters, and a regular expression joins the runs.
    """
    if not text:
        return "", last
    folded = _RUN.sub(_one, last + text.translate(ASCII))[len(last) :]
    end = folded[-1:] or last
    return folded, end if end in (SPACE, DOT) else ""


_RUN = re.compile(r"[ .]{2,}")
_GAPS = re.compile(r"[ .]+")
ASCII = {code: fold_character(chr(code)) for code in range(128)}
"""The fold of each ASCII character, one character, for `str.translate`."""
