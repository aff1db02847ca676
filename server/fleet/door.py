"""The door of an engine's application: while it is shut, no request passes, and what is being answered breaks off.

Its workers have a gate of their own (`guard.processors.vllm.gate`). The door is exact about the lease, because every part of an
answer passes it. The gate holds where the process with the door hangs.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

READY = "/guard/ready"
"""The route for a router's health check: 200 while the engine is proven, current and in possession of its lease."""
PROVING = "guard.proving"
"""A key of the scope of the proof's own requests. No request from outside can have it: a scope is no part of HTTP."""

# What generates nothing and tells of no request. The engine's own process is watched by /health.
_OPEN = frozenset({"/health", "/ping", "/load", "/version", "/metrics", "/v1/models"})
_SHUT = {"message": "This engine is not in service: it has no lease, or is not current.", "type": "server_error", "code": 503}


class DoorShut(Exception):
    """An answer broke off because the engine lost its lease."""


class Door:
    """Whether requests pass, and for how long.

    Args:
        clock: Returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = -math.inf
        self._entries = 0
        """Counts how often it was opened after it had been shut."""

    @property
    def open(self) -> bool:
        """Whether requests pass now."""
        return self._clock() < self._until

    def open_until(self, moment: float) -> None:
        """Let requests pass until a moment of the clock."""
        if not self.open:
            self._entries += 1
        self._until = moment

    def shut(self) -> None:
        """Let no request pass, and break off those that are being answered."""
        self._until = -math.inf

    def watch(self) -> Callable[[], bool]:
        """Return a function that says whether the door has been open without a break since now."""
        entry = self._entries
        return lambda: self.open and self._entries == entry


class Doorkeeper:
    """Middleware that asks the door for each request and for each part of an answer.

    Args:
        app: The application behind it.
        door: The door.
        leave: What is done when the application stops.
    """

    def __init__(self, app: ASGIApp, door: Door, leave: Callable[[], Awaitable[None]] | None = None) -> None:
        self._app = app
        self._door = door
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection. Raises DoorShut if an answer has begun when the door is shut."""
        if scope["type"] == "lifespan":
            await self._app(scope, self._until_shutdown(receive), send)
        elif scope.get(PROVING):
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["path"] == READY:
            await _say(send, 200 if self._door.open else 503, {"ready": self._door.open})
        elif scope["method"] in ("GET", "HEAD") and scope["path"] in _OPEN:
            await self._app(scope, receive, send)
        elif not self._door.open:
            await _say(send, 503, {"error": _SHUT})
        else:
            await self._watched(scope, receive, send)

    def _until_shutdown(self, receive: Receive) -> Receive:
        async def heard() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown" and self._leave:
                await self._leave()
            return message

        return heard

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        unbroken, begun, refused = self._door.watch(), False, False

        async def watched(message: Message) -> None:
            nonlocal begun, refused
            if refused:
                return
            if not unbroken():
                if begun:
                    raise DoorShut("the engine lost its lease: an answer broke off")
                refused = True
                await _say(send, 503, {"error": _SHUT})
                return
            begun = True
            await send(message)

        await self._app(scope, receive, watched)


async def _say(send: Send, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
