"""Routes that make, list and revoke API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from server.api.base import ERRORS, ApiModel
from server.api.bodies import body_of, check_expiry, documented
from server.api.context import Admin, Context
from server.api.failures import ApiRoute
from server.api.models import Moment
from server.errors import BadRequest
from server.store.audit import keys as recorded_keys
from server.store.columns import utc_now
from server.store.keys import ApiKey, KeyNotFound, Keys, Role
from server.store.records import storable

router = APIRouter(prefix="/v1", tags=["keys"], route_class=ApiRoute, responses={**ERRORS})


class KeyRequest(ApiModel):
    """A key to be made."""

    role: Role
    name: str = Field(min_length=1, max_length=200, description="what the key is for; printable characters")
    expires_at: Moment | None = None
    rate_per_minute: int | None = Field(None, ge=1, le=1_000_000, description="requests per minute; null: no limit")
    burst: int | None = Field(None, ge=1, le=1_000_000, description="requests at once; null: as many as `rate_per_minute`")


class KeyResponse(ApiModel):
    """A key, without its secret."""

    id: str
    role: Role
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="rounded down to the hour")
    rate_per_minute: int | None
    burst: int | None

    @classmethod
    def of(cls, key: ApiKey) -> KeyResponse:
        """Return a key as it is shown."""
        return cls(**{name: getattr(key, name) for name in KeyResponse.model_fields})


class NewKey(KeyResponse):
    """A new key, with its secret."""

    key: str = Field(description="the bearer token; it is shown this once")


class KeyList(ApiModel):
    """All keys, revoked ones as well, oldest first."""

    data: list[KeyResponse]


@router.post("/keys", status_code=201, openapi_extra=documented(KeyRequest), summary="Make a key")
async def create_key(
    request: Request, principal: Admin, context: Context, body: Annotated[KeyRequest, Depends(body_of(KeyRequest))]
) -> NewKey:
    """Make a key. Only this answer holds its text."""
    if "idempotency-key" in request.headers:
        message = "An answer that holds a secret is not stored, so this route takes no idempotency key. Leave it out."
        raise BadRequest(message, param="Idempotency-Key", code="unsupported_parameter")
    now = utc_now()
    check_expiry(body.expires_at, now)
    async with context.database.write() as session:
        try:
            key, text = await recorded_keys.create(
                session,
                context.audit,
                principal.key_id,
                body.role,
                body.name,
                now,
                expires_at=body.expires_at,
                rate_per_minute=body.rate_per_minute,
                burst=body.burst,
            )
        except ValueError as error:
            raise BadRequest(f"{error}.", code="invalid_value") from None
    context.authenticator.changed()
    return NewKey(**KeyResponse.of(key).model_dump(), key=text)


@router.get("/keys", summary="List keys")
async def list_keys(principal: Admin, context: Context) -> KeyList:
    """Return all keys, without their secrets."""
    async with context.database.read() as session:
        return KeyList(data=[KeyResponse.of(key) for key in await Keys().list(session)])


@router.delete("/keys/{id}", status_code=204, response_class=Response, summary="Revoke a key")
async def revoke_key(principal: Admin, context: Context, key_id: Annotated[str, Path(alias="id")]) -> Response:
    """Revoke a key. The process that answers refuses it at once, other processes on the store within a second."""
    if not storable(key_id):
        raise KeyNotFound
    async with context.database.write() as session:
        await recorded_keys.revoke(session, context.audit, principal.key_id, key_id, utc_now())
    context.authenticator.changed()
    return Response(status_code=204)
