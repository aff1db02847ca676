"""Routes for many targets at once: import, which is all or nothing, and export."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from classifiers.answering import Answering
from server.api.base import ERRORS
from server.api.bodies import check_expiry, read_raw
from server.api.changes import REPLAYED, IdempotencyKey, Once, activated
from server.api.context import Admin, Auditor, Context
from server.api.failures import ApiRoute
from server.api.models import ImportResponse
from server.api.negotiation import preferred
from server.api.transfer import HEADS, MEDIA, Entry, Format, read_targets, written
from server.http.authentication import Principal
from server.http.body import BodyLimits
from server.policy.activation import NotEnforced
from server.policy.file import MAX_BYTES
from server.policy.hints.warnings import warnings_of
from server.running import ApiContext
from server.store import StoredTarget, TargetDraft, Targets
from server.store.audit.record import AuditEvent
from server.store.columns import utc_now
from server.store.tables import Status

router = APIRouter(prefix="/v1", tags=["forget targets"], route_class=ApiRoute, responses={**ERRORS})
_TARGETS = Targets()
_EXPORTED: tuple[Status, ...] = ("pending", "active", "paused")
# The targets' own histories list all of them.
_IDS_IN_AUDIT = 100
_WARNINGS = 100
_PENDING = 503
_FILE = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/forget-targets:import",
    response_model=ImportResponse,
    openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(MEDIA, _FILE)}},
    summary="Import targets",
)
async def import_targets(
    request: Request,
    principal: Admin,
    context: Context,
    dry_run: Annotated[bool, Query(description="only say what an import would do")] = False,
    key: IdempotencyKey = None,
) -> Response:
    """Create or change all targets of a file, or none of them. The file has JSON lines, or YAML like a policy file.

    Targets that are not in the file stay as they are. So do targets that say the same already; a paused target stays paused. The
    answer comes when everything is enforced everywhere.
    """
    limits = BodyLimits(max(MAX_BYTES, context.limits.bytes), context.limits.depth)
    raw, media = await read_raw(request, MEDIA, limits)
    once = Once.of(request, principal, None if dry_run else key)
    entries, warnings = await asyncio.to_thread(read_targets, raw, MEDIA[media], limits)
    now = utc_now()
    for entry in entries:
        check_expiry(entry.draft.expires_at, now, f"target {entry.draft.target.id}: ")
    warnings += await asyncio.to_thread(_warnings, entries, context.activation.enforcement.snapshot.defaults)
    if dry_run:
        async with context.database.read() as session:
            created, changed, unchanged = await _differences(session, entries)
        return _told(created, changed, unchanged, warnings, None)
    async with context.database.write() as session:
        before = await once.begin(session)
        if before is None:
            created, changed, unchanged = await _differences(session, entries)
            await _store(context, session, principal, created, changed)
    replayed = {REPLAYED: "true"} if before else {}
    if before is not None:
        if before.status != _PENDING:
            return JSONResponse(before.response, before.status, replayed)
        found = ImportResponse.model_validate(before.response)
    else:
        found = _response(created, changed, unchanged, warnings, None)
    try:
        number = await activated(context)
    except NotEnforced:
        await once.finish(context, _PENDING, found.model_dump(mode="json"))
        raise
    answer = found.model_copy(update={"snapshot": number}).model_dump(mode="json")
    await once.finish(context, 200, answer)
    return JSONResponse(answer, 200, replayed)


@router.get(
    "/forget-targets:export",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/jsonl": {}, "application/yaml": {}}}},
    summary="Export targets",
)
async def export_targets(
    principal: Auditor,
    context: Context,
    format: Annotated[
        Format | None, Query(description="if left out, the Accept header decides; the default is JSON lines")
    ] = None,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """Return the latest versions of all targets as a file for an import.

    JSON lines hold everything about a target. YAML is a policy file: it has no labels, requester, legal basis, expiry and
    retention.
    """
    kind = format or MEDIA[preferred(accept, list(MEDIA))]
    media = next(name for name, found in MEDIA.items() if found == kind)
    headers = {"Content-Disposition": f'attachment; filename="forget-targets.{kind}"', "Cache-Control": "no-store"}
    return StreamingResponse(_exported(context, kind), media_type=media, headers=headers)


async def _exported(context: ApiContext, kind: Format) -> AsyncIterator[str]:
    with_targets, without = HEADS[kind]
    begun = False
    async with context.database.read() as session:
        async for batch in _TARGETS.batches(session, _EXPORTED):
            text = await asyncio.to_thread(lambda targets: "".join(written(targets, kind)), batch)
            yield text if begun else with_targets + text
            begun = True
    if not begun:
        yield without


def _warnings(entries: Sequence[Entry], defaults: Answering) -> list[str]:
    """Return the warnings about each target, at most `_WARNINGS` and how many more there are."""
    told = [f"target {e.draft.target.id}: {warning}" for e in entries for warning in warnings_of(e.draft.target, defaults)]
    more = [f"and {len(told) - _WARNINGS} more"] if len(told) > _WARNINGS else []
    return told[:_WARNINGS] + more


async def _differences(session: AsyncSession, entries: Sequence[Entry]) -> tuple[list[TargetDraft], list[TargetDraft], int]:
    """Return the drafts of new targets, the drafts of changed targets, and how many targets say the same already."""
    there = await _TARGETS.find(session, [entry.draft.target.id for entry in entries])
    # In a thread: it parses up to thousands of documents.
    return await asyncio.to_thread(_compared, entries, {i: s for i, s in there.items() if s.status != "deleted"})


def _compared(entries: Sequence[Entry], old: Mapping[str, StoredTarget]) -> tuple[list[TargetDraft], list[TargetDraft], int]:
    created = [entry.draft for entry in entries if entry.draft.target.id not in old]
    drafts = [(entry.over(old[i]), old[i].draft()) for entry in entries if (i := entry.draft.target.id) in old]
    changed = [draft for draft, before in drafts if draft != before]
    return created, changed, len(drafts) - len(changed)


async def _store(
    context: ApiContext,
    session: AsyncSession,
    principal: Principal,
    created: Sequence[TargetDraft],
    changed: Sequence[TargetDraft],
) -> None:
    await _TARGETS.create_many(session, created, actor=principal.key_id, reason="import")
    await _TARGETS.update_many(session, changed, actor=principal.key_id, reason="import")
    if created or changed:
        ids = [draft.target.id for draft in (*created, *changed)][:_IDS_IN_AUDIT]
        details = {"created": len(created), "updated": len(changed)}
        await context.audit.append(session, AuditEvent("target.import", principal.key_id, ids, details=details))


def _response(
    created: Sequence[TargetDraft], changed: Sequence[TargetDraft], unchanged: int, warnings: list[str], snapshot: int | None
) -> ImportResponse:
    return ImportResponse(
        created=[draft.target.id for draft in created],
        updated=[draft.target.id for draft in changed],
        unchanged=unchanged,
        snapshot=snapshot,
        warnings=warnings,
    )


def _told(*arguments: Any) -> Response:
    return JSONResponse(_response(*arguments).model_dump(mode="json"))
