"""The endpoint plugin with which a stock `vllm serve` becomes an engine of a fleet.

Its entry point is `guard` in the group `vllm.endpoint_plugins`; vLLM loads it only if `VLLM_PLUGINS` names it.

Written against vLLM 0.32 (`vllm.plugins.endpoint_plugins.interface`).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from server.fleet.door import Door, Doorkeeper


class GuardPlugin:
    """Shuts the engine's application until the front end has let the engine in, and keeps it in the fleet."""

    name = "guard"
    required_tasks = ("generate",)

    def __init__(self) -> None:
        self._door = Door()
        self._app: Any = None
        self._agent: Any = None
        self._running: asyncio.Task[None] | None = None

    def attach_router(self, app: Starlette) -> None:
        """Put the door in front of all routes of vLLM's application."""
        self._app = app
        app.add_middleware(Doorkeeper, door=self._door, leave=self._leave)

    async def init_state(self, engine_client: Any, state: Any, args: Any) -> None:
        """Begin to prove the engine and to join the fleet. Raises ValueError if an argument or a variable is missing or wrong."""
        from guard.processors.tokenizer import model_ends
        from guard.tokens.cache import digest_of
        from server.engine.described import describe
        from server.fleet.agent import Agent
        from server.fleet.arguments import check_arguments, served_names
        from server.fleet.client import FrontEnds
        from server.fleet.local import LocalEngine
        from server.fleet.options import Options

        options = Options.read(os.environ)
        folder = check_arguments(args)
        template = await asyncio.to_thread(_template, args.chat_template)
        keys = getattr(args, "api_key", None) or [os.environ.get("VLLM_API_KEY") or None]
        engine = await asyncio.to_thread(LocalEngine, self._app, engine_client, template, keys[0])
        digest = digest_of(await asyncio.to_thread(engine.tokens))
        ends = model_ends(engine_client.get_tokenizer(), engine_client.model_config)
        about = describe(engine, served_names(args), digest, ends)
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        self._agent = Agent(engine, FrontEnds(options), self._door, folder, about)
        self._running = asyncio.create_task(self._agent.run(), name="guard agent")

    async def _leave(self) -> None:
        """Leave the fleet: the application stops."""
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            await self._agent.leave()


def _template(chosen: str | Path | None) -> str | None:
    from vllm.renderers.chat_utils import load_chat_template

    template: str | None = load_chat_template(chosen)
    return template
