"""Changes of targets, from the transaction that stores one to the answer that it is enforced everywhere.

The transaction that stores a change takes the idempotency key too, so the store has both or neither. The answer is stored with
the key once the change is enforced. If it was not enforced in time, the key holds the target: the same request sent again tries
once more, and does not make a second target.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Header, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from server.api.bodies import digest_of
from server.api.failures import location, pending, stale
from server.api.models import TargetResponse
from server.errors import NotFound
from server.http.authentication import Principal
from server.policy.activation import NotEnforced
from server.running import ApiContext
from server.store import Idempotency, StoredResponse, StoredTarget, Targets
from server.store.idempotency import MAX_KEY_CHARS
from server.store.records import RAW_FIELDS

logger = logging.getLogger(__name__)

REPLAYED = "Idempotent-Replayed"
_KEYS = Idempotency()
_PENDING = 503

IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="entity tags of the versions that may be changed, or `*` for any")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY_CHARS,
        description="a request sent again with the same key gets the same answer and changes nothing",
    ),
]
Change = Callable[[AsyncSession], Awaitable[StoredTarget]]
"""Stores a change of a target with its audit record, and returns the target."""


def check_match(if_match: str | None, stored: StoredTarget) -> None:
    """Raise the error for a 412 unless the client has seen this version (RFC 9110, 13.1.1, with strong comparison)."""
    if if_match is None:
        return
    tags = {tag.strip() for tag in if_match.split(",")}
    if not tags & {"*", stored.etag}:
        raise stale(stored.version)


@dataclass(frozen=True, slots=True)
class Once:
    """A request's idempotency key, None if it has none; who sent the request; and the request's digest."""

    key: str | None
    actor: str
    request: str

    @classmethod
    def of(cls, request: Request, principal: Principal, key: str | None) -> Once:
        """Return this of a request whose body has been read."""
        return cls(key, principal.key_id, digest_of(request))

    def new_id(self) -> str:
        """Return an id for a new target without one. A request with a key gets the same id each time.

        So a request that is sent again after the server died cannot make a second target.
        """
        if self.key is None:
            return f"t-{uuid.uuid4().hex}"
        named = json.dumps([self.actor, self.key, self.request])
        return f"t-{hashlib.sha256(named.encode()).hexdigest()[:32]}"

    async def begin(self, session: AsyncSession) -> StoredResponse | None:
        """Return the answer that the request got before; None if it is new, and then take the key. Raises IdempotencyConflict."""
        return await _KEYS.begin(session, self.key, self.actor, self.request) if self.key is not None else None

    async def finish(self, context: ApiContext, status: int, body: Any, target_id: str | None = None) -> None:
        """Store the answer with the key."""
        if self.key is not None:
            async with context.database.write() as session:
                await _KEYS.finish(session, self.key, self.actor, status, body, target_id=target_id)


async def changed(context: ApiContext, once: Once, status: int, change: Change, *, foretell: bool = False) -> Response:
    """Store a change once, and answer `status` when it is enforced everywhere.

    With `foretell`, the answer warns if detection is expected to miss more questions about the target than is promised.

    Raises:
        NotEnforced: the change was not enforced everywhere in time; the error names the target.
    """
    async with context.database.write() as session:
        before = await once.begin(session)
        made = None if before else await change(session)
    if made is None:
        assert before is not None
        return await _again(context, once, before)
    return await _answer(context, once, status, made, foretell=foretell)


async def activated(context: ApiContext, target_id: str | None = None) -> int:
    """Enforce everything that is stored, everywhere, and return the number of a snapshot that has it.

    Raises:
        NotEnforced: anything went wrong; the error names the target. The change is stored, and the server tries again.
    """
    failure: NotEnforced
    try:
        return await context.activation.activate()
    except NotEnforced as error:
        failure = error
    except Exception as error:
        logger.error("a change is not enforced yet: %s", type(error).__name__)
        failure = NotEnforced("The change is stored, but not enforced everywhere yet.", headers={"Retry-After": "2"})
    raise pending(failure, target_id)


async def enforced(context: ApiContext, made: StoredTarget) -> StoredTarget:
    """Enforce a version of a target everywhere, and return the target as it is then. Raises NotEnforced."""
    number = await activated(context, made.id)
    async with context.database.read() as session:
        found = (await Targets().find(session, [made.id])).get(made.id)
    if found is not None and found.version == made.version:
        return found
    # Somebody has changed it since. The answer is about the version of this request, which has been enforced.
    document = made.document
    if document is not None and not made.retain_examples:
        document = {**document, **{name: [] for name in RAW_FIELDS}}
    if made.status != "pending":
        return replace(made, document=document, active_version=None)
    return replace(
        made,
        status="active",
        document=document,
        activated_at=made.activated_at or made.updated_at,
        activated_snapshot=number,
        active_version=made.version,
    )


def shown(stored: StoredTarget, status: int = 200, *, replayed: bool = False) -> Response:
    """Return a target as an answer."""
    body = TargetResponse.of(stored).model_dump(mode="json")
    return _response(body, status, replayed)


async def _answer(
    context: ApiContext, once: Once, status: int, made: StoredTarget, *, replayed: bool = False, foretell: bool = False
) -> Response:
    try:
        current = await enforced(context, made)
    except NotEnforced:
        await once.finish(context, _PENDING, {"id": made.id, "version": made.version, "status": status}, made.id)
        raise
    body = TargetResponse.of(current, context.activation.enforcement.snapshot.defaults).model_dump(mode="json")
    if foretell and context.foretelling is not None:
        # Once it is enforced, which must not wait for this; of the version that came, whose examples may be removed by now.
        body["warnings"] += await context.foretelling.warnings(made.target)
    await once.finish(context, status, body, made.id)
    return _response(body, status, replayed)


async def _again(context: ApiContext, once: Once, before: StoredResponse) -> Response:
    body = before.response
    if body is None:
        raise NotFound("The target of the first request with this idempotency key was purged.", param="id")
    if before.status != _PENDING:
        return _response(body, before.status, True)
    async with context.database.read() as session:
        stored = await Targets().get(session, body["id"])
    return await _answer(context, once, body["status"], stored, replayed=True)


def _response(body: dict[str, Any], status: int, replayed: bool) -> Response:
    headers = {"ETag": f'"{body["version"]}"'}
    if status == 201:
        headers["Location"] = location(body["id"])
    if replayed:
        headers[REPLAYED] = "true"
    return Response(json.dumps(body, ensure_ascii=False), status, headers, media_type="application/json")
