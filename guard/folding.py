"""Folding: the form in which the guard compares texts.

Two texts that a reader takes for the same should fold to the same string, however they were typed and however a tokenizer cut
them. Folding maps each character by itself, so it can run over a stream:

1. Compatibility decomposition (NFKD) and case folding are repeated until nothing changes. This unifies width, ligatures, ß, İ
   and the final sigma.
2. Combining marks of a non-zero combining class, enclosing marks and default-ignorable characters (soft hyphen, zero-width
   characters, variation selectors) are dropped.
3. Letters and digits are kept. A vowel sign without a combining class (Devanagari, Bengali ...) counts as a letter.
4. A letter of a script that is written without spaces (Han, kana, Thai, Lao, Khmer, Myanmar, Tibetan) becomes a word of its
   own, with a space on both sides. In such a text a word match is therefore a substring match.
5. Everything else becomes a space, and each run of spaces becomes one space.

Steps 1 to 3 are the Unicode Standard's identifier caseless match (section 3.13, D146 and D147), without the combining marks.
Because marks are dropped, composing again (NFKC) would change nothing that is compared, and no character depends on its
neighbours.
"""

from __future__ import annotations

import codecs
import unicodedata
from functools import lru_cache

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
    ]
)


def _ignorable(character: str) -> bool:
    code = ord(character)
    return code in _IGNORABLE or 0xE0000 <= code <= 0xE0FFF


def _spaceless(character: str) -> bool:
    code = ord(character)
    return code >= 0x0E00 and any(low <= code <= high for low, high in _SPACELESS)


@lru_cache(maxsize=65536)
def fold_character(character: str) -> str:
    """Return the fold of one character: "", " ", or letters and digits, with spaces around letters of spaceless scripts."""
    if _ignorable(character):
        return ""
    text = character
    while True:
        further = unicodedata.normalize("NFKD", text).casefold()
        if further == text:
            break
        text = further
    folded = []
    for part in text:
        category = unicodedata.category(part)
        if unicodedata.combining(part) or category == "Me" or _ignorable(part):
            continue
        if category[0] in "LN" or category in ("Mc", "Mn"):
            folded.append(f" {part} " if _spaceless(part) else part)
        else:
            folded.append(" ")
    return "".join(folded)


def fold(text: str) -> str:
    """Return the folded form of `text`; the module defines it.

    A leading or trailing space is kept, because it tells that a word begins or ends there.
    """
    if text.isascii():  # most text is
        return _fold_ascii(text, False)[0]
    return StreamFolder(last_space=False).feed_text(text)


class StreamFolder:
    """Folds a text that arrives in pieces of bytes, which may be cut inside a UTF-8 character.

    The joined results are the fold of the whole text as `bytes.decode("utf-8", "replace")` reads it. An incomplete character at
    the end is held back in `pending` until it is complete or turns out to be invalid.
    """

    __slots__ = ("_decoder", "last_space")

    def __init__(self, last_space: bool = True, pending: bytes = b"") -> None:
        """Start a stream.

        Args:
            last_space: Whether the text so far ends with a space, so that another one adds nothing. True at the start of a text.
            pending: The bytes of an unfinished character.
        """
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        if pending:
            self._decoder.setstate((pending, 0))
        self.last_space = last_space

    @property
    def pending(self) -> bytes:
        """The bytes of an unfinished character: three at most."""
        return self._decoder.getstate()[0]

    def feed(self, data: bytes) -> bytes:
        """Return what `data` adds to the folded text, in UTF-8."""
        return self.feed_text(self._decoder.decode(data)).encode()

    def feed_text(self, text: str) -> str:
        """Return what `text` adds to the folded text. Half of a surrogate pair becomes a space."""
        if text.isascii():
            folded, self.last_space = _fold_ascii(text, self.last_space)
            return folded
        out: list[str] = []
        last_space = self.last_space
        for character in text:
            for part in fold_character(character):
                if part == " ":
                    if not last_space:
                        out.append(" ")
                        last_space = True
                else:
                    out.append(part)
                    last_space = False
        self.last_space = last_space
        return "".join(out)


def _fold_ascii(text: str, last_space: bool) -> tuple[str, bool]:
    """Return what `text` adds to the folded text, and whether the folded text then ends with a space.

    This is the same map, faster: a table maps the characters and `split` joins the runs of spaces.
    """
    mapped = text.translate(_ASCII)
    folded = " ".join(mapped.split())
    if not folded:
        return ("", last_space) if last_space or not mapped else (" ", True)
    lead = " " if mapped[0] == " " and not last_space else ""
    return (f"{lead}{folded} ", True) if mapped[-1] == " " else (lead + folded, False)


_ASCII = {code: fold_character(chr(code)) for code in range(128)}
