"""What the store gives back, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from classifiers.target import ForgetTarget
from server.store.errors import TargetNotFound
from server.store.tables import SnapshotState, Status

RAW_FIELDS = ("examples", "documents")
"""The parts of a target's document that are not kept when examples are not to be retained."""


@dataclass(frozen=True)
class TargetDraft:
    """A target as somebody asks for it: all that a version of it says.

    `labels` are names and values, `requester` and `legal_basis` free text. If not `retain_examples`, examples and documents are
    removed once the target is compiled. `vectors` are embeddings that an earlier version was compiled to and that still hold.

    Raises ValueError for text that a database cannot hold: NUL, or half of a surrogate pair.
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
    """What a version of a target was compiled to: digests of its restrictions, and its embeddings if the text is not kept."""

    always_digest: str | None = None
    gated_digest: str | None = None
    vectors: bytes | None = None


@dataclass(frozen=True)
class StoredTarget:
    """A version of a target, with the target's state; the fields are the table's (server.store.tables.TargetRow)."""

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
        """The target itself. Raises TargetNotFound if it was purged: nothing is left of it."""
        if self.document is None:
            raise TargetNotFound(self.id)
        return ForgetTarget.model_validate(self.document)

    @property
    def purged(self) -> bool:
        """Whether this is a tombstone."""
        return self.document is None

    @property
    def etag(self) -> str:
        """The version as an HTTP entity tag (RFC 9110, 8.8.3)."""
        return f'"{self.version}"'

    def draft(self) -> TargetDraft:
        """Return what this version says, to be changed with dataclasses.replace."""
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
    """One entry of a target's history; `document` is None after a purge."""

    target_id: str
    version: int
    status: Status
    actor: str
    at: datetime
    reason: str | None
    document: Mapping[str, Any] | None


@dataclass(frozen=True)
class Purged:
    """What a purge leaves: the tombstone, and the digests of all restrictions that versions of the target were compiled to."""

    tombstone: StoredTarget
    digests: frozenset[str]


@dataclass(frozen=True)
class TargetPage:
    """Some targets of a list; `cursor` leads to the next ones, None at the end."""

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
    """The answer that a request with an idempotency key got; `response` is None if it was purged since."""

    status: int
    response: Any | None


@dataclass(frozen=True)
class StoredPeer:
    """A server process on this store."""

    instance: str
    started_at: datetime
    lease_until: datetime
    snapshot: int


def storable(value: str) -> bool:
    """Whether both databases can hold the text: no NUL, no half of a surrogate pair."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
