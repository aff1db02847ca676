"""A server in this process whose policy is replaced while it runs: no other policy needs another engine."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from evaluation.answers.asking import import_policy
from evaluation.demo.served import ENGINE
from evaluation.demo.server import demo_server
from server.errors import EngineFailure
from server.service import Service

_CALIBRATION_S = 300.0


class Serving:
    """A running server under one policy after the other.

    Attributes:
        app: The server's application.
        service: Its service.
    """

    def __init__(self, app: FastAPI, policy: str) -> None:
        """Take a server that enforces the targets of `policy`, a policy file's text."""
        self.app = app
        self.service: Service = app.state.service
        self._policy = policy
        self._calibration: object = None

    async def enforce(self, policy: str) -> None:
        """Import another policy, and wait until detection is calibrated with it. Raises EngineFailure.

        The policy that is in force changes nothing, and no calibration would follow.
        """
        if policy != self._policy:
            await import_policy(self.app, policy)
            self._policy = policy
            await self.calibrated()

    async def calibrated(self) -> None:
        """Wait until detection is calibrated anew, as it soon is in service. Raises EngineFailure.

        Where the settings switch calibration off there is none, and nothing to wait for.
        """
        if not self.service.settings.miss_rate:
            return
        started = time.monotonic()
        while (found := self.service.running.recalibration.calibration) is self._calibration:
            if time.monotonic() - started > _CALIBRATION_S:
                raise EngineFailure(f"detection was not calibrated within {_CALIBRATION_S:g} s")
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)  # a moment later it is in force
        self._calibration = found


@asynccontextmanager
async def serving(model: str, policy: str, engine: Sequence[str] = ENGINE) -> AsyncIterator[Serving]:
    """Start the server on a model, and yield it when it enforces a policy and detection is calibrated.

    Args:
        model: The model's folder.
        policy: The policy file's text.
        engine: vLLM's arguments.

    Raises:
        EngineFailure: Detection is not calibrated.
        Exception: Whatever keeps the server from starting.
    """
    with tempfile.TemporaryDirectory(prefix="policy-") as made:
        path = Path(made) / "policy.yaml"
        path.write_text(policy, encoding="utf-8")
        async with demo_server(model, path, engine) as app:
            served = Serving(app, policy)
            await served.calibrated()
            yield served
