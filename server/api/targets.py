"""Routes of targets: create, show, list, change, pause, resume, delete and purge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from guard.restriction import SUFFIX
from server.api.base import ERRORS
from server.api.bodies import MERGE_PATCH, body_of, check_empty, check_expiry, documented, read_object, validated
from server.api.changes import Change, IdempotencyKey, IfMatch, Once, activated, changed, check_match, shown
from server.api.context import Admin, Auditor, Context
from server.api.failures import ApiRoute
from server.api.mergepatch import merged
from server.api.models import History, TargetList, TargetRequest, TargetResponse, VersionResponse
from server.errors import BadRequest
from server.http.authentication import Principal
from server.http.body import JSON
from server.running import ApiContext
from server.store import Purged, StoredTarget, TargetNotFound, Targets
from server.store.audit.record import AuditEvent
from server.store.tables import Status
from server.store.targets.reader import MAX_PAGE

router = APIRouter(prefix="/v1", tags=["forget targets"], route_class=ApiRoute, responses={**ERRORS})

TargetPath = Annotated[str, Path(alias="id", description="the target's id")]
_TARGETS = Targets()


@router.post(
    "/forget-targets", status_code=201, response_model=TargetResponse, openapi_extra=documented(TargetRequest), summary="Forget"
)
async def create(
    request: Request,
    principal: Admin,
    context: Context,
    body: Annotated[TargetRequest, Depends(body_of(TargetRequest))],
    key: IdempotencyKey = None,
) -> Response:
    """Create a target. 201 means that every worker of every server on the store enforces it.

    503 with the code `pending` means that it is stored under the id in `param` and not enforced everywhere yet; the server tries
    again.
    """
    check_expiry(body.expires_at)
    once = Once.of(request, principal, key)
    draft = body.draft(body.id or once.new_id())

    async def change(session: AsyncSession) -> StoredTarget:
        made = await _TARGETS.create(session, draft, actor=principal.key_id)
        return await _recorded(context, session, "target.create", principal, made)

    return await changed(context, once, 201, change, foretell=True)


@router.get("/forget-targets", summary="List targets")
async def list_targets(
    principal: Auditor,
    context: Context,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    cursor: str | None = None,
    status: Status | None = None,
    label: Annotated[Sequence[str], Query(description="`name:value`; a target must have all that are given")] = (),
) -> TargetList:
    """Return a page of targets, oldest first. Deleted targets are listed only with `status=deleted`, purged ones never."""
    async with context.database.read() as session:
        page = await _TARGETS.page(session, cursor=cursor, limit=limit, status=status, labels=_labels(label))
    data = [TargetResponse.of(stored) for stored in page.targets if not stored.purged]
    return TargetList(data=data, next_cursor=page.cursor)


def _switch(status: Literal["paused", "pending"]) -> Callable[..., Awaitable[Response]]:
    """Return the endpoint that pauses or resumes a target. It changes nothing if the target has the status already."""

    async def endpoint(
        request: Request,
        principal: Admin,
        context: Context,
        target_id: TargetPath,
        if_match: IfMatch = None,
        key: IdempotencyKey = None,
    ) -> Response:
        check_empty(request, principal)
        change = _status_change(context, principal, target_id, status, if_match)
        return await changed(context, Once.of(request, principal, key), 200, change)

    return endpoint


# These come before the routes of the target itself, whose path matches these paths, too.
_SWITCHES: Sequence[tuple[str, Literal["paused", "pending"], str, str]] = (
    ("pause", "paused", "Pause a target", "Stop enforcing a target until it is resumed. A paused target stays as it is."),
    ("resume", "pending", "Resume a target", "Enforce a paused target again. A target that is not paused stays as it is."),
)
for _name, _status, _summary, _description in _SWITCHES:
    router.add_api_route(
        f"/forget-targets/{{id}}:{_name}",
        _switch(_status),
        methods=["POST"],
        name=_name,
        response_model=TargetResponse,
        summary=_summary,
        description=_description,
    )


@router.get("/forget-targets/{id}", response_model=TargetResponse, summary="Show a target")
async def show(principal: Auditor, context: Context, target_id: TargetPath) -> Response:
    """Return a target. Its ETag is its version."""
    async with context.database.read() as session:
        return shown(await _TARGETS.get(session, target_id))


@router.get("/forget-targets/{id}/history", summary="Show all versions of a target")
async def history(principal: Auditor, context: Context, target_id: TargetPath) -> History:
    """Return all versions, oldest first: who asked for what, and when. A deleted target has a history, too."""
    async with context.database.read() as session:
        versions = await _TARGETS.history(session, target_id)
    return History(id=target_id, data=[VersionResponse.of(version) for version in versions])


@router.patch(
    "/forget-targets/{id}",
    response_model=TargetResponse,
    openapi_extra={
        "requestBody": {"required": True, "content": {t: {"schema": {"type": "object"}} for t in (MERGE_PATCH, JSON)}}
    },
    summary="Change a target",
)
async def patch(
    request: Request, principal: Admin, context: Context, target_id: TargetPath, if_match: IfMatch = None
) -> Response:
    """Change a target with a JSON merge patch (RFC 7396) of the fields that it was created with.

    The old version is enforced until the new one is enforced everywhere.
    """
    body = await read_object(request, (MERGE_PATCH, JSON))

    async def change(session: AsyncSession) -> StoredTarget:
        old = await _TARGETS.get(session, target_id)
        check_match(if_match, old)
        before = TargetRequest.of(old.draft())
        asked = validated(TargetRequest, merged(before.model_dump(mode="json"), body))
        if asked.id != target_id:
            raise BadRequest(
                "The id of a target cannot be changed. Create a target with the new id, and delete this one.",
                param="id",
                code="invalid_value",
            )
        if asked == before:
            return old
        if asked.expires_at != before.expires_at:
            check_expiry(asked.expires_at)
        draft = asked.draft(target_id)
        if asked.examples == before.examples:
            # The vectors of the same examples still hold, even if their texts are removed.
            draft = replace(draft, vectors=old.vectors)
        made = await _TARGETS.update(session, draft, actor=principal.key_id)
        return await _recorded(context, session, "target.update", principal, made)

    return await changed(context, Once.of(request, principal, None), 200, change, foretell=True)


@router.delete("/forget-targets/{id}", status_code=204, response_class=Response, summary="Delete or purge a target")
async def delete(
    principal: Admin,
    context: Context,
    target_id: TargetPath,
    if_match: IfMatch = None,
    purge: Annotated[bool, Query(description="also remove everything that was ever stored about it")] = False,
) -> Response:
    """Delete a target. 204 means that nothing enforces it any more. Its history stays unless it is purged.

    A purge removes examples, documents, phrases, labels, notes and compiled files of all versions, and overwrites them as far as
    the database can. History and audit log still say that there was a target with this id, and who changed it when. A deleted
    target can be purged later. A purge that was answered with 503 can be sent again.
    """
    async with context.database.write() as session:
        old = await _TARGETS.get(session, target_id, deleted=purge)
        check_match(if_match, old)
        if old.status != "deleted":
            old = await _TARGETS.set_status(session, target_id, "deleted", actor=principal.key_id)
            await _recorded(context, session, "target.delete", principal, old)
    await activated(context, target_id)
    if purge:
        await _purge(context, principal, target_id)
    return Response(status_code=204)


async def _purge(context: ApiContext, principal: Principal, target_id: str) -> None:
    async with context.database.write() as session:
        stored = await _TARGETS.get(session, target_id, deleted=True)
        if stored.status != "deleted":
            # Somebody has created it again meanwhile.
            raise TargetNotFound(target_id)
        purged = await _TARGETS.purge(session, target_id, actor=principal.key_id)
        if not stored.purged:
            await _recorded(context, session, "target.purge", principal, purged.tombstone)
    await context.database.scrub()
    _unlink(context, purged)
    # The classifier still has its names in memory, in a layer that no longer uses them.
    await context.activation.enforcement.merge()


def _unlink(context: ApiContext, purged: Purged) -> None:
    """Remove the restrictions of the target. A worker that still needs one for a request keeps the file mapped."""
    snapshot = context.activation.enforcement.snapshot
    for digest in purged.digests - {*snapshot.always, *snapshot.gated.values()}:
        with suppress(FileNotFoundError):
            (context.restrictions / (digest + SUFFIX)).unlink()


def _status_change(
    context: ApiContext, principal: Principal, target_id: str, status: Literal["paused", "pending"], if_match: str | None
) -> Change:
    async def change(session: AsyncSession) -> StoredTarget:
        old = await _TARGETS.get(session, target_id)
        check_match(if_match, old)
        if (old.status == "paused") == (status == "paused"):
            return old
        made = await _TARGETS.set_status(session, target_id, status, actor=principal.key_id)
        action = "target.pause" if status == "paused" else "target.resume"
        return await _recorded(context, session, action, principal, made)

    return change


async def _recorded(
    context: ApiContext, session: AsyncSession, action: str, principal: Principal, made: StoredTarget
) -> StoredTarget:
    details: dict[str, Any] = {"version": made.version}
    await context.audit.append(session, AuditEvent(action, principal.key_id, [made.id], details=details))
    return made


def _labels(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for label in given:
        name, colon, value = label.partition(":")
        if not colon or not name or name in found:
            raise BadRequest("Write a label as `name:value`, and each name once.", param="label", code="invalid_value")
        found[name] = value
    return found
