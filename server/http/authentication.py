"""Who a request comes from, and whether it may do what it asks for.

A key comes as `Authorization: Bearer <key>` (RFC 6750, 2.1) or as `x-api-key: <key>`. Everything wrong with it, from a missing
header to a key that was revoked, gets the same 401: the answer tells nothing about which keys there are.

Roles are a ladder. `client` generates, lists models and asks for moderation; `auditor` reads targets, policy, audit log and
reports, too; `admin` does everything.

A store in which no key was ever made leaves the server open to its own machine: `binding_allowed` keeps it off other addresses,
and every request from a loopback address is an admin's. A page in a browser on that machine could send such requests through a
name that it makes resolve to a loopback address (DNS rebinding), so the Host must name one as well.
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
"""How long a process goes by the keys that it has read: after this, a key revoked by another process is refused here as well."""
OPEN_ID = "loopback"
"""Whom the audit log names for a request to a server without keys."""

_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the id of the key, its role, and how often it may ask (see `RateLimiter.take`; None: as often as it likes)."""

    key_id: str
    role: Role
    rate_per_minute: int | None = None
    burst: int | None = None

    def may(self, role: Role) -> bool:
        """Whether this principal may do what is for `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Authenticator:
    """Checks keys against the store's, which are kept in memory for `FRESH_S`.

    `database` gives the open database, or raises NotReady. `clock` gives monotonic seconds, `now` an aware time.
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
        self._limiter = limiter or RateLimiter(clock)
        self._clock = clock
        self._now = now
        self._ring = KeyRing()
        self._loaded = -math.inf
        self._changes = 0
        self._loading = asyncio.Lock()
        self._noted: dict[str, datetime] = {}
        self._used: set[str] = set()

    def changed(self) -> None:
        """Forget the keys read so far. To be called after a key was made or revoked by this process, once that is committed."""
        self._changes += 1
        self._loaded = -math.inf

    async def authenticate(self, headers: Headers, client: str | None = None) -> Principal:
        """Return whom `headers` are from; `client` is the address that the request came from, if it is known.

        Raises Unauthorized, and NotReady if the keys in the store cannot be read: an old copy could hold a revoked one.
        """
        ring = await self._fresh()
        if not ring:
            if client is None or not is_loopback(client) or not _names_loopback(headers.get("host", "")):
                raise _unauthorized()
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
        """Return whom an ASGI request is from, if it may do what is for `role`, and count it.

        Raises Unauthorized, NotReady, RateLimited, and Forbidden for a lower role.
        """
        client = scope.get("client")
        principal = await self.authenticate(Headers(scope=scope), client[0] if client else None)
        if principal.rate_per_minute is not None:
            self._limiter.take(principal.key_id, principal.rate_per_minute, principal.burst)
        if not principal.may(role):
            raise Forbidden(f"This needs a key with the role {role!r}.")
        return principal

    async def flush(self) -> None:
        """Write down which keys were used, to the hour; to be called now and then, and at the end. Raises StoreError."""
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
                    raise NotReady("The keys cannot be read at this moment.", headers={"Retry-After": "1"}) from None
                # Changed while they were being read: they may be the old ones.
                if changes == self._changes:
                    self._ring, self._loaded = ring, started
        return self._ring


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
    """Whether the server may listen on `host`: a server without keys, on loopback only."""
    return any_keys or is_loopback(host)


def _unauthorized() -> Unauthorized:
    return Unauthorized("Missing or invalid API key.", headers={"WWW-Authenticate": "Bearer"})


def _key_text(headers: Headers) -> str:
    """Return the one key in the headers; nothing if there is none, more than one, or something that is not a key."""
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
