"""References: whether the last turn of a conversation is about what an earlier turn named.

"Where was she born?" asks about somebody whom only an earlier turn names. The server must not take each turn after such a one for
a question about her, and must not let a change of words ("Call her X", "Where was X born?") get round a refusal. The rules here
look at words alone, take microseconds, and know pronouns of the languages that most requests are in. What they do not see still
has the target's bans (`server.screening.reading`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from guard.folding import fold
from guard.forms.distinctive import GIVEN_NAMES
from guard.frequency import ordinary, zipf
from guard.stopwords import COMMON_WORDS

WINDOW: Final = 4
"""The most earlier turns that the last one may refer to."""

_WORD: Final = re.compile(r"[^\W_]+")
# Words before which a sentence may begin with a capital that is no name's.
_COMMON: Final = 5.0
# A turn of this many words or fewer, all of them common, says nothing by itself.
_BRIEF: Final = 8
_OPENS: Final = " \t\"'([*\u201c\u201e\u00ab\u00bf\u00a1"
_ENDS: Final = ".!?:;\n\u2026"

_PERSON_WORDS = """
    he she him his her hers himself herself they them their theirs
    er sie ihm ihn sein seine seinen seiner seines ihr ihre ihren ihrer
    elle lui leur ella suya suyo lei ela dele dela zij hij haar zijn hem
    он она его её ее ему ней нём нем ним них они их هو هي
"""
_THING_WORDS = """
    it its itself this that these those es dessen deren davon darüber daran celui celle cela ça
    esto eso aquello questo quello isso isto dit dat это этот эта этого
"""
_GOING_ON_WORDS = """
    go going continue proceed tell say said talk more again repeat answer question please ok okay sure right explain elaborate
    expand describe detail details info information know give show list summarize summary first second last next previous above
    following person man woman guy name thing one start begin finish
    weiter mehr bitte ja nein fahre fort erzähl erzähle sag sage und was wer wo wann warum wie noch mal davon genauer
    continuez encore plus oui et quoi qui où quand pourquoi comment dis moi s il te plaît vous
    sigue continúa continua más si sí y qué quién dónde cuándo cómo dime por favor ancora sì chi dove quando come perché
"""
_OWN_WORDS = """
    a an my our mein meine meiner meinem ein eine einen einem einer un une mon ma mes una mi mis uno mio mia
"""
_PERSONS: Final = frozenset(_PERSON_WORDS.split())
_THINGS: Final = frozenset(_THING_WORDS.split())
# In these scripts no space divides words, so the pronouns are looked for as letters.
_LETTERS: Final = ("他", "她", "它", "彼", "그녀", "그는", "그의", "这个人", "那个人", "この人", "その人", "あの人")
# Words that ask to go on. With function words alone, they say nothing else.
_GO_ON: Final = frozenset(_GOING_ON_WORDS.split())
# With one of these before it, a pronoun means somebody of the same turn: "a girl and her dog", "my mother ... for her".
_OWN: Final = frozenset(_OWN_WORDS.split())
# Written with a capital they speak to somebody in German.
_FORMAL: Final = frozenset({"Sie", "Ihr", "Ihre", "Ihren", "Ihrem", "Ihrer"})


def refers_back(text: str) -> bool:
    """Return whether a turn asks about somebody or something that it does not name itself.

    It does if it has a pronoun and names nothing before it ("And where was she born?"; not "Does Anna like her job?"), or if it
    only asks to go on ("Tell me more."). A turn that says nothing refers back as well.
    """
    words = _WORD.findall(text)
    small = [word.casefold() for word in words]
    if len(words) <= _BRIEF and all(_says_nothing(word) for word in small):
        return True
    if any(letters in text for letters in _LETTERS):
        return True
    for at, word in enumerate(small):
        if word in _PERSONS and words[at] not in _FORMAL:
            return not _OWN.intersection(small[:at]) and not named(text, words[:at])
        if word in _THINGS and all(_says_nothing(before) for before in small[:at]):
            # "It" also means what the same sentence speaks of: "What is glass and how is it made?"
            return True
    return False


def named(text: str, words: Sequence[str] | None = None) -> bool:
    """Return whether one of a text's words may be a name: it has a capital that no beginning of a sentence explains.

    Args:
        text: The text.
        words: Its first words; None for all.
    """
    found = list(_WORD.finditer(text))[: None if words is None else len(words)]
    for match in found:
        word = match[0]
        if not word[0].isupper() or len(word) < 2:
            continue
        before = text[: match.start()].rstrip(_OPENS)
        begins = not before or before[-1] in _ENDS
        folded = " ".join(fold(word).split())
        if not begins or folded in GIVEN_NAMES or _rare(folded):
            return True
    return False


def _rare(word: str) -> bool:
    """Return whether a folded word that begins a sentence is too rare to be there for anything but a name."""
    # The frequencies are those of languages in Latin script.
    return word.isascii() and zipf(word) < _COMMON and not _says_nothing(word)


def labelled(latest: str, earlier: str) -> bool:
    """Return whether a turn uses a label that an earlier turn has: "Where was X born?" after "Call her X".

    A label is a single capital letter, or a word that is no ordinary word or known name of any language.
    """
    return bool(_labels(latest) & _labels(earlier))


def _labels(text: str) -> set[str]:
    words = _WORD.findall(text)
    letters = {word for word in words if len(word) == 1 and word.isupper() and word not in ("I", "A", "Y", "E", "O")}
    return letters | {
        folded for word in words if len(word) > 2 and (folded := "".join(fold(word).split())) and not ordinary(folded)
    }


def _says_nothing(word: str) -> bool:
    return word in COMMON_WORDS or word in _GO_ON
