"""Bodies of the API's requests. The server's strict parser reads them; then a model checks them."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from server.api.context import context_of
from server.errors import BadRequest
from server.http.authentication import OPEN_ID, Principal
from server.http.body import JSON, BodyLimits, check_media, parse_json, read_body
from server.http.envelope import invalid
from server.policy.mistakes import id_of, mistakes
from server.store.columns import utc_now

MERGE_PATCH = "application/merge-patch+json"
COMPONENTS = "#/components/schemas/{model}"

M = TypeVar("M", bound=BaseModel)


def body_of(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """Return a dependency that reads the body as `model`. It raises what `read_object` and `validated` raise."""

    async def checked(request: Request) -> M:
        return validated(model, await read_object(request))

    return checked


def validated(model: type[M], value: Any, where: str = "") -> M:
    """Return `value` as `model`.

    Raises:
        BadRequest: `value` does not fit. The message has the place of the first mistake, after `where` and the target's id.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        found = [{"loc": loc, "msg": message} for detail in details for loc, message in mistakes(detail, value, plain=False)]
        target = id_of(value) if "id" in model.model_fields else None
        raise invalid(found, f"{where}target {target}: " if target else where) from None


def check_expiry(expires_at: datetime | None, now: datetime | None = None, where: str = "") -> None:
    """Raise BadRequest if `expires_at` is not after `now` (None: the present). The message begins with `where`."""
    if expires_at is not None and expires_at <= (now or utc_now()):
        raise BadRequest(f"{where}`expires_at` lies in the past.", param="expires_at", code="invalid_value")


async def read_object(request: Request, media: Collection[str] = (JSON,)) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    Raises:
        UnsupportedMedia: the body has none of the types `media`, another charset than UTF-8, or is compressed.
        TooLarge: the body is over the limit.
        BadRequest: the body is not a JSON object.
    """
    limits = (await context_of(request)).limits
    raw, _ = await read_raw(request, media, limits)
    return parse_json(raw, content_type=JSON, content_encoding=request.headers.get("content-encoding"), limits=limits)


async def read_raw(request: Request, media: Collection[str], limits: BodyLimits) -> tuple[bytes, str]:
    """Return a request's body and its type, and note the body's hash for `digest_of`.

    Raises:
        UnsupportedMedia: the body has none of the types `media`, another charset than UTF-8, or is compressed.
        TooLarge: the body is over the limit.
        BadRequest: the Content-Length is not a number.
    """
    found = check_media(request.headers.get("content-type"), request.headers.get("content-encoding"), media)
    raw = await read_body(request.receive, limits, request.headers.get("content-length"))
    request.state.body_digest = hashlib.sha256(raw).hexdigest()
    return raw, found


def check_empty(request: Request, principal: Principal) -> None:
    """Check a request without a body to a server without keys: a page of another site can send one only as a form or as text.

    Raises:
        UnsupportedMedia: the request names another type than JSON.
    """
    media = request.headers.get("content-type")
    if principal.key_id == OPEN_ID and media is not None:
        check_media(media, None, (JSON,))


def digest_of(request: Request) -> str:
    """Return the hash of method, path, query and, if it was read, body: equal for equal requests."""
    body = getattr(request.state, "body_digest", "")
    parts = (request.method, request.url.path, request.url.query, body)
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def documented(model: type[BaseModel], media: Sequence[str] = (JSON,)) -> dict[str, Any]:
    """Return a route's OpenAPI fields about its body. `openapi.document` adds the schema itself."""
    schema = {"$ref": COMPONENTS.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in media}}}
