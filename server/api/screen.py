"""Routes that decide about a text and generate nothing: one for operators, one in the shape of OpenAI's moderations."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Request
from pydantic import Field, model_validator

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


class ModerationRequest(ApiModel):
    """The request of OpenAI's moderations, with texts only."""

    input: str | Annotated[list[str], Field(min_length=1, max_length=MAX_INPUTS)]
    model: str | None = Field(None, description="ignored: there is one policy")


class ModerationResult(ApiModel):
    """What was found in one text. Only categories that were found are listed, and a client's one category."""

    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]


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
    refuse a request with the text. Each input counts as a request against the key's rate limit.
    """
    inputs = [body.input] if isinstance(body.input, str) else body.input
    context.authenticator.count(principal, len(inputs) - 1)
    decisions = await _decisions(request, context, principal, [[Text(text, f"input[{i}]")] for i, text in enumerate(inputs)])
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
    return ModerationResult(flagged=bool(scores), categories=dict.fromkeys(scores, True), category_scores=scores)


def _for_client(decision: Decision) -> ModerationResult:
    # The score itself would let a client find out, try by try, how near a text is to the list.
    found = decision.flagged
    return ModerationResult(flagged=found, categories={RESTRICTED: found}, category_scores={RESTRICTED: float(found)})
