"""The error envelope: the one module that turns an error into HTTP.

`install` gives an application the handlers. `envelope` is the body they send, in the shape of OpenAI's API
(`{"error": {"message", "type", "param", "code"}}`), so that existing clients show the message.

A route of another API has an envelope of its own (`install`).

An answer never holds the text of a prompt or the message of an unexpected exception. Such a message may quote the prompt (a
validation error does), so neither the client nor the log gets it: the log gets the exception's type and where it was raised.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import INVALID_REQUEST, RATE_ERROR, SERVER_ERROR, BadRequest, EngineFailure, KnownError, ServerError
from server.http.served import no_method, no_route

logger = logging.getLogger(__name__)

_SHOWN_CHARACTERS = 64

Envelope = Callable[[ServerError], dict[str, Any]]
"""Returns the JSON body of an error."""


def envelope(error: ServerError) -> dict[str, Any]:
    """Return the JSON body of an error, in the shape of OpenAI's API."""
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def install(app: FastAPI, others: Mapping[str, Envelope] | None = None) -> None:
    """Make every error that leaves `app` an `envelope`, or one of `others`: by a path, for it and all below it.

    This covers ServerError, Starlette's HTTPException (unknown routes and methods as well), FastAPI's RequestValidationError and
    every other exception that a route, a dependency or a middleware added before this call raises. Call it last: an error of a
    middleware that is added later gets an envelope too, but Starlette logs it in full.
    """
    app.state.envelopes = dict(others or {})
    for kind in (ServerError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _handle)
    # Only Starlette's router raises these two: what is not served here is told with what is.
    app.add_exception_handler(404, _no_route)
    app.add_exception_handler(405, _no_method)
    app.add_middleware(_Boundary)


def to_server_error(error: Exception) -> ServerError:
    """Return the answer to `error`: a generic one if it is not an error that the server knows."""
    if isinstance(error, ServerError):
        return error
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, RequestValidationError):
        return invalid([_of_parameter(detail) for detail in error.errors()])
    return ServerError("The server failed to handle the request.", status=500, type=SERVER_ERROR, code="internal_error")


def respond(error: Exception, scope: Scope | None = None) -> Response:
    """Return the HTTP response to `error`, in the envelope of the path that was asked for."""
    known = to_server_error(error)
    if known.status in (204, 304):  # these must not carry a body
        return Response(status_code=known.status, headers=known.headers)
    return JSONResponse(_envelope_of(scope)(known), status_code=known.status, headers=known.headers)


def _envelope_of(scope: Scope | None) -> Envelope:
    if scope is None:
        return envelope
    others: Mapping[str, Envelope] = getattr(scope["app"].state, "envelopes", {})
    path = scope["path"]
    return next((other for prefix, other in others.items() if path == prefix or path.startswith(f"{prefix}/")), envelope)


def _of_http(error: HTTPException) -> ServerError:
    codes = {kind.STATUS: kind.CODE for kind in KnownError.__subclasses__()}
    try:
        phrase = HTTPStatus(error.status_code).phrase
    except ValueError:
        phrase = "Error"
    return ServerError(
        error.detail if isinstance(error.detail, str) and error.detail else phrase,
        status=error.status_code,
        type=SERVER_ERROR if error.status_code >= 500 else INVALID_REQUEST,
        code=None if error.status_code >= 500 else codes.get(error.status_code),
        headers=error.headers,
    )


def invalid(errors: Sequence[Any], where: str = "") -> BadRequest:
    """Return the 400 for pydantic's `errors`: the place and the kind of the first; `where` is put before the message.

    It quotes nothing of the request: pydantic's `input` is left out.
    """
    if not errors:
        return BadRequest("The request is not valid.", code="invalid_value")
    place = path_of(errors[0].get("loc", ()))
    message = str(errors[0].get("msg", "not valid")).removeprefix("Value error, ")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return BadRequest(f"{where}{place + ': ' if place else ''}{message}{more}", param=place or None, code="invalid_value")


CONTEXT_LENGTH = "context_length_exceeded"
"""OpenAI's code of a prompt that is too long. Client libraries look for it, and for the words "maximum context length"."""

# vLLM's message of a wrong value: a line with the number of mistakes, then one with each of them as Python writes a dictionary.
_MISTAKES = re.compile(r"\d+ validation errors?:\n")
_MISTAKE = re.compile(r"""'msg': (?P<quote>['"])(?P<what>.*?)(?P=quote), '(?:input|ctx|url)'""", re.DOTALL)

# What xgrammar puts before a message: the time, a file and a line of its own.
_PLACE = re.compile(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ")
# What it says of a chat whose prompt fills the context to its last token. `server.openai.fields` refuses the 0 of a client.
_FULL = "max_tokens must be at least 1, got 0"
# What its own errors have behind the message: the field, which is in `param`, and the value.
_EXTRAS = re.compile(r" \(parameter=\w[^()]*\)$")


def of_engine(status: int, error: Mapping[str, Any], prompt: str) -> ServerError:
    """Return an error of vLLM's as OpenAI's API has it.

    vLLM 0.32 has types of its own, the HTTP status as `code`, and a `param` that begins with `body.`. For a prompt that is too
    long it names a field that no request has.

    Args:
        status: The HTTP status.
        error: The object under `error`.
        prompt: The field that holds the prompt, for `param`.
    """
    message, param = str(error.get("message") or HTTPStatus(status).phrase), error.get("param")
    if status >= 500:
        return ServerError(message, status=status, type=SERVER_ERROR, code=EngineFailure.CODE)
    if param in ("input_tokens", "input_text"):
        param = prompt
    steps = str(param).removeprefix("body.").split(".") if param else []
    where = path_of(int(step) if step.isdigit() else step for step in steps)
    if _MISTAKES.match(message):
        # What it says of the mistake quotes the value.
        found = _MISTAKE.search(message)
        what = found["what"].removeprefix("Value error, ") if found else "not valid"
        message = f"{where}: {what}" if where else what
    message = _PLACE.sub("", _EXTRAS.sub("", message))
    if prompt == "messages" and message.startswith(_FULL):
        message = f"The {prompt} fill this model's maximum context length and leave no room for an answer: shorten them."
        where = prompt
    if "maximum context length" in message:
        code: str | None = CONTEXT_LENGTH
    elif status == 404:
        code = "model_not_found"
    else:
        code = "invalid_value" if where else None
    kind = RATE_ERROR if status == 429 else INVALID_REQUEST
    return ServerError(message, status=status, type=kind, param=where or None, code=code)


def path_of(steps: Iterable[str | int]) -> str:
    """Return a place as `phrases[2].text`. A name that a client chose is shown only if it is short and plain."""
    found = ""
    for step in steps:
        if isinstance(step, int):
            found += f"[{step}]"
        else:
            plain = step.isascii() and step.isprintable() and len(step) <= _SHOWN_CHARACTERS
            found += f".{step}" if plain else ".(a name that is not shown)"
    return found.lstrip(".")


def _of_parameter(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return FastAPI's `detail` of a mistake without the kind of the parameter, which it puts before its name."""
    steps = detail.get("loc", ())
    return {**detail, "loc": steps[1:] if steps[:1] and steps[0] in ("body", "query", "path", "header") else steps}


async def _handle(request: Request, error: Exception) -> Response:
    if not isinstance(error, (ServerError, HTTPException, RequestValidationError)):
        _log(error)
    return respond(error, request.scope)


async def _no_route(request: Request, _: Exception) -> Response:
    return respond(no_route(request.app), request.scope)


async def _no_method(request: Request, _: Exception) -> Response:
    return respond(no_method(request.app, request.scope), request.scope)


def _log(error: BaseException) -> None:
    """Log type and place of an unexpected exception, without its message and local variables: they may quote a prompt."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    places = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    logger.error("unexpected %s at %s", type(error).__qualname__, places or "unknown")


class _Boundary:
    """Answers in place of Starlette's outermost middleware, which would raise the error again and have it logged in full."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        failure: Exception
        try:
            await self.app(scope, receive, watched)
            return
        except ClientDisconnect:
            return  # the client has left
        except Exception as error:
            failure = error
        # Outside the except block, so that what is raised below does not carry the original as its context.
        if not isinstance(failure, (ServerError, HTTPException, RequestValidationError)):
            _log(failure)
        if started:
            # The headers are sent. An exception makes uvicorn break the connection: the client sees that the answer is not whole.
            raise EngineFailure("the response broke off: the log has the error")
        await respond(failure, scope)(scope, receive, send)
