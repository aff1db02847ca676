"""Terms: under what terms one choice is answered. They become stricter when the answer itself turns out to be about a target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from classifiers.reading.boundaries import Boundaries
from guard.matching.follower import Follower
from guard.restriction import Restriction


class Finds(Protocol):
    """What finds, in text that is about to leave, what must not leave (`classifiers.verifying`)."""

    def findings(self, text: str) -> Sequence[Found]:
        """Return what was found in `text`, [] if nothing."""
        ...


class Found(Protocol):
    """A place in a text that must not leave."""

    @property
    def start(self) -> int:
        """The first character."""
        ...

    @property
    def kind(self) -> str:
        """What kind of finding it is."""
        ...

    @property
    def target_id(self) -> str | None:
        """The target that it is about, None if that is not known."""
        ...


class Unverified:
    """Finds nothing: for answers that repeat the prompt."""

    def __init__(self, targets: object, restrictions: object, allowed: object) -> None:
        """Take what a verifier takes."""

    def findings(self, text: str) -> Sequence[Found]:
        """Return nothing."""
        return []


@dataclass(frozen=True)
class Terms:
    """Under what terms one choice is answered.

    Attributes:
        about: The ids of the targets that the request or the answer is about.
        digests: The restrictions in force.
        restrictions: The same restrictions, compiled.
        verify: Makes what reads text once more before it leaves.
    """

    about: Sequence[str]
    digests: Sequence[str]
    restrictions: Sequence[Restriction]
    verify: Callable[[], Finds]

    @cached_property
    def verifier(self) -> Finds:
        """What reads text once more before it leaves. Most answers need none: it is made when it is first asked for."""
        return self.verify()


class Reader:
    """Reads one field of a choice (`server.answers.track.Watch`).

    An answer about a target leaves sentence by sentence; any other one leaves at once, up to what may become a phrase.
    """

    def __init__(self, terms: Terms, *, held: bool) -> None:
        """Read a text from its beginning. `held`: nothing leaves before the end."""
        self.follower = Follower(terms.restrictions)
        self._boundaries = Boundaries() if terms.about and not held else None
        self._held = held
        self._read = 0

    def feed(self, text: str) -> None:
        """Read the next part of the text."""
        self._read += len(text)
        self.follower.feed(text)
        if self._boundaries:
            self._boundaries.feed(text)

    def free(self) -> int:
        """Return how many characters from the beginning of the text may leave, whatever follows."""
        if self._held:
            return 0
        free = self._read - self.follower.begun
        return min(free, self._boundaries.settled) if self._boundaries else free


Watching = Callable[[str], Reader]
