"""Doubts about a phrase: why the person who wrote it probably does not mean what the guard would look for."""

from __future__ import annotations

import unicodedata

from guard.folding import fold_character
from guard.scripts import mixture
from guard.stopwords import COMMON_WORDS

# White space that YAML or a text editor may leave in a text.
_WRITTEN = "\t\n\r\x85"
# Texts with more letters than this are not counted: composing them takes long. A Hangul syllable folds to three letters, and a
# letter of a Thai or Indian script may have vowel signs.
_COUNTED = 8


def doubt(text: str, folded: str) -> str | None:
    """Return why a phrase should not be banned unless the person who wrote it insists; None if nothing speaks against it.

    Args:
        text: The phrase as it was written.
        folded: Its fold (`guard.folding.fold`) without the spaces around it. It has a letter or a digit.
    """
    if not text.isprintable() and any(unicodedata.category(c) == "Cc" and c not in _WRITTEN for c in text):
        return "the text has a control character: remove it"
    words = folded.split()
    if COMMON_WORDS.issuperset(words):
        return "stop words alone would block ordinary answers: add another word, or set force if you mean it"
    if _too_short(words):
        left = "one letter or digit is" if len(words) == 1 else "two that are apart are"
        return (
            f"the guard compares letters and digits alone, and {left} too few for a phrase: "
            "write a longer one (C++ Builder in place of C++), or set force if you mean it"
        )
    for word in words:
        if scripts := mixture(word):
            return (
                f"one word mixes letters of scripts that no language mixes ({' and '.join(scripts)}), so it is probably a typing "
                "error: write the word in one script, put a space between the scripts, or set force if you mean it"
            )
    return None


def _too_short(words: list[str]) -> bool:
    """Return whether all that is compared is one letter or digit, or two that are words of their own."""
    if sum(map(len, words)) > _COUNTED:
        return False
    counts = [_letters(word) for word in words]
    if max(counts) > 1 or sum(counts) > 2:
        return False
    # "R&D" is "r d". In a script without spaces each letter is a word, and two of them are a name.
    return sum(counts) < 2 or not all(fold_character(word[0]).startswith(" ") for word in words)


def _letters(word: str) -> int:
    """Return the number of letters and digits in a folded word as a reader counts them: without vowel signs."""
    return sum(unicodedata.category(character)[0] in "LN" for character in unicodedata.normalize("NFC", word))
