"""The tree of errors: each class has its status, and the module lists them all."""

import pytest

from server import errors
from server.errors import BadRequest, EngineFailure, GuardFailure, MethodNotAllowed, NotFound, NotReady

STATUSES = [
    (BadRequest, 400),
    (errors.Unauthorized, 401),
    (errors.Forbidden, 403),
    (NotFound, 404),
    (MethodNotAllowed, 405),
    (errors.Conflict, 409),
    (errors.TooLarge, 413),
    (errors.UnsupportedMedia, 415),
    (errors.RateLimited, 429),
    (GuardFailure, 500),
    (EngineFailure, 502),
    (NotReady, 503),
    (errors.TookTooLong, 504),
]


@pytest.mark.parametrize(("kind", "status"), STATUSES)
def test_statuses_are_those_of_the_tree(kind: type[errors.KnownError], status: int) -> None:
    error = kind("message")
    assert error.status == status
    assert error.type == ("server_error" if status >= 500 else "requests" if status == 429 else "invalid_request_error")
    assert f"{kind.__name__}" in str(errors.__doc__)
    assert str(status) in str(errors.__doc__)


def test_the_tree_is_complete() -> None:
    assert {kind for kind, _ in STATUSES} == set(errors.KnownError.__subclasses__())
