"""The report about a target, for the person who asked for it and for the operator who has to show that it was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import Field

from classifiers.action import Action
from classifiers.calibration.advice import advice
from classifiers.calibration.limits import Calibration
from classifiers.detection import DetectionSpec
from classifiers.target import ForgetTarget
from server.api.answering import EffectiveAnswering
from server.api.base import ERRORS, ApiModel
from server.api.context import Auditor, Context
from server.api.failures import ApiRoute
from server.api.negotiation import preferred
from server.api.targets import TargetPath
from server.metrics import AnswerCounts
from server.running import ApiContext
from server.store import Snapshots, StoredTarget, Targets
from server.store.audit.record import OUTPUT, REQUEST, AuditFilter
from server.store.columns import utc_now
from server.store.tables import Status

router = APIRouter(prefix="/v1", tags=["forget targets"], route_class=ApiRoute, responses={**ERRORS})

LIMITS = (
    "Suppressed, not removed: the model's weights are unchanged. What this server keeps the model from saying, the model may say "
    "where it is used without this server.",
    "A request is found to be about the target by its names, its identifying phrases and its likeness to the examples. A request "
    "that hints at the target in a way that resembles none of these may not be found.",
    "The listed phrases are kept out of answers, however they are spelled in tokens. The same fact in other words is kept out "
    "only where words near in meaning are suppressed, too.",
    "Counts of requests and answers about the target are those of the audit log, which is kept for a limited time. Counts of "
    "what became of answers are those of the server process that made the report, since its start and over all targets.",
)
# The page has its own style and nothing else: no script, image, font, frame or form.
_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class ReportPhrase(ApiModel):
    """A phrase that is kept out of answers."""

    text: str
    scope: str
    penalty: float | None = Field(description="null: the phrase is never said")


class ReportCalibration(ApiModel):
    """How the server decides that a prompt is about the target."""

    encoder: str = Field(description="fingerprint of the sentence encoder")
    cosine: float = Field(description="least likeness to an example")
    margin: float = Field(description="least lead over the nearest innocent prompt")
    examples: int | None = Field(description="how many; null: their text was removed, and their vectors are used")
    calibrated: bool = Field(description="whether a limit was computed for the target's group")
    limit: float | None = Field(description="what is added to both figures; null: no limit is needed beside the names")
    promised_miss_rate: float | None = Field(
        description="null: nothing is promised, because there are too few texts or because false alarms decide the limit"
    )
    texts: int | None = Field(description="how many texts the limit was computed from")
    false_alarm_rate: float | None = Field(description="share of innocent prompts that the limit lets through")
    cap: float | None = Field(description="share of innocent prompts that may be found; it wins over the promise")
    capped: bool = Field(description="whether the limit is higher than the promise needs, to keep out innocent prompts")
    missed: float | None = Field(
        description="share of the questions that do not name the target that is expected to be missed; where the target's own "
        "examples do not tell, the share of all targets' reworded examples; null: not known"
    )
    negatives: int | None = Field(description="how many innocent questions, made of the examples, the limit was tried on")
    advice: str | None = Field(description="what to expect of the examples and what to add; null if the promise is kept")


class ReportEnforcement(ApiModel):
    """What the audit log knows of requests about the target."""

    requests: int
    suppressed_tokens: int = Field(description="how many times the answers to them had to say another token than the likeliest")
    found_in_output: int = Field(
        description="how many answers turned out to be about the target although their requests did not show it"
    )
    snapshot: int = Field(description="number of the active policy snapshot")
    snapshot_digest: str | None
    snapshot_activated_at: datetime | None


class ReportAnswers(ApiModel):
    """What became of answers, over all targets: the counters of the process that makes the report, since its start."""

    hits: int = Field(description="how many times an answer was about to say a phrase and was stopped")
    continued: int = Field(description="how many of them went on another way")
    exhausted: int = Field(description="how many had no other way left")
    abstentions: int = Field(description="how many answers said the policy's text instead")
    escalations: int = Field(description="how many answers turned out to be about a target that their request did not show")
    verifier_misses: int = Field(description="what the last reading of an answer found and took out")

    @classmethod
    def of(cls, counts: AnswerCounts) -> ReportAnswers:
        """Return the counts as they are shown."""
        return cls(**asdict(counts))


class Report(ApiModel):
    """What is suppressed and since when, how the server decides, how often it enforced, and what the method cannot do."""

    id: str
    name: str
    aliases: list[str]
    status: Status
    action: Action
    version: int
    enforced_version: int | None
    created_at: datetime
    enforced_since: datetime | None
    expires_at: datetime | None
    requester: str | None
    legal_basis: str | None
    examples_retained: bool
    phrases: list[ReportPhrase]
    semantic_words: list[str]
    answering: EffectiveAnswering
    detection: DetectionSpec
    calibration: ReportCalibration
    enforcement: ReportEnforcement
    answers: ReportAnswers
    limits: list[str]
    made_at: datetime


@router.get(
    "/forget-targets/{id}/report",
    response_model=Report,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
    summary="Report about a target",
)
async def report(
    principal: Auditor,
    context: Context,
    target_id: TargetPath,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """Return the report as JSON, or with `Accept: text/html` as a page for print."""
    async with context.database.read() as session:
        stored = await Targets().get(session, target_id)
        active = await Snapshots().active(session)
        about = AuditFilter(action=REQUEST, target_id=target_id)
        requests, suppressed = await context.audit.count(session, about), await context.audit.suppressed(session, about)
        found = await context.audit.count(session, AuditFilter(action=OUTPUT, target_id=target_id))
    enforcement = ReportEnforcement(
        requests=requests,
        suppressed_tokens=suppressed,
        found_in_output=found,
        snapshot=active.number if active else 0,
        snapshot_digest=active.digest if active else None,
        snapshot_activated_at=active.activated_at if active else None,
    )
    made = _report(context, stored, enforcement)
    if preferred(accept, ["application/json", "text/html"]) == "text/html":
        return HTMLResponse(_page().render(report=made), headers=_SECURITY)
    return JSONResponse(made.model_dump(mode="json"))


def _report(context: ApiContext, stored: StoredTarget, enforcement: ReportEnforcement) -> Report:
    target = stored.target
    phrases = target.own_phrases() if target.action.bans else []
    anchors = target.anchors()
    snapshot = context.activation.enforcement.snapshot
    removed = not target.examples and stored.vectors is not None
    return Report(
        id=stored.id,
        name=target.name,
        aliases=target.aliases,
        status=stored.status,
        action=target.action,
        version=stored.version,
        enforced_version=stored.active_version,
        created_at=stored.created_at,
        enforced_since=stored.activated_at if stored.active_version is not None else None,
        expires_at=stored.expires_at,
        requester=stored.requester,
        legal_basis=stored.legal_basis,
        examples_retained=stored.retain_examples,
        phrases=[
            ReportPhrase(text=p.text, scope=p.scope, penalty=None if p.penalty == float("inf") else p.penalty) for p in phrases
        ],
        semantic_words=list(anchors.words or ()) if anchors and target.action.bans else [],
        answering=EffectiveAnswering.of(target.answering(snapshot.defaults)),
        detection=snapshot.detection.with_own(target.detection).spec,
        calibration=ReportCalibration(
            encoder=context.encoder.fingerprint,
            cosine=context.thresholds.cosine,
            margin=context.thresholds.margin,
            examples=None if removed else len(target.examples),
            **_calibrated(context.calibration(), target),
        ),
        enforcement=enforcement,
        answers=ReportAnswers.of(context.metrics.answers()),
        limits=list(LIMITS),
        made_at=utc_now(),
    )


def _calibrated(calibration: Calibration | None, target: ForgetTarget) -> Mapping[str, Any]:
    groups = calibration.groups if calibration else ()
    name = calibration.group_of.get(target.id) if calibration else None
    # If there is one group, its limit holds for targets outside the sample as well.
    group = next((group for group in groups if group.group == name or len(groups) == 1), None)
    if calibration is None or group is None:
        unknown = ("limit", "promised_miss_rate", "texts", "false_alarm_rate", "cap", "missed", "negatives", "advice")
        return {"calibrated": False, "capped": False, **dict.fromkeys(unknown)}
    own = calibration.targets.get(target.id)
    limit = calibration.limits.get(target.id, group.limit)
    capped = group.conformal is not None and limit > group.conformal
    missed = own.missed if own else None
    if missed is None and len(target.examples) != 1:
        # What the group's examples tell. Of a target with one example nothing can be told.
        missed = group.missed
    return {
        "calibrated": True,
        # JSON has no infinity. An infinite limit means that names alone keep the promise: there is no limit then.
        "limit": limit if abs(limit) != float("inf") else None,
        "promised_miss_rate": None if capped else group.promised,
        "texts": group.n,
        "false_alarm_rate": group.false_alarms,
        "cap": group.cap,
        "capped": capped,
        "missed": missed,
        "negatives": own.negatives if own else None,
        "advice": advice(target, own.missed, group.alpha) if own else None,
    }


@lru_cache(1)
def _page() -> Any:
    folder = Path(__file__).parent / "templates"
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["moment"] = lambda moment: moment.strftime("%Y-%m-%d %H:%M UTC") if moment else "\u2013"
    environment.filters["number"] = lambda value: f"{value:.3g}"
    environment.filters["share"] = lambda value: f"{100 * value:.3g}%"
    return environment.get_template("report.html")
