"""The engine around a plugin, as an `Engine`: vLLM's own application and client in a `vllm serve`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from server.engine.vllm import VllmEngine
from server.errors import EngineFailure
from server.fleet.door import PROVING

LOAD_S = 60.0
"""Seconds in which every rank must load restrictions, or answer."""


class LocalEngine(VllmEngine):
    """The engine of this `vllm serve`. It hears every rank, those of data parallel engines included.

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
        await self._all("guard_open", seconds)

    async def total(self) -> int:
        """Return how many tokens were suppressed since the last call. Raises EngineFailure."""
        # The ranks of one engine share its logits, so each counts all or none of them.
        return sum(max(ranks) for ranks in await self._by_engine("guard_total"))

    async def _call(self, method: str, names: Sequence[str]) -> list[Any]:
        return await self._all(method, list(names))

    async def _all(self, method: str, *arguments: Any) -> list[Any]:
        return [answer for ranks in await self._by_engine(method, *arguments) for answer in ranks]

    async def _by_engine(self, method: str, *arguments: Any) -> list[list[Any]]:
        """Call a method of every worker. Return the answers of the ranks of each data parallel engine. Raises EngineFailure."""
        call = self._client.engine_core.call_utility_all_async("collective_rpc", method, LOAD_S, arguments, None)
        try:
            # vLLM hands its timeout to the engine's process, which may hang itself. (`wait_for` of Python 3.11 may lose a
            # cancellation.)
            async with asyncio.timeout(LOAD_S):
                return [list(ranks) for ranks in await call]
        except Exception as error:
            raise EngineFailure(f"an engine worker failed in {method}: {type(error).__name__}: {error}") from error


class _Proving:
    """The application for requests of the proof: the door lets them pass, and they have vLLM's key."""

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self._app = app
        self._headers = [(b"authorization", f"Bearer {key}".encode())] if key else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._app({**scope, PROVING: True, "headers": [*scope["headers"], *self._headers]}, receive, send)
