"""Draining: once the server is to stop, requests in progress go on for a while, and new ones get status 503."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from server.errors import NotReady

# Served while the server stops, and not waited for: /health and /metrics are asked all the time. /ready itself answers 503.
_ALWAYS = frozenset({"/health", "/ready", "/metrics", "/version"})
# So are the routes for engines: an engine that could not renew its lease would break off the answers that are waited for.
_ENGINES = "/fleet/"


class Draining:
    """Counts the requests in progress, and ends them when their time is over."""

    def __init__(self) -> None:
        self.begun = False
        """Whether the server is to stop: it accepts no new requests."""
        self.over = False
        """Whether the time of the requests in progress is over, too."""
        self._going = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._deadlines: set[asyncio.Timeout] = set()

    def check(self) -> None:
        """Raise NotReady if the server is to stop."""
        if self.begun:
            raise stopping()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count a request as in progress during the block. Raises NotReady if the server is to stop."""
        self.check()
        self._going += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._going -= 1
            if not self._going:
                self._idle.set()

    @contextmanager
    def ending(self, deadline: asyncio.Timeout) -> Iterator[None]:
        """Let `end` move a deadline to the present during the block."""
        self._deadlines.add(deadline)
        try:
            yield
        finally:
            self._deadlines.discard(deadline)

    def end(self) -> None:
        """Move the deadlines of all requests in progress to the present."""
        self.over = True
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(asyncio.get_running_loop().time())

    async def idle(self) -> None:
        """Wait until no request is in progress."""
        await self._idle.wait()

    async def finish(self, seconds: float, grace_s: float = 5.0) -> bool:
        """Accept no new requests, wait until those in progress have ended, and end them after some time.

        Args:
            seconds: How long they may go on.
            grace_s: How long to wait after that until they have told their clients.

        Returns:
            Whether all of them ended by themselves.
        """
        self.begun = True
        try:
            async with asyncio.timeout(seconds):
                await self.idle()
            return True
        except TimeoutError:
            self.end()
        try:
            async with asyncio.timeout(grace_s):
                await self.idle()
        except TimeoutError:
            pass
        return False


class DrainGate:
    """Middleware that counts requests, and refuses new ones once the server is to stop."""

    def __init__(self, app: ASGIApp, draining: Draining) -> None:
        self._app = app
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection. Raises NotReady for a new request once the server is to stop."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS or scope["path"].startswith(_ENGINES):
            await self._app(scope, receive, send)
            return
        with self._draining.request():
            await self._app(scope, receive, send)


def stopping() -> NotReady:
    """Return the answer to a request that comes when, or lasts until, the server stops."""
    return NotReady(
        "The server is stopping. Send the request again, to another server if there is one.",
        code="stopping",
        headers={"Retry-After": "1", "Connection": "close"},
    )
