"""Endings: what a language writes directly behind the last word of a phrase without changing its meaning.

A form with `ending` matches the phrase's letters, one of the endings of its last word's script, and then a word's end. The table
holds the plurals, possessives, cases and particles that proper names take. The sources are the usual reference grammars: Quirk et
al., A Comprehensive Grammar of the English Language (possessive, plural); Duden, Die Grammatik (genitive and plural of names);
Hakulinen et al., Iso suomen kielioppi (15 cases); Rounds, Hungarian (18 cases); Göksel and Kerslake, Turkish; Swan, A Grammar of
Contemporary Polish; Timberlake, A Reference Grammar of Russian; Sohn, The Korean Language (particles).

Left out on purpose, because they turn many surnames into other ones or into ordinary words: English -er, -son, -ly, -ed and
-ing; German -er, -chen and -sche; Swedish and Danish -en and -sen (only -en is in, which Hungarian has, too); Spanish -ez;
Hungarian -ig (an adjective's ending elsewhere); Polish -ski, -owa and -ak; Russian -ов, -ова and -ин. A stem that changes
(Finnish -nen, Slavic -a) is not an ending: see `guard.forms.cases`.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final, Literal

from guard.folding import fold

Script = Literal["Latin", "Cyrillic", "Hangul", "other"]

_ENGLISH = "s es"
_GERMAN = "s es n en e ens ns"
_FINNISH = """
    n in an en on un a ta tta ssa sta na la lla lta lle ksi tta
    issa essa assa ossa ista esta asta osta illa ella alla olla ilta elta alta olta ille elle alle olle iksi eksi aksi oksi
    ia eja iin een aan oon ita ina ena ana ona
"""
_HUNGARIAN = """
    t at et ot nak nek ban ben ba be bol rol tol ra re hoz hez val vel nal nel on en ert ul ek ok ak e ei
    unk ekkel okkal eknek oknak
"""
_TURKISH = "i u in un nin nun yi yu ya ye a e da de ta te dan den tan ten la le yla yle lar ler si"
_POLISH = "a u owi em iem ie y i ow om ami ach owie"
_RUSSIAN = "а у ю я ом ем ым е ы и ой ей ов ам ами ого ому"
_KOREAN = """
    은 는 이 가 을 를 의 에 에게 에게서 에서 께 께서 한테 한테서 와 과 도 로 으로 만 부터 까지 처럼 보다 이나 나 이라 라 이라고
    라고 이라는 라는 이다 다 였다 이었다 이며 며 이고 고 이랑 랑 밖에 마저 조차 들 들이 들은 들의 아 야 여 이여 씨 씨는 씨가
    씨의 님 님은 님이 님의 에는 에도 에게는 와의 과의 만의
"""


def _folded(table: str) -> frozenset[str]:
    return frozenset(fold(ending).strip() for ending in table.split())


_LATIN_TABLE = " ".join([_ENGLISH, _GERMAN, _FINNISH, _HUNGARIAN, _TURKISH, _POLISH])
# A foreign name in Latin or Cyrillic letters takes Korean particles as they are.
ENDINGS: Final[dict[Script, frozenset[str]]] = {
    "Latin": _folded(_LATIN_TABLE + _KOREAN),
    "Cyrillic": _folded(_RUSSIAN + _KOREAN),
    "Hangul": _folded(_KOREAN),
    "other": frozenset(),
}
"""The folded endings by the script of the word that they follow."""
ALL_ENDINGS: Final = frozenset().union(*ENDINGS.values())
"""All of them. The matcher takes any: which phrases may carry one is decided where forms are made."""


@lru_cache(maxsize=4096)
def _script_of(character: str) -> Script:
    name = unicodedata.name(character, "").partition(" ")[0]
    return {"LATIN": "Latin", "CYRILLIC": "Cyrillic", "HANGUL": "Hangul"}.get(name, "other")  # type: ignore[return-value]


def script(word: str) -> Script:
    """Return the script of a folded word: that of its last letter, or Cyrillic if any letter is Cyrillic.

    Folding makes some Cyrillic letters Latin ones, so a Cyrillic word may hold both. Digits have no script: "other".
    """
    if word.isascii():
        return "Latin" if word[-1:].isalpha() else "other"
    if any(_script_of(character) == "Cyrillic" for character in word):
        return "Cyrillic"
    return _script_of(word[-1])


def endings_for(folded_word: str) -> frozenset[str]:
    """Return the folded endings that `folded_word` may carry; none for scripts without a table and for numbers."""
    return ENDINGS[script(folded_word)]
