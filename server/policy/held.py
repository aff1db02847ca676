"""Held restrictions: the compiled restrictions that this process itself reads, to know what an answer is about to say."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from pathlib import Path

from guard.matching.follower import Follower
from guard.restriction import Restriction

_MOST = 512
"""The most restrictions of single targets that are held. Each is a few kilobytes."""


class Held:
    """The restrictions in one folder. Large files are mapped, so the workers on the same machine share their memory.

    The event loop calls it, and `keep` may run on a thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, Restriction] = {}
        self._recent: OrderedDict[str, Restriction] = OrderedDict()

    def keep(self, digests: Iterable[str]) -> None:
        """Load restrictions for every answer, and hold them until `drop`. Raises what `Restriction.load` raises."""
        for digest in digests:
            if digest not in self._kept:
                found = Restriction.load(self._folder, digest)
                # The first one makes tables, for which no answer should wait.
                Follower([found])
                self._kept[digest] = found

    def get(self, digest: str) -> Restriction:
        """Return a restriction. One that is not held is loaded. Raises what `Restriction.load` raises."""
        if found := self._kept.get(digest):
            return found
        if digest in self._recent:
            self._recent.move_to_end(digest)
            return self._recent[digest]
        found = self._recent[digest] = Restriction.load(self._folder, digest)
        if len(self._recent) > _MOST:
            self._recent.popitem(last=False)
        return found

    def drop(self, digests: Collection[str]) -> None:
        """Hold these restrictions no longer."""
        for digest in digests:
            self._kept.pop(digest, None)
            self._recent.pop(digest, None)
