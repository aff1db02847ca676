"""Namesakes: targets of which one has a name of another, or a name that is a part of another's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from classifiers import ForgetTarget

MOST = 5
"""The most warnings about the names of one target."""

_Words = tuple[str, ...]


class Namesakes:
    """The names of targets, to tell which of them a prompt cannot tell apart. The time to make it is linear in the names."""

    def __init__(self, targets: Iterable[ForgetTarget]) -> None:
        self._whole: dict[_Words, list[str]] = {}
        self._by_word: dict[str, list[tuple[str, _Words]]] = {}
        for target in targets:
            for name in dict.fromkeys(map(_words, target.names)):
                self._whole.setdefault(name, []).append(target.id)
                for word in set(name):
                    self._by_word.setdefault(word, []).append((target.id, name))

    def warnings(self, target: ForgetTarget) -> list[str]:
        """Return the warnings about a target's names beside those of other targets. They quote no name."""
        found: dict[str, None] = {}
        for at, name in enumerate(map(_words, target.names)):
            place = "name" if not at else f"aliases[{at - 1}]"
            for other in self._whole.get(name, ()):
                if other != target.id:
                    found[f"{place} is a name of target {other}, too: {_BOTH}"] = None
            for other in self._holding(name):
                if other != target.id:
                    found[f"{place} is a part of a name of target {other}: a prompt that says that name is about both, too"] = (
                        None
                    )
            for other in self._inside(name):
                if other != target.id:
                    found[f"{place} has a name of target {other} in it: {_BOTH}"] = None
        told = list(found)
        return told[:MOST] + ([f"and {len(told) - MOST} more names of other targets"] if len(told) > MOST else [])

    def _holding(self, name: _Words) -> Iterator[str]:
        """Yield the targets with a name that has this name in it and more."""
        if not name:
            return
        rarest = min((self._by_word.get(word, []) for word in name), key=len)
        for target_id, other in rarest:
            if len(other) > len(name) and any(other[at : at + len(name)] == name for at in range(len(other) - len(name) + 1)):
                yield target_id

    def _inside(self, name: _Words) -> Iterator[str]:
        """Yield the targets with a name that is a part of this name."""
        for first in range(len(name)):
            for end in range(first + 1, len(name) + 1):
                if end - first < len(name):
                    yield from self._whole.get(name[first:end], ())


_BOTH = "a prompt that says it is about both targets, and the stricter action holds"


def _words(name: str) -> _Words:
    return tuple(name.casefold().split())
