"""What the plugin reads from the environment of a `vllm serve`."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """How an engine reaches its front ends.

    Attributes:
        url: The base URL of the front ends: of one, or of what balances them.
        token: What the engine shows them.
        context: The TLS context if the URL is https, else None.
    """

    url: str
    token: str
    context: ssl.SSLContext | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Options:
        """Return the options of an environment.

        `GUARD_SERVER_URL` is the URL, and `GUARD_ENGINE_TOKEN_FILE` a file with the token. `GUARD_SERVER_CA` is a file with the
        authorities of the front ends' certificate, if they are not the system's. `GUARD_SERVER_CERT` and `GUARD_SERVER_KEY` are
        the engine's own certificate and key, for front ends with `GUARD_TLS_CLIENT_CA`. All but the token's are PEM files.

        Raises:
            ValueError: One is missing, or a file cannot be read. The message says which.
        """
        url, file = environment.get("GUARD_SERVER_URL", ""), environment.get("GUARD_ENGINE_TOKEN_FILE", "")
        if not url.startswith(("http://", "https://")):
            raise ValueError("GUARD_SERVER_URL must be the URL of guard-server, such as http://guard-server:8000")
        if not file:
            raise ValueError("GUARD_ENGINE_TOKEN_FILE must name a file with the token that guard-server has, too")
        try:
            token = Path(file).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"GUARD_ENGINE_TOKEN_FILE: {file} cannot be read ({type(error).__name__})") from None
        if not token or not token.isprintable():
            raise ValueError(f"GUARD_ENGINE_TOKEN_FILE: {file} does not hold one token on one line")
        return cls(url, token, _context(environment) if url.startswith("https://") else None)


def _context(environment: Mapping[str, str]) -> ssl.SSLContext:
    authority, certificate, key = (environment.get(f"GUARD_SERVER_{name}") or None for name in ("CA", "CERT", "KEY"))
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate:
            context.load_cert_chain(certificate, key)
    except OSError as error:  # an ssl.SSLError is one
        raise ValueError(f"GUARD_SERVER_CA, GUARD_SERVER_CERT or GUARD_SERVER_KEY: {error.strerror or error}") from None
    return context
