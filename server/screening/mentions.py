"""Mentions: what a prompt itself says of the targets that it is about, so that an answer may repeat it, or must not be given.

A name that the client wrote is no secret, so an answer may say it (`Echo`). Facts stay banned unless the policy lets an answer
repeat those that were pasted into the prompt, a document or a tool result (`InContext`; UnUnlearning, arXiv 2407.00106).
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from classifiers import ForgetTarget
from classifiers.answering import Answering, Echo, InContext
from guard.folding import fold
from guard.form import Form
from guard.forms.endings import ALL_ENDINGS
from guard.phrase import Phrase

MOST_ALLOWED: Final = 512
"""The most texts that one answer may repeat. What a prompt says beyond these stays banned."""
_MOST_KEPT: Final = 1024
"""The most targets whose phrases and forms are kept ready for the next request."""
_LESS: Final = ("word", "initials", "middle")
"""The kinds of forms that may lack a word of their phrase."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """What a prompt says of the targets that it is about.

    Attributes:
        allowed: the texts that the answer may say although they are phrases of these targets.
        refused: whether it says a fact of a target whose facts must not be in a prompt (`InContext.REFUSE`).
    """

    allowed: tuple[str, ...] = ()
    refused: bool = False


def mentions(text: str, targets: Iterable[tuple[ForgetTarget, Answering]], refusing: Mapping[str, str] | None = None) -> Mentions:
    """Return what a prompt says of targets.

    A name that occurs whole, in any order or with an ending, may be said in all its forms: they tell nothing more. Of a name that
    occurs in part ("Rowling", "J. K. Rowling") only that part may be said. The same holds for facts where the target allows them.
    A phrase that is a part of a name counts as a name, all others are facts. What has its letters apart or is in leetspeak does
    not occur. What one target allows stays banned if another of the targets bans it and does not allow it.

    Args:
        text: All texts of the request that the model reads.
        targets: The matched targets, each with how it is answered. Those whose action bans no phrases are left out.
        refusing: By target id, the texts in which a fact refuses the request (`InContext.REFUSE`); a target that is
            missing has none. None: all texts.
    """
    banning = [(target, answering) for target, answering in targets if target.action.bans]
    words = _Words(text if banning else "")
    refused = False
    found: list[tuple[_Spoken, dict[str, str]]] = []
    for target, answering in banning:
        spoken = _spoken(target)
        held = spoken.held(words)
        # Of equal patterns the first text: later ones are those of forms.
        found.append((spoken, dict(reversed(list(_allowed(spoken, held, answering))))))
        if answering.in_context is InContext.REFUSE and any(one.is_fact for one in held):
            asked = text if refusing is None else refusing.get(target.id, "")
            refused |= asked == text or any(one.is_fact for one in spoken.held(_Words(asked)))
    allowed: dict[str, str] = {}
    for _, own in found:
        for pattern, said in own.items():
            if not any(pattern in other.patterns and pattern not in theirs for other, theirs in found):
                allowed[pattern] = said
    return Mentions(tuple(allowed.values())[:MOST_ALLOWED], refused)


def without(text: str, names: Iterable[str]) -> str:
    """Return a text without these names, as they are written: a foreign name is no word of the text's language."""
    small = text.casefold()
    listed = sorted({name for name in names if name.casefold() in small}, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, listed)), " ", text, flags=re.IGNORECASE) if listed else text


class _One(NamedTuple):
    """A phrase or form of a target; `source` is the folded phrase that it is a form of, or its own; `name`: of a name."""

    phrase: Phrase
    source: str
    name: bool
    reason: str

    @property
    def is_fact(self) -> bool:
        """Whether a prompt says a fact if it says this. A distinctive word of a fact is none."""
        return not self.name and self.reason != "word"


def _allowed(spoken: _Spoken, held: Sequence[_One], answering: Answering) -> Iterator[tuple[str, str]]:
    """Yield what an answer may say of what a prompt holds: patterns and texts."""
    echo, everything = answering.echo is Echo.ALLOW, answering.in_context is InContext.ALLOW
    may = [one for one in held if everything or (echo and one.name)]
    patterns = {one.phrase.pattern for one in may}
    yield from ((one.phrase.pattern, one.phrase.text) for one in may)
    for source in dict.fromkeys(one.source for one in may if one.reason not in _LESS):
        yield from ((one.phrase.pattern, one.phrase.text) for one in spoken.of[source])
        # A word of a name that may be said, although it is a word of a fact as well.
        words = {word + ending for word in source.split() for ending in ("", "s")}
        yield from ((one.phrase.pattern, one.phrase.text) for one in spoken.parts if one.phrase.pattern in words)
    plurals = (one for one in spoken.parts if one.phrase.pattern[-1] == "s" and one.phrase.pattern[:-1] in patterns)
    yield from ((one.phrase.pattern, one.phrase.text) for one in plurals)


class _Words:
    """A text, folded once, as words with one space between two of them: the ends of its sentences do not count."""

    def __init__(self, text: str) -> None:
        words = fold(text).split()
        self.each = frozenset(words)
        self._text = f" {' '.join(words)} "

    def hold(self, phrase: Phrase) -> bool:
        """Return whether the whole phrase occurs, word for word."""
        wanted = phrase.folded if phrase.match == "substring" else " " + phrase.folded
        if any(self._ends_at(at + len(wanted), phrase) for at in self._places(wanted)):
            return True
        if not (isinstance(phrase, Form) and phrase.gaps):
            return False
        parts = phrase.folded.split()
        return any(self._gapped(" ".join(parts[:at]), " ".join(parts[at:]), phrase) for at in range(1, len(parts)))

    def _gapped(self, before: str, after: str, phrase: Phrase) -> bool:
        for at in self._places(f" {before} "):
            behind = self._text.find(" ", at + len(before) + 2)
            if self._text.startswith(f" {after}", behind) and self._ends_at(behind + 1 + len(after), phrase):
                return True
        return False

    def _places(self, wanted: str) -> Iterator[int]:
        at = self._text.find(wanted)
        while at >= 0:
            yield at
            at = self._text.find(wanted, at + 1)

    def _ends_at(self, end: int, phrase: Phrase) -> bool:
        if phrase.match != "word" or self._text[end] == " ":
            return True
        return isinstance(phrase, Form) and phrase.ending and self._text[end : self._text.index(" ", end)] in ALL_ENDINGS


class _Spoken:
    """The phrases and forms of one target, without those with letters apart, so that few of them are looked for in a text."""

    def __init__(self, target: ForgetTarget) -> None:
        names = [f" {Phrase(name, force=True).folded} " for name in target.names]
        self.patterns: set[str] = set()
        self.of: dict[str, list[_One]] = {}
        self.parts: list[_One] = []
        # A phrase of several words is looked for only where its first word occurs. A single word may have an ending.
        self._by_first: dict[str, list[_One]] = {}
        self._loose: list[_One] = []
        for banned in target.banned():
            phrase, reason = banned.phrase, banned.reason
            if reason == "spelled":
                continue
            source = (banned.source or phrase).folded
            own = (phrase.folded, phrase.folded.removesuffix("s")) if reason == "word" else (source,)
            one = _One(phrase, source, any(f" {text} " in name for text in (source, *own) for name in names), reason)
            self.patterns.add(phrase.pattern)
            self.of.setdefault(source, []).append(one)
            if reason == "word":
                self.parts.append(one)
            first, more, _ = phrase.folded.partition(" ")
            if more and phrase.match != "substring":
                self._by_first.setdefault(first, []).append(one)
            else:
                self._loose.append(one)

    def held(self, words: _Words) -> list[_One]:
        """Return those that a text holds."""
        likely = [one for first in sorted(self._by_first.keys() & words.each) for one in self._by_first[first]]
        return [one for one in (*likely, *self._loose) if words.hold(one.phrase)]


_kept: dict[int, tuple[weakref.ref[ForgetTarget], _Spoken]] = {}


def _spoken(target: ForgetTarget) -> _Spoken:
    """Return what `_Spoken` makes of a target. It is kept at most as long as the target itself lives."""
    key = id(target)
    found = _kept.get(key)
    if found is None or found[0]() is not target:
        found = _kept[key] = (weakref.ref(target, lambda _: _kept.pop(key, None)), _Spoken(target))
        # A copy: another thread may change it, and so may the end of a target.
        for oldest in list(_kept)[:-_MOST_KEPT]:
            _kept.pop(oldest, None)
    return found[1]
