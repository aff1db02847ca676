"""The engine around a plugin, as an `Engine`: vLLM's own application and client in a `vllm serve`."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from server.engine.vllm import VllmEngine
from server.fleet.door import PROVING

LOAD_S = 60.0
"""Seconds in which every worker must load restrictions, or answer."""


class LocalEngine(VllmEngine):
    """The engine of this `vllm serve`.

    Args:
        app: vLLM's application.
        client: vLLM's client of its engine.
        template: The chat template, if it is not the tokenizer's own.
        key: A key that vLLM's application asks for (`--api-key`), None if it asks for none.
    """

    def __init__(self, app: ASGIApp, client: Any, template: str | None = None, key: str | None = None) -> None:
        super().__init__(_Proving(app, key), client, client.get_tokenizer(), LOAD_S, template)

    async def open_for(self, seconds: float) -> None:
        """Have every rank say something for `seconds` from now; 0: nothing from now on. Raises EngineFailure."""
        await self._ranks.call("guard_open", seconds)

    async def total(self) -> int:
        """Return how many tokens were suppressed since the last call. Raises EngineFailure."""
        # The workers of one rank share its logits, so each counts all or none of them.
        return sum(max(workers) for workers in await self._ranks.call("guard_total"))


class _Proving:
    """The application for requests of the proof: the door lets them pass, and they have vLLM's key."""

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self._app = app
        self._headers = [(b"authorization", f"Bearer {key}".encode())] if key else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._app({**scope, PROVING: True, "headers": [*scope["headers"], *self._headers]}, receive, send)
