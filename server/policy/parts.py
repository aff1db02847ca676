"""Parts: the restrictions that targets are compiled to, and a change of them that every worker is ready for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from classifiers import ForgetTarget
from classifiers.live import LiveClassifier
from classifiers.tiers import Tiers
from guard.matching.listing import Listing

MOST_PARTS = 8
"""The number of restrictions that apply to every answer above which the smallest are merged in the background: each of them costs
every row some microseconds per step."""


@dataclass(frozen=True, slots=True)
class Part:
    """One restriction with what several targets ban in every answer.

    Attributes:
        digest: the digest of the restriction; None if the targets ban nothing.
        targets: the targets by id, as they were when the restriction was compiled.
        listing: what they ban in every answer, with the targets as owners in this order; None if it is not made yet.
    """

    digest: str | None
    targets: Mapping[str, ForgetTarget]
    listing: Listing | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """Restrictions of single targets.

    Attributes:
        always: digests of the restrictions for every answer, by target id.
        gated: digests of the restrictions for answers to prompts about the target, by target id.
    """

    always: Mapping[str, str]
    gated: Mapping[str, str]

    @property
    def digests(self) -> set[str]:
        """All digests."""
        return {*self.always.values(), *self.gated.values()}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change that every worker is ready for, but that decides no request yet; `changed` targets are new or changed."""

    targets: Mapping[str, ForgetTarget]
    parts: Tiers[Part]
    gated: Mapping[str, str]
    classifier: LiveClassifier
    compiled: Compiled
    changed: int


def digests_of(parts: Iterable[Part]) -> set[str]:
    """Return the digests of the parts that have one."""
    return {part.digest for part in parts if part.digest}


def tiers_of(parts: Iterable[Part]) -> Tiers[Part]:
    """Return the parts in tiers, by the number of their targets."""
    return Tiers(parts, lambda part: len(part.targets), MOST_PARTS)
