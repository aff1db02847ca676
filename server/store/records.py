"""What callers give to the store, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from classifiers.target import STORED, ForgetTarget
from server.store.errors import TargetNotFound
from server.store.tables import SnapshotState, Status

RAW_FIELDS = ("examples", "documents")
"""The parts of a document that are removed if the target does not retain its examples."""


@dataclass(frozen=True)
class TargetDraft:
    """A version of a target as somebody asks for it.

    Attributes:
        target: the target itself.
        labels: names and values.
        requester: free text.
        legal_basis: free text.
        retain_examples: if False, examples and documents are removed once the target is compiled.
        expires_at: when the target is deleted by itself.
        vectors: vectors of an earlier version that still hold.

    Raises:
        ValueError: a text holds NUL or half of a surrogate pair, which a database cannot store.
    """

    target: ForgetTarget
    labels: Mapping[str, str] = field(default_factory=dict)
    requester: str | None = None
    legal_basis: str | None = None
    retain_examples: bool = True
    expires_at: datetime | None = None
    vectors: bytes | None = None

    def __post_init__(self) -> None:
        texts = {"requester": self.requester or "", "legal_basis": self.legal_basis or ""}
        for place, value in [*texts.items(), *(("labels", part) for label in self.labels.items() for part in label)]:
            if not storable(value):
                raise ValueError(f"{place} holds a character that cannot be stored")


@dataclass(frozen=True)
class Compiled:
    """What a version of a target was compiled to: the digests of its restrictions, and the vectors of its examples."""

    always_digest: str | None = None
    gated_digest: str | None = None
    vectors: bytes | None = None


@dataclass(frozen=True)
class StoredTarget:
    """A version of a target with the target's state. Its fields are those of `server.store.tables.TargetRow`."""

    id: str
    version: int
    status: Status
    document: Mapping[str, Any] | None
    labels: Mapping[str, str]
    requester: str | None
    legal_basis: str | None
    retain_examples: bool
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    activated_at: datetime | None
    activated_snapshot: int | None
    active_version: int | None
    always_digest: str | None
    gated_digest: str | None
    vectors: bytes | None

    @cached_property
    def target(self) -> ForgetTarget:
        """The target itself. Raises TargetNotFound if it was purged."""
        if self.document is None:
            raise TargetNotFound(self.id)
        try:
            return ForgetTarget.model_validate(self.document, context=STORED)
        except ValidationError:
            # An earlier version of the server took a phrase that this one takes only if it is forced. It stays in force.
            phrases = [{**phrase, "force": True} for phrase in self.document.get("phrases", ())]
            return ForgetTarget.model_validate({**self.document, "phrases": phrases}, context=STORED)

    @property
    def purged(self) -> bool:
        """Whether the target was purged, so that this is its tombstone."""
        return self.document is None

    @property
    def etag(self) -> str:
        """The version as an HTTP entity tag (RFC 9110, 8.8.3)."""
        return f'"{self.version}"'

    def draft(self) -> TargetDraft:
        """Return this version as a draft, to be changed with `dataclasses.replace`."""
        return TargetDraft(
            self.target,
            self.labels,
            self.requester,
            self.legal_basis,
            self.retain_examples,
            self.expires_at,
            self.vectors,
        )


@dataclass(frozen=True)
class StoredVersion:
    """One version in a target's history. `document` is None after a purge."""

    target_id: str
    version: int
    status: Status
    actor: str
    at: datetime
    reason: str | None
    document: Mapping[str, Any] | None


@dataclass(frozen=True)
class Purged:
    """What a purge leaves: the tombstone, and the digests of the restrictions of all versions."""

    tombstone: StoredTarget
    digests: frozenset[str]


@dataclass(frozen=True)
class TargetPage:
    """A page of a list. `cursor` is the cursor of the next page, None at the end."""

    targets: Sequence[StoredTarget]
    cursor: str | None


@dataclass(frozen=True)
class StoredSnapshot:
    """A numbered state of the policy; `digest` names it (`server.policy.wanted.Wanted.digest`)."""

    number: int
    digest: str
    state: SnapshotState
    created_at: datetime
    activated_at: datetime | None
    reason: str | None


@dataclass(frozen=True)
class StoredResponse:
    """The answer that a request with an idempotency key got. `response` is None if its target was purged."""

    status: int
    response: Any | None


@dataclass(frozen=True)
class StoredPeer:
    """A process on the store, as `server.store.tables.PeerRow` says."""

    instance: str
    started_at: datetime
    lease_until: datetime
    snapshot: int
    kind: str = "server"
    about: dict[str, Any] | None = None


def storable(value: str) -> bool:
    """Whether both databases can store the text: it has no NUL and no half of a surrogate pair."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
