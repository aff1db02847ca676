"""Forget targets: what somebody has asked to be forgotten."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from classifiers.action import Action
from classifiers.anchors import is_description, proposed_anchors
from classifiers.answering import Answer, Answering, Echo, InContext, check_hint, check_say, places
from classifiers.banned import MAX_EXCEPTED, Banned, check_cut, check_exceptions, check_says_none, left_out, own, with_forms
from classifiers.detection import DetectionSpec
from classifiers.semantic import SemanticSpec
from guard.excepted import Excepted
from guard.phrase import FormKind, Phrase

_LATER = ("forms", "except", "answer", "say", "echo", "in_context", "hint", "detection")
STORED = {"stored": True}
"""Validation context of a target that the store has: what was accepted once is not judged again."""
Say = Annotated[str | dict[str, str] | None, BeforeValidator(check_say)]
"""What an answer says in place of what it leaves out: a text, or texts by language (ISO 639, `default` for every other one)."""
Hint = Annotated[str | None, BeforeValidator(check_hint)]
"""A system line for prompts about a target; an empty one is none."""
TargetId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class _Model(BaseModel):
    # Errors about a target may be logged: they say where the error is, and do not quote the input.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, serialize_by_alias=True)


def can_be_excepted(text: str) -> str:
    """Return the text of an exception. Raises PhraseError for one that cannot be a phrase."""
    Excepted(text)
    return text


def _cut_is_rare(phrase: Phrase) -> Phrase:
    check_cut(phrase)
    return phrase


class Example(_Model):
    """A question about the target and an answer that reveals what must be forgotten. The prompt must not be blank."""

    prompt: str
    completion: str

    @field_validator("prompt")
    @classmethod
    def _prompt_is_not_blank(cls, prompt: str) -> str:
        if not prompt.strip():
            raise ValueError("an example's prompt is blank: give a question about the target")
        return prompt


class ForgetTarget(_Model):
    """One thing that must be forgotten.

    `aliases` are its other names. `examples` and `documents` show what is known about it. `phrases` are what an answer must not
    say. `forms` are the kinds of forms of phrases and names that count as these; None for all. `excepted`, written `except`, are
    texts that may be said although a phrase is in them. `semantic` names anchors: words whose meaning an answer to a prompt about
    the target must avoid (`anchors`); None for none. `action` is what happens to such a prompt. `answer`, `say`, `echo`,
    `in_context` and `hint` say how it is answered (`classifiers.answering.Answering`); None for the default of the policy or of
    the server. `detection` says which texts of a request count (`classifiers.detection`); None for these defaults.

    Raises:
        pydantic.ValidationError: A name or alias is longer than a phrase may be or holds no letter or digit, so it could never be
            found; an exception is a phrase of the target, or has none in it; `say` or `hint` says a phrase of the target. The
            error does not quote it.
    """

    id: TargetId
    name: str
    aliases: list[str] = Field(default_factory=list)
    examples: list[Example] = Field(default_factory=list)
    documents: list[str] = Field(default_factory=list)
    phrases: list[Annotated[Phrase, AfterValidator(_cut_is_rare)]] = Field(default_factory=list)
    forms: tuple[FormKind, ...] | None = None
    excepted: list[Annotated[str, AfterValidator(can_be_excepted)]] = Field(
        default_factory=list, alias="except", max_length=MAX_EXCEPTED
    )
    semantic: SemanticSpec | None = SemanticSpec()
    action: Action = Action.SUPPRESS
    answer: Answer | None = None
    say: Say = None
    echo: Echo | None = None
    in_context: InContext | None = None
    hint: Hint = None
    detection: DetectionSpec | None = None

    @field_validator("name")
    @classmethod
    def _name_can_be_found(cls, name: str) -> str:
        Phrase(name, force=True)
        return name

    @field_validator("aliases")
    @classmethod
    def _aliases_can_be_found(cls, aliases: list[str]) -> list[str]:
        for alias in aliases:
            Phrase(alias, force=True)
        return aliases

    @model_validator(mode="after")
    def _exceptions_have_an_effect(self, info: ValidationInfo) -> Self:
        if self.excepted and info.context != STORED:
            check_exceptions(self.excepted, self.all_phrases())
        return self

    @model_validator(mode="after")
    def _texts_name_nothing(self, info: ValidationInfo) -> Self:
        if info.context != STORED and (texts := places(self.say, self.hint)):
            check_says_none(texts, self.all_phrases())
        return self

    @field_serializer("phrases", when_used="json")
    def _json_of_phrases(self, phrases: list[Phrase]) -> list[dict[str, Any]]:
        # JSON has no infinity, and pydantic cannot read back the null that it would write: a phrase without a penalty is banned.
        records = [
            {"text": p.text, "scope": p.scope, "match": p.match, "penalty": p.penalty, "beta": p.beta, "force": p.force}
            | ({} if p.forms is None else {"forms": list(p.forms)})
            for p in phrases
        ]
        return [{k: v for k, v in record.items() if v != math.inf} for record in records]

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A target without these is written as versions that did not have them wrote it, so an upgrade does not change it.
        written: dict[str, Any] = handler(self)
        return {key: value for key, value in written.items() if key not in _LATER or value not in (None, [])}

    @property
    def names(self) -> list[str]:
        """The name, then the aliases."""
        return [self.name, *self.aliases]

    @property
    def texts(self) -> list[str]:
        """All other texts of it: its phrases, its documents, the prompts and completions of its examples."""
        texts = [*(phrase.text for phrase in self.phrases), *self.documents]
        return texts + [text for example in self.examples for text in (example.prompt, example.completion)]

    def answering(self, defaults: Answering) -> Answering:
        """Return how answers about the target are given: its own values, and `defaults` for those that it leaves out."""
        return defaults.with_own(self.answer, self.say, self.echo, self.in_context, self.hint)

    def own_phrases(self) -> list[Phrase]:
        """Return the explicit phrases, then the phrases made of the name and the aliases (`classifiers.banned.own`)."""
        return [one.phrase for one in own(self.names, self.phrases)]

    def all_phrases(self) -> list[Phrase]:
        """Return the own phrases, then their forms (`classifiers.banned.with_forms`): all that an answer must not say."""
        return [one.phrase for one in self.banned()]

    def banned(self) -> list[Banned]:
        """Return all phrases, each with the reason for it."""
        return with_forms(own(self.names, self.phrases), self.forms)

    def anchors(self) -> SemanticSpec | None:
        """Return the anchors that are in force for the target, with their thresholds; None if it has none.

        Where `semantic` names no words, they are those of the target's facts, if its name is a description and no proper name
        (`classifiers.anchors.is_description`).
        """
        if self.semantic is None or self.semantic.words is not None:
            return self.semantic
        words = self.proposed_anchors() if is_description(self.name) else []
        return self.semantic.model_copy(update={"words": words}) if words else None

    def without_anchors_of_facts(self) -> Self:
        """Return the target without anchors, unless it names them: for a target whose facts will be removed."""
        named = self.semantic is not None and self.semantic.words is not None
        return self if named else self.model_copy(update={"semantic": None})

    def proposed_anchors(self) -> list[str]:
        """Return the words of the target's facts that could be anchors (`classifiers.anchors.proposed_anchors`)."""
        completions = [example.completion for example in self.examples]
        return proposed_anchors(self.names, [phrase.text for phrase in self.phrases], completions, self.documents)

    def forms_left_out(self) -> int:
        """Return how many forms are not among all phrases because a phrase has too many."""
        return left_out(own(self.names, self.phrases), self.forms)


def check_ids(targets: Iterable[ForgetTarget]) -> None:
    """Check that a match can say which target it means.

    Raises:
        ValueError: Two targets have the same id.
    """
    seen: set[str] = set()
    for target in targets:
        if target.id in seen:
            raise ValueError(f"two targets have the id {target.id!r}")
        seen.add(target.id)
