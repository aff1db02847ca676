"""The API's answers to errors of the store."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from server.errors import INVALID_REQUEST, BadRequest, GuardFailure, NotFound, NotReady, ServerError
from server.http.served import no_method
from server.policy.activation import NotEnforced
from server.store import (
    IdempotencyConflict,
    IdempotencyPending,
    InvalidCursor,
    StoreError,
    TargetExists,
    TargetNotFound,
    VersionConflict,
)
from server.store.audit.record import AuditError
from server.store.keys import KeyNotFound


class ApiRoute(APIRoute):
    """A route that turns the store's errors into answers. No cache may keep its answers: they tell what is on the list."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request.

        Raises:
            MethodNotAllowed: no route of this path has the method. The error names the methods of all routes of the path.
        """
        if scope["method"] not in self.methods:
            raise no_method(scope["app"], scope)
        await super().handle(scope, receive, send)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                response = await handler(request)
            except StoreError as error:
                raise answer_to(error) from None
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return answered


def answer_to(error: StoreError) -> ServerError:
    """Return the answer to an error of the store."""
    if isinstance(error, TargetNotFound):
        return NotFound("There is no such target.", param="id")
    if isinstance(error, KeyNotFound):
        return NotFound("There is no such key.", param="id")
    if isinstance(error, TargetExists):
        return _problem(HTTPStatus.CONFLICT, "A target with this id exists already.", param="id", code="target_exists")
    if isinstance(error, VersionConflict):
        return stale(error.actual)
    if isinstance(error, InvalidCursor):
        return BadRequest(
            "The cursor is not of this list: use `next_cursor` of its page before.", param="cursor", code="invalid_value"
        )
    if isinstance(error, IdempotencyPending):
        message = "The first request with this idempotency key is still being handled. Send it again later."
        return _problem(HTTPStatus.CONFLICT, message, param="Idempotency-Key", code="idempotency_pending")
    if isinstance(error, IdempotencyConflict):
        message = "This idempotency key was used for another request. Use a new key for each request."
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, message, param="Idempotency-Key", code="idempotency_conflict")
    if isinstance(error, AuditError):
        return GuardFailure(
            "The audit log is damaged, so nothing is changed. Run `guard-server audit verify`.", code="audit_failure"
        )
    return NotReady("The store cannot do this now. Try again.", code="store_unavailable", headers={"Retry-After": "1"})


def stale(version: int) -> ServerError:
    """Return the 412 for a target at another version than the client has seen."""
    return _problem(
        HTTPStatus.PRECONDITION_FAILED,
        "The target has changed since you read it. Read it again, and send its ETag as If-Match.",
        param="If-Match",
        code="version_conflict",
        headers={"ETag": f'"{version}"'},
    )


def pending(error: NotEnforced, target_id: str | None = None) -> NotEnforced:
    """Return the 503 that names the target that is stored and not enforced yet."""
    where = {"Location": location(target_id)} if target_id else {}
    return NotEnforced(error.message, param=target_id, code="pending", headers={**error.headers, **where})


def location(target_id: str) -> str:
    """Return the path of a target."""
    return f"/v1/forget-targets/{target_id}"


def _problem(status: HTTPStatus, message: str, **fields: Any) -> ServerError:
    return ServerError(message, status=status, type=INVALID_REQUEST, **fields)
