"""Finds out who sends a request, and whether they may do what it asks for.

A client sends its key as `Authorization: Bearer <key>` (RFC 6750, 2.1) or as `x-api-key: <key>`. A missing key, a wrong one and a
revoked one get the same 401, so that the answer does not tell which keys there are.

Each role may do what the roles before it may. `client` generates, lists models and asks for moderation; `auditor` also reads
targets, policy, audit log and reports; `admin` does everything.

As long as no key was ever made, the server is open to its own machine: `binding_allowed` keeps it from listening on other
addresses, and every request from a loopback address has the role `admin`. A page in a browser on that machine could send such
requests through a name that resolves to a loopback address (DNS rebinding), so the Host header must name a loopback address
too, and so must an Origin header. A page can also send a request that has no body and no Origin header; browsers mark it in
Sec-Fetch-Site, so what comes from another site is refused unless it only opens a page. A proxy on that machine would pass on
requests of others, so a request with a header that only proxies write is refused. A proxy that writes none of them cannot be
told from a client: the log says so at the start.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from server.errors import Forbidden, NotReady, Unauthorized
from server.http.ratelimit import RateLimiter
from server.store.columns import utc_now
from server.store.database.database import Database
from server.store.errors import StoreError
from server.store.keys import ROLES, KeyRing, Keys, Role

FRESH_S = 1.0
"""Seconds for which a process uses the keys that it has read. After that, it refuses a key that another process revoked."""
OPEN_ID = "loopback"
"""The actor that the audit log names for a request to a server without keys."""

_LONGEST = 256
FORWARDING = ("forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip")
"""Headers that proxies write (RFC 7239, RFC 9110 7.6.3, and common ones), besides all that begin with `x-forwarded-`."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request: the id of the key, its role, and its limit (`RateLimiter.take`; None: no limit)."""

    key_id: str
    role: Role
    rate_per_minute: int | None = None
    burst: int | None = None

    def may(self, role: Role) -> bool:
        """Whether this principal may do what `role` may do."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Authenticator:
    """Checks keys against those in the store, which it keeps in memory for `FRESH_S` seconds.

    Args:
        database: returns the open database, or raises NotReady.
        limiter: counts the requests of each key; a new one if None.
        clock: returns monotonic seconds.
        now: returns a time with its zone.

    Attributes:
        limiter: counts the requests of each key.
    """

    def __init__(
        self,
        database: Callable[[], Database],
        *,
        limiter: RateLimiter | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self.limiter = limiter or RateLimiter(clock)
        self._clock = clock
        self._now = now
        self._ring = KeyRing()
        self._loaded = -math.inf
        self._changes = 0
        self._loading = asyncio.Lock()
        self._noted: dict[str, datetime] = {}
        self._used: set[str] = set()

    def changed(self) -> None:
        """Read the keys again before the next request. Call this once a change of the keys is committed."""
        self._changes += 1
        self._loaded = -math.inf

    async def authenticate(self, headers: Headers, client: str | None = None, method: str = "POST") -> Principal:
        """Return who sent `headers`; `client` is the address that the request came from, None if it is not known.

        `method` is the request's method: without keys, another site may have a browser open a page, and may change nothing.

        Raises:
            Unauthorized: the key is missing, wrong, expired or revoked.
            NotReady: the keys in the store cannot be read; an old copy could hold a revoked key.
        """
        ring = await self._fresh()
        if not ring:
            if client is None or not is_loopback(client) or not _names_loopback(headers.get("host", "")):
                raise _unauthorized()
            if (origin := headers.get("origin")) is not None and not _names_loopback(origin.partition("://")[2]):
                raise _unauthorized()
            opens = method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
            if headers.get("sec-fetch-site") == "cross-site" and not opens:
                raise _unauthorized()
            if forwarded(headers):
                raise Unauthorized(
                    "The request came through a proxy, and the server has no API keys. Without keys it serves its own machine "
                    "alone: make a key with `guard-server keys create`.",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            return Principal(OPEN_ID, "admin")
        now = self._now()
        key = ring.check(_key_text(headers), now)
        if key is None:
            raise _unauthorized()
        hour = now.replace(minute=0, second=0, microsecond=0)
        if self._noted.get(key.id) != hour:
            self._noted[key.id] = hour
            self._used.add(key.id)
        return Principal(key.id, key.role, key.rate_per_minute, key.burst)

    async def admit(self, scope: Scope, role: Role) -> Principal:
        """Return who sends an ASGI request, if they may do what `role` may do, and count the request.

        Raises:
            Unauthorized, NotReady: as `authenticate` does.
            RateLimited: the key has made too many requests.
            Forbidden: the key has a lower role.
        """
        client = scope.get("client")
        principal = await self.authenticate(Headers(scope=scope), client[0] if client else None, scope.get("method", "POST"))
        self.count(principal, 1)
        if not principal.may(role):
            raise Forbidden(f"This route needs a key with the role {role!r}.")
        return principal

    def count(self, principal: Principal, texts: int) -> None:
        """Count texts like requests, of which `admit` has counted one. Raises RateLimited if the key has sent too many."""
        if texts and principal.rate_per_minute is not None:
            self.limiter.take(principal.key_id, principal.rate_per_minute, principal.burst, texts)

    async def flush(self) -> None:
        """Note in the store which keys were used, to the hour. Raises StoreError; then the next call notes them."""
        if used := sorted(self._used):
            async with self._database().write() as session:
                await Keys().touch(session, used, self._now())
            self._used.difference_update(used)

    async def _fresh(self) -> KeyRing:
        asked = self._clock()
        if asked - self._loaded < FRESH_S:
            return self._ring
        async with self._loading:
            while asked - self._loaded >= FRESH_S:
                started, changes = self._clock(), self._changes
                try:
                    async with self._database().read() as session:
                        ring = await Keys().ring(session)
                except StoreError:
                    raise NotReady(
                        "The store does not answer, so the API key cannot be checked. Try again.", headers={"Retry-After": "1"}
                    ) from None
                # If the keys changed while they were read, what was read may be old.
                if changes == self._changes:
                    self._ring, self._loaded = ring, started
        return self._ring


def client_of(principal: Principal, scope: Scope) -> str:
    """Return whom limits and turns count a request for: the key, or the address that it came from where there are no keys."""
    address = scope.get("client")
    return f"address {address[0]}" if principal.key_id == OPEN_ID and address else principal.key_id


def forwarded(headers: Headers) -> bool:
    """Whether a proxy passed a request on, as far as its headers tell."""
    return any(name in FORWARDING or name.startswith("x-forwarded-") for name in headers)


def is_loopback(host: str) -> bool:
    """Whether `host`, an address or a name, is this machine's loopback."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def binding_allowed(host: str, any_keys: bool) -> bool:
    """Whether the server may listen on `host`: without keys, on a loopback address only."""
    return any_keys or is_loopback(host)


def _unauthorized() -> Unauthorized:
    return Unauthorized("Missing or invalid API key.", headers={"WWW-Authenticate": "Bearer"})


def _key_text(headers: Headers) -> str:
    """Return the key in the headers; an empty text if there is none, more than one, or one that cannot be a key."""
    found = set(headers.getlist("x-api-key"))
    for value in headers.getlist("authorization"):
        scheme, _, text = value.partition(" ")
        found.add(text.strip() if scheme.lower() == "bearer" else "")
    text = found.pop() if len(found) == 1 else ""
    return text if text.isascii() and len(text) <= _LONGEST else ""


def _names_loopback(host: str) -> bool:
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
