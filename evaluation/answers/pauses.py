"""How long an answer waits while it goes back: from the last piece of one call of the engine to the first of the next."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class _Call:
    """When the first and the last piece of a call came, in seconds of a clock; None before the first."""

    first: float | None = None
    last: float | None = None


class Pauses:
    """An engine's application that notes when pieces of its answers come.

    Requests must come one at a time: the calls since the last `take` are those of one answer, each of which goes on where the one
    before it ended.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Call nothing yet; `app` answers."""
        self._app = app
        self._calls: list[_Call] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        call = _Call()
        self._calls.append(call)

        async def noted(message: Message) -> None:
            if message.get("body"):
                call.last = time.perf_counter()
                call.first = call.first or call.last
            await send(message)

        await self._app(scope, receive, noted)

    def take(self) -> list[float]:
        """Return the seconds between successive calls since the last time, and forget the calls."""
        calls = [call for call in self._calls if call.first is not None and call.last is not None]
        self._calls = []
        return [after.first - before.last for before, after in pairwise(calls)]  # type: ignore[operator]
