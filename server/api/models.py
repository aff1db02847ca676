"""The models of the API: targets as clients send and get them, and what several routes share."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)

from classifiers.action import Action
from classifiers.answering import Answering, places
from classifiers.banned import MAX_EXCEPTED, check_cut, check_exceptions, check_says_none
from classifiers.semantic import SemanticSpec
from classifiers.target import Example, ForgetTarget, TargetId, can_be_excepted
from guard.phrase import MAX_CHARACTERS, FormKind, MatchKind, Phrase, Scope
from server.api.answering import AnsweringFields
from server.api.base import ApiModel
from server.policy.hints.warnings import warnings_of
from server.policy.limits import MAX_EXAMPLES, MAX_PHRASES
from server.store import StoredTarget, StoredVersion, TargetDraft
from server.store.records import storable
from server.store.tables import Status

MAX_LABELS = 64
_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]", re.ASCII)


def _can_be_found(name: str) -> str:
    Phrase(name, force=True)
    return name


def _can_be_stored(text: str) -> str:
    if not storable(text):
        raise ValueError("holds a character that cannot be stored (NUL or half of a surrogate pair)")
    return text


def _written_out(value: object) -> object:
    # pydantic reads a number as seconds since 1970.
    if not isinstance(value, datetime) and not (isinstance(value, str) and _DATE.match(value)):
        raise ValueError("write a time as 2030-01-31T12:00:00Z")
    return value


def _in_reach(moment: datetime) -> datetime:
    # A time near either end of the calendar has no equivalent in UTC.
    if not 1970 <= moment.year <= 9000:
        raise ValueError("a time must lie between the years 1970 and 9000")
    return moment


Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written_out), AfterValidator(_in_reach)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHARACTERS), AfterValidator(_can_be_found)]
ExceptedText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHARACTERS), AfterValidator(can_be_excepted)]
Storable = Annotated[str, AfterValidator(_can_be_stored)]
LabelName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^:]+$"), AfterValidator(_can_be_stored)]
LabelValue = Annotated[str, StringConstraints(max_length=256), AfterValidator(_can_be_stored)]
Note = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_can_be_stored)]


class PhraseInput(ApiModel):
    """Text that an answer must not say."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHARACTERS)]
    scope: Scope = Field(
        "always", description="`always`: banned in every answer; `gated`: in answers to prompts about the target"
    )
    match: MatchKind = Field(
        "word", description="`word`: between word boundaries; `prefix`: at the beginning of a word; `substring`: anywhere"
    )
    penalty: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="how much is subtracted from the logits; null bans the phrase"
    )
    beta: float = Field(1.0, gt=0, le=1, description="the fraction of the phrase from which on the penalty applies")
    force: bool = Field(False, description="allow a phrase that is probably not meant: stop words alone, a single letter")
    forms: list[FormKind] | None = Field(
        None, description="kinds of forms that count as the phrase, none if empty; null: those of the target"
    )

    def phrase(self) -> Phrase:
        """Return the phrase. Raises PhraseError for one that cannot be banned."""
        penalty = math.inf if self.penalty is None else self.penalty
        forms = None if self.forms is None else tuple(self.forms)
        return Phrase(self.text, self.scope, self.match, penalty, self.beta, self.force, forms)


class CheckedPhrase(PhraseInput):
    """Text that an answer must not say. A phrase that is probably not meant is refused unless it is forced."""

    @model_validator(mode="after")
    def _can_be_banned(self) -> Self:
        check_cut(self.phrase())
        return self


class _TargetFields(AnsweringFields):
    name: Name
    aliases: list[Name] = Field(default_factory=list, max_length=MAX_EXAMPLES)
    examples: list[Example] = Field(default_factory=list, max_length=MAX_EXAMPLES, description="questions about the target")
    documents: list[str] = Field(default_factory=list, max_length=MAX_EXAMPLES, description="texts about the target")
    forms: list[FormKind] | None = Field(
        None, description="kinds of forms of names and phrases that are banned with them, none if empty; null: all"
    )
    excepted: list[ExceptedText] = Field(
        default_factory=list,
        alias="except",
        max_length=MAX_EXCEPTED,
        description="texts that may be said although a phrase is in them",
    )
    semantic: SemanticSpec | None = Field(
        SemanticSpec(), description="words near which no answer may come in meaning; `{}`: those of know-how's facts; null: none"
    )
    action: Action = Field(
        Action.SUPPRESS, description="`suppress`: answer without the phrases; `refuse`: do not answer; `monitor`: only record"
    )


class TargetRequest(_TargetFields):
    """A target to be forgotten."""

    id: TargetId | None = Field(None, description="if left out, the server makes one")
    phrases: list[CheckedPhrase] = Field(default_factory=list, max_length=MAX_PHRASES)
    labels: dict[LabelName, LabelValue] = Field(default_factory=dict, max_length=MAX_LABELS)
    requester: Note | None = Field(None, description="free text: who asked for it")
    legal_basis: Note | None = Field(None, description="free text: why it must be done")
    expires_at: Moment | None = Field(None, description="when the target is deleted by itself")
    retain_examples: bool = Field(True, description="false: examples and documents are removed once they are encoded")

    @model_validator(mode="after")
    def _texts_fit_the_phrases(self) -> Self:
        texts = places(self.say, self.hint)
        if self.excepted or texts:
            own = target_of(self, self.id or "unnamed", [phrase.phrase() for phrase in self.phrases], texts=False).all_phrases()
            check_exceptions(self.excepted, own)
            check_says_none(texts, own)
        return self

    def draft(self, target_id: str) -> TargetDraft:
        """Return the draft for the store."""
        target = target_of(self, target_id, [phrase.phrase() for phrase in self.phrases])
        return TargetDraft(
            target if self.retain_examples else target.without_anchors_of_facts(),
            self.labels,
            self.requester,
            self.legal_basis,
            self.retain_examples,
            self.expires_at.astimezone(UTC) if self.expires_at else None,
        )

    @classmethod
    def of(cls, draft: TargetDraft) -> TargetRequest:
        """Return the request that makes this draft."""
        return cls.model_validate({**draft.target.model_dump(mode="json"), **_kept(draft)})


class PreviewRequest(_TargetFields):
    """A target to be previewed. Its phrases may be such that a target may not have: the answer lists these."""

    id: TargetId | None = None
    phrases: list[PhraseInput] = Field(default_factory=list, max_length=MAX_PHRASES)
    language: str = Field("en", pattern=r"^[a-z]{2,3}$", description="language of words in Latin script (ISO 639)")


class TargetResponse(AnsweringFields):
    """A target and how far it is enforced."""

    id: str
    version: int
    status: Status
    name: str
    aliases: list[str]
    examples: list[Example]
    documents: list[str]
    phrases: list[PhraseInput]
    forms: list[FormKind] | None = Field(None, description="kinds of forms that are banned with names and phrases; null: all")
    excepted: list[str] = Field(
        default_factory=list, alias="except", description="texts that may be said although a phrase is in them"
    )
    semantic: SemanticSpec | None
    action: Action
    labels: dict[str, str]
    requester: str | None
    legal_basis: str | None
    expires_at: datetime | None
    retain_examples: bool
    created_at: datetime
    updated_at: datetime
    activated_at: datetime | None = Field(description="since when the target is enforced without a break")
    snapshot: int | None = Field(description="the policy snapshot that put its latest enforced version in force")
    enforced_version: int | None = Field(description="the version that is enforced now")
    warnings: list[str] = Field(default_factory=list, description="what the target does that may not be expected")

    @classmethod
    def of(cls, stored: StoredTarget, defaults: Answering | None = None) -> TargetResponse:
        """Return a stored target as it is shown. With `defaults`, the warnings are also about the server's texts.

        Raises:
            TargetNotFound: the target is purged.
        """
        own = {
            "version": stored.version,
            "status": stored.status,
            "created_at": stored.created_at,
            "updated_at": stored.updated_at,
            "activated_at": stored.activated_at,
            "snapshot": stored.activated_snapshot,
            "enforced_version": stored.active_version,
            "warnings": warnings_of(stored.target, defaults),
        }
        return cls.model_validate({**stored.target.model_dump(mode="json"), **_kept(stored), **own})


class TargetList(ApiModel):
    """A page of targets, oldest first."""

    data: list[TargetResponse]
    next_cursor: str | None = Field(description="the cursor of the next page; null at the end")


class VersionResponse(ApiModel):
    """A version of a target, as somebody asked for it."""

    version: int
    status: Status
    actor: str
    at: datetime
    reason: str | None
    target: dict[str, Any] | None = Field(description="the target; null once it is purged")

    @classmethod
    def of(cls, stored: StoredVersion) -> VersionResponse:
        """Return a stored version as it is shown."""
        document = dict(stored.document) if stored.document is not None else None
        return cls(
            version=stored.version,
            status=stored.status,
            actor=stored.actor,
            at=stored.at,
            reason=stored.reason,
            target=document,
        )


class History(ApiModel):
    """All versions of a target, oldest first."""

    id: str
    data: list[VersionResponse]


class ImportResponse(ApiModel):
    """What an import did, or would do if it is a dry run."""

    created: list[str]
    updated: list[str]
    unchanged: int
    snapshot: int | None = Field(description="a policy snapshot that enforces the whole file; null for a dry run")
    warnings: list[str]


def target_of(fields: _TargetFields, target_id: str, phrases: list[Phrase], *, texts: bool = True) -> ForgetTarget:
    """Return the target with these fields and phrases; unless `texts`, without exceptions, `say` and `hint`."""
    return ForgetTarget(
        id=target_id,
        name=fields.name,
        aliases=fields.aliases,
        examples=fields.examples,
        documents=fields.documents,
        phrases=phrases,
        forms=None if fields.forms is None else tuple(fields.forms),
        **({"except": fields.excepted, "say": fields.say, "hint": fields.hint} if texts else {}),
        semantic=fields.semantic,
        action=fields.action,
        answer=fields.answer,
        echo=fields.echo,
        in_context=fields.in_context,
        detection=fields.detection,
    )


def _kept(source: TargetDraft | StoredTarget) -> dict[str, Any]:
    names = ("labels", "requester", "legal_basis", "retain_examples", "expires_at")
    found = {name: getattr(source, name) for name in names}
    return found | {"labels": dict(source.labels)}
