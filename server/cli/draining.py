"""A uvicorn server that lets requests in progress end before it stops."""

from __future__ import annotations

import asyncio
import logging
import socket
from types import FrameType

import uvicorn

from server.http.draining import Draining

logger = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """Stops in two steps after a signal: first it drains (`server.http.draining`), then uvicorn shuts down.

    uvicorn by itself closes its listener at once, so no load balancer would learn from /ready that the server is to stop. A
    second signal stops at once. As with uvicorn, the process ends by the signal that it got.
    """

    def __init__(self, config: uvicorn.Config, seconds: float) -> None:
        """Serve `config`. Requests in progress may take `seconds` once the server is to stop."""
        super().__init__(config)
        self.draining = Draining()
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def _serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super()._serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, or stop at once if this is the second signal."""
        if self._loop is None or self.draining.begun:
            super().handle_exit(sig, frame)
            return
        self._captured_signals.append(sig)
        self.draining.begun = True
        # A signal handler runs between two instructions of any code, so the loop does the rest.
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        logger.info("the server is to stop: requests in progress may take %g s", self._seconds)
        try:
            if not await self.draining.finish(self._seconds):
                logger.warning("requests were ended after %g s because the server is to stop", self._seconds)
        finally:
            self.should_exit = True
