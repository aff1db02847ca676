"""Gives every response the id of its request, and counts it."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.metrics import Metrics

HEADER = "x-request-id"
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestId:
    """Middleware that sets `x-request-id` on request and response: the client's id if it is well formed, else a new one."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = [value for name, value in scope["headers"] if name == HEADER.encode()]
        known = sent[0] if len(sent) == 1 and _WELL_FORMED.fullmatch(sent[0]) else uuid.uuid4().hex.encode()
        others = [(name, value) for name, value in scope["headers"] if name != HEADER.encode()]

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message.setdefault("headers", []))[HEADER] = known.decode()
                self._metrics.answered(message["status"])
            await send(message)

        await self._app({**scope, "headers": [*others, (HEADER.encode(), known)]}, receive, named)
