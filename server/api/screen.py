"""Routes that decide about a text and generate nothing: one for operators, one in the shape of OpenAI's moderations."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, Depends, Request
from pydantic import Field, field_validator, model_validator

from server.api.base import ERRORS, ApiModel
from server.api.bodies import body_of, documented
from server.api.context import Context, ScreeningAuditor, ScreeningClient
from server.api.failures import ApiRoute
from server.errors import NotReady
from server.http.authentication import Principal, client_of
from server.http.disconnect import unless_gone
from server.http.requestlimits import RequestLimits
from server.openai.chat import CHAT, texts_of_chat
from server.openai.length import check_texts
from server.running import ApiContext
from server.screening.conversation import Text
from server.screening.decision import Decision, Verdict
from server.screening.screener import Screener

router = APIRouter(prefix="/v1", tags=["screening"], route_class=ApiRoute, responses={**ERRORS})

RESTRICTED = "restricted"
"""The one category in a client's answer. It is confidential which target a text is about."""
MAX_INPUTS = 1000
CATEGORIES: Final = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent"),
    *("self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic"),
)
"""OpenAI's categories. The client libraries' types have all of them."""
_PART: Final = '{"type": "text", "text": "..."}'
# Texts of one request that are screened together; others' requests come between.
_AT_ONCE = 8


class ScreenRequest(ApiModel):
    """Either a text or the messages of a conversation."""

    text: str | None = None
    messages: list[dict[str, Any]] | None = Field(None, description="as for chat completions")

    @model_validator(mode="after")
    def _is_one_of_the_two(self) -> Self:
        if (self.text is None) == (self.messages is None):
            raise ValueError("give either `text` or `messages`")
        return self


class ScreenMatch(ApiModel):
    """A target that the text is about."""

    target_id: str
    score: float
    evidence: str = Field(description="why; it holds nothing of the text or the target")
    classifier: str


class ScreenResponse(ApiModel):
    """What the server would do with a request that holds the text."""

    decision_id: str
    verdict: Verdict
    snapshot: int
    matches: list[ScreenMatch]
    allowed: list[str] = Field(description="what is in the text and an answer may say although it is a phrase of these targets")
    language: str | None = Field(
        description="the text's language (ISO 639-1), which picks what an answer says in place of a phrase"
    )
    restrictions: list[str] = Field(description="digests of the restrictions for the answer")


class ModerationPart(ApiModel):
    """A part of a text, as in a message."""

    type: Literal["text"]
    text: str


class ModerationRequest(ApiModel):
    """The request of OpenAI's moderations, with texts only."""

    input: (
        str
        | Annotated[list[str], Field(min_length=1, max_length=MAX_INPUTS)]
        | Annotated[list[ModerationPart], Field(min_length=1, max_length=MAX_INPUTS)]
    ) = Field(description="a text, several texts, or one text in parts")
    model: str | None = Field(None, description="ignored: there is one policy")

    @field_validator("input", mode="before")
    @classmethod
    def _is_one_of_the_three(cls, value: Any) -> Any:
        # The union itself would name each of its members that does not fit.
        if isinstance(value, str):
            return value
        if not isinstance(value, list) or not value:
            raise ValueError(f"write a text, or a list of texts or of parts {_PART}")
        if len(value) > MAX_INPUTS:
            raise ValueError(f"has {len(value)} texts: send {MAX_INPUTS} at most")
        if not all(isinstance(each, str) for each in value) and not all(_is_part(each) for each in value):
            raise ValueError(f"write a list of texts alone, or of parts {_PART} alone: the server reads no images")
        return value

    def texts(self) -> list[list[Text]]:
        """Return the texts of each thing to decide about: each text of a list, or all parts together."""
        if isinstance(self.input, str):
            return [[Text(self.input, "input")]]
        joined = [part.text for part in self.input if isinstance(part, ModerationPart)]
        if joined:
            # A word may go on in the next part, and it may not: templates differ.
            return [[Text(text, "input") for text in dict.fromkeys((" ".join(joined), "".join(joined)))]]
        return [[Text(text, f"input[{i}]")] for i, text in enumerate(self.input) if isinstance(text, str)]


class ModerationResult(ApiModel):
    """What was found in one text: OpenAI's categories, which are never found, and besides these what the policy is about."""

    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, list[Literal["text"]]]


class ModerationResponse(ApiModel):
    """What was found in each text, in order."""

    id: str
    model: str
    results: list[ModerationResult]


@router.post("/screen", openapi_extra=documented(ScreenRequest), summary="Decide about a text without generating")
async def screen(
    request: Request,
    principal: ScreeningAuditor,
    context: Context,
    body: Annotated[ScreenRequest, Depends(body_of(ScreenRequest))],
) -> ScreenResponse:
    """Return what the server would do with a request that holds the text, and why."""
    decision = (await _decisions(request, context, principal, [_texts(body, context.request_limits)]))[0]
    return ScreenResponse(
        decision_id=decision.id,
        verdict=decision.verdict,
        snapshot=decision.snapshot,
        matches=[
            ScreenMatch(target_id=m.target_id, score=m.score, evidence=m.evidence, classifier=m.classifier)
            for m in decision.matches
        ],
        allowed=list(decision.allowed),
        language=decision.language,
        restrictions=decision.argument,
    )


@router.post("/moderations", openapi_extra=documented(ModerationRequest), summary="Moderate texts, in OpenAI's shape")
async def moderations(
    request: Request,
    principal: ScreeningClient,
    context: Context,
    body: Annotated[ModerationRequest, Depends(body_of(ModerationRequest))],
) -> ModerationResponse:
    """Return which texts are about something that is to be forgotten.

    For admins and auditors, the categories are the targets that were found, with their scores; this includes targets with the
    action `monitor`. For clients there is one category, `restricted`: true with a score of 1 if the server would restrict or
    refuse a request with the text. OpenAI's own categories are false for all, because the policy is not about them: strictly
    typed clients need them. Each input counts as a request against the key's rate limit.
    """
    inputs = body.texts()
    context.authenticator.count(principal, len(inputs) - 1)
    decisions = await _decisions(request, context, principal, inputs)
    result = _by_target if principal.may("auditor") else _for_client
    return ModerationResponse(
        id=f"modr-{uuid.uuid4().hex}", model="guard-server", results=[result(decision) for decision in decisions]
    )


async def _decisions(
    request: Request, context: ApiContext, principal: Principal, requests: Sequence[Sequence[Text]]
) -> list[Decision]:
    if not context.activation.serving:
        raise NotReady(
            "The server cannot tell which policy is in force: the store does not answer. Try again.", headers={"Retry-After": "1"}
        )
    context.decisions.admit()

    for texts in requests:
        check_texts(texts, context.activation.enforcement.context_length, None)
    slots = asyncio.Semaphore(_AT_ONCE)
    client = client_of(principal, request.scope)

    async def decided(screener: Screener, texts: Sequence[Text]) -> Decision:
        async with slots:
            started = time.perf_counter()
            decision = await screener.decide(texts, client=client)
            context.decisions.screened(decision, principal.key_id, time.perf_counter() - started, texts)
            return decision

    async with context.activation.enforcement.admitted() as screener:

        async def all_decided() -> list[Decision]:
            # At once, so that the classifiers get them in batches.
            return await asyncio.gather(*(decided(screener, texts) for texts in requests))

        return await unless_gone(all_decided(), request.receive)


def _texts(body: ScreenRequest, limits: RequestLimits) -> list[Text]:
    if body.messages is None:
        return [Text(body.text or "", "text")]
    asked = {"messages": body.messages}
    CHAT.check(asked)
    CHAT.check_counts(asked, limits)
    return texts_of_chat(asked)


def _by_target(decision: Decision) -> ModerationResult:
    scores = {match.target_id: match.score for match in decision.matches}
    return _result(bool(scores), dict.fromkeys(scores, True), scores)


def _for_client(decision: Decision) -> ModerationResult:
    # The score itself would let a client find out, try by try, how near a text is to the list.
    found = decision.flagged
    return _result(found, {RESTRICTED: found}, {RESTRICTED: float(found)})


def _result(flagged: bool, found: dict[str, bool], scores: dict[str, float]) -> ModerationResult:
    # A target may have the id of one of OpenAI's categories. Then the answer says whether the target was found.
    return ModerationResult(
        flagged=flagged,
        categories={**dict.fromkeys(CATEGORIES, False), **found},
        category_scores={**dict.fromkeys(CATEGORIES, 0.0), **scores},
        category_applied_input_types={name: ["text"] for name in (*CATEGORIES, *found)},
    )


def _is_part(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"type", "text"}
        and value["type"] == "text"
        and isinstance(value["text"], str)
    )
