"""The route that previews a target. It stores nothing and logs nothing."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from classifiers import ForgetTarget
from classifiers.answering import places
from classifiers.banned import check_cut, check_exceptions, check_says_none
from classifiers.detection import DetectionSpec
from classifiers.semantic import Near
from guard.errors import PhraseError
from guard.form import Form
from guard.phrase import MatchKind, Phrase, Scope
from server.api.answering import EffectiveAnswering
from server.api.base import ERRORS, ApiModel
from server.api.bodies import body_of, documented
from server.api.context import Admin, Context
from server.api.failures import ApiRoute
from server.api.models import PreviewRequest, target_of
from server.errors import BadRequest
from server.policy.hints.namesakes import Namesakes
from server.policy.hints.warnings import warnings_of
from server.policy.preview import FalseAlarms, Shown
from server.screening.snapshot import PolicySnapshot

router = APIRouter(prefix="/v1", tags=["forget targets"], route_class=ApiRoute, responses={**ERRORS})
_UNNAMED = "preview"


class PreviewPhrase(ApiModel):
    """A phrase that the target bans, or a phrase that its examples suggest."""

    text: str
    folded: str = Field(description="the phrase as it is compared with answers")
    scope: Scope
    match: MatchKind
    penalty: float | None = Field(description="null bans the phrase")
    force: bool = Field(description="whether a target may have the phrase only if it is forced")
    reason: str = Field(description="`explicit`, `name`, the kind of form that it is, or why the server proposes it")
    form_of: str | None = Field(description="the phrase that it is a form of")
    ending: bool = Field(description="whether its last word may have an ending, as in a plural or a case")
    gap: bool = Field(description="whether one more word may come between two of its words")
    proposed: bool = Field(description="whether it is a suggestion, not a part of the target")
    source: str | None = Field(description="where the suggestion comes from, such as `examples[3]`")
    tokens: int | None = Field(description="how many different tokens it bans; 0 if the action is `monitor`")
    background: int = Field(description="how many innocent prompts hold it")

    @classmethod
    def of(cls, shown: Shown) -> PreviewPhrase:
        """Return a phrase as it is shown."""
        phrase = shown.phrase
        return cls(
            text=phrase.text,
            folded=phrase.folded,
            scope=phrase.scope,
            match=phrase.match,
            penalty=None if phrase.penalty == float("inf") else phrase.penalty,
            force=phrase.force,
            reason=shown.reason,
            form_of=shown.form_of.text if shown.form_of else None,
            ending=isinstance(phrase, Form) and phrase.ending,
            gap=isinstance(phrase, Form) and phrase.gaps,
            proposed=shown.source is not None,
            source=shown.source,
            tokens=shown.tokens,
            background=shown.background,
        )


class PreviewWord(ApiModel):
    """A word that comes near an anchor in meaning."""

    word: str
    anchor: str
    cosine: float = Field(description="1 for the anchor itself, which is banned with its endings")
    penalty: float | None = Field(description="what the word loses, in logits; null bans it")

    @classmethod
    def of(cls, near: Near) -> PreviewWord:
        """Return a word as it is shown."""
        penalty = None if near.penalty == float("inf") else round(near.penalty, 2)
        return cls(word=near.word, anchor=near.anchor, cosine=near.cosine, penalty=penalty)


class RefusedPhrase(ApiModel):
    """A phrase that a target may not have."""

    index: int
    reason: str


class PreviewFalseAlarms(ApiModel):
    """In how many innocent prompts the target would be found."""

    prompts: int
    by_name: int
    by_meaning: int
    share: float = Field(description="share of the prompts that are found, by name or by meaning")

    @classmethod
    def of(cls, found: FalseAlarms) -> PreviewFalseAlarms:
        """Return the counts as they are shown."""
        share = found.either / found.prompts if found.prompts else 0.0
        return cls(prompts=found.prompts, by_name=found.by_name, by_meaning=found.by_meaning, share=share)


class PreviewResponse(ApiModel):
    """What a target would do."""

    phrases: list[PreviewPhrase]
    forms_left_out: int = Field(description="how many forms are not banned because a phrase has too many")
    semantic: list[PreviewWord] = Field(description="words that answers about the target avoid for their meaning")
    proposed_anchors: list[str] = Field(description="words of the target's facts that could be `semantic.words`, in force or not")
    refused: list[RefusedPhrase]
    warnings: list[str] = Field(description="what the target would do that may not be expected")
    false_alarms: PreviewFalseAlarms
    answering: EffectiveAnswering = Field(description="how answers about the target would be given")
    detection: DetectionSpec = Field(description="which texts of a request would count for the target; every value is decided")


@router.post("/forget-targets:preview", openapi_extra=documented(PreviewRequest), summary="Preview a target")
async def preview(
    principal: Admin, context: Context, body: Annotated[PreviewRequest, Depends(body_of(PreviewRequest))]
) -> PreviewResponse:
    """Return what a target would ban and why, which phrases and anchors its examples suggest, which of its phrases would be
    refused, and how many innocent prompts would be taken to be about it. Nothing is stored.
    """
    refused: list[RefusedPhrase] = []
    allowed: list[Phrase] = []
    for index, phrase in enumerate(body.phrases):
        try:
            made = phrase.phrase()
            check_cut(made)
            allowed.append(made)
        except PhraseError as error:
            refused.append(RefusedPhrase(index=index, reason=str(error)))

    def look(target: ForgetTarget) -> tuple[list[Shown], list[Near], list[str], FalseAlarms]:
        shown, words = context.previewer.phrases(target, body.language), context.previewer.words(target)
        return shown, words, _warnings(target, body, snapshot), context.previewer.false_alarms(target)

    snapshot = context.activation.enforcement.snapshot
    defaults = snapshot.defaults

    try:
        target = target_of(body, body.id or _UNNAMED, allowed, texts=False)
        phrases, words, warnings, false_alarms = await asyncio.to_thread(look, target)
        if context.foretelling is not None:
            warnings += await context.foretelling.warnings(target)
    except LookupError:
        raise BadRequest(
            "There is no word list for this language. Give a code of ISO 639, such as `en`.",
            param="language",
            code="invalid_value",
        ) from None
    return PreviewResponse(
        phrases=[PreviewPhrase.of(shown) for shown in phrases],
        forms_left_out=target.forms_left_out(),
        semantic=[PreviewWord.of(near) for near in words],
        proposed_anchors=target.proposed_anchors(),
        refused=refused,
        warnings=warnings,
        false_alarms=PreviewFalseAlarms.of(false_alarms),
        answering=EffectiveAnswering.of(defaults.with_own(body.answer, body.say, body.echo, body.in_context, body.hint)),
        detection=snapshot.detection.with_own(body.detection).spec,
    )


def _warnings(target: ForgetTarget, body: PreviewRequest, snapshot: PolicySnapshot) -> list[str]:
    """Return the warnings about a target with the exceptions and texts of a request, and what is wrong with these."""
    wrong = []
    phrases = target.all_phrases()
    excepted = target.model_copy(update={"excepted": body.excepted})
    try:
        check_exceptions(body.excepted, phrases)
    except PhraseError as error:
        wrong.append(str(error))
        excepted = target
    try:
        check_says_none(places(body.say, body.hint), phrases)
    except PhraseError as error:
        wrong.append(str(error))
    told = warnings_of(excepted.model_copy(update={"say": body.say, "hint": body.hint}), snapshot.defaults)
    return [*told, *Namesakes(snapshot.targets.values()).warnings(target), *wrong]
