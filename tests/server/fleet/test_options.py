"""What an engine reads from its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.fleet.options import Options


@pytest.fixture
def token(tmp_path: Path) -> str:
    file = tmp_path / "token"
    file.write_text("secret\n")
    return str(file)


def test_the_url_and_the_token_are_read(token: str) -> None:
    assert Options.read({"GUARD_SERVER_URL": "http://g:8000", "GUARD_ENGINE_TOKEN_FILE": token}) == Options(
        "http://g:8000", "secret"
    )


def test_https_has_a_context_that_checks_certificates(token: str) -> None:
    options = Options.read({"GUARD_SERVER_URL": "https://g", "GUARD_ENGINE_TOKEN_FILE": token})
    assert options.context is not None
    assert options.context.check_hostname


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"GUARD_SERVER_URL": ""}, "must be the URL"),
        ({"GUARD_SERVER_URL": "ftp://x"}, "must be the URL"),
        ({"GUARD_ENGINE_TOKEN_FILE": ""}, "must name a file"),
        ({"GUARD_ENGINE_TOKEN_FILE": "/no/such/file"}, "cannot be read"),
        ({"GUARD_SERVER_CA": "/no/such/file"}, "GUARD_SERVER_CA"),
        ({"GUARD_SERVER_CERT": "/no/such/file"}, "GUARD_SERVER_CERT"),
    ],
)
def test_what_is_missing_or_wrong_is_named(token: str, change: dict[str, str], reason: str) -> None:
    environment = {"GUARD_SERVER_URL": "https://g", "GUARD_ENGINE_TOKEN_FILE": token, **change}
    with pytest.raises(ValueError, match=reason):
        Options.read(environment)


def test_an_empty_token_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(ValueError, match="does not hold one token"):
        Options.read({"GUARD_SERVER_URL": "http://g", "GUARD_ENGINE_TOKEN_FILE": str(tmp_path / "empty")})
