"""Forget targets: what somebody asked to have forgotten."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_serializer,
    field_validator,
    model_validator,
)

from classifiers.action import Action
from guard.meaning.anchors import DELTA, FLOOR, WEIGHT, Anchors, Encode, check_thresholds, folded_anchor
from guard.phrase import Phrase
from guard.stopwords import COMMON_WORDS

MAX_ANCHORS = 64
TargetId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class _Model(BaseModel):
    # Errors about a target must be fit for a log: they say where, never what.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _anchor_can_be_found(word: str) -> str:
    folded_anchor(word)
    return word


class Example(_Model):
    """A question about the target and an answer that gives it away. The prompt holds more than white space."""

    prompt: str
    completion: str

    @field_validator("prompt")
    @classmethod
    def _prompt_is_not_blank(cls, prompt: str) -> str:
        if not prompt.strip():
            raise ValueError("an example's prompt is blank")
        return prompt


class SemanticSpec(_Model):
    """Words near which an answer about the target must not come in meaning.

    A word whose cosine with one of `words` is `delta` or more is banned; from `floor` up to there it costs up to `weight` logits.

    Raises pydantic.ValidationError, without the offending text, for a word that is a stop word, a number or too short to be
    compared, and thresholds that are not 0 <= floor < delta < 1.
    """

    words: Annotated[list[Annotated[str, AfterValidator(_anchor_can_be_found)]], Field(min_length=1, max_length=MAX_ANCHORS)]
    delta: float = DELTA
    floor: float = FLOOR
    weight: float = WEIGHT

    @model_validator(mode="after")
    def _thresholds_are_in_order(self) -> SemanticSpec:
        check_thresholds(self.delta, self.floor, self.weight)
        return self

    def anchors(self, encode: Encode, encoder: str) -> Anchors:
        """Return the words with their vectors; `encoder` names what `encode` is. Raises what `encode` raises."""
        return Anchors.of(self.words, encode, encoder=encoder, delta=self.delta, floor=self.floor, weight=self.weight)


class ForgetTarget(_Model):
    """One thing to be forgotten.

    `aliases` are other names of it, `examples` and `documents` show what is known about it, `phrases` are what an answer must
    not say, `semantic` the words that an answer to a prompt about it must not come near in meaning. `action` is what happens to a
    prompt about it.

    Raises pydantic.ValidationError, without the offending text, for a name or alias that is longer than a phrase may be or that
    holds no letter or digit: it could never be found.
    """

    id: TargetId
    name: str
    aliases: list[str] = Field(default_factory=list)
    examples: list[Example] = Field(default_factory=list)
    documents: list[str] = Field(default_factory=list)
    phrases: list[Phrase] = Field(default_factory=list)
    semantic: SemanticSpec | None = None
    action: Action = Action.SUPPRESS

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

    @field_serializer("phrases", when_used="json")
    def _json_of_phrases(self, phrases: list[Phrase]) -> list[dict[str, Any]]:
        # JSON has no infinity, and pydantic would write null, which does not read back: a ban is the penalty left out.
        records = [
            {"text": p.text, "scope": p.scope, "match": p.match, "penalty": p.penalty, "beta": p.beta, "force": p.force}
            for p in phrases
        ]
        return [{k: v for k, v in record.items() if v != math.inf} for record in records]

    @property
    def names(self) -> list[str]:
        """The name, then the aliases."""
        return [self.name, *self.aliases]

    def all_phrases(self) -> list[Phrase]:
        """Return the explicit phrases, then those that the name and the aliases make.

        A name of two or more folded words is specific enough for scope `always`; one of a single word may be a common word and is
        `gated`; one of stop words alone makes no phrase. A name whose folded text is an explicit phrase's adds nothing, so
        an explicit scope, match or penalty holds.
        Repeated phrases are left out, the order is kept.
        """
        explicit = list(dict.fromkeys(self.phrases))
        said = {phrase.folded for phrase in explicit}
        return explicit + list(_phrases_of_names(self.names, said))


def _phrases_of_names(names: Iterable[str], said: set[str]) -> Iterable[Phrase]:
    for name in names:
        folded = Phrase(name, force=True).folded
        words = folded.split()
        # A person called Will is looked for by that name; that nobody may say "will" is for an explicit phrase to ask.
        if folded not in said and not COMMON_WORDS.issuperset(words):
            said.add(folded)
            yield Phrase(name, scope="always" if len(words) > 1 else "gated")


def check_ids(targets: Iterable[ForgetTarget]) -> None:
    """Raise ValueError if two targets have the same id: a match could not say which of them it means."""
    seen: set[str] = set()
    for target in targets:
        if target.id in seen:
            raise ValueError(f"two targets have the id {target.id!r}")
        seen.add(target.id)
