"""The scripts of letters, and which scripts occur together in one word."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Their letters look alike, so a word that mixes them is a copy of another word or a typing error: "Paypal" with a Cyrillic "a".
# A reader takes it for a word of one script, and folding may do so, too.
_ALIKE = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
# Chinese, Japanese and Korean write Latin letters and their own in one word. The Unicode Consortium calls such words highly
# restrictive, which is its strictest level for words of several scripts (UTS 39, section 5.2).
_EAST_ASIAN = frozenset({"CJK", "IDEOGRAPHIC", "KANGXI", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO", "HANGUL"})
# How the names of letters begin that belong to no script or to several.
_COMMON = frozenset({"", "MODIFIER"})


@lru_cache(maxsize=4096)
def script_of(letter: str) -> str:
    """Return the script of a letter as its Unicode name begins, such as "LATIN" or "CJK"; "" if it belongs to none."""
    if unicodedata.category(letter)[0] != "L":
        return ""
    first = unicodedata.name(letter, "").partition(" ")[0]
    return "" if first in _COMMON else first


def mixture(word: str) -> tuple[str, ...]:
    """Return the scripts of a word if no language writes them together and their letters do not look alike; else ().

    Args:
        word: A word as `guard.folding.fold` returns it.
    """
    if word.isascii():
        return ()
    scripts = dict.fromkeys(script for letter in word if (script := script_of(letter)))
    groups = {"LATIN" if script in _ALIKE else script for script in scripts if script not in _EAST_ASIAN}
    # East Asian letters go with each other and with Latin ones.
    mixed = len(groups) > 1 or (groups and groups != {"LATIN"} and any(script in _EAST_ASIAN for script in scripts))
    return tuple(script.capitalize() for script in scripts) if mixed else ()
