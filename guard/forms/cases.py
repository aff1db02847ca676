"""Cases: inflected names whose stem changes, so that an ending after the whole word does not reach them.

Slavic names inflect the given name and the surname, which agree in case: "Zbigniewa Krawdomira", "Алёне Верещагинцевой". The
endings are those of Timberlake, A Reference Grammar of Russian (2004), section 3, and Swan, A Grammar of Contemporary Polish
(2002), sections on the declension of personal names; Czech names get the Polish ones where they agree after folding. Finnish
names in -nen have the stem -se-. Stems that lose a vowel (Marek, Marka; Лев, Льва) are not covered.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

# In the order genitive, dative, accusative, instrumental, locative.
Cases = tuple[str, str, str, str, str]

_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_ENDINGS = """
    slaw slav mir mira niew ski ska sky cki cka cky wicz czyk cyk czuk szuk chuk enko ova eva ewa ovic evic ovich evich
"""
_SLAVIC_ENDINGS = tuple(_ENDINGS.split())
_SLAVIC_LETTERS = frozenset("łśźżćńřěů")

# The end that is replaced, and what replaces it. The first that fits is used; a surname's rules come before the general ones.
_RUSSIAN_SURNAMES: tuple[tuple[str, Cases], ...] = (
    ("ская", ("ской", "ской", "скую", "ской", "ской")),
    ("цкая", ("цкой", "цкой", "цкую", "цкой", "цкой")),
    ("ский", ("ского", "скому", "ского", "ским", "ском")),
    ("цкий", ("цкого", "цкому", "цкого", "цким", "цком")),
    ("ова", ("овой", "овой", "ову", "овой", "овой")),
    ("ева", ("евой", "евой", "еву", "евой", "евой")),
    ("ёва", ("ёвой", "ёвой", "ёву", "ёвой", "ёвой")),
    ("ина", ("иной", "иной", "ину", "иной", "иной")),
    ("ов", ("ова", "ову", "ова", "овым", "ове")),
    ("ев", ("ева", "еву", "ева", "евым", "еве")),
    ("ёв", ("ёва", "ёву", "ёва", "ёвым", "ёве")),
    ("ин", ("ина", "ину", "ина", "иным", "ине")),
    ("ый", ("ого", "ому", "ого", "ым", "ом")),
    ("ая", ("ой", "ой", "ую", "ой", "ой")),
)
_RUSSIAN: tuple[tuple[str, Cases], ...] = (
    ("ия", ("ии", "ии", "ию", "ией", "ии")),
    ("я", ("и", "е", "ю", "ей", "е")),
    *((f"{soft}а", (f"{soft}и", f"{soft}е", f"{soft}у", f"{soft}ой", f"{soft}е")) for soft in "гкх"),
    *((f"{soft}а", (f"{soft}и", f"{soft}е", f"{soft}у", f"{soft}ей", f"{soft}е")) for soft in "жчшщ"),
    ("а", ("ы", "е", "у", "ой", "е")),
    ("ий", ("ия", "ию", "ия", "ием", "ии")),
    ("й", ("я", "ю", "я", "ем", "е")),
    ("ь", ("я", "ю", "я", "ем", "е")),
    *((hard, (f"{hard}а", f"{hard}у", f"{hard}а", f"{hard}ем", f"{hard}е")) for hard in "жчшщц"),
    *((hard, (f"{hard}а", f"{hard}у", f"{hard}а", f"{hard}ом", f"{hard}е")) for hard in "бвгдзклмнпрстфх"),
)
_SOFT = ("cz", "sz", "rz", "dz", "c", "j", "l", "h")
_POLISH: tuple[tuple[str, Cases], ...] = (
    ("ska", ("skiej", "skiej", "ska", "ska", "skiej")),
    ("cka", ("ckiej", "ckiej", "cka", "cka", "ckiej")),
    ("ski", ("skiego", "skiemu", "skiego", "skim", "skim")),
    ("cki", ("ckiego", "ckiemu", "ckiego", "ckim", "ckim")),
    ("sky", ("skeho", "skemu", "skeho", "skym", "skem")),
    ("ova", ("ove", "ove", "ovou", "ovou", "ove")),
    ("ia", ("ii", "ii", "ie", "ia", "ii")),
    ("ka", ("ki", "ce", "ke", "ka", "ce")),
    ("ga", ("gi", "dze", "ge", "ga", "dze")),
    ("ja", ("ji", "ji", "je", "ja", "ji")),
    ("ra", ("ry", "rze", "re", "ra", "rze")),
    ("ta", ("ty", "cie", "te", "ta", "cie")),
    ("da", ("dy", "dzie", "de", "da", "dzie")),
    ("a", ("y", "ie", "e", "a", "ie")),
    *(
        (soft, (f"{soft}a", f"{soft}owi", f"{soft}a", f"{soft}em", f"{soft}u"))
        for soft in ("cz", "sz", "rz", "dz", "c", "j", "l", "h")
    ),
    *((soft, (f"{soft}a", f"{soft}owi", f"{soft}a", f"{soft}iem", f"{soft}u")) for soft in ("k", "g")),
    ("r", ("ra", "rowi", "ra", "rem", "rze")),
    ("t", ("ta", "towi", "ta", "tem", "cie")),
    ("d", ("da", "dowi", "da", "dem", "dzie")),
    *((hard, (f"{hard}a", f"{hard}owi", f"{hard}a", f"{hard}em", f"{hard}ie")) for hard in "bfmnpswvz"),
)


def looks_slavic(text: str) -> bool:
    """Return whether a name is in Cyrillic letters, or a word has a Slavic name's ending or a Polish or Czech letter.

    Latin -ov and -ev are no such endings: the genitive "Ivana Petrova" is in most texts in Latin letters a woman's name.
    """
    if text.isascii():
        return any(word.endswith(_SLAVIC_ENDINGS) for word in text.lower().replace(",", " ").split())
    composed = _composed(text)
    if _CYRILLIC.search(composed) or not _SLAVIC_LETTERS.isdisjoint(composed):
        return True
    return any(_plain(word).endswith(_SLAVIC_ENDINGS) for word in composed.replace(",", " ").split())


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _replaced(word: str, rules: Sequence[tuple[str, Cases]]) -> Cases | None:
    for end, cases in rules:
        if word.endswith(end) and len(word) > len(end) + 1:
            stem = word[: len(word) - len(end)]
            return (stem + cases[0], stem + cases[1], stem + cases[2], stem + cases[3], stem + cases[4])
    return None


def _plain(word: str) -> str:
    """Return a Latin word without marks, in which the Polish rules are written."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c)).replace("ł", "l")


def slavic(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of a name, not folded, in up to five cases; nothing if the name does not look Slavic.

    A word that does not inflect (in -o, -i, a foreign woman's surname) stays as it is.
    """
    if not looks_slavic(text):
        return
    words = _composed(text).replace(",", " ").split()
    declined: list[Cases] = []
    # A woman's surname without a woman's ending does not inflect; her given name tells.
    woman = words[0][-1] in "аяaá"
    for index, word in enumerate(words):
        if _CYRILLIC.search(word):
            found = _replaced(word, (*_RUSSIAN_SURNAMES, *_RUSSIAN) if index else _RUSSIAN)
        else:
            word = _plain(word)
            found = _replaced(word, _POLISH)
        if woman and word[-1] not in "аяaá":
            found = None
        declined.append(found or (word, word, word, word, word))
    own = tuple(words)
    for case in range(5):
        form = tuple(cases[case] for cases in declined)
        if form != own:
            yield form


def finnish(words: Sequence[str]) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yield, for a folded name in -nen, its stem in -se, which takes endings, and the partitive in -sta."""
    if words and words[-1].endswith("nen") and len(words[-1]) > 5:
        stem = words[-1][:-3]
        yield (*words[:-1], stem + "se"), True
        yield (*words[:-1], stem + "sta"), False
