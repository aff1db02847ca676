"""Bodies of the API's requests: read by the server's one strict parser, then checked by a model."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from server.api.context import context_of
from server.errors import BadRequest
from server.http.body import JSON, BodyLimits, check_media, parse_json, read_body
from server.http.envelope import invalid
from server.store.columns import utc_now

MERGE_PATCH = "application/merge-patch+json"
COMPONENTS = "#/components/schemas/{model}"

M = TypeVar("M", bound=BaseModel)


def body_of(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """Return a dependency that gives the body as `model`. It raises what `read_object` raises, BadRequest with the place."""

    async def checked(request: Request) -> M:
        return validated(model, await read_object(request))

    return checked


def validated(model: type[M], value: Any, where: str = "") -> M:
    """Return `value` as `model`. Raises BadRequest with the place of the first mistake; `where` is put before it."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error.errors(include_input=False, include_url=False, include_context=False), where) from None


def check_expiry(expires_at: datetime | None, now: datetime | None = None, where: str = "") -> None:
    """Raise BadRequest if `expires_at` lies before `now`, the present if None; `where` is put before the message."""
    if expires_at is not None and expires_at <= (now or utc_now()):
        raise BadRequest(f"{where}`expires_at` lies in the past.", param="expires_at", code="invalid_value")


async def read_object(request: Request, media: Collection[str] = (JSON,)) -> dict[str, Any]:
    """Return the JSON object in a request of one of these types. Raises UnsupportedMedia, TooLarge, BadRequest."""
    limits = (await context_of(request)).limits
    raw, _ = await read_raw(request, media, limits)
    return parse_json(raw, content_type=JSON, content_encoding=request.headers.get("content-encoding"), limits=limits)


async def read_raw(request: Request, media: Collection[str], limits: BodyLimits) -> tuple[bytes, str]:
    """Return a request's body and its type, one of `media`, and note the body's hash for `digest_of`.

    Raises UnsupportedMedia for another type, charset or a compressed body, TooLarge, BadRequest.
    """
    found = check_media(request.headers.get("content-type"), request.headers.get("content-encoding"), media)
    raw = await read_body(request.receive, limits, request.headers.get("content-length"))
    request.state.body_digest = hashlib.sha256(raw).hexdigest()
    return raw, found


def digest_of(request: Request) -> str:
    """Return what makes two requests the same: method, path, query and body, if one was read."""
    body = getattr(request.state, "body_digest", "")
    parts = (request.method, request.url.path, request.url.query, body)
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def documented(model: type[BaseModel], media: Sequence[str] = (JSON,)) -> dict[str, Any]:
    """Return what a route says about its body in OpenAPI. The schema itself is added by `openapi.document`."""
    schema = {"$ref": COMPONENTS.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in media}}}
