"""The demo server in this process, for measurements."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from evaluation.demo import POLICY
from evaluation.demo.served import ENGINE
from server.app import create_app
from server.settings import Settings


@asynccontextmanager
async def demo_server(model: str, policy: Path = POLICY, engine: Sequence[str] = ENGINE) -> AsyncIterator[FastAPI]:
    """Start the demo server on the model in the folder `model`, and yield its application when it enforces the policy.

    Args:
        model: The model's folder.
        policy: The policy file.
        engine: vLLM's arguments.

    Raises:
        Exception: whatever keeps the server from starting.
    """
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(model=model, policy=policy, data_dir=Path(folder), vllm_args=tuple(engine)))
        async with app.router.lifespan_context(app):
            await app.state.service.settled()
            yield app
