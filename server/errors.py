"""The errors of the server, each with its answer to a client.

    ServerError                   everything that the server answers with an error envelope
    ├── BadRequest          400   the request is malformed, or asks for what the guard cannot allow
    ├── Unauthorized        401   the key is missing or wrong
    ├── Forbidden           403   the key is valid, but its role may not do this
    ├── NotFound            404   no such route, model or target
    ├── MethodNotAllowed    405   the route exists, the method does not
    ├── Conflict            409   what the request is about is in another state than the request assumes
    ├── TooLarge            413   the body is over the limit
    ├── UnsupportedMedia    415   the body has another content type or encoding than the route takes
    ├── RateLimited         429   the key has made too many requests, or has too many in progress
    ├── GuardFailure        500   screening or the guard failed, so nothing was generated (fail closed)
    ├── EngineFailure       502   the engine failed, or its answer cannot be checked
    ├── NotReady            503   the server starts or stops, or a change is not enforced everywhere yet
    └── TookTooLong         504   the request was not answered within the time that a request may take

`server.http.envelope` turns an error into HTTP.
"""

from collections.abc import Mapping
from typing import ClassVar

INVALID_REQUEST = "invalid_request_error"
SERVER_ERROR = "server_error"
RATE_ERROR = "requests"
"""The type of a 429 in OpenAI's API: the kind of limit that was reached."""


class ServerError(Exception):
    """An error with its answer: message, HTTP status, and OpenAI's `type`, `param` and `code`.

    The client gets the message as it is. The message may name a parameter; it must not quote a prompt, an answer or a phrase.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.param = param
        self.code = code
        self.headers = dict(headers or {})


class KnownError(ServerError):
    """A ServerError whose class has the status and the type."""

    STATUS: ClassVar[int]
    TYPE: ClassVar[str] = INVALID_REQUEST
    CODE: ClassVar[str | None] = None

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, status=self.STATUS, type=self.TYPE, param=param, code=code or self.CODE, headers=headers)


class BadRequest(KnownError):
    """400: the request is malformed, or asks for what the guard cannot allow."""

    STATUS = 400


class Unauthorized(KnownError):
    """401: the key is missing or wrong."""

    STATUS = 401
    CODE = "invalid_api_key"


class Forbidden(KnownError):
    """403: the key is valid, but its role may not do this."""

    STATUS = 403
    CODE = "insufficient_permissions"


class NotFound(KnownError):
    """404: no such route, model or target."""

    STATUS = 404
    CODE = "not_found"


class MethodNotAllowed(KnownError):
    """405: `headers` names the allowed methods under `Allow`, as RFC 9110 (15.5.6) requires."""

    STATUS = 405
    CODE = "method_not_allowed"


class Conflict(KnownError):
    """409: what the request is about is in another state than the request assumes. Its code says which."""

    STATUS = 409
    CODE = "conflict"


class TooLarge(KnownError):
    """413: the body is over the limit."""

    STATUS = 413
    CODE = "request_too_large"


class UnsupportedMedia(KnownError):
    """415: the body has another content type or encoding than the route takes."""

    STATUS = 415
    CODE = "unsupported_media_type"


class RateLimited(KnownError):
    """429: too many requests. `headers` has `Retry-After` in whole seconds (RFC 9110, 10.2.3)."""

    STATUS = 429
    TYPE = RATE_ERROR
    CODE = "rate_limit_exceeded"


class GuardFailure(KnownError):
    """500: the guard failed, so nothing was generated. The message says what failed and never on which text."""

    STATUS = 500
    TYPE = SERVER_ERROR
    CODE = "guard_failure"


class EngineFailure(KnownError):
    """502: the engine failed, or its answer cannot be checked."""

    STATUS = 502
    TYPE = SERVER_ERROR
    CODE = "engine_failure"


class NotReady(KnownError):
    """503: the server cannot serve under the guard now. The client may try again: in 5 s if `headers` says nothing else."""

    STATUS = 503
    TYPE = SERVER_ERROR
    CODE = "not_ready"

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, param=param, code=code, headers={"Retry-After": "5", **(headers or {})})


class TookTooLong(KnownError):
    """504: the request was not answered within the time that a request may take. The engine has stopped working on it."""

    STATUS = 504
    TYPE = SERVER_ERROR
    CODE = "timeout"
